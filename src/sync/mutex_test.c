/* SPDX-License-Identifier: MIT */
/* Mutexes in one process, and deadlocks that are refused. */
#include "sync/sync_test.h"

#include <fcntl.h>
#include <sys/wait.h>

static void mutex_excludes(void **state)
{
	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		assert_int_equal(via_mutex_lock(&m->a, VIA_NEVER, NULL), 0);
		assert_int_equal(in_other(try_a), -EAGAIN);
		assert_int_equal(in_other(lock_a_a_moment), -ETIMEDOUT);
		assert_int_equal(in_other(unlock_a), -EPERM);
		begin(lock_a);
		assert_int_equal(via_mutex_unlock(&m->a), 0);
		assert_int_equal(end(), 0);
		assert_int_equal(in_other(try_a), 0);
		assert_int_equal(via_mutex_unlock(&m->a), -EPERM);
		assert_int_equal(m->a.hold.word, 0);
		(void)flags;
	}
}

static void mutex_locked_twice(void **state)
{
	struct via_sync_report report;

	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		int again = flags & VIA_MUTEX_RECURSIVE ? 0 : -EDEADLK;

		assert_int_equal(via_mutex_lock(&m->a, VIA_NEVER, NULL), 0);
		assert_int_equal(via_mutex_lock(&m->a, VIA_NEVER, &report),
				 again);
		if (again == 0) {
			assert_int_equal(via_mutex_unlock(&m->a), 0);
			assert_int_equal(in_other(try_a), -EAGAIN);
			m->a.hold.count = UINT32_MAX;
			assert_int_equal(via_mutex_lock(&m->a, SOON, NULL),
					 -EOVERFLOW);
			m->a.hold.count = 0;
		} else {
			assert_string_equal(report.error.text,
					    "this thread holds it already");
		}
		assert_int_equal(via_mutex_unlock(&m->a), 0);
		assert_int_equal(in_other(try_a), 0);
	}
}

static int lock_a_and_end(void)
{
	return via_mutex_lock(&m->a, VIA_NEVER, NULL);
}

static void mutex_not_repaired_is_lost(void **state)
{
	struct via_sync_report report;

	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		assert_int_equal(via_mutex_consistent(&m->a), -EPERM);
		/* A thread's end is its death. */
		assert_int_equal(in_other(lock_a_and_end), 0);
		assert_int_equal(via_mutex_lock(&m->a, SOON, &report),
				 -EOWNERDEAD);
		assert_int_equal(report.died.pid, getpid());
		assert_int_equal(report.died.tid, other.tid);
		begin(lock_a);
		assert_int_equal(via_mutex_unlock(&m->a), 0);
		assert_int_equal(end(), -ENOTRECOVERABLE);
		assert_int_equal(in_other(try_a), -ENOTRECOVERABLE);
		assert_int_equal(via_mutex_destroy(&m->a), 0);
		assert_int_equal(in_other(try_a), -EIDRM);
		(void)flags;
	}
}

static int die_repairing(void)
{
	struct via_sync_report report;

	return via_mutex_lock(&m->a, SOON, &report);
}

static void mutex_repairer_dies_too(void **state)
{
	struct via_sync_report report;

	(void)state;
	mutex_of(&m->a, 0);
	assert_int_equal(in_other(lock_a_and_end), 0);
	assert_int_equal(in_other(die_repairing), -EOWNERDEAD);
	assert_int_equal(via_mutex_lock(&m->a, SOON, &report), -EOWNERDEAD);
	assert_int_equal(report.died.tid, other.tid);
	assert_int_equal(via_mutex_consistent(&m->a), 0);
	assert_int_equal(via_mutex_consistent(&m->a), -EINVAL);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
	assert_int_equal(in_other(try_a), 0);
}

static void mutex_destroyed_while_waited_for(void **state)
{
	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		assert_int_equal(via_mutex_lock(&m->a, VIA_NEVER, NULL), 0);
		begin(lock_a);
		assert_int_equal(via_mutex_destroy(&m->a), 0);
		assert_int_equal(end(), -EIDRM);
		assert_int_equal(via_mutex_destroy(&m->a), -EIDRM);
		assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), -EIDRM);
		assert_int_equal(via_mutex_unlock(&m->a), -EIDRM);
		(void)flags;
	}
}

static int destroy_a(void)
{
	return via_mutex_destroy(&m->a);
}

static void mutex_is_busy(void **state)
{
	(void)state;
	mutex_of(&m->a, 0);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
	assert_int_equal(in_other(destroy_a), -EBUSY);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
}

/* Ours among glibc's, taken and given back in any order. */
static void mutex_among_pthreads(void **state)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t theirs[2];

	(void)state;
	assert_int_equal(pthread_mutexattr_init(&attr), 0);
	assert_int_equal(
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
	for (int order = 0; order < 24; order++) {
		int left[4] = {0, 1, 2, 3};

		mutex_of(&m->a, 0);
		mutex_of(&m->b, VIA_MUTEX_INHERIT);
		pthread_mutex_init(&theirs[0], &attr);
		pthread_mutex_init(&theirs[1], &attr);
		pthread_mutex_lock(&theirs[0]);
		assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
		pthread_mutex_lock(&theirs[1]);
		assert_int_equal(via_mutex_lock(&m->b, SOON, NULL), 0);
		for (int n = 4, code = order; n > 0; code /= n--) {
			int which = left[code % n];

			left[code % n] = left[n - 1];
			assert_int_equal(
				which < 2 ? pthread_mutex_unlock(&theirs[which])
					  : via_mutex_unlock(
						    which == 2 ? &m->a : &m->b),
				0);
		}
		assert_int_equal(in_other(try_a), 0);
		pthread_mutex_destroy(&theirs[0]);
		pthread_mutex_destroy(&theirs[1]);
	}
	pthread_mutexattr_destroy(&attr);
}

static void mutex_is_not_inherited(void **state)
{
	int status;

	(void)state;
	mutex_of(&m->a, 0);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(via_mutex_unlock(&m->a) != -EPERM ||
		      via_mutex_lock(&m->a, VIA_NO_WAIT, NULL) != -EAGAIN);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
}

static void mutex_owner_calls_exec(void **state)
{
	struct via_sync_report report;
	int status;

	(void)state;
	mutex_of(&m->a, 0);
	pid_t child = fork();

	if (child == 0) {
		(void)via_mutex_lock(&m->a, SOON, NULL);
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(via_mutex_lock(&m->a, SOON, &report), -EOWNERDEAD);
	assert_int_equal(report.died.pid, child);
	assert_int_equal(via_mutex_consistent(&m->a), 0);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
}

/* --- Deadlocks --- */

static int lock_b_then_a(void)
{
	int rc = via_mutex_lock(&m->b, SOON, NULL);

	if (!rc)
		rc = via_mutex_lock(&m->a, SOON, NULL);
	if (!rc)
		rc = via_mutex_unlock(&m->a);
	(void)via_mutex_unlock(&m->b);
	return rc;
}

static void detects_a_deadlock(void **state)
{
	struct via_sync_report report;
	char text[128];

	(void)state;
	mutex_of(&m->a, VIA_MUTEX_DETECT);
	mutex_of(&m->b, VIA_MUTEX_DETECT);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
	begin(lock_b_then_a);
	assert_int_equal(via_mutex_lock(&m->b, SOON, &report), -EDEADLK);
	(void)snprintf(text, sizeof(text),
		       "this thread waits for the lock at +%zu of thread %d, "
		       "which waits for the lock at +%zu of this one",
		       sizeof(m->a), other.tid, (size_t)0);
	assert_string_equal(report.error.text, text);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
	assert_int_equal(end(), 0);
	/* No edge is left behind. */
	assert_int_equal(via_mutex_lock(&m->b, SOON, NULL), 0);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
	assert_int_equal(via_mutex_unlock(&m->b), 0);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
}

static void survives_wild_edges(void **state)
{
	static const uint64_t edges[] = {1,	     2,	      65,
					 UINT64_MAX, 1 << 20, sizeof(*m) + 1};

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		mutex_of(&m->a, VIA_MUTEX_DETECT);
		assert_int_equal(in_other(lock_a_and_end), 0);
		m->a.hold.word = (uint32_t)getppid();
		m->a.hold.edge = edges[i];
		assert_int_equal(via_mutex_lock(&m->a, MOMENT, NULL),
				 -ETIMEDOUT);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(mutex_excludes),
	CHECK_TEST(mutex_locked_twice),
	CHECK_TEST(mutex_not_repaired_is_lost),
	CHECK_TEST(mutex_repairer_dies_too),
	CHECK_TEST(mutex_destroyed_while_waited_for),
	CHECK_TEST(mutex_is_busy),
	CHECK_TEST(mutex_among_pthreads),
	CHECK_TEST(mutex_is_not_inherited),
	CHECK_TEST(mutex_owner_calls_exec),
	CHECK_TEST(detects_a_deadlock),
	CHECK_TEST(survives_wild_edges),
};

int main(void)
{
	check_output();
	return cmocka_run_group_tests(tests, map, unmap);
}
