/* SPDX-License-Identifier: MIT */
/* A duplex end: each direction ends by itself, and may be a thread's own, while
 * both fail: what each is told is its own. For ThreadSanitizer above all. */
#include "tests/check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

/* Long enough for a loaded machine; only a failing test waits for it. */
#define PATIENCE via_deadline(INT64_C(20000000000))

enum {
	MESSAGES = 2000,
	ROUNDS = 50,
	MAX = 64
};

static const char *url_of(const char *options)
{
	static char url[64];

	(void)snprintf(url, sizeof(url), "unix:@via-duplex-test-%d?%s",
		       (int)getpid(), options);
	return url;
}

static struct via_channel *open_end(const char *url, unsigned int role)
{
	struct via_channel *ch = NULL;
	struct via_error err = {0};

	if (via_open(url, role | VIA_DUPLEX, PATIENCE, &ch, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	return ch;
}

/* Run these two at once, each with its end; both return 0. cmocka's assertions
 * work in the thread that runs the test only. */
struct job {
	int (*run)(struct via_channel *ch);
	struct via_channel *ch;
	pthread_t thread;
	int result;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->result = job->run(job->ch);
	return NULL;
}

static void run_jobs(struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_job,
						&jobs[i]),
				 0);
	for (size_t i = 0; i < n; i++)
		pthread_join(jobs[i].thread, NULL);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(jobs[i].result, 0);
}

/* --- Failures that the end survives --- */

static int say(struct via_channel *ch)
{
	static const char long_one[MAX + 1];

	for (int i = 0; i < MESSAGES; i++) {
		int r = via_send(ch, long_one, sizeof(long_one), PATIENCE);

		if (r != -EMSGSIZE)
			return -1;
		r = via_send(ch, &i, sizeof(i), VIA_NO_WAIT);
		if (r == -EAGAIN)
			r = via_send(ch, &i, sizeof(i), PATIENCE);
		if (r < 0)
			return r;
	}
	return 0;
}

static int hear(struct via_channel *ch)
{
	for (int i = 0; i < MESSAGES; i++) {
		int got;
		ssize_t r = via_recv(ch, &got, 1, VIA_NO_WAIT);

		if (r == -EAGAIN)
			r = via_recv(ch, &got, 1, PATIENCE);
		if (r != -EMSGSIZE)
			return -1;
		r = via_recv(ch, &got, sizeof(got), VIA_NO_WAIT);
		if (r != sizeof(got) || got != i)
			return -1;
	}
	return 0;
}

static void both_directions_fail_and_go_on(void **state)
{
	struct via_channel *a = open_end(url_of("max=64"), VIA_RECV);
	struct via_channel *b = open_end(via_url(a), VIA_SEND);
	struct job jobs[] = {{say, a}, {hear, a}, {say, b}, {hear, b}};
	struct via_stats stats;

	(void)state;
	run_jobs(jobs, 4);
	assert_int_equal(via_last_error(a)->code, -EMSGSIZE);
	via_stats(a, &stats);
	assert_int_equal(stats.sent, MESSAGES);
	assert_int_equal(stats.received, MESSAGES);
	via_close(b, VIA_NO_WAIT);
	via_close(a, VIA_NO_WAIT);
}

/* --- Failures that end it --- */

static int send_until_gone(struct via_channel *ch)
{
	int r;

	while ((r = via_send(ch, "x", 1, PATIENCE)) == 0)
		;
	/* As it is found out first: the peer has left, or talked nonsense. */
	return r == -EPIPE || r == -EPROTO ? 0 : -1;
}

static int recv_until_nonsense(struct via_channel *ch)
{
	char c;

	return via_recv(ch, &c, 1, PATIENCE) == -EPROTO ? 0 : -1;
}

static void a_stranger_leaves_both_directions(void **state)
{
	static const char nonsense[] = "220 smtp.example.org ready, speak up\r";

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct via_channel *raw = open_end(url_of("raw"), VIA_RECV);
		struct via_channel *ch = open_end(url_of(""), VIA_SEND);
		struct job jobs[] = {{send_until_gone, ch},
				     {recv_until_nonsense, ch}};

		assert_int_equal(
			via_send(raw, nonsense, sizeof(nonsense), PATIENCE), 0);
		via_close(raw, VIA_NO_WAIT);
		run_jobs(jobs, 2);
		assert_true(*via_last_error(ch)->text);
		via_close(ch, VIA_NO_WAIT);
	}
}

/* --- The end of one direction --- */

enum {
	ANSWERS = 4,
	LEN = 512 << 10 /* more than a Unix socket holds */
};

/* Answers a message with several, and the end with its own. */
static int echo(struct via_channel *ch)
{
	static char buf[LEN];
	ssize_t n;

	while ((n = via_recv(ch, buf, sizeof(buf), PATIENCE)) >= 0)
		for (int i = 0; i < ANSWERS; i++) {
			int r = via_send(ch, buf, (size_t)n, PATIENCE);

			if (r < 0)
				return r;
		}
	return n == -EPIPE ? via_finish(ch, PATIENCE) : (int)n;
}

/* The answers come while the finish waits. */
static int ask_finish_and_hear(struct via_channel *ch)
{
	static char buf[LEN];
	struct pollfd pfd;

	if (via_pollfd(ch, VIA_RECV, &pfd) < 0)
		return -1;
	if (via_send(ch, buf, LEN, PATIENCE) < 0)
		return -1;
	if (via_finish(ch, PATIENCE) < 0)
		return -1;
	for (int i = 0; i < ANSWERS; i++) {
		struct via_msg msg;

		/* Also what is kept makes the descriptor ready. */
		if (poll(&pfd, 1, 0) != 1 && poll(&pfd, 1, 20000) != 1)
			return -1;
		if (via_take(ch, &msg, PATIENCE) < 0 || msg.len != LEN)
			return -1;
	}
	return via_recv(ch, buf, LEN, PATIENCE) == -EPIPE ? 0 : -1;
}

static const char *const types[] = {"type=stream", "type=seqpacket"};

static void an_end_that_has_finished_hears_the_rest(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct via_channel *a = open_end(url_of(types[i / 2]),
						 VIA_RECV);
		struct via_channel *b = open_end(via_url(a), VIA_SEND);
		struct job jobs[] = {
			{echo, i % 2 ? a : b},
			{ask_finish_and_hear, i % 2 ? b : a},
		};

		run_jobs(jobs, 2);
		assert_int_equal(via_close(b, PATIENCE), 0);
		assert_int_equal(via_close(a, PATIENCE), 0);
	}
}

static int say_and_finish(struct via_channel *ch)
{
	for (int i = 0; i < MESSAGES; i++) {
		int r = via_send(ch, &i, sizeof(i), PATIENCE);

		if (r < 0)
			return r;
	}
	int r = via_finish(ch, VIA_NO_WAIT);

	return r == -EAGAIN ? via_flush(ch, PATIENCE) : r;
}

static int hear_to_the_end(struct via_channel *ch)
{
	for (int i = 0;; i++) {
		int got;
		ssize_t r = via_recv(ch, &got, sizeof(got), PATIENCE);

		if (r == -EPIPE)
			return i == MESSAGES ? 0 : -1;
		if (r != sizeof(got) || got != i)
			return -1;
	}
}

static void each_thread_ends_its_direction(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct via_channel *a = open_end(url_of(types[i]), VIA_RECV);
		struct via_channel *b = open_end(via_url(a), VIA_SEND);
		struct job jobs[] = {
			{say_and_finish, a},
			{hear_to_the_end, a},
			{say_and_finish, b},
			{hear_to_the_end, b},
		};

		run_jobs(jobs, 4);
		assert_int_equal(via_close(b, PATIENCE), 0);
		assert_int_equal(via_close(a, PATIENCE), 0);
	}
}

static void a_message_that_did_not_fit_comes_before_waiting(void **state)
{
	struct via_channel *a = open_end(url_of(""), VIA_RECV);
	struct via_channel *b = open_end(via_url(a), VIA_SEND);
	char buf[5];

	(void)state;
	assert_int_equal(via_send(b, "long", 5, PATIENCE), 0);
	assert_int_equal(via_recv(a, buf, 1, PATIENCE), -EMSGSIZE);
	assert_int_equal(via_finish(a, PATIENCE), -EBUSY);
	assert_int_equal(via_finish(a, VIA_NO_WAIT), 0);
	assert_int_equal(via_recv(a, buf, sizeof(buf), PATIENCE), 5);
	assert_string_equal(buf, "long");
	via_close(b, VIA_NO_WAIT);
	via_close(a, VIA_NO_WAIT);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(an_end_that_has_finished_hears_the_rest),
	CHECK_TEST(each_thread_ends_its_direction),
	CHECK_TEST(a_message_that_did_not_fit_comes_before_waiting),
	CHECK_TEST(both_directions_fail_and_go_on),
	CHECK_TEST(a_stranger_leaves_both_directions),
};
CHECK_MAIN(tests)
