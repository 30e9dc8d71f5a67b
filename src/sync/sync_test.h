/* SPDX-License-Identifier: MIT */
/* What the tests of objects in one process share: one of each, and another
 * thread. */
#ifndef VIA_SYNC_SYNC_TEST_H
#define VIA_SYNC_SYNC_TEST_H

#include <pthread.h>
#include <sys/mman.h>

#include "core/clock.h"
#include "tests/step.h"

#include <via/sync.h>

#define SOON   via_deadline(10 * VIA__NS_PER_S)
#define MOMENT via_deadline(VIA__NS_PER_S / 100)

static struct {
	struct via_mutex a, b, c;
	struct via_rwlock rwlock;
	struct via_sem sem;
	struct via_pool pool;
	struct via_cond cond;
	struct via_barrier barrier;
	struct via_event event;
} * m;

/* --- Another thread --- */

static struct {
	pthread_t thread;
	_Atomic pid_t tid;
	int (*run)(void);
	int rc;
} other;

static inline void *be_other(void *unused)
{
	(void)unused;
	other.tid = gettid();
	other.rc = other.run();
	return NULL;
}

/* Begin something that will wait; returns when it does. */
static inline void begin(int (*run)(void))
{
	other.run = run;
	other.tid = 0;
	assert_int_equal(pthread_create(&other.thread, NULL, be_other, NULL),
			 0);
	while (!other.tid || step_state(getpid(), other.tid) != 'S')
		sched_yield();
}

static inline int end(void)
{
	assert_int_equal(pthread_join(other.thread, NULL), 0);
	return other.rc;
}

static inline int in_other(int (*run)(void))
{
	other.run = run;
	assert_int_equal(pthread_create(&other.thread, NULL, be_other, NULL),
			 0);
	return end();
}

static inline void mutex_of(struct via_mutex *mutex, uint32_t flags)
{
	const struct via_mutex_options o = {
		.flags = flags,
		.region = m,
		.region_len = sizeof(*m),
	};

	assert_int_equal(via_mutex_init(mutex, &o), 0);
}

/* --- What is done with mutex a --- */

static inline int try_a(void)
{
	int rc = via_mutex_lock(&m->a, VIA_NO_WAIT, NULL);

	return rc ? rc : via_mutex_unlock(&m->a);
}

static inline int lock_a(void)
{
	int rc = via_mutex_lock(&m->a, SOON, NULL);

	return rc ? rc : via_mutex_unlock(&m->a);
}

static inline int lock_a_a_moment(void)
{
	return via_mutex_lock(&m->a, MOMENT, NULL);
}

static inline int unlock_a(void)
{
	return via_mutex_unlock(&m->a);
}

static const uint32_t mutex_kinds[] = {
	0,
	VIA_MUTEX_RECURSIVE,
	VIA_MUTEX_INHERIT,
	VIA_MUTEX_DETECT,
	VIA_MUTEX_RECURSIVE | VIA_MUTEX_INHERIT | VIA_MUTEX_DETECT,
};
#define FOR_MUTEX_KINDS(flags)                                                 \
	for (size_t i_ = 0; i_ < sizeof(mutex_kinds) / sizeof(*mutex_kinds) && \
			    (mutex_of(&m->a, mutex_kinds[i_]), 1);             \
	     i_++)                                                             \
		for (uint32_t flags = mutex_kinds[i_], n_ = 0; n_ == 0; n_++)

static inline int map(void **state)
{
	(void)state;
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return m == MAP_FAILED ? -1 : 0;
}

static inline int unmap(void **state)
{
	(void)state;
	return munmap(m, sizeof(*m));
}

#endif
