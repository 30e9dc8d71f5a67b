/* SPDX-License-Identifier: MIT */
/*
 * shm: between processes: bells that must not get lost, and peers that are
 * killed, at random and at every instruction of a send.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/step.h"
#include "transport/end_test.h"

#define MESSAGE_MAX ((size_t)200 << 10)

static char url[64];

/* Have a url that nobody else uses. */
static void freshen(const char *options)
{
	static int n;

	(void)snprintf(url, sizeof(url), "shm:process-%d-%d%s", (int)getpid(),
		       n++, options);
}

/* Pseudo-random, the same in both processes. */
static uint64_t dice(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Mostly short, now and then longer than the ring. */
static size_t length(uint64_t i)
{
	uint64_t d = dice(i);

	return d % 50 ? d % 300 : d % MESSAGE_MAX;
}

static void fill(uint8_t *data, size_t len, uint64_t i)
{
	for (size_t at = 0; at < len; at++)
		data[at] = (uint8_t)(dice(i) + at);
}

/* Whole, and the next one: message i. */
static void assert_message(const struct via__in *in, uint64_t i)
{
	const uint8_t *data = in->data;

	assert_int_equal(in->len, length(i));
	for (size_t at = 0; at < in->len; at++)
		if (data[at] != (uint8_t)(dice(i) + at))
			fail_msg("message %ju is torn at byte %zu",
				 (uintmax_t)i, at);
}

/* In the child: send until told otherwise, or for ever. */
static void send_many(uint64_t n)
{
	struct via__end *s = end_sender(url);
	uint8_t *data = malloc(MESSAGE_MAX);

	for (uint64_t i = 0; i < n; i++) {
		fill(data, length(i), i);
		if (end_send(s, data, length(i)))
			_exit(1);
	}
	_exit(end_finish(s) ? 2 : 0);
}

static pid_t start_sender(uint64_t n)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_many(n);
	}
	return child;
}

static int reap(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* Both sides go to sleep whenever there is nothing to do, never spinning: a
 * bell lost shows as a test that hangs. */
static void loses_no_bell(void **state)
{
	static const char *const options[] = {"", "?ring=4K", "?ring=64K"};

	(void)state;
	for (int round = 0; round < 3; round++) {
		freshen(options[round]);
		struct via__end *r = end_open(url, VIA_RECV);
		uint64_t n = round == 1 ? 500 : 4000;
		pid_t child = start_sender(n);

		for (uint64_t i = 0; i < n; i++) {
			struct via__in in = {0};

			assert_int_equal(end_recv(r, &in), 0);
			assert_message(&in, i);
		}
		end_expect_code(r, -EPIPE);
		assert_int_equal(reap(child), 0);
		end_close(r);
	}
}

static void ping_pongs(void **state)
{
	char there[64], back[64];

	(void)state;
	freshen("");
	(void)snprintf(there, sizeof(there), "%s", url);
	freshen("");
	(void)snprintf(back, sizeof(back), "%s", url);
	struct via__end *r = end_open(back, VIA_RECV);
	pid_t child = fork();

	if (child == 0) {
		struct via__end *in_end = end_open(there, VIA_RECV);
		struct via__end *out_end = end_sender(back);

		for (;;) {
			struct via__in in = {0};

			if (end_recv(in_end, &in))
				_exit(0);
			if (end_send(out_end, in.data, in.len))
				_exit(1);
		}
	}
	struct via__end *s = end_sender(there);

	for (int i = 0; i < 3000; i++) {
		assert_int_equal(end_send(s, &i, sizeof(i)), 0);
		struct via__in in = {0};

		assert_int_equal(end_recv(r, &in), 0);
		assert_int_equal(in.len, sizeof(i));
		assert_memory_equal(in.data, &i, sizeof(i));
	}
	end_close(s);
	end_expect_code(r, -EPIPE);
	assert_int_equal(reap(child), 0);
	end_close(r);
}

static void survives_a_killed_sender(void **state)
{
	(void)state;
	freshen("?ring=64K");
	struct via__end *r = end_open(url, VIA_RECV);

	for (uint64_t round = 0; round < 60; round++) {
		pid_t child = start_sender(UINT64_MAX);
		uint64_t n = 0, killed_at = 1 + dice(round) % 400;
		int rc;

		for (;;) {
			struct via__in in = {0};

			if (n == killed_at)
				assert_int_equal(kill(child, SIGKILL), 0);
			rc = end_recv(r, &in);
			if (rc)
				break;
			assert_message(&in, n++);
		}
		assert_int_equal(rc, -EPIPE);
		assert_true(n >= killed_at);
		assert_int_equal(reap(child), SIGKILL);
	}
	assert_int_equal(r->stats.rejected, 0);
	assert_int_equal(r->stats.left, 60);
	print_message("# %ju messages were half sent\n",
		      (uintmax_t)r->stats.dropped);
	end_close(r);
}

/* The sender is awake, or asleep for lack of room, when its receiver dies. */
static void survives_a_killed_receiver(void **state)
{
	uint8_t *data = calloc(1, 5000);

	(void)state;
	for (uint64_t round = 0; round < 60; round++) {
		bool reads = round % 2;
		int ready[2], r;
		char c;

		freshen("?ring=64K");
		assert_int_equal(pipe(ready), 0);
		pid_t child = fork();

		if (child == 0) {
			struct via__end *end = end_open(url, VIA_RECV);

			if (end_greet(end) || write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;) {
				struct via__in in = {0};

				if (!reads)
					pause();
				(void)end_recv(end, &in);
			}
		}
		struct via__end *s = end_sender(url);

		assert_int_equal(read(ready[0], &c, 1), 1);
		for (uint64_t i = 0; i < dice(round) % (reads ? 1000 : 12); i++)
			assert_int_equal(end_send(s, data, 5000), 0);
		assert_int_equal(kill(child, SIGKILL), 0);
		do
			r = end_send(s, data, 5000);
		while (r == 0);
		assert_int_equal(r, -EPIPE);
		end_close(s);
		assert_int_equal(reap(child), SIGKILL);
		close(ready[0]);
		close(ready[1]);
	}
	free(data);
}

/* --- Every instruction --- */

/* In the child: send message 0, stop, send message 1, stop. */
static void send_watched(size_t len)
{
	struct via__end *s = end_sender(url);
	uint8_t *data = malloc(len);

	memset(data, 0xa0, len);
	if (end_send(s, data, len) || end_greet(s))
		_exit(1);
	memset(data, 0xa1, len);
	step_here();
	(void)end_send(s, data, len);
	step_here();
	_exit(0);
}

/* All bytes are of message i. */
static void expect_whole(struct via__end *r, int i, size_t len)
{
	struct via__in in = {0};

	assert_int_equal(end_recv(r, &in), 0);
	assert_int_equal(in.len, len);
	for (size_t at = 0; at < len; at++)
		assert_int_equal(((uint8_t *)in.data)[at], 0xa0 + i);
}

/* Kill a sender after so many steps into its second send. Returns how many
 * steps there were, and counts the message if it was sent. */
static int kill_after(struct via__end *r, size_t len, int steps, int *n_whole)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		send_watched(len);
	expect_whole(r, 0, len);
	step_meet(child);
	/* Asleep, so that sending rings. */
	struct via__in in = {0};

	r->transport->release(r);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	assert_int_equal(r->transport->arm(r, VIA_RECV), 0);
	int taken = step_on(child, steps);

	step_kill(child);
	int rc = end_recv(r, &in);

	if (rc == 0) {
		assert_int_equal(in.len, len);
		for (size_t at = 0; at < len; at++)
			assert_int_equal(((uint8_t *)in.data)[at], 0xa1);
		++*n_whole;
		rc = end_recv(r, &in);
	}
	assert_int_equal(rc, -EPIPE);
	return taken;
}

/* What a machine can single-step in a few seconds. */
#define STEPS_MAX 150000

static void tears_nothing(size_t len)
{
	if (STEP_CANNOT)
		STEP_SKIP();

	int n_whole = 0, points = 0;

	freshen("?ring=4K");
	struct via__end *r = end_open(url, VIA_RECV);
	int total = kill_after(r, len, INT32_MAX, &n_whole);
	/* Each point takes half of the steps on average. */
	int stride = (int)((int64_t)total * total / 2 / STEPS_MAX) + 1;

	assert_int_equal(n_whole, 1);
	for (int steps = 0; steps < total; steps += stride, points++)
		assert_int_equal(kill_after(r, len, steps, &n_whole), steps);
	print_message("# %zu bytes: %d instructions, killed at %d of them, "
		      "%d times it was sent already\n",
		      len, total, points, n_whole - 1);
	assert_true(n_whole - 1 < points);
	assert_int_equal(r->stats.rejected, 0);
	end_close(r);
}

static void tears_no_short_message(void **state)
{
	(void)state;
	tears_nothing(64);
}

static void tears_no_message_in_pieces(void **state)
{
	(void)state;
	tears_nothing(1500);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(loses_no_bell),
	CHECK_TEST(ping_pongs),
	CHECK_TEST(survives_a_killed_sender),
	CHECK_TEST(survives_a_killed_receiver),
	CHECK_TEST(tears_no_short_message),
	CHECK_TEST(tears_no_message_in_pieces),
};
CHECK_MAIN(tests)
