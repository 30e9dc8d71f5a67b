/* SPDX-License-Identifier: MIT */
/*
 * What POSIX asserts of such objects, as the Open POSIX Test Suite goes through
 * it, and no other test here covers. docs/SYNC.md has the whole list, and where
 * ours differ.
 */
#include "sync/sync_test.h"

#include <signal.h>

#define LONG_AGO 1

static int read_rwlock(void)
{
	int rc = via_rwlock_read(&m->rwlock, SOON, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int write_rwlock(void)
{
	int rc = via_rwlock_write(&m->rwlock, SOON, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int wait_sem(void)
{
	return via_sem_wait(&m->sem, SOON);
}

static int take_pool(void)
{
	int rc = via_pool_take(&m->pool, SOON, NULL);

	return rc ? rc : via_pool_give(&m->pool);
}

static int wait_event(void)
{
	return via_event_wait(&m->event, SOON);
}

static int wait_barrier(void)
{
	return via_barrier_wait(&m->barrier, SOON, NULL);
}

static int wait_cond(void)
{
	int rc = via_mutex_lock(&m->a, SOON, NULL);

	if (!rc)
		rc = via_cond_wait(&m->cond, &m->a, SOON, NULL);
	/* -EPERM if it does not have it, as it should. */
	return rc ? rc : via_mutex_unlock(&m->a);
}

/* --- Signals --- */

static void take_mutex(void)
{
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
}

static void take_inheriting(void)
{
	mutex_of(&m->a, VIA_MUTEX_INHERIT);
	take_mutex();
}

static void give_mutex(void)
{
	assert_int_equal(via_mutex_unlock(&m->a), 0);
}

static void be_writer(void)
{
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, NULL), 0);
}

static void be_reader(void)
{
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), 0);
}

static void leave_rwlock(void)
{
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
}

static void post_sem(void)
{
	assert_int_equal(via_sem_post(&m->sem, 1), 0);
}

static void empty_pool(void)
{
	assert_int_equal(via_pool_take(&m->pool, SOON, NULL), 0);
}

static void give_unit(void)
{
	assert_int_equal(via_pool_give(&m->pool), 0);
}

static void set_event(void)
{
	assert_int_equal(via_event_set(&m->event), 0);
}

static void signal_cond(void)
{
	assert_int_equal(via_cond_signal(&m->cond), 0);
}

static void come_to_barrier(void)
{
	assert_true(wait_barrier() >= 0);
}

static void nothing(void)
{
}

static void make_all(void)
{
	mutex_of(&m->a, 0);
	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	assert_int_equal(via_sem_init(&m->sem, 0), 0);
	assert_int_equal(via_pool_init(&m->pool, 1), 0);
	assert_int_equal(via_cond_init(&m->cond), 0);
	assert_int_equal(via_barrier_init(&m->barrier, 2), 0);
	assert_int_equal(via_event_init(&m->event, 0), 0);
}

static const struct {
	const char *name;
	void (*block)(void);
	int (*wait)(void);
	void (*release)(void);
} waits[] = {
	{"mutex", take_mutex, lock_a, give_mutex},
	{"mutex, inheriting", take_inheriting, lock_a, give_mutex},
	{"rwlock read", be_writer, read_rwlock, leave_rwlock},
	{"rwlock write", be_reader, write_rwlock, leave_rwlock},
	{"sem", nothing, wait_sem, post_sem},
	{"pool", empty_pool, take_pool, give_unit},
	{"event", nothing, wait_event, set_event},
	{"cond", nothing, wait_cond, signal_cond},
	{"barrier", nothing, wait_barrier, come_to_barrier},
};
#define N_WAITS (sizeof(waits) / sizeof(*waits))

static _Atomic int n_handled;

static void handle(int sig)
{
	(void)sig;
	n_handled++;
}

/* A handler runs, without SA_RESTART, and the wait goes on. */
static void signals_end_no_wait(void **state)
{
	struct sigaction caught = {.sa_handler = handle}, before;

	(void)state;
	/* ThreadSanitizer's wait for a call that it knows. */
	if (STEP_CANNOT)
		check_skip("handlers that run at once");
	assert_int_equal(sigaction(SIGUSR1, &caught, &before), 0);
	for (size_t i = 0; i < N_WAITS; i++) {
		make_all();
		waits[i].block();
		begin(waits[i].wait);
		n_handled = 0;
		for (int n = 1; n <= 5; n++) {
			assert_int_equal(pthread_kill(other.thread, SIGUSR1),
					 0);
			while (n_handled < n ||
			       step_state(getpid(), other.tid) != 'S')
				sched_yield();
		}
		waits[i].release();

		int rc = end();

		if (rc)
			fail_msg("%s: ended with %d", waits[i].name, rc);
	}
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* --- Deadlines --- */

static int want_all_of(int64_t deadline, int expected)
{
	int rc[] = {
		via_mutex_lock(&m->a, deadline, NULL),
		via_mutex_lock(&m->b, deadline, NULL), /* inheriting */
		via_rwlock_read(&m->rwlock, deadline, NULL),
		via_sem_wait(&m->sem, deadline),
		via_pool_take(&m->pool, deadline, NULL),
		via_event_wait(&m->event, deadline),
	};

	for (size_t i = 0; i < sizeof(rc) / sizeof(*rc); i++)
		if (rc[i] != expected)
			return (int)i + 1;
	if (expected)
		return 0;
	(void)via_mutex_unlock(&m->a);
	(void)via_mutex_unlock(&m->b);
	(void)via_rwlock_unlock(&m->rwlock);
	return via_rwlock_write(&m->rwlock, deadline, NULL);
}

static int want_all_long_ago(void)
{
	return want_all_of(LONG_AGO, -ETIMEDOUT);
}

/* What is free is had whenever the deadline was; what is not is at once not. */
static void a_deadline_that_has_passed(void **state)
{
	(void)state;
	make_all();
	mutex_of(&m->b, VIA_MUTEX_INHERIT);
	assert_int_equal(via_sem_post(&m->sem, 1), 0);
	assert_int_equal(via_event_set(&m->event), 0);
	assert_int_equal(want_all_of(LONG_AGO, 0), 0);
	/* Now all are taken, the rwlock for writing. */
	take_mutex();
	assert_int_equal(via_mutex_lock(&m->b, LONG_AGO, NULL), 0);
	assert_int_equal(in_other(want_all_long_ago), 0);
	assert_int_equal(via_cond_wait(&m->cond, &m->a, LONG_AGO, NULL),
			 -ETIMEDOUT);
	give_mutex();
	assert_int_equal(via_mutex_unlock(&m->b), 0);
	leave_rwlock();
	assert_int_equal(via_barrier_wait(&m->barrier, LONG_AGO, NULL),
			 -ETIMEDOUT);
}

/* --- Several who wait --- */

#define SEVERAL 4

static struct {
	pthread_t threads[SEVERAL];
	_Atomic int n_came, n_went, n_serial;
	int (*run)(void);
} several;

static void *be_one_of_several(void *unused)
{
	several.n_came++;

	int rc = several.run();

	if (rc == 1)
		several.n_serial++;
	if (rc >= 0)
		several.n_went++;
	return unused;
}

/* Returns when the object shows all of them as waiters. */
static void begin_several(int (*run)(void), const void *object, size_t size)
{
	struct via_sync_view view;

	several.n_came = several.n_went = several.n_serial = 0;
	several.run = run;
	for (int i = 0; i < SEVERAL; i++)
		assert_int_equal(pthread_create(&several.threads[i], NULL,
						be_one_of_several, NULL),
				 0);
	do
		assert_int_equal(via_sync_look(object, size, &view), 0);
	while (view.n_waiters < SEVERAL && sched_yield() == 0);
}

static void end_several(void)
{
	for (int i = 0; i < SEVERAL; i++)
		assert_int_equal(pthread_join(several.threads[i], NULL), 0);
	assert_int_equal(several.n_went, SEVERAL);
}

static void broadcast_wakes_all(void **state)
{
	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		(void)flags;
		assert_int_equal(via_cond_init(&m->cond), 0);
		/* Nobody waits: it is not kept for later. */
		assert_int_equal(via_cond_broadcast(&m->cond), 0);
		begin_several(wait_cond, &m->cond, sizeof(m->cond));
		assert_int_equal(several.n_went, 0);
		assert_int_equal(via_cond_broadcast(&m->cond), 0);
		end_several();

		begin_several(wait_cond, &m->cond, sizeof(m->cond));
		for (int i = 0; several.n_went < SEVERAL; i++) {
			int went = several.n_went;

			assert_int_equal(via_cond_signal(&m->cond), 0);
			while (several.n_went == went)
				sched_yield();
		}
		end_several();
	}
}

static int wait_barrier_of_five(void)
{
	return via_barrier_wait(&m->barrier, SOON, NULL);
}

static void barrier_tells_one(void **state)
{
	(void)state;
	assert_int_equal(via_barrier_init(&m->barrier, SEVERAL + 1), 0);
	for (int round = 0; round < 3; round++) {
		begin_several(wait_barrier_of_five, &m->barrier,
			      sizeof(m->barrier));
		assert_int_equal(several.n_went, 0);

		int rc = wait_barrier();

		end_several();
		assert_int_equal(several.n_serial + rc, 1);
	}
}

static void sem_wakes_as_many_as_are_posted(void **state)
{
	(void)state;
	assert_int_equal(via_sem_init(&m->sem, 0), 0);
	begin_several(wait_sem, &m->sem, sizeof(m->sem));
	assert_int_equal(via_sem_value(&m->sem), 0);
	assert_int_equal(via_sem_post(&m->sem, 1), 0);
	while (several.n_went < 1)
		sched_yield();
	assert_int_equal(several.n_went, 1);
	assert_int_equal(via_sem_value(&m->sem), 0);
	assert_int_equal(via_sem_post(&m->sem, SEVERAL), 0);
	end_several();
	assert_int_equal(via_sem_value(&m->sem), 1);
}

/* --- Used again --- */

static void destroyed_and_made_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		make_all();
		assert_int_equal(lock_a(), 0);
		assert_int_equal(write_rwlock(), 0);
		assert_int_equal(read_rwlock(), 0);
		post_sem();
		assert_int_equal(wait_sem(), 0);
		assert_int_equal(take_pool(), 0);
		set_event();
		assert_int_equal(wait_event(), 0);
		assert_int_equal(via_mutex_destroy(&m->a), 0);
		assert_int_equal(via_rwlock_destroy(&m->rwlock), 0);
		assert_int_equal(via_sem_destroy(&m->sem), 0);
		assert_int_equal(via_pool_destroy(&m->pool), 0);
		assert_int_equal(via_cond_destroy(&m->cond), 0);
		assert_int_equal(via_barrier_destroy(&m->barrier), 0);
		assert_int_equal(via_event_destroy(&m->event), 0);
		assert_int_equal(lock_a(), -EIDRM);
		assert_int_equal(read_rwlock(), -EIDRM);
		assert_int_equal(wait_sem(), -EIDRM);
	}
}

static void recursive_counts_tries(void **state)
{
	(void)state;
	mutex_of(&m->a, VIA_MUTEX_RECURSIVE);
	take_mutex();
	assert_int_equal(via_mutex_lock(&m->a, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(in_other(unlock_a), -EPERM);
	give_mutex();
	assert_int_equal(in_other(try_a), -EAGAIN);
	give_mutex();
	assert_int_equal(in_other(try_a), 0);
	assert_int_equal(via_mutex_unlock(&m->a), -EPERM);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(signals_end_no_wait),
	CHECK_TEST(a_deadline_that_has_passed),
	CHECK_TEST(broadcast_wakes_all),
	CHECK_TEST(barrier_tells_one),
	CHECK_TEST(sem_wakes_as_many_as_are_posted),
	CHECK_TEST(destroyed_and_made_anew),
	CHECK_TEST(recursive_counts_tries),
};

int main(void)
{
	check_output();
	return cmocka_run_group_tests(tests, map, unmap);
}
