/* SPDX-License-Identifier: MIT */
/*
 * What POSIX asserts of kill(), sigqueue() and sigwaitinfo(), as the Open POSIX
 * Test Suite goes through it, and no other test here covers. docs/SIGNALS.md
 * has the whole list, and where ours differ.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "process/process_test.h"
#include "tests/step.h"

#define RT(n) (SIGRTMIN + (n))

static struct via_signal_source *source_of(uint64_t set)
{
	struct via_signal_source *source;

	assert_int_equal(via_signal_open(set, &source, NULL), 0);
	return source;
}

static int next_of(struct via_signal_source *source)
{
	struct via_signal s;
	int r = via_signal_read(source, &s, VIA_NO_WAIT);

	return r ? r : s.signal;
}

/* sigwaitinfo 2, sigqueue 7; sigwait 3: what is not queued is there once. */
static void the_lowest_comes_first(void **state)
{
	struct via_signal_source *source =
		source_of(VIA_SIGNAL_BIT(SIGUSR1) | VIA_SIGNAL_BIT(RT(0)) |
			  VIA_SIGNAL_BIT(RT(1)) | VIA_SIGNAL_BIT(RT(2)));
	const int sent[] = {RT(2), SIGUSR1, RT(0), SIGUSR1, RT(1), RT(0)};
	const int expected[] = {SIGUSR1, RT(0), RT(0), RT(1), RT(2), -EAGAIN};

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(via_signal_send(getpid(), sent[i], NULL), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(next_of(source), expected[i]);
	via_signal_close(source);
}

/* kill 2, sigqueue 2: 0 only asks, whatever it carries. */
static void the_null_signal_only_asks(void **state)
{
	struct via_signal_source *source =
		source_of(~UINT64_C(0) & ~VIA_SIGNAL_BIT(SIGKILL) &
			  ~VIA_SIGNAL_BIT(SIGSTOP) & ~VIA_SIGNAL_BIT(32) &
			  ~VIA_SIGNAL_BIT(33));
	const int value = 1;
	int pidfd = via_process_open(getpid(), NULL);

	(void)state;
	assert_int_equal(via_signal_send(getpid(), 0, NULL), 0);
	assert_int_equal(via_signal_send(getpid(), 0, &value), 0);
	assert_int_equal(via_signal_send_pidfd(pidfd, 0, NULL), 0);
	assert_int_equal(via_signal_send_pidfd(pidfd, 0, &value), 0);
	assert_int_equal(via_signal_send_thread(getpid(), gettid(), 0, &value),
			 0);
	assert_int_equal(next_of(source), -EAGAIN);
	close(pidfd);
	via_signal_close(source);
}

/* kill 13, pthread_kill 7, sigqueue 10; pthread_kill 5: none is sent. */
static void numbers_that_are_no_signals(void **state)
{
	static const int wrong[] = {-1, 65, 1000, INT32_MAX, INT32_MIN};
	const int value = 1;
	int pidfd = via_process_open(getpid(), NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		for (int with = 0; with < 2; with++) {
			const int *v = with ? &value : NULL;
			int sig = wrong[i];

			assert_int_equal(via_signal_send(getpid(), sig, v),
					 -EINVAL);
			assert_int_equal(via_signal_send_pidfd(pidfd, sig, v),
					 -EINVAL);
			assert_int_equal(
				via_signal_send_group(getpgrp(), sig, v),
				-EINVAL);
			assert_int_equal(via_signal_send_thread(
						 getpid(), gettid(), sig, v),
					 -EINVAL);
		}
	close(pidfd);
}

/* --- Waiting --- */

static _Atomic int n_handled;

static void handle(int sig)
{
	(void)sig;
	n_handled++;
}

static struct {
	struct via_signal_source *source;
	_Atomic pid_t tid;
	_Atomic int n_read, result;
} reader;

static void *read_one(void *unused)
{
	struct via_signal s;
	int r;

	reader.tid = gettid();
	r = via_signal_read(reader.source, &s, SOON);
	reader.result = r ? r : s.value;
	reader.n_read++;
	return unused;
}

static void until_asleep(pid_t tid)
{
	while (step_state(getpid(), tid) != 'S')
		sched_yield();
}

/* sigwaitinfo 3 has EINTR there. */
static void a_handler_ends_no_wait(void **state)
{
	struct sigaction caught = {.sa_handler = handle}, before;
	const int value = 7;
	pthread_t thread;

	(void)state;
	reader.source = source_of(VIA_SIGNAL_BIT(SIGUSR1));
	reader.tid = 0;
	sigaction(SIGUSR2, &caught, &before);
	assert_int_equal(pthread_create(&thread, NULL, read_one, NULL), 0);
	while (!reader.tid)
		sched_yield();
	for (int n = 1; n <= 3; n++) {
		until_asleep(reader.tid);
		assert_int_equal(pthread_kill(thread, SIGUSR2), 0);
		while (n_handled < n)
			sched_yield();
	}
	assert_int_equal(via_signal_send(getpid(), SIGUSR1, &value), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.result, value);
	sigaction(SIGUSR2, &before, NULL);
	via_signal_close(reader.source);
}

/* sigwait 6: who waits for the same, no more than one has it. */
static void of_two_threads_one_has_it(void **state)
{
	pthread_t threads[2];

	(void)state;
	reader.source = source_of(VIA_SIGNAL_BIT(RT(0)));
	reader.n_read = 0;
	for (int i = 0; i < 2; i++) {
		reader.tid = 0;
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_one, NULL), 0);
		while (!reader.tid)
			sched_yield();
		until_asleep(reader.tid);
	}
	for (int n = 1; n <= 2; n++) {
		assert_int_equal(reader.n_read, n - 1);
		assert_int_equal(via_signal_send(getpid(), RT(0), NULL), 0);
		while (reader.n_read < n)
			sched_yield();
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(next_of(reader.source), -EAGAIN);
	via_signal_close(reader.source);
}

/* sigtimedwait 1, 2, 6; what is there is had however late it is. */
static void a_deadline_that_has_passed(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1));
	struct via_signal s;
	int64_t start = via_now();

	(void)state;
	assert_int_equal(via_signal_read(source, &s, 1), -ETIMEDOUT);
	assert_int_equal(
		via_signal_read(source, &s, via_deadline(VIA__NS_PER_S / 100)),
		-ETIMEDOUT);
	assert_true(via_now() - start >= VIA__NS_PER_S / 100);
	assert_int_equal(via_signal_send(getpid(), SIGUSR1, NULL), 0);
	assert_int_equal(via_signal_read(source, &s, 1), 0);
	assert_int_equal(s.signal, SIGUSR1);
	via_signal_close(source);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(the_lowest_comes_first),
	CHECK_TEST(the_null_signal_only_asks),
	CHECK_TEST(numbers_that_are_no_signals),
	CHECK_TEST(a_handler_ends_no_wait),
	CHECK_TEST(of_two_threads_one_has_it),
	CHECK_TEST(a_deadline_that_has_passed),
};
CHECK_MAIN(tests)
