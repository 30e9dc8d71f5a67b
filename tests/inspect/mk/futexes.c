/* SPDX-License-Identifier: MIT */
/* Mutexes and what else the C library makes of futexes, between processes and
 * between threads. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/prctl.h>

enum {
	NORMAL,
	ROBUST,
	PI,
	ERRORCHECK
};

/* What processes share. */
struct room {
	pthread_mutex_t mutex[3];
	pthread_cond_t cond;
	pthread_rwlock_t rwlock[2];
	pthread_barrier_t barrier;
	sem_t sem;
	uint32_t words[2];
};

static void init_mutex(pthread_mutex_t *mutex, int type, bool shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, shared ? PTHREAD_PROCESS_SHARED
						   : PTHREAD_PROCESS_PRIVATE);
	if (type == ROBUST)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (type == PI)
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (type == ERRORCHECK)
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	errno = pthread_mutex_init(mutex, &attr);
	if (errno)
		mk_die("pthread_mutex_init");
	pthread_mutexattr_destroy(&attr);
}

static struct room *room(struct mk *m, int type, int *ret_memory)
{
	struct room *r = mk_shared(m, sizeof(*r), ret_memory);
	pthread_condattr_t cond;
	pthread_rwlockattr_t rwlock;
	pthread_barrierattr_t barrier;

	for (int i = 0; i < 3; i++)
		init_mutex(&r->mutex[i], type, true);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&r->cond, &cond);
	pthread_rwlockattr_init(&rwlock);
	pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < 2; i++)
		pthread_rwlock_init(&r->rwlock[i], &rwlock);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&r->barrier, &barrier, 2);
	if (sem_init(&r->sem, 1, 0) < 0)
		mk_die("sem_init");
	return r;
}

/* The futex at an address of shared memory. */
static int futex(struct mk *m, const void *address)
{
	struct mk_place_in_memory at = mk_mapped(address);

	return mk_object(m, "futex", at.dev, at.ino, at.offset);
}

static void lock(pthread_mutex_t *mutex)
{
	errno = pthread_mutex_lock(mutex);
	if (errno)
		mk_die("pthread_mutex_lock");
}

static void waits(struct mk *m, const char *role, const char *op, int word)
{
	mk_blocks(m, role, SYS_futex, -1);
	mk_waits(m, role, op, word, -1);
}

static void held(struct mk *m, int type)
{
	int memory;
	struct room *r = room(m, type, &memory);
	int word = futex(m, &r->mutex[0]);

	mk_gate(m);
	CHILD(m, "owner", -1) {
		lock(&r->mutex[0]);
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "owner");
	CHILD(m, "waiter", -1)
		lock(&r->mutex[0]);
	waits(m, "waiter", "lock", word);
	mk_holds(m, "owner", word, "lock", -1, NULL);
	mk_holds(m, "owner", memory, "map", -1, "rw");
	mk_holds(m, "waiter", memory, "map", -1, "rw");
	mk_verdict(m, "waiter", "waiting", NULL);
}

void make_mutex(struct mk *m)
{
	held(m, NORMAL);
}

void make_mutex_robust(struct mk *m)
{
	held(m, ROBUST);
}

void make_mutex_pi(struct mk *m)
{
	held(m, PI);
}

void make_mutex_errorcheck(struct mk *m)
{
	held(m, ERRORCHECK);
}

static void ring(struct mk *m, int type, int n)
{
	static const char *const roles[] = {"one", "two", "three"};
	int memory;
	struct room *r = room(m, type, &memory);

	mk_gate(m);
	for (int i = 0; i < n; i++) {
		CHILD(m, roles[i], -1) {
			lock(&r->mutex[i]);
			mk_ready(m);
			lock(&r->mutex[(i + 1) % n]);
		}
		int word = futex(m, &r->mutex[(i + 1) % n]);

		waits(m, roles[i], "lock", word);
		mk_holds(m, roles[(i + 1) % n], word, "lock", -1, NULL);
	}
	mk_go(m, (unsigned int)n);
}

void make_mutex_cycle(struct mk *m)
{
	ring(m, NORMAL, 2);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_mutex_cycle_3(struct mk *m)
{
	ring(m, NORMAL, 3);
	mk_cycle(m, "exact", "one", "two", "three", NULL);
}

void make_robust_cycle(struct mk *m)
{
	ring(m, ROBUST, 2);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* The kernel refuses those that it sees (EDEADLK), so it goes on through a
 * mutex of another kind. */
void make_pi_cycle(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	init_mutex(&r->mutex[1], PI, true);
	mk_gate(m);
	CHILD(m, "one", -1) {
		lock(&r->mutex[0]);
		mk_ready(m);
		lock(&r->mutex[1]);
	}
	CHILD(m, "two", -1) {
		lock(&r->mutex[1]);
		mk_ready(m);
		lock(&r->mutex[0]);
	}
	mk_go(m, 2);
	waits(m, "one", "lock", futex(m, &r->mutex[1]));
	waits(m, "two", "lock", futex(m, &r->mutex[0]));
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_mutex_self(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	CHILD(m, "self", -1) {
		lock(&r->mutex[0]);
		lock(&r->mutex[0]);
	}
	waits(m, "self", "lock", futex(m, &r->mutex[0]));
	mk_cycle(m, "exact", "self", NULL);
}

/* It has died with it, and it is not robust: nobody will ever unlock it. */
void make_mutex_dead(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);
	int word = futex(m, &r->mutex[0]);

	CHILD(m, "owner", -1)
		lock(&r->mutex[0]);
	mk_ended(m, "owner");
	CHILD(m, "waiter", -1)
		lock(&r->mutex[0]);
	waits(m, "waiter", "lock", word);
	mk_verdict(m, "waiter", "orphaned", NULL);
	mk_finding(m, "dead-mutex-owner", "waiter", word);
}

/* --- What has no owner --- */

void make_cond(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	CHILD(m, "waiter", -1) {
		lock(&r->mutex[0]);
		(void)pthread_cond_wait(&r->cond, &r->mutex[0]);
	}
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_keeper(m, "poster", -1);
	mk_verdict(m, "waiter", "unknown|waiting|idle", NULL);
}

/* Nobody else has the memory, and there is no other thread. */
void make_cond_alone(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	CHILD(m, "waiter", -1) {
		lock(&r->mutex[0]);
		(void)pthread_cond_wait(&r->cond, &r->mutex[0]);
	}
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_verdict(m, "waiter", "stuck|unknown", NULL);
}

void make_sem_unnamed(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	CHILD(m, "waiter", -1)
		(void)sem_wait(&r->sem);
	waits(m, "waiter", "wake", futex(m, &r->sem));
	mk_keeper(m, "poster", -1);
	mk_verdict(m, "waiter", "unknown|waiting|idle", NULL);
}

/* The word that readers (2) and writers (3) wait at: glibc, struct_rwlock.h. */
static int rwlock_word(struct mk *m, pthread_rwlock_t *lock, int index)
{
	return futex(m, (uint32_t *)(void *)lock + index);
}

/* A writer has it, a reader and another writer wait. */
void make_rwlock(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);
	int at[] = {rwlock_word(m, r->rwlock, 2), rwlock_word(m, r->rwlock, 3)};

	mk_gate(m);
	CHILD(m, "writer", -1) {
		(void)pthread_rwlock_wrlock(r->rwlock);
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "writer");
	CHILD(m, "reader", -1)
		(void)pthread_rwlock_rdlock(r->rwlock);
	CHILD(m, "second", -1)
		(void)pthread_rwlock_wrlock(r->rwlock);
	waits(m, "reader", "lock", at[0]);
	waits(m, "second", "lock", at[1]);
	mk_holds(m, "writer", at[0], "lock", -1, NULL);
	mk_holds(m, "writer", at[1], "lock", -1, NULL);
	mk_verdict(m, "reader", "waiting", NULL);
	mk_verdict(m, "second", "waiting", NULL);
}

/* Readers leave no name behind. */
void make_rwlock_readers(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	mk_gate(m);
	CHILD(m, "reader", -1) {
		(void)pthread_rwlock_rdlock(r->rwlock);
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "reader");
	CHILD(m, "writer", -1)
		(void)pthread_rwlock_wrlock(r->rwlock);
	waits(m, "writer", "wake", rwlock_word(m, r->rwlock, 2));
	mk_verdict(m, "writer", "unknown|waiting|idle", NULL);
}

/* One reads what the other writes, and the other way round. */
void make_rwlock_cycle(struct mk *m)
{
	static const char *const roles[] = {"one", "two"};
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	mk_gate(m);
	for (int i = 0; i < 2; i++) {
		CHILD(m, roles[i], -1) {
			(void)pthread_rwlock_wrlock(&r->rwlock[i]);
			mk_ready(m);
			(void)(i ? pthread_rwlock_rdlock(&r->rwlock[!i])
				 : pthread_rwlock_wrlock(&r->rwlock[!i]));
		}
		waits(m, roles[i], "lock",
		      rwlock_word(m, &r->rwlock[!i], i ? 2 : 3));
	}
	mk_go(m, 2);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_barrier(struct mk *m)
{
	int memory;
	struct room *r = room(m, NORMAL, &memory);

	CHILD(m, "early", -1)
		(void)pthread_barrier_wait(&r->barrier);
	mk_blocks(m, "early", SYS_futex, -1);
	mk_keeper(m, "poster", -1);
	mk_verdict(m, "early", "unknown|waiting|idle", NULL);
}

void make_futex_waitv(struct mk *m)
{
#ifdef SYS_futex_waitv
	int memory;
	struct room *r = room(m, NORMAL, &memory);
	struct futex_waitv words[2] = {
		{0, (uintptr_t)&r->words[0], FUTEX_32, 0},
		{0, (uintptr_t)&r->words[1], FUTEX_32, 0},
	};

	CHILD(m, "waiter", -1)
		MUST(syscall(SYS_futex_waitv, words, 2, 0, NULL, 0));
	mk_blocks(m, "waiter", SYS_futex_waitv, -1);
	mk_waits(m, "waiter", "wake", futex(m, &r->words[0]), -1);
	mk_waits(m, "waiter", "wake", futex(m, &r->words[1]), -1);
	mk_keeper(m, "poster", -1);
	mk_verdict(m, "waiter", "unknown|waiting|idle", NULL);
#else
	(void)m;
	mk_skip("futex_waitv (Linux 5.16)");
#endif
}

/* A private futex in a program of one thread: only a signal handler could
 * wake it. */
void make_futex_alone(struct mk *m)
{
	static uint32_t word;

	CHILD(m, "alone", -1)
		(void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL,
			      NULL, 0);
	mk_blocks(m, "alone", SYS_futex, -1);
	mk_waits(m, "alone", "wake",
		 mk_object(m, "futex", 0, (uint64_t)mk_pid(m, "alone"),
			   (uintptr_t)&word),
		 -1);
	mk_verdict(m, "alone", "stuck|unknown", NULL);
	mk_finding(m, "lone-futex", "alone", -1);
}

/* --- Threads --- */

static pthread_mutex_t threads_mutex[2] = {PTHREAD_MUTEX_INITIALIZER,
					   PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t threads_meet;

static void *lock_first(void *arg)
{
	int first = arg != NULL;

	lock(&threads_mutex[first]);
	pthread_barrier_wait(&threads_meet);
	lock(&threads_mutex[!first]);
	return NULL;
}

void make_threads_cycle(struct mk *m)
{
	CHILD(m, "main", -1) {
		pthread_barrier_init(&threads_meet, NULL, 2);
		mk_thread("one", lock_first, NULL);
		mk_thread("two", lock_first, &threads_meet);
		mk_pause();
	}
	mk_idle(m, "main");
	for (int i = 0; i < 2; i++)
		waits(m, i ? "two" : "one", "lock",
		      mk_object(m, "futex", 0, (uint64_t)mk_pid(m, "main"),
				(uintptr_t)&threads_mutex[!i]));
	/* Nobody else could do anything about it, seen or not. */
	mk_cycle(m, "own", "one", "two", NULL);
}

static void *pause_with_mutex(void *unused)
{
	(void)unused;
	lock(&threads_mutex[0]);
	pthread_barrier_wait(&threads_meet);
	mk_pause();
}

void make_threads_mutex_waits(struct mk *m)
{
	CHILD(m, "main", -1) {
		pthread_barrier_init(&threads_meet, NULL, 2);
		mk_thread("owner", pause_with_mutex, NULL);
		pthread_barrier_wait(&threads_meet);
		lock(&threads_mutex[0]);
	}
	mk_idle(m, "owner");
	waits(m, "main", "lock",
	      mk_object(m, "futex", 0, (uint64_t)mk_pid(m, "main"),
			(uintptr_t)&threads_mutex[0]));
	mk_verdict(m, "main", "waiting", NULL);
}

static pthread_t joined;

static void *pauses(void *arg)
{
	(void)arg;
	MUST(prctl(PR_SET_NAME, "worker"));
	mk_pause();
}

void make_join(struct mk *m)
{
	CHILD(m, "main", -1) {
		pthread_create(&joined, NULL, pauses, NULL);
		pthread_join(joined, NULL);
	}
	mk_idle(m, "worker");
	mk_blocks(m, "main", SYS_futex, -1);
	mk_waits_on(m, "main", "join", "worker");
	mk_verdict(m, "main", "waiting", NULL);
}

static void *locks_mutex(void *arg)
{
	(void)arg;
	MUST(prctl(PR_SET_NAME, "worker"));
	lock(&threads_mutex[0]);
	return NULL;
}

/* Joins a thread that waits for a mutex that it has itself. */
void make_join_mutex(struct mk *m)
{
	CHILD(m, "main", -1) {
		lock(&threads_mutex[0]);
		pthread_create(&joined, NULL, locks_mutex, NULL);
		pthread_join(joined, NULL);
	}
	waits(m, "worker", "lock",
	      mk_object(m, "futex", 0, (uint64_t)mk_pid(m, "main"),
			(uintptr_t)&threads_mutex[0]));
	mk_blocks(m, "main", SYS_futex, -1);
	mk_waits_on(m, "main", "join", "worker");
	mk_cycle(m, "own", "main", "worker", NULL);
}
