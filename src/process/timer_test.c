/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include <via/signal.h>
#include <via/timer.h>

#include "tests/check.h"

#define MS INT64_C(1000000)

static const struct {
	enum via_clock clock;
	clockid_t id;
	bool is_cpu;
} clocks[] = {
	{VIA_CLOCK_MONOTONIC, CLOCK_MONOTONIC, false},
	{VIA_CLOCK_BOOTTIME, CLOCK_BOOTTIME, false},
	{VIA_CLOCK_REALTIME, CLOCK_REALTIME, false},
	{VIA_CLOCK_PROCESS_CPU, CLOCK_PROCESS_CPUTIME_ID, true},
	{VIA_CLOCK_THREAD_CPU, CLOCK_THREAD_CPUTIME_ID, true},
};
#define N_CLOCKS (sizeof(clocks) / sizeof(*clocks))

static struct via_timer *timer_of(size_t i)
{
	struct via_timer *timer;
	struct via_error err;

	assert_int_equal(via_timer_open(clocks[i].clock,
					clocks[i].is_cpu ? SIGRTMIN : 0, &timer,
					&err),
			 0);
	return timer;
}

static int64_t clock_ns(size_t i)
{
	struct timespec ts;

	clock_gettime(clocks[i].id, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* A wait that takes CPU time, for the clocks that go by it. */
static int64_t expirations(struct via_timer *timer)
{
	int64_t n;

	do
		n = via_timer_read(timer, VIA_NO_WAIT);
	while (n == -EAGAIN);
	return n;
}

static void expires_once_and_not_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CLOCKS; i++) {
		struct via_timer *timer = timer_of(i);
		int64_t start = clock_ns(i);

		assert_int_equal(via_timer_left(timer), 0);
		assert_int_equal(via_timer_set(timer, 5 * MS, 0, 0), 0);
		assert_in_range(via_timer_left(timer), 1, 5 * MS);
		assert_int_equal(expirations(timer), 1);
		assert_true(clock_ns(i) - start >= 5 * MS);
		assert_int_equal(via_timer_left(timer), 0);
		assert_int_equal(via_timer_read(timer, VIA_NO_WAIT), -EAGAIN);
		via_timer_close(timer);
	}
}

static void counts_what_the_caller_missed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CLOCKS; i++) {
		struct via_timer *timer = timer_of(i);
		int64_t start = clock_ns(i);

		via_timer_set(timer, 2 * MS, 2 * MS, 0);
		while (clock_ns(i) - start < 30 * MS)
			;
		int64_t n = expirations(timer);

		/* CPU time is looked at by ticks of up to 10 ms. */
		assert_in_range(n, 5, (clock_ns(i) - start) / (2 * MS));
		assert_true(expirations(timer) >= 1);
		via_timer_close(timer);
	}
}

static void goes_by_the_clock(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CLOCKS; i++) {
		struct via_timer *timer = timer_of(i);
		int64_t when = clock_ns(i) + 5 * MS;

		via_timer_set(timer, when, 0, VIA_TIMER_ABSOLUTE);
		assert_int_equal(expirations(timer), 1);
		assert_true(clock_ns(i) >= when);
		via_timer_set(timer, 0, 0, VIA_TIMER_ABSOLUTE);
		assert_int_equal(expirations(timer), 1);
		via_timer_set(timer, 0, 0, 0);
		assert_int_equal(expirations(timer), 1);
		via_timer_close(timer);
	}
}

static void forgets_when_set_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CLOCKS; i++) {
		struct via_timer *timer = timer_of(i);
		struct pollfd p = {.fd = via_timer_fd(timer), .events = POLLIN};

		for (int stop = 0; stop < 2; stop++) {
			via_timer_set(timer, 0, 0, 0);
			while (poll(&p, 1, 0) == 0)
				;
			if (stop)
				via_timer_stop(timer);
			else
				via_timer_set(timer, 1000000 * MS, 0, 0);
			assert_int_equal(poll(&p, 1, 0), 0);
			assert_int_equal(via_timer_read(timer, VIA_NO_WAIT),
					 -EAGAIN);
			assert_int_equal(via_timer_left(timer) == 0, stop);
		}
		via_timer_close(timer);
	}
}

static void waits_until_the_deadline(void **state)
{
	struct via_timer *timer = timer_of(0);

	(void)state;
	via_timer_set(timer, 1000000 * MS, 0, 0);
	assert_int_equal(via_timer_read(timer, via_deadline(1)), -ETIMEDOUT);
	via_timer_set(timer, MS, 0, 0);
	assert_int_equal(via_timer_read(timer, VIA_NEVER), 1);
	via_timer_close(timer);
}

static void is_not_fooled_by_a_sender(void **state)
{
	struct via_timer *timer = timer_of(4);
	int value = 1;

	(void)state;
	via_signal_send_thread(getpid(), gettid(), SIGRTMIN, &value);
	assert_int_equal(via_timer_read(timer, VIA_NO_WAIT), -EAGAIN);
	via_timer_close(timer);
}

static void closing_leaves_no_signal(void **state)
{
	struct via_timer *timer = timer_of(3);
	sigset_t blocked;

	(void)state;
	via_timer_set(timer, 0, 0, 0);
	struct pollfd p = {.fd = via_timer_fd(timer), .events = POLLIN};

	while (poll(&p, 1, 0) == 0)
		;
	/* SIGRTMIN would end us. */
	via_timer_close(timer);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	assert_false(sigismember(&blocked, SIGRTMIN));
	via_timer_close(NULL);
}

static void refuses_what_makes_no_sense(void **state)
{
	struct via_timer *timer;
	struct via_error err;

	(void)state;
	assert_int_equal(via_timer_open(0, 0, &timer, &err), -EINVAL);
	assert_int_equal(via_timer_open(6, 0, &timer, NULL), -EINVAL);
	assert_string_equal(err.text, "there is no clock 0");
	assert_int_equal(
		via_timer_open(VIA_CLOCK_THREAD_CPU, SIGALRM, &timer, &err),
		-EINVAL);
	assert_string_equal(err.text, "a timer of CPU time needs a real-time "
				      "signal, not 14");
	timer = timer_of(0);
	assert_int_equal(via_timer_set(timer, -1, 0, 0), -EINVAL);
	assert_int_equal(via_timer_set(timer, 0, -1, 0), -EINVAL);
	assert_int_equal(via_timer_set(timer, 0, 0, 2), -EINVAL);
	via_timer_close(timer);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(expires_once_and_not_early),
	CHECK_TEST(counts_what_the_caller_missed),
	CHECK_TEST(goes_by_the_clock),
	CHECK_TEST(forgets_when_set_anew),
	CHECK_TEST(waits_until_the_deadline),
	CHECK_TEST(is_not_fooled_by_a_sender),
	CHECK_TEST(closing_leaves_no_signal),
	CHECK_TEST(refuses_what_makes_no_sense),
};
CHECK_MAIN(tests)
