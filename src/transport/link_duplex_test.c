/* SPDX-License-Identifier: MIT */
/* Connections that carry both directions, each of which ends by itself. Over
 * unix: and tcp: alike. */
#include "transport/link_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/frame.h"

/* a binds, b connects, and each knows of the other. */
static void open_both(char url[128], struct via__end **a, struct via__end **b)
{
	*a = receiver(url, VIA_RECV | VIA_DUPLEX);
	*b = end_open(url, VIA_SEND | VIA_DUPLEX);
	assert_int_equal(end_connect(*b), 0);
	assert_int_equal(end_greet(*a), 0);
	assert_int_equal(end_greet(*b), 0);
}

#define FOR_EACH_KIND_AND_ORDER(url)                                           \
	char url[128];                                                         \
	for (size_t kind_ = 0; next_kind(kind_ / 2, url); kind_++)

/* The two ends in the order in which they finish. */
static void open_in_order(size_t i, char url[128], struct via__end *ret[2])
{
	open_both(url, &ret[i % 2], &ret[1 - i % 2]);
}

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
		end_close(b);
		end_expect_code(a, -EPIPE);
		end_close(a);
	}
}

/* --- The end of one direction --- */

static void the_other_direction_goes_on(void **state)
{
	(void)state;
	FOR_EACH_KIND_AND_ORDER(url)
	{
		struct via__end *ends[2], *first, *then;

		open_in_order(kind_, url, ends);
		first = ends[0];
		then = ends[1];
		assert_int_equal(end_send_text(first, "the last"), 0);
		assert_int_equal(first->transport->finish(first), -EAGAIN);
		end_expect(then, "the last");
		assert_int_equal(first->transport->finish(first), -EAGAIN);
		end_expect_code(then, -EPIPE);
		assert_int_equal(end_finish(first), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(end_send_text(then, "more"), 0);
			end_expect(first, "more");
		}
		assert_int_equal(then->transport->finish(then), -EAGAIN);
		end_expect_code(first, -EPIPE);
		assert_int_equal(end_finish(then), 0);
		end_close(first);
		end_close(then);
	}
}

static void nothing_is_sent_after_the_end(void **state)
{
	(void)state;
	FOR_EACH_KIND_AND_ORDER(url)
	{
		struct via__end *ends[2];
		const struct iovec msg = {(char *)"x", 1};

		open_in_order(kind_, url, ends);
		assert_int_equal(ends[0]->transport->half_close(ends[0]), 0);
		assert_int_equal(end_send_text(ends[0], "x"), -EPIPE);
		assert_int_equal(
			ends[0]->transport->send_batch(ends[0], &msg, 1),
			-EPIPE);
		end_expect_code(ends[1], -EPIPE);
		assert_int_equal(end_finish(ends[0]), 0);
		end_close(ends[0]);
		end_close(ends[1]);
	}
}

/* The one comes to the end while the other, who has said it, waits. */
static void expect_end_of(struct via__end *finishes, struct via__end *end)
{
	struct via__in in = {0};
	int r;

	end->transport->release(end);
	while ((r = end->transport->recv(end, &in)) == -EAGAIN)
		assert_int_equal(finishes->transport->finish(finishes),
				 -EAGAIN);
	assert_int_equal(r, -EPIPE);
	assert_int_equal(end_finish(finishes), 0);
}

enum {
	BIG = 16 << 20 /* more than any socket buffers here */
};

/* Messages are on their way against the finish, the last of them half out. */
static void finish_reads_past_what_still_comes(void **state)
{
	char *big = malloc(BIG);

	(void)state;
	memset(big, 'b', BIG);
	FOR_EACH_KIND_AND_ORDER(url)
	{
		struct via__out out = {.data = big, .len = BIG};
		struct via__in in = {0};
		struct via__end *ends[2], *first, *then;
		int r;

		open_in_order(kind_, url, ends);
		first = ends[0];
		then = ends[1];
		assert_int_equal(end_send_text(then, "short"), 0);
		assert_int_equal(then->transport->send(then, &out), -EAGAIN);
		assert_int_equal(end_send_text(first, "the last"), 0);
		while ((r = then->transport->send(then, &out)) == -EAGAIN)
			assert_int_equal(first->transport->finish(first),
					 -EAGAIN);
		assert_int_equal(r, 0);
		end_expect(then, "the last");
		expect_end_of(first, then);
		/* What is kept is not delivered. */
		assert_int_equal(then->transport->finish(then), -EAGAIN);
		end_expect(first, "short");
		assert_int_equal(end_recv(first, &in), 0);
		assert_int_equal(in.len, BIG);
		assert_memory_equal(in.data, big, BIG);
		assert_int_equal(then->transport->finish(then), -EAGAIN);
		end_expect_code(first, -EPIPE);
		assert_int_equal(end_finish(then), 0);
		end_close(first);
		end_close(then);
	}
	free(big);
}

/* The end is told in the middle of a message that goes the other way: DONE
 * waits for its rest. */
static void done_waits_for_a_message_begun(void **state)
{
	char *big = malloc(BIG);

	(void)state;
	memset(big, 'b', BIG);
	FOR_EACH_KIND_AND_ORDER(url)
	{
		struct via__out out = {.data = big, .len = BIG};
		struct via__end *ends[2], *first, *then;

		open_in_order(kind_, url, ends);
		first = ends[0];
		then = ends[1];
		assert_int_equal(then->transport->send(then, &out), -EAGAIN);
		assert_true(out.begun);
		assert_int_equal(first->transport->half_close(first), 0);
		end_expect_code(then, -EPIPE);
		while (then->transport->send(then, &out) == -EAGAIN)
			assert_int_equal(first->transport->finish(first),
					 -EAGAIN);
		while (then->transport->flush(then) == -EAGAIN)
			assert_int_equal(first->transport->finish(first),
					 -EAGAIN);
		assert_int_equal(end_finish(first), 0);
		end_close(first);
		end_close(then);
	}
	free(big);
}

static void what_finish_keeps_is_bounded(void **state)
{
	enum {
		LEN = 1 << 20
	};
	char *text = calloc(1, LEN);

	(void)state;
	FOR_EACH_KIND_AND_ORDER(url)
	{
		struct via__out out = {.data = text, .len = LEN};
		struct via__end *ends[2];
		struct pollfd pfd;
		size_t sent = 0, got = 0;
		int idle = 0;

		open_in_order(kind_, url, ends);
		ends[0]->max = 2 * LEN;
		while (idle < 100) {
			int r = ends[1]->transport->send(ends[1], &out);

			if (r == -EAGAIN) {
				idle++;
			} else {
				assert_int_equal(r, 0);
				sent++;
				out.done = 0;
				out.begun = false;
				assert_true(sent < 20);
			}
			assert_int_equal(ends[0]->transport->finish(ends[0]),
					 -EAGAIN);
		}
		/* Full, it does not ask to be woken by more. */
		assert_int_equal(
			ends[0]->transport->pollfd(ends[0], VIA_RECV, &pfd), 0);
		assert_int_equal(via__poll(&pfd, 1, VIA_NO_WAIT), 0);
		for (; got < sent; got++) {
			struct via__in in = {0};

			assert_int_equal(end_recv(ends[0], &in), 0);
			assert_int_equal(in.len, LEN);
			(void)ends[1]->transport->send(ends[1], &out);
		}
		end_close(ends[0]);
		end_close(ends[1]);
	}
	free(text);
}

static void descriptors_are_kept_too(void **state)
{
	static const char *const types[] = {"stream", "seqpacket"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct via__end *ends[2];
		struct via_msg info;
		struct via__in in = {.info = &info};
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		struct via__out out = {.data = "fd", .len = 2, .fds = &fd};
		char url[128];

		(void)snprintf(url, sizeof(url),
			       "unix:@via-link-duplex-%d?type=%s",
			       (int)getpid(), types[i / 2]);
		open_in_order(i, url, ends);
		for (int n = 0; n < 2; n++) {
			out.n_fds = 1;
			out.done = 0;
			out.begun = false;
			assert_int_equal(
				ends[1]->transport->send(ends[1], &out), 0);
		}
		assert_int_equal(ends[0]->transport->finish(ends[0]), -EAGAIN);
		assert_int_equal(end_recv(ends[0], &in), 0);
		assert_int_equal(info.n_fds, 1);
		assert_true(fcntl(info.fds[0], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(info.pid, getpid());
		close(info.fds[0]);
		close(fd);
		end_close(ends[0]); /* and the other descriptor with it */
		end_close(ends[1]);
	}
}

static void both_may_finish_at_once(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a, *b;
		int ra = -EAGAIN, rb = -EAGAIN;

		open_both(url, &a, &b);
		assert_int_equal(end_send_text(b, "to a"), 0);
		end_expect(a, "to a");
		a->transport->release(a);
		assert_int_equal(end_send_text(a, "to b"), 0);
		end_expect(b, "to b");
		b->transport->release(b);
		while (ra == -EAGAIN || rb == -EAGAIN) {
			if (ra == -EAGAIN)
				ra = a->transport->finish(a);
			if (rb == -EAGAIN)
				rb = b->transport->finish(b);
		}
		assert_int_equal(ra, 0);
		assert_int_equal(rb, 0);
		end_expect_code(a, -EPIPE);
		end_expect_code(b, -EPIPE);
		end_close(a);
		end_close(b);
	}
}

/* Closing ends both directions, and says how far the other's messages came. */
static void both_may_close_at_once(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a, *b;
		int ra = -EAGAIN, rb = -EAGAIN;

		open_both(url, &a, &b);
		assert_int_equal(end_send_text(a, "taken"), 0);
		end_expect(b, "taken");
		b->transport->release(b);
		assert_int_equal(end_send_text(a, "lost"), 0);
		a->closing = b->closing = true;
		while (ra == -EAGAIN || rb == -EAGAIN) {
			if (ra == -EAGAIN)
				ra = a->transport->finish(a);
			if (rb == -EAGAIN)
				rb = b->transport->finish(b);
		}
		assert_int_equal(ra, -EPIPE);
		assert_non_null(strstr(a->error.text, "1 of 2"));
		assert_int_equal(rb, 0);
		end_close(a);
		end_close(b);
	}
}

/* --- The next peer --- */

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

static void the_next_comes_when_both_have_ended(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *b[2];

		for (int i = 0; i < 2; i++) {
			b[i] = end_open(url, VIA_SEND | VIA_DUPLEX);
			assert_int_equal(end_connect(b[i]), 0);
		}
		for (int i = 0; i < 2; i++) {
			assert_int_equal(end_send_text(b[i], "ask"), 0);
			end_expect(a, "ask");
			assert_int_equal(b[i]->transport->half_close(b[i]), 0);
			end_expect_code(a, -EPIPE);
			end_expect_quiet(a);
			assert_int_equal(end_send_text(a, "answer"), 0);
			assert_int_equal(a->transport->half_close(a), 0);
			end_expect(b[i], "answer");
			end_expect_code(b[i], -EPIPE);
			assert_int_equal(end_finish(b[i]), 0);
			assert_int_equal(end_finish(a), 0);
		}
		/* Though none of them has closed. */
		assert_int_equal(a->stats.joined, 2);
		assert_int_equal(a->stats.left, 2);
		end_close(b[0]);
		end_close(b[1]);
		end_close(a);
	}
}

/* A peer that leaves without what was sent to it is not forgotten. */
static void one_who_left_too_early_is_told_of(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a, *b;

		open_both(url, &a, &b);
		assert_int_equal(end_send_text(a, "one"), 0);
		end_expect(b, "one");
		b->transport->release(b);
		b->closing = true;
		assert_int_equal(b->transport->finish(b), -EAGAIN);
		assert_int_equal(end_send_text(a, "two"), 0);
		end_expect_code(a, -EPIPE);
		assert_int_equal(end_finish(b), 0);
		end_close(b);
		end_expect_quiet(a);
		assert_int_equal(end_finish(a), -EPIPE);
		assert_non_null(strstr(a->error.text, "1 of 2"));
		assert_int_equal(end_finish(a), 0); /* told once */
		end_close(a);
	}
}

/* --- Peers of another kind --- */

static void a_plain_sender_meets_a_duplex_receiver(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		struct via__end *tx = end_sender(url);

		assert_int_equal(end_send_text(tx, "plain"), 0);
		end_expect(a, "plain");
		assert_int_equal(a->transport->half_close(a), 0);
		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		end_expect_code(a, -EPIPE);
		assert_int_equal(end_finish(tx), 0);
		assert_int_equal(end_finish(a), 0);
		end_close(tx);
		end_close(a);
	}
}

static void a_plain_receiver_meets_a_duplex_sender(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);

		assert_int_equal(end_connect(b), 0);
		assert_int_equal(end_send_text(b, "duplex"), 0);
		assert_int_equal(b->transport->finish(b), -EAGAIN);
		end_expect(rx, "duplex");
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(b), 0);
		end_expect_code(b, -EPIPE);
		end_close(b);
		end_close(rx);
	}
}

static void the_ends_of_a_pair_may_be_duplex(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	char url[2][32];

	for (int i = 0; i < 2; i++)
		(void)snprintf(url[i], sizeof(url[i]), "unix:?fd=%d", fds[i]);
	struct via__end *a = end_open(url[0], VIA_RECV | VIA_DUPLEX);
	struct via__end *b = end_open(url[1], VIA_SEND | VIA_DUPLEX);

	assert_int_equal(end_send_text(b, "ask"), 0);
	assert_int_equal(b->transport->finish(b), -EAGAIN);
	end_expect(a, "ask");
	end_expect_code(a, -EPIPE);
	assert_int_equal(end_finish(b), 0);
	assert_int_equal(end_send_text(a, "answer"), 0);
	assert_int_equal(a->transport->half_close(a), 0);
	end_expect(b, "answer");
	end_expect_code(b, -EPIPE);
	assert_int_equal(end_finish(a), 0);
	end_close(a);
	end_close(b);
}

/* --- Death --- */

/* A child that connects, ends its direction and waits to be killed. */
static pid_t finish_and_wait(const char *url)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	struct via__end *b = end_open(url, VIA_SEND | VIA_DUPLEX);

	if (end_connect(b) || end_send_text(b, "last words") ||
	    b->transport->half_close(b))
		_exit(1);
	for (;;)
		pause();
}

static void a_kill_after_the_end_is_noticed(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		pid_t pid = finish_and_wait(url);
		int r;

		end_expect(a, "last words");
		end_expect_code(a, -EPIPE);
		end_expect_quiet(a);
		assert_int_equal(end_send_text(a, "lost"), 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		do
			r = end_send_text(a, "x");
		while (!r);
		assert_int_equal(r, -EPIPE);
		assert_int_equal(end_finish(a), -EPIPE);
		end_close(a);
	}
}

/* --- Hostile peers --- */

#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)

static const struct {
	const char *what;
	struct via__frame frames[4]; /* a zero one ends them */
} wrong[] = {
	{"a message after the end",
	 {{.flags = VIA__FRAME_HELLO, .sender = 7},
	  {.flags = VIA__FRAME_END, .sender = 7},
	  {.flags = WHOLE, .sender = 7}}},
	{"the end again",
	 {{.flags = VIA__FRAME_HELLO, .sender = 7},
	  {.flags = VIA__FRAME_END, .sender = 7},
	  {.flags = VIA__FRAME_END, .sender = 7}}},
	{"the end of more than came",
	 {{.flags = VIA__FRAME_HELLO, .sender = 7},
	  {.flags = VIA__FRAME_END, .sender = 7, .seq = 1}}},
	{"the end in the middle of a message",
	 {{.flags = VIA__FRAME_HELLO, .sender = 7},
	  {.flags = VIA__FRAME_FIRST, .sender = 7, .total = 1},
	  {.flags = VIA__FRAME_END, .sender = 7}}},
	{"the end before a greeting", {{.flags = VIA__FRAME_END, .sender = 7}}},
};

static void write_frames(int fd, const struct via__frame *f)
{
	uint8_t buf[4 * VIA__FRAME_LEN];
	size_t n = 0;

	for (; f->flags; f++, n += VIA__FRAME_LEN)
		via__frame_put(f, buf + n);
	assert_int_equal(write(fd, buf, n), (ssize_t)n);
}

/* By recv, and by finish. */
static void a_wrong_end_is_an_error(void **state)
{
	char url[128];

	(void)state;
	assert_true(next_kind(0, url));
	for (size_t i = 0; i < 2 * sizeof(wrong) / sizeof(*wrong); i++) {
		struct via__end *a = receiver(url, VIA_RECV | VIA_DUPLEX);
		int fd = stranger(url);
		struct via__in in = {0};
		int r = -EAGAIN;

		print_message("# %s\n", wrong[i / 2].what);
		if (i % 2) {
			end_wait(a, VIA_RECV);
			(void)a->transport->recv(a, &in);
		}
		write_frames(fd, wrong[i / 2].frames);
		if (i % 2)
			r = end_finish(a);
		while (r == -EAGAIN || r == -EPIPE)
			r = end_recv(a, &in);
		assert_int_equal(r, -EPROTO);
		close(fd);
		end_close(a);
	}
}

/* --- Two threads --- */

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
	CHECK_TEST(a_duplex_end_talks_both_ways),
	CHECK_TEST(the_other_direction_goes_on),
	CHECK_TEST(nothing_is_sent_after_the_end),
	CHECK_TEST(finish_reads_past_what_still_comes),
	CHECK_TEST(done_waits_for_a_message_begun),
	CHECK_TEST(what_finish_keeps_is_bounded),
	CHECK_TEST(descriptors_are_kept_too),
	CHECK_TEST(both_may_finish_at_once),
	CHECK_TEST(both_may_close_at_once),
	CHECK_TEST(a_duplex_end_has_one_peer_at_a_time),
	CHECK_TEST(the_next_comes_when_both_have_ended),
	CHECK_TEST(one_who_left_too_early_is_told_of),
	CHECK_TEST(a_plain_sender_meets_a_duplex_receiver),
	CHECK_TEST(a_plain_receiver_meets_a_duplex_sender),
	CHECK_TEST(the_ends_of_a_pair_may_be_duplex),
	CHECK_TEST(a_kill_after_the_end_is_noticed),
	CHECK_TEST(a_wrong_end_is_an_error),
	CHECK_TEST(the_directions_may_be_two_threads),
};
CHECK_MAIN(tests)
