/* SPDX-License-Identifier: MIT */
/* The objects of via/sync.h, seen alike: see futex_type.h. */
#include "sync/named/futex_type.h"

#include <errno.h>

static int rwlock_init(void *object, uint32_t value)
{
	(void)value;
	return via_rwlock_init(object);
}

static int rwlock_take(void *object, bool shared, int64_t deadline,
		       struct via_sync_report *report)
{
	return shared ? via_rwlock_read(object, deadline, report)
		      : via_rwlock_write(object, deadline, report);
}

static int rwlock_give(void *object, uint32_t n)
{
	(void)n;
	return via_rwlock_unlock(object);
}

static int rwlock_consistent(void *object)
{
	return via_rwlock_consistent(object);
}

static int rwlock_destroy(void *object)
{
	return via_rwlock_destroy(object);
}

static int mutex_init(void *object, uint32_t value)
{
	(void)value;
	return via_mutex_init(object, NULL);
}

static int mutex_take(void *object, bool shared, int64_t deadline,
		      struct via_sync_report *report)
{
	return shared ? -EOPNOTSUPP : via_mutex_lock(object, deadline, report);
}

static int mutex_give(void *object, uint32_t n)
{
	(void)n;
	return via_mutex_unlock(object);
}

static int mutex_consistent(void *object)
{
	return via_mutex_consistent(object);
}

static int mutex_destroy(void *object)
{
	return via_mutex_destroy(object);
}

static int sem_make(void *object, uint32_t value)
{
	return via_sem_init(object, value);
}

static int sem_take(void *object, bool shared, int64_t deadline,
		    struct via_sync_report *report)
{
	(void)report;
	return shared ? -EOPNOTSUPP : via_sem_wait(object, deadline);
}

static int sem_give(void *object, uint32_t n)
{
	return via_sem_post(object, n);
}

static int sem_value(const void *object)
{
	return via_sem_value(object);
}

static int sem_end(void *object)
{
	return via_sem_destroy(object);
}

static int pool_init(void *object, uint32_t value)
{
	return via_pool_init(object, value);
}

static int pool_take(void *object, bool shared, int64_t deadline,
		     struct via_sync_report *report)
{
	return shared ? -EOPNOTSUPP : via_pool_take(object, deadline, report);
}

static int pool_give(void *object, uint32_t n)
{
	(void)n; /* is 1 */
	return via_pool_give(object);
}

static int pool_value(const void *object)
{
	return via_pool_value(object);
}

static int pool_destroy(void *object)
{
	return via_pool_destroy(object);
}

const struct via__futex_type via__futex_types[] = {
	{"rwlock", VIA_SYNC_RWLOCK, sizeof(struct via_rwlock), false, true,
	 rwlock_init, rwlock_take, rwlock_give, rwlock_consistent, NULL,
	 rwlock_destroy},
	{"mutex", VIA_SYNC_MUTEX, sizeof(struct via_mutex), false, true,
	 mutex_init, mutex_take, mutex_give, mutex_consistent, NULL,
	 mutex_destroy},
	{"sem", VIA_SYNC_SEM, sizeof(struct via_sem), true, false, sem_make,
	 sem_take, sem_give, NULL, sem_value, sem_end},
	{"pool", VIA_SYNC_POOL, sizeof(struct via_pool), true, true, pool_init,
	 pool_take, pool_give, NULL, pool_value, pool_destroy},
};
#define N_TYPES (sizeof(via__futex_types) / sizeof(*via__futex_types))

const struct via__futex_type *via__futex_type(enum via_sync_kind kind)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (via__futex_types[i].kind == kind)
			return &via__futex_types[i];
	return NULL;
}
