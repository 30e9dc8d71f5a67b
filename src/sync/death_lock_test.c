/* SPDX-License-Identifier: MIT */
/* What is done with mutexes and reader-writer locks: rows for death_test.c. */
#include "sync/death_test.h"

/* --- Mutex --- */

/* Locked, repaired and unlocked: then it is as good as new. */
static int use_mutex(void)
{
	struct via_sync_report report;
	int rc = via_mutex_lock(&death_shared->mutex, DEATH_SOON, &report);

	death_taken(rc, &report);
	if (rc)
		assert_int_equal(via_mutex_consistent(&death_shared->mutex), 0);
	assert_int_equal(via_mutex_unlock(&death_shared->mutex), 0);
	return 0;
}

static void expect_new_mutex(void)
{
	assert_int_equal(
		via_mutex_lock(&death_shared->mutex, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_mutex_unlock(&death_shared->mutex), 0);
}

static void mutex_begin(void)
{
	assert_int_equal(via_mutex_init(&death_shared->mutex, NULL), 0);
}

static void mutex_begin_pi(void)
{
	const struct via_mutex_options o = {.flags = VIA_MUTEX_INHERIT};

	assert_int_equal(via_mutex_init(&death_shared->mutex, &o), 0);
}

static void mutex_begin_recursive(void)
{
	const struct via_mutex_options o = {
		.flags = VIA_MUTEX_RECURSIVE | VIA_MUTEX_DETECT,
		.region = death_shared,
		.region_len = sizeof(*death_shared),
	};

	assert_int_equal(via_mutex_init(&death_shared->mutex, &o), 0);
}

static void mutex_lock(void)
{
	(void)via_mutex_lock(&death_shared->mutex, VIA_NEVER, NULL);
}

static void mutex_unlock(void)
{
	(void)via_mutex_unlock(&death_shared->mutex);
}

static void mutex_warm(void)
{
	mutex_lock();
	mutex_unlock();
}

static void mutex_begin_held(void)
{
	mutex_begin();
	mutex_lock();
}

static void mutex_begin_held_pi(void)
{
	mutex_begin_pi();
	mutex_lock();
}

/* The child sleeps, and so does the waiter: one of them gets it. */
static void mutex_let_go(void)
{
	mutex_unlock();
	death.held = false;
}

static void mutex_after(void)
{
	(void)use_mutex();
	expect_new_mutex();
}

static void mutex_after_held(void)
{
	if (death.held)
		mutex_let_go();
	assert_int_equal(death_join(), 0);
	(void)use_mutex();
	expect_new_mutex();
}

static void mutex_after_waiter(void)
{
	assert_int_equal(death_join(), 0);
	expect_new_mutex();
}

/* --- Reader-writer lock --- */

static int use_rwlock(void)
{
	struct via_sync_report report;
	int rc = via_rwlock_write(&death_shared->rwlock, DEATH_SOON, &report);

	death_taken(rc, &report);
	if (rc)
		assert_int_equal(via_rwlock_consistent(&death_shared->rwlock),
				 0);
	assert_int_equal(via_rwlock_unlock(&death_shared->rwlock), 0);
	return 0;
}

static void expect_new_rwlock(void)
{
	assert_int_equal(
		via_rwlock_read(&death_shared->rwlock, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_rwlock_unlock(&death_shared->rwlock), 0);
	assert_int_equal(
		via_rwlock_write(&death_shared->rwlock, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_rwlock_unlock(&death_shared->rwlock), 0);
}

static void rwlock_begin(void)
{
	assert_int_equal(via_rwlock_init(&death_shared->rwlock), 0);
}

static void rwlock_read(void)
{
	(void)via_rwlock_read(&death_shared->rwlock, VIA_NEVER, NULL);
}

static void rwlock_write(void)
{
	(void)via_rwlock_write(&death_shared->rwlock, VIA_NEVER, NULL);
}

static void rwlock_unlock(void)
{
	(void)via_rwlock_unlock(&death_shared->rwlock);
}

static void rwlock_warm(void)
{
	rwlock_read();
	rwlock_unlock();
	rwlock_write();
	rwlock_unlock();
}

static void rwlock_begin_held(void)
{
	rwlock_begin();
	rwlock_write();
}

static void rwlock_begin_read(void)
{
	rwlock_begin();
	rwlock_read();
}

static void rwlock_after(void)
{
	(void)use_rwlock();
	expect_new_rwlock();
}

static void rwlock_let_go(void)
{
	rwlock_unlock();
	death.held = false;
}

static void rwlock_after_held(void)
{
	if (death.held)
		rwlock_let_go();
	assert_int_equal(death_join(), 0);
	(void)use_rwlock();
	expect_new_rwlock();
}

static void rwlock_after_waiter(void)
{
	assert_int_equal(death_join(), 0);
	expect_new_rwlock();
}

static const struct attempt attempts[] = {
	{"mutex lock", mutex_begin, mutex_warm, mutex_lock, NULL, NULL,
	 mutex_after},
	{"mutex unlock, waited for", mutex_begin, mutex_lock, mutex_unlock,
	 use_mutex, NULL, mutex_after_waiter},
	{"mutex lock, sleeping", mutex_begin_held, death_nothing, mutex_lock,
	 use_mutex, mutex_let_go, mutex_after_held},
	{"mutex lock, detecting", mutex_begin_recursive, mutex_warm, mutex_lock,
	 NULL, NULL, mutex_after},
	{"mutex lock, inheriting", mutex_begin_pi, mutex_warm, mutex_lock, NULL,
	 NULL, mutex_after},
	{"mutex unlock, inheriting", mutex_begin_pi, mutex_lock, mutex_unlock,
	 use_mutex, NULL, mutex_after_waiter},
	{"mutex lock, inheriting, sleeping", mutex_begin_held_pi, death_nothing,
	 mutex_lock, use_mutex, mutex_let_go, mutex_after_held},
	{"rwlock read", rwlock_begin, rwlock_warm, rwlock_read, NULL, NULL,
	 rwlock_after},
	{"rwlock write", rwlock_begin, rwlock_warm, rwlock_write, NULL, NULL,
	 rwlock_after},
	{"rwlock unlock of a reader, waited for", rwlock_begin, rwlock_read,
	 rwlock_unlock, use_rwlock, NULL, rwlock_after_waiter},
	{"rwlock unlock of a writer, waited for", rwlock_begin, rwlock_write,
	 rwlock_unlock, use_rwlock, NULL, rwlock_after_waiter},
	{"rwlock read, sleeping", rwlock_begin_held, death_nothing, rwlock_read,
	 use_rwlock, rwlock_let_go, rwlock_after_held},
	{"rwlock write, sleeping for a writer", rwlock_begin_held,
	 death_nothing, rwlock_write, use_rwlock, rwlock_let_go,
	 rwlock_after_held},
	{"rwlock write, sleeping for a reader", rwlock_begin_read,
	 death_nothing, rwlock_write, use_rwlock, rwlock_let_go,
	 rwlock_after_held},
};

const struct attempts death_locks = {
	attempts,
	sizeof(attempts) / sizeof(*attempts),
};
