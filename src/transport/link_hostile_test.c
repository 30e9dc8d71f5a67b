/* SPDX-License-Identifier: MIT */
/* What is said on a connection by peers that die, or say something else. Over
 * unix: and tcp: alike. */
#include "transport/link_test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/frame.h"

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
	socklen_t len;
	struct sockaddr_un addr = address_of(url, &len);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct via__end *tx;

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	tx = end_sender(url);
	*ret_fd = accept(listener, NULL, NULL);
	assert_true(*ret_fd >= 0);
	close(listener);
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

static const struct CMUnitTest tests[] = {
	CHECK_TEST(half_of_a_killed_sender_is_dropped),
	CHECK_TEST(a_killed_sender_has_said_what_it_said),
	CHECK_TEST(a_sender_notices_a_killed_receiver),
	CHECK_TEST(a_wrong_peer_is_cut_off_and_the_others_stay),
	CHECK_TEST(garbage_is_told_from_frames),
	CHECK_TEST(half_a_frame_is_dropped),
	CHECK_TEST(a_gap_is_seen),
	CHECK_TEST(a_sender_recognizes_a_stranger),
	CHECK_TEST(a_refusal_is_understood),
};
CHECK_MAIN(tests)
