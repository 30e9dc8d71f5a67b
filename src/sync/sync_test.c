/* SPDX-License-Identifier: MIT */
/* The objects of via/sync.h but mutexes in one process, and what is refused. */
#include "sync/sync_test.h"

#include <fcntl.h>
#include <sys/wait.h>

/* --- Reader-writer lock --- */

static int try_read(void)
{
	int rc = via_rwlock_read(&m->rwlock, VIA_NO_WAIT, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int do_read(void)
{
	int rc = via_rwlock_read(&m->rwlock, SOON, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int try_write(void)
{
	int rc = via_rwlock_write(&m->rwlock, VIA_NO_WAIT, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int do_write(void)
{
	int rc = via_rwlock_write(&m->rwlock, SOON, NULL);

	return rc ? rc : via_rwlock_unlock(&m->rwlock);
}

static int unlock_rwlock(void)
{
	return via_rwlock_unlock(&m->rwlock);
}

static int destroy_rwlock(void)
{
	return via_rwlock_destroy(&m->rwlock);
}

static void rwlock_shares_and_excludes(void **state)
{
	(void)state;
	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), 0);
	assert_int_equal(in_other(try_read), 0);
	assert_int_equal(in_other(try_write), -EAGAIN);
	assert_int_equal(in_other(unlock_rwlock), -EPERM);
	assert_int_equal(in_other(destroy_rwlock), -EBUSY);
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, NULL), -EDEADLK);
	begin(do_write);
	/* Not past a writer who waits. */
	assert_int_equal(via_rwlock_read(&m->rwlock, VIA_NO_WAIT, NULL),
			 -EAGAIN);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, NULL), 0);
	assert_int_equal(in_other(try_read), -EAGAIN);
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), -EDEADLK);
	begin(do_read);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), -EPERM);
}

static void rwlock_has_so_many_seats(void **state)
{
	(void)state;
	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	for (int i = 0; i < VIA_HOLDERS_MAX; i++)
		assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), 0);
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), -EUSERS);
	for (int i = 0; i < VIA_HOLDERS_MAX; i++)
		assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(in_other(try_write), 0);
}

static int read_and_end(void)
{
	return via_rwlock_read(&m->rwlock, SOON, NULL);
}

static int write_and_end(void)
{
	return via_rwlock_write(&m->rwlock, SOON, NULL);
}

static void rwlock_reports_deaths(void **state)
{
	struct via_sync_report report;

	(void)state;
	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	assert_int_equal(in_other(read_and_end), 0);
	assert_int_equal(in_other(try_read), 0);
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, &report),
			 -EOWNERDEAD);
	assert_int_equal(report.died.pid, getpid());
	assert_int_equal(via_rwlock_consistent(&m->rwlock), 0);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(in_other(try_write), 0);

	/* A reader has to repair what a writer left. */
	assert_int_equal(in_other(write_and_end), 0);
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, &report),
			 -EOWNERDEAD);
	assert_int_equal(report.died.tid, other.tid);
	assert_int_equal(in_other(try_read), -EAGAIN);
	assert_int_equal(via_rwlock_consistent(&m->rwlock), 0);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(in_other(try_read), 0);

	assert_int_equal(in_other(write_and_end), 0);
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, NULL), -EOWNERDEAD);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(in_other(do_read), -ENOTRECOVERABLE);
	assert_int_equal(via_rwlock_destroy(&m->rwlock), 0);
	assert_int_equal(in_other(do_read), -EIDRM);
}

static void rwlock_destroyed_while_waited_for(void **state)
{
	(void)state;
	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	assert_int_equal(via_rwlock_write(&m->rwlock, SOON, NULL), 0);
	begin(do_read);
	assert_int_equal(via_rwlock_destroy(&m->rwlock), 0);
	assert_int_equal(end(), -EIDRM);
}

/* --- Semaphore, pool --- */

static int do_wait(void)
{
	return via_sem_wait(&m->sem, SOON);
}

static void sem_counts(void **state)
{
	(void)state;
	assert_int_equal(via_sem_init(&m->sem, (uint32_t)VIA_SEM_MAX + 1),
			 -EINVAL);
	assert_int_equal(via_sem_init(&m->sem, 2), 0);
	assert_int_equal(via_sem_wait(&m->sem, SOON), 0);
	assert_int_equal(via_sem_wait(&m->sem, VIA_NO_WAIT), 0);
	assert_int_equal(via_sem_value(&m->sem), 0);
	assert_int_equal(via_sem_wait(&m->sem, VIA_NO_WAIT), -EAGAIN);
	assert_int_equal(via_sem_wait(&m->sem, MOMENT), -ETIMEDOUT);
	begin(do_wait);
	assert_int_equal(via_sem_post(&m->sem, 3), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_sem_value(&m->sem), 2);
	assert_int_equal(via_sem_post(&m->sem, VIA_SEM_MAX - 1), -EOVERFLOW);
	assert_int_equal(via_sem_post(&m->sem, VIA_SEM_MAX - 2), 0);
	assert_int_equal(via_sem_post(&m->sem, 1), -EOVERFLOW);
	assert_int_equal(via_sem_post(&m->sem, 0), -EINVAL);
	assert_int_equal(via_sem_value(&m->sem), VIA_SEM_MAX);
	assert_int_equal(via_sem_init(&m->sem, 0), 0);
	begin(do_wait);
	assert_int_equal(via_sem_destroy(&m->sem), 0);
	assert_int_equal(end(), -EIDRM);
	assert_int_equal(via_sem_post(&m->sem, 1), -EIDRM);
	assert_int_equal(via_sem_value(&m->sem), -EIDRM);
}

static int take_and_end(void)
{
	return via_pool_take(&m->pool, SOON, NULL);
}

static int take_and_give(void)
{
	int rc = via_pool_take(&m->pool, SOON, NULL);

	return rc ? rc : via_pool_give(&m->pool);
}

static int give(void)
{
	return via_pool_give(&m->pool);
}

static void pool_loses_no_unit(void **state)
{
	struct via_sync_report report;

	(void)state;
	assert_int_equal(via_pool_init(&m->pool, 0), -EINVAL);
	assert_int_equal(via_pool_init(&m->pool, VIA_HOLDERS_MAX + 1), -EINVAL);
	for (uint32_t units = 1; units <= VIA_HOLDERS_MAX; units *= 3) {
		assert_int_equal(via_pool_init(&m->pool, units), 0);
		for (uint32_t i = 0; i < units; i++) {
			assert_int_equal(via_pool_value(&m->pool), units - i);
			assert_int_equal(via_pool_take(&m->pool, SOON, NULL),
					 0);
		}
		assert_int_equal(via_pool_take(&m->pool, VIA_NO_WAIT, NULL),
				 -EAGAIN);
		assert_int_equal(via_pool_take(&m->pool, MOMENT, NULL),
				 -ETIMEDOUT);
		assert_int_equal(in_other(give), -EPERM);
		begin(take_and_give);
		assert_int_equal(via_pool_give(&m->pool), 0);
		assert_int_equal(end(), 0);
		assert_int_equal(in_other(take_and_end), 0);
		assert_int_equal(via_pool_take(&m->pool, SOON, &report),
				 -EOWNERDEAD);
		assert_int_equal(report.died.tid, other.tid);
		begin(take_and_give);
		assert_int_equal(via_pool_destroy(&m->pool), 0);
		assert_int_equal(end(), -EIDRM);
		assert_int_equal(via_pool_give(&m->pool), -EIDRM);
	}
}

/* --- Event, condition, barrier --- */

static int wait_event(void)
{
	return via_event_wait(&m->event, SOON);
}

static void event_lets_one_or_all_through(void **state)
{
	(void)state;
	assert_int_equal(via_event_init(&m->event, 4), -EINVAL);
	assert_int_equal(via_event_init(&m->event, VIA_EVENT_SET), 0);
	assert_int_equal(via_event_wait(&m->event, VIA_NO_WAIT), 0);
	assert_int_equal(via_event_wait(&m->event, VIA_NO_WAIT), -EAGAIN);
	begin(wait_event);
	assert_int_equal(via_event_set(&m->event), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_event_set(&m->event), 0);
	assert_int_equal(via_event_set(&m->event), 0);
	assert_int_equal(via_event_wait(&m->event, MOMENT), 0);
	assert_int_equal(via_event_wait(&m->event, MOMENT), -ETIMEDOUT);

	assert_int_equal(via_event_init(&m->event, VIA_EVENT_MANUAL), 0);
	begin(wait_event);
	assert_int_equal(via_event_set(&m->event), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_event_wait(&m->event, VIA_NO_WAIT), 0);
	assert_int_equal(via_event_reset(&m->event), 0);
	begin(wait_event);
	assert_int_equal(via_event_destroy(&m->event), 0);
	assert_int_equal(end(), -EIDRM);
	assert_int_equal(via_event_set(&m->event), -EIDRM);
}

static int wait_cond(void)
{
	struct via_sync_report report;
	int rc = via_mutex_lock(&m->a, SOON, NULL);

	if (!rc)
		rc = via_cond_wait(&m->cond, &m->a, SOON, &report);
	if (rc == -EOWNERDEAD)
		(void)via_mutex_consistent(&m->a);
	(void)via_mutex_unlock(&m->a);
	return rc;
}

static void cond_wakes(void **state)
{
	(void)state;
	FOR_MUTEX_KINDS(flags)
	{
		assert_int_equal(via_cond_init(&m->cond), 0);
		assert_int_equal(via_cond_wait(&m->cond, &m->a, SOON, NULL),
				 -EPERM);
		assert_int_equal(via_cond_signal(&m->cond), 0);
		begin(wait_cond);
		assert_int_equal(via_cond_signal(&m->cond), 0);
		assert_int_equal(end(), 0);
		begin(wait_cond);
		assert_int_equal(via_cond_broadcast(&m->cond), 0);
		assert_int_equal(end(), 0);
		assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
		if (flags & VIA_MUTEX_RECURSIVE)
			assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
		assert_int_equal(via_cond_wait(&m->cond, &m->a, MOMENT, NULL),
				 -ETIMEDOUT);
		assert_int_equal(
			via_cond_wait(&m->cond, &m->a, VIA_NO_WAIT, NULL),
			-EAGAIN);
		if (flags & VIA_MUTEX_RECURSIVE)
			assert_int_equal(via_mutex_unlock(&m->a), 0);
		assert_int_equal(via_mutex_unlock(&m->a), 0);
		begin(wait_cond);
		assert_int_equal(via_cond_destroy(&m->cond), 0);
		assert_int_equal(end(), -EIDRM);
	}
}

/* Nobody is left to signal: the owner has died. */
static void cond_ends_with_the_owner(void **state)
{
	int status;

	(void)state;
	mutex_of(&m->a, 0);
	assert_int_equal(via_cond_init(&m->cond), 0);
	begin(wait_cond);
	pid_t child = fork();

	if (child == 0) {
		(void)via_mutex_lock(&m->a, SOON, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(end(), -EOWNERDEAD);
	assert_int_equal(in_other(try_a), 0);
}

static int wait_barrier(void)
{
	return via_barrier_wait(&m->barrier, SOON, NULL);
}

static void barrier_meets(void **state)
{
	(void)state;
	assert_int_equal(via_barrier_init(&m->barrier, 0), -EINVAL);
	assert_int_equal(via_barrier_init(&m->barrier, 1), 0);
	assert_int_equal(wait_barrier(), 1);
	assert_int_equal(wait_barrier(), 1);
	assert_int_equal(via_barrier_init(&m->barrier, 2), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			via_barrier_wait(&m->barrier, VIA_NO_WAIT, NULL),
			-EAGAIN);
		assert_int_equal(via_barrier_wait(&m->barrier, MOMENT, NULL),
				 -ETIMEDOUT);
		begin(wait_barrier);
		assert_int_equal(wait_barrier(), 1);
		assert_int_equal(end(), 0);
		assert_int_equal(via_barrier_reset(&m->barrier), 0);
	}
	begin(wait_barrier);
	assert_int_equal(via_barrier_destroy(&m->barrier), 0);
	assert_int_equal(end(), -EIDRM);
	assert_int_equal(wait_barrier(), -EIDRM);
}

/* --- Checks --- */

static void checks_what_is_there(void **state)
{
	struct via_error error;
	uint64_t tag;

	(void)state;
	memset(m, 0, sizeof(*m));
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_MUTEX, &error),
		-EPROTO);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), -EINVAL);
	assert_int_equal(via_mutex_unlock(&m->a), -EINVAL);
	assert_int_equal(via_sem_post(&m->sem, 1), -EINVAL);
	assert_int_equal(via_barrier_wait(&m->barrier, SOON, NULL), -EINVAL);
	mutex_of(&m->a, 0);
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_MUTEX, NULL), 0);
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_SEM, &error),
		-EPROTO);
	assert_string_equal(error.text, "this lock is a mutex");
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a) - 1, VIA_SYNC_MUTEX, &error),
		-EPROTO);
	assert_int_equal(via_sync_check(&m->a, 8, VIA_SYNC_MUTEX, &error),
			 -EPROTO);
	assert_int_equal(via_sync_check((char *)&m->a + 8, sizeof(m->a),
					VIA_SYNC_MUTEX, &error),
			 -EINVAL);
	assert_int_equal(via_mutex_init((void *)((char *)&m->a + 8), NULL),
			 -EINVAL);
	tag = m->a.head.tag;
	m->a.head.tag += UINT64_C(1) << 32;
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_MUTEX, &error),
		-ESTALE);
	m->a.head.tag = tag | UINT64_C(0xff) << 48;
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_MUTEX, &error),
		-EPROTO);
	m->a.head.tag = tag;
	assert_int_equal(via_mutex_destroy(&m->a), 0);
	assert_int_equal(
		via_sync_check(&m->a, sizeof(m->a), VIA_SYNC_MUTEX, &error),
		-EIDRM);
}

static void shows_who_holds_and_waits(void **state)
{
	struct via_sync_view view;

	(void)state;
	mutex_of(&m->a, VIA_MUTEX_RECURSIVE);
	assert_int_equal(via_mutex_lock(&m->a, SOON, NULL), 0);
	begin(lock_a);
	assert_int_equal(via_sync_look(&m->a, sizeof(m->a), &view), 0);
	assert_int_equal(view.kind, VIA_SYNC_MUTEX);
	assert_int_equal(view.flags, VIA_MUTEX_RECURSIVE);
	assert_int_equal(view.n_holders, 1);
	assert_int_equal(view.holders[0].pid, getpid());
	assert_int_equal(view.holders[0].tid, gettid());
	assert_true(view.holders[0].start > 0);
	assert_int_equal(view.n_waiters, 1);
	assert_int_equal(view.waiters[0].tid, other.tid);
	assert_int_equal(via_mutex_unlock(&m->a), 0);
	assert_int_equal(end(), 0);
	assert_int_equal(via_sync_look(&m->a, sizeof(m->a), &view), 0);
	assert_int_equal(view.n_holders + view.n_waiters, 0);

	assert_int_equal(via_rwlock_init(&m->rwlock), 0);
	assert_int_equal(via_rwlock_read(&m->rwlock, SOON, NULL), 0);
	begin(do_write);
	assert_int_equal(via_sync_look(&m->rwlock, sizeof(m->rwlock), &view),
			 0);
	assert_int_equal(view.n_holders, 1);
	assert_int_equal(view.writing, 0);
	assert_int_equal(view.n_waiters, 1);
	assert_int_equal(via_rwlock_unlock(&m->rwlock), 0);
	assert_int_equal(end(), 0);

	assert_int_equal(via_pool_init(&m->pool, 3), 0);
	assert_int_equal(via_pool_take(&m->pool, SOON, NULL), 0);
	assert_int_equal(via_sync_look(&m->pool, sizeof(m->pool), &view), 0);
	assert_int_equal(view.value, 2);
	assert_int_equal(view.n_holders, 1);
	assert_int_equal(via_pool_give(&m->pool), 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(rwlock_shares_and_excludes),
	CHECK_TEST(rwlock_has_so_many_seats),
	CHECK_TEST(rwlock_reports_deaths),
	CHECK_TEST(rwlock_destroyed_while_waited_for),
	CHECK_TEST(sem_counts),
	CHECK_TEST(pool_loses_no_unit),
	CHECK_TEST(event_lets_one_or_all_through),
	CHECK_TEST(cond_wakes),
	CHECK_TEST(cond_ends_with_the_owner),
	CHECK_TEST(barrier_meets),
	CHECK_TEST(checks_what_is_there),
	CHECK_TEST(shows_who_holds_and_waits),
};

int main(void)
{
	check_output();
	return cmocka_run_group_tests(tests, map, unmap);
}
