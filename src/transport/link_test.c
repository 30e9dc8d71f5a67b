/* SPDX-License-Identifier: MIT */
/* What is said on a connection: greeting, end, confirmation, and peers that
 * say something else. Over unix: and tcp: alike. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/end_test.h"

/* Where a receiver of each kind is opened; %d is a number of our own. */
static const char *const kinds[] = {
	"unix:@via-link-test-%d",
	"unix:@via-link-test-%d?type=seqpacket",
	"tcp:127.0.0.1:0",
};

#define FOR_EACH_KIND(url)                                                     \
	char url[128];                                                         \
	for (size_t kind_ = 0; next_kind(kind_, url); kind_++)

static bool next_kind(size_t i, char url[128])
{
	if (i == sizeof(kinds) / sizeof(*kinds))
		return false;
	(void)snprintf(url, 128, kinds[i], (int)getpid());
	return true;
}

/* A receiver there; url becomes what senders use. */
static struct via__end *receiver(char url[128], unsigned int role)
{
	struct via__end *end = end_open(url, role);

	if (end->transport->address)
		assert_true(end->transport->address(end, url, 128) > 0);
	return end;
}

static void a_message_arrives_before_any_answer(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(end_send_text(tx, "one"), 0);
		assert_int_equal(end_send_text(tx, ""), 0);
		assert_int_equal(end_send_text(tx, "three"), 0);
		end_expect(rx, "one");
		end_expect(rx, "");
		end_expect(rx, "three");
		end_expect_quiet(rx);
		assert_int_equal(rx->stats.joined, 1);
		end_close(tx);
		end_close(rx);
	}
}

static void both_sides_greet(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx;

		assert_int_equal(rx->transport->greet(rx), -EAGAIN);
		tx = end_sender(url);
		assert_int_equal(tx->transport->greet(tx), -EAGAIN);
		assert_int_equal(end_send_text(tx, "behind the greeting"), 0);
		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(end_greet(tx), 0);
		end_expect(rx, "behind the greeting");
		end_close(tx);
		end_close(rx);
	}
}

static void the_end_is_said_once_and_confirmed(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);

		for (int round = 0; round < 2; round++) {
			struct via__end *tx = end_sender(url);

			assert_int_equal(end_send_text(tx, "x"), 0);
			assert_int_equal(tx->transport->finish(tx), -EAGAIN);
			end_expect(rx, "x");
			end_expect_code(rx, -EPIPE);
			end_expect_quiet(rx);
			assert_int_equal(end_finish(tx), 0);
			end_close(tx);
		}
		assert_int_equal(rx->stats.joined, 2);
		assert_int_equal(rx->stats.left, 2);
		end_close(rx);
	}
}

static void an_empty_stream_ends_too(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(tx), 0);
		end_close(tx);
		end_close(rx);
	}
}

static void what_is_held_is_not_confirmed(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		struct via__in in = {0};

		assert_int_equal(end_send_text(tx, "view"), 0);
		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		assert_int_equal(end_recv(rx, &in), 0);
		for (int i = 0; i < 3; i++) {
			struct via__in more = {0};

			assert_int_equal(rx->transport->recv(rx, &more),
					 -EAGAIN);
			assert_memory_equal(in.data, "view", 4);
		}
		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(tx), 0);
		end_close(tx);
		end_close(rx);
	}
}

static void a_receiver_that_leaves_says_how_far_it_got(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *all = end_sender(url);
		struct via__end *some = end_sender(url);

		assert_int_equal(end_send_text(all, "a"), 0);
		end_expect(rx, "a");
		assert_int_equal(end_send_text(some, "b"), 0);
		end_expect(rx, "b");
		assert_int_equal(end_send_text(some, "c"), 0);
		end_close(rx);
		assert_int_equal(end_finish(all), 0);
		assert_int_equal(end_finish(some), -EPIPE);
		assert_non_null(strstr(some->error.text, "1 of 2"));
		end_close(all);
		end_close(some);
	}
}

static void sending_to_one_who_left_fails(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		int r;

		assert_int_equal(end_send_text(tx, "x"), 0);
		end_expect(rx, "x");
		end_close(rx);
		do /* TCP takes a moment to find out */
			r = end_send_text(tx, "y");
		while (!r);
		assert_int_equal(r, -EPIPE);
		end_close(tx);
	}
}

static void long_messages_come_whole(void **state)
{
	size_t sizes[] = {4096, 65503, 65504, 65505, 65536, 1 << 20, 3 << 20};
	uint8_t *sent = malloc(3 << 20), *got = malloc(3 << 20);

	(void)state;
	for (size_t i = 0; i < 3 << 20; i++)
		sent[i] = (uint8_t)(i * 7 + (i >> 8));
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes);
		     i++) {
			size_t len = sizes[i / 2];
			struct via__out out = {.data = sent, .len = len};
			/* Into the caller's buffer, and to anywhere. */
			struct via__in in = {.buf = i % 2 ? got : NULL,
					     .size = 3 << 20};
			int s = -EAGAIN, r = -EAGAIN;

			rx->transport->release(rx);
			while (s || r) {
				if (s)
					s = tx->transport->send(tx, &out);
				if (r)
					r = rx->transport->recv(rx, &in);
				assert_true(s == 0 || s == -EAGAIN);
				assert_true(r == 0 || r == -EAGAIN);
			}
			assert_int_equal(in.len, len);
			assert_memory_equal(in.data, sent, len);
		}
		end_close(tx);
		end_close(rx);
	}
	free(sent);
	free(got);
}

static void a_batch_is_its_messages(void **state)
{
	enum {
		N = 3000
	};
	static struct iovec msgs[N];
	static char text[N][8];

	(void)state;
	for (int i = 0; i < N; i++) {
		msgs[i].iov_base = text[i];
		msgs[i].iov_len = (size_t)snprintf(text[i], 8, "%d", i);
	}
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		unsigned int sent = 0;

		for (int i = 0; i < N; i++) {
			if (sent < N) {
				int r = tx->transport->send_batch(
					tx, msgs + sent, N - sent);

				assert_true(r > 0 || r == -EAGAIN);
				sent += r > 0 ? (unsigned int)r : 0;
			}
			end_expect(rx, text[i]);
			(void)tx->transport->flush(tx);
		}
		end_close(tx);
		end_close(rx);
	}
}

/* Long and short ones in one packet, into a buffer that is used again. */
static void a_batch_goes_to_the_callers_buffer(void **state)
{
	static const size_t sizes[] = {30000, 30000, 5, 20000, 7, 0, 9};
	enum {
		N = sizeof(sizes) / sizeof(*sizes)
	};
	static char text[N][30000], buf[80000];
	struct iovec msgs[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		memset(text[i], 'a' + (int)i, sizes[i]);
		msgs[i] = (struct iovec){text[i], sizes[i]};
	}
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(end_send(tx, text[0], sizes[0]), 0);
		assert_int_equal(tx->transport->send_batch(tx, msgs + 1, N - 1),
				 N - 1);
		for (size_t i = 0; i < N; i++) {
			struct via__in in = {.buf = buf, .size = sizeof(buf)};

			memset(buf, '!', sizeof(buf));
			assert_int_equal(end_recv(rx, &in), 0);
			assert_int_equal(in.len, sizes[i]);
			assert_memory_equal(in.data, text[i], in.len);
		}
		end_close(tx);
		end_close(rx);
	}
}

/* --- Death --- */

/* Fork a child that runs this and then waits to be killed. */
static pid_t spawn(void (*run)(const char *url), const char *url)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		run(url);
		for (;;)
			pause();
	}
	return pid;
}

static void kill_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int to_parent[2];

static void send_and_begin(const char *url)
{
	static char big[64 << 20]; /* more than any socket buffers */
	struct via__out out = {.data = big, .len = sizeof(big)};
	struct via__end *tx = end_sender(url);

	if (end_send_text(tx, "whole") ||
	    tx->transport->send(tx, &out) != -EAGAIN ||
	    write(to_parent[1], "", 1) != 1)
		_exit(1);
}

static void half_of_a_killed_sender_is_dropped(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		pid_t pid = spawn(send_and_begin, url);
		struct via__in in = {0};

		assert_int_equal(read(to_parent[0], &byte, 1), 1);
		end_expect(rx, "whole");
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
		kill_child(pid);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(rx->stats.dropped, 1);
		end_expect_quiet(rx);
		end_close(rx);
	}
	close(to_parent[0]);
	close(to_parent[1]);
}

static void send_one(const char *url)
{
	if (end_send_text(end_sender(url), "last words") ||
	    write(to_parent[1], "", 1) != 1)
		_exit(1);
}

static void a_killed_sender_has_said_what_it_said(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		pid_t pid = spawn(send_one, url);

		assert_int_equal(read(to_parent[0], &byte, 1), 1);
		kill_child(pid);
		end_expect(rx, "last words");
		end_expect_code(rx, -EPIPE);
		end_close(rx);
	}
	close(to_parent[0]);
	close(to_parent[1]);
}

/* A receiver that says its URL, admits one and stops. */
static void receive_one(const char *url)
{
	char text[128];
	struct via__end *rx;

	(void)snprintf(text, sizeof(text), "%s", url);
	rx = receiver(text, VIA_RECV);
	if (write(to_parent[1], text, sizeof(text)) < 0 || end_greet(rx))
		_exit(1);
}

static void a_sender_notices_a_killed_receiver(void **state)
{
	static char big[64 << 20];

	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__out out = {.data = big, .len = sizeof(big)};
		struct via__end *tx;
		pid_t pid;

		assert_int_equal(pipe(to_parent), 0);
		pid = spawn(receive_one, url);
		assert_int_equal(read(to_parent[0], url, 128), 128);
		tx = end_sender(url);
		assert_int_equal(end_greet(tx), 0);
		assert_int_equal(tx->transport->send(tx, &out), -EAGAIN);
		kill_child(pid);
		assert_int_equal(end_send(tx, big, sizeof(big)), -EPIPE);
		assert_int_equal(end_finish(tx), -EPIPE);
		end_close(tx);
		close(to_parent[0]);
		close(to_parent[1]);
	}
}

/* --- Strangers --- */

/* A connected socket that does not speak via, to an abstract stream name. */
static int stranger(const char *url)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *name = strchr(url, '@') + 1;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    strlen(name));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path + 1, name, strlen(name));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, len), 0);
	return fd;
}

static void put(int fd, const struct via__frame *f, const char *payload)
{
	uint8_t buf[VIA__FRAME_LEN + 64];

	via__frame_put(f, buf);
	memcpy(buf + VIA__FRAME_LEN, payload, strlen(payload));
	assert_int_equal(write(fd, buf, VIA__FRAME_LEN + strlen(payload)),
			 VIA__FRAME_LEN + strlen(payload));
}

#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)

static const struct {
	const char *what;
	struct via__frame frames[3]; /* a zero one ends them */
} wrong[] = {
	{"a message over the limit",
	 {{.flags = VIA__FRAME_FIRST,
	   .len = 4,
	   .sender = 7,
	   .total = 1ull << 40}}},
	{"a number again",
	 {{.flags = WHOLE, .len = 0, .sender = 7, .seq = 3},
	  {.flags = WHOLE, .len = 0, .sender = 7, .seq = 3}}},
	{"two senders on one connection",
	 {{.flags = WHOLE, .len = 0, .sender = 7},
	  {.flags = WHOLE, .len = 0, .sender = 8}}},
	{"a greeting again",
	 {{.flags = VIA__FRAME_HELLO, .sender = 7},
	  {.flags = VIA__FRAME_HELLO, .sender = 7}}},
	{"done before hello", {{.flags = VIA__FRAME_DONE, .sender = 7}}},
	{"the end of what did not begin",
	 {{.flags = VIA__FRAME_LAST, .len = 0, .sender = 7, .total = 0}}},
	{"descriptors that are not there",
	 {{.flags = WHOLE | VIA__FRAME_FDS, .len = 0, .sender = 7}}},
};

/* Receive until something is wrong. */
static int first_error(struct via__end *rx)
{
	struct via__in in = {0};
	int r;

	while (!(r = end_recv(rx, &in)))
		;
	return r;
}

static void a_wrong_peer_is_cut_off_and_the_others_stay(void **state)
{
	char url[128];

	(void)state;
	assert_true(next_kind(0, url));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		char pid[32], byte;
		int fd;

		assert_int_equal(end_send_text(tx, "good"), 0);
		end_expect(rx, "good");
		fd = stranger(url);
		for (const struct via__frame *f = wrong[i].frames; f->flags;
		     f++)
			put(fd, f, f->len == 4 ? "1234" : "");
		print_message("# %s\n", wrong[i].what);
		assert_int_equal(first_error(rx), -EPROTO);
		(void)snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
		assert_non_null(strstr(rx->error.text, pid));
		assert_int_equal(rx->stats.rejected, 1);
		while (read(fd, &byte, 1) == 1)
			; /* HELLO and then the end */
		close(fd);
		assert_int_equal(end_send_text(tx, "better"), 0);
		end_expect(rx, "better");
		end_close(tx);
		end_close(rx);
	}
}

static void garbage_is_told_from_frames(void **state)
{
	static const struct {
		const char *bytes;
		const char *word;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 "does not speak via"},
		{"Vi\2\3............................", "version"},
	};
	char url[128];

	(void)state;
	assert_true(next_kind(0, url));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via__end *rx = receiver(url, VIA_RECV);
		int fd = stranger(url);

		assert_true(write(fd, cases[i].bytes, strlen(cases[i].bytes)) >
			    0);
		assert_int_equal(first_error(rx), -EPROTO);
		assert_non_null(strstr(rx->error.text, cases[i].word));
		end_expect_quiet(rx);
		close(fd);
		end_close(rx);
	}
}

static void half_a_frame_is_dropped(void **state)
{
	struct via__frame f = {
		.flags = WHOLE, .len = 8, .sender = 7, .total = 8};
	struct via__end *rx;
	char url[128];
	int fd;

	(void)state;
	assert_true(next_kind(0, url));
	rx = receiver(url, VIA_RECV);
	fd = stranger(url);
	put(fd, &(struct via__frame){.flags = VIA__FRAME_HELLO, .sender = 7},
	    "");
	put(fd, &f, "1234");
	close(fd);
	end_expect_code(rx, -EPIPE);
	assert_int_equal(rx->stats.dropped, 1);
	end_close(rx);
}

static void a_gap_is_seen(void **state)
{
	struct via__frame f = {.flags = WHOLE, .sender = 7, .seq = 5};
	struct via_msg info;
	struct via__in in = {.info = &info};
	struct via__end *rx;
	char url[128];
	int fd;

	(void)state;
	assert_true(next_kind(0, url));
	rx = receiver(url, VIA_RECV);
	fd = stranger(url);
	put(fd, &f, "");
	assert_int_equal(end_recv(rx, &in), 0);
	assert_int_equal(info.gap, 5);
	assert_int_equal(info.sender, 7);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.uid, getuid());
	close(fd);
	end_close(rx);
}

/* A listener that does not speak via, and a sender connected to it. */
static struct via__end *sender_to_stranger(const char *url, int *ret_fd)
{
	struct via__end *rx = end_open("unix:@via-link-test?raw", VIA_RECV);
	int listener, fd;

	end_close(rx); /* it was only to see that the name is free */
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *name = strchr(url, '@') + 1;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    strlen(name));

	memcpy(addr.sun_path + 1, name, strlen(name));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);

	struct via__end *tx = end_sender(url);

	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	close(listener);
	*ret_fd = fd;
	return tx;
}

static void a_sender_recognizes_a_stranger(void **state)
{
	char url[128];

	(void)state;
	assert_true(next_kind(0, url));
	for (int by_send = 0; by_send < 2; by_send++) {
		int fd;
		struct via__end *tx = sender_to_stranger(url, &fd);
		char bye[] = "220 smtp.example.org ESMTP ready, speak up\r\n";

		assert_int_equal(write(fd, bye, sizeof(bye)), sizeof(bye));
		close(fd);
		if (by_send)
			assert_int_equal(end_send_text(tx, "x"), -EPROTO);
		else
			assert_int_equal(end_greet(tx), -EPROTO);
		assert_non_null(strstr(tx->error.text, "does not speak via"));
		end_close(tx);
	}
}

static void a_refusal_is_understood(void **state)
{
	char url[128];
	static const struct {
		int code, result;
	} cases[] = {
		{-EACCES, -EACCES},
		{-EMFILE, -ECONNREFUSED},
		{-EAGAIN, -ECONNREFUSED},
	};

	(void)state;
	assert_true(next_kind(0, url));
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		int fd;
		struct via__end *tx = sender_to_stranger(url, &fd);
		struct via__frame f = {
			.flags = VIA__FRAME_REFUSE,
			.sender = 7,
			.total = (uint64_t)(int64_t)cases[i / 2].code,
		};

		put(fd, &f, "");
		close(fd);
		assert_int_equal(i % 2 ? end_send_text(tx, "x") : end_greet(tx),
				 cases[i / 2].result);
		end_close(tx);
	}
}

/* --- Both directions --- */

static void a_duplex_end_talks_both_ways(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);
		struct via__out out = {.data = "early", .len = 5};

		assert_int_equal(a->transport->send(a, &out), -EAGAIN);
		assert_int_equal(end_connect(b), 0);
		assert_int_equal(end_send_text(a, "from a"), 0);
		assert_int_equal(end_send_text(b, "from b"), 0);
		end_expect(a, "from b");
		end_expect(b, "from a");
		assert_int_equal(end_send_text(a, "again"), 0);
		assert_int_equal(b->transport->finish(b), -EAGAIN);
		end_expect_code(a, -EPIPE);
		assert_int_equal(end_finish(b), 0);
		end_close(b);
		end_close(a);
	}
}

static void both_may_finish_first(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);
		int ra = -EAGAIN, rb = -EAGAIN;

		assert_int_equal(end_connect(b), 0);
		assert_int_equal(end_send_text(b, "to a"), 0);
		end_expect(a, "to a");
		assert_int_equal(end_send_text(a, "to b"), 0);
		end_expect(b, "to b");
		while (ra == -EAGAIN || rb == -EAGAIN) {
			if (ra == -EAGAIN)
				ra = a->transport->finish(a);
			if (rb == -EAGAIN)
				rb = b->transport->finish(b);
		}
		assert_int_equal(ra, 0);
		assert_int_equal(rb, 0);
		end_close(a);
		end_close(b);
	}
}

static void a_duplex_end_has_one_peer_at_a_time(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);
		struct via__end *c = end_open(url, VIA_SEND | VIA_DUPLEX);

		assert_int_equal(end_connect(b), 0);
		assert_int_equal(end_send_text(b, "b"), 0);
		end_expect(a, "b");
		assert_int_equal(end_connect(c), 0);
		assert_int_equal(end_send_text(c, "c"), 0);
		end_expect_quiet(a);
		assert_int_equal(end_send_text(a, "to b"), 0);
		end_expect(b, "to b");
		end_close(b);
		end_expect_code(a, -EPIPE);
		end_expect(a, "c");
		assert_int_equal(end_send_text(a, "to c"), 0);
		end_expect(c, "to c");
		end_close(c);
		end_close(a);
	}
}

/* No assertions here: cmocka's only work in the thread that runs the test. */
enum {
	CHATTER = 3000
};

static void *say(void *end)
{
	for (int i = 0; i < CHATTER; i++)
		if (end_send(end, &i, sizeof(i)))
			return end;
	return NULL;
}

static void *hear(void *end)
{
	for (int i = 0; i < CHATTER; i++) {
		struct via__in in = {0};

		if (end_recv(end, &in) || memcmp(in.data, &i, sizeof(i)))
			return end;
	}
	return NULL;
}

static void the_directions_may_be_two_threads(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);
		pthread_t threads[4];

		assert_int_equal(end_connect(b), 0);
		pthread_create(&threads[0], NULL, say, a);
		pthread_create(&threads[1], NULL, hear, a);
		pthread_create(&threads[2], NULL, say, b);
		pthread_create(&threads[3], NULL, hear, b);
		for (int i = 0; i < 4; i++) {
			void *failed;

			pthread_join(threads[i], &failed);
			assert_null(failed);
		}
		end_close(b);
		end_expect_code(a, -EPIPE);
		end_close(a);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(a_message_arrives_before_any_answer),
	CHECK_TEST(both_sides_greet),
	CHECK_TEST(the_end_is_said_once_and_confirmed),
	CHECK_TEST(an_empty_stream_ends_too),
	CHECK_TEST(what_is_held_is_not_confirmed),
	CHECK_TEST(a_receiver_that_leaves_says_how_far_it_got),
	CHECK_TEST(sending_to_one_who_left_fails),
	CHECK_TEST(long_messages_come_whole),
	CHECK_TEST(a_batch_is_its_messages),
	CHECK_TEST(a_batch_goes_to_the_callers_buffer),
	CHECK_TEST(half_of_a_killed_sender_is_dropped),
	CHECK_TEST(a_killed_sender_has_said_what_it_said),
	CHECK_TEST(a_sender_notices_a_killed_receiver),
	CHECK_TEST(a_wrong_peer_is_cut_off_and_the_others_stay),
	CHECK_TEST(garbage_is_told_from_frames),
	CHECK_TEST(half_a_frame_is_dropped),
	CHECK_TEST(a_gap_is_seen),
	CHECK_TEST(a_sender_recognizes_a_stranger),
	CHECK_TEST(a_refusal_is_understood),
	CHECK_TEST(a_duplex_end_talks_both_ways),
	CHECK_TEST(both_may_finish_first),
	CHECK_TEST(a_duplex_end_has_one_peer_at_a_time),
	CHECK_TEST(the_directions_may_be_two_threads),
};
CHECK_MAIN(tests)
