/* SPDX-License-Identifier: MIT */
/* Mutexes, here between processes: what holds for them holds for threads. */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

/* A mutex that children can share, of this type. */
static pthread_mutex_t *make(int type)
{
	pthread_mutex_t *mutex = lab_shared(sizeof(*mutex));
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, mutex, &attr);
	return mutex;
}

static void mutex_01(void)
{
	pthread_mutex_t *normal = make(PTHREAD_MUTEX_NORMAL);
	pthread_mutex_t *checking = make(PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_t *counting = make(PTHREAD_MUTEX_RECURSIVE);

	CHILD(relocker) {
		PMUST(pthread_mutex_lock, normal);
		PMUST(pthread_mutex_lock, normal);
	}
	EXPECT(lab_blocked(relocker, SYS_futex), ==, true);
	PGIVES(EBUSY, pthread_mutex_trylock, normal);

	PMUST(pthread_mutex_lock, checking);
	PGIVES(EDEADLK, pthread_mutex_lock, checking);
	PGIVES(0, pthread_mutex_unlock, checking);
	PGIVES(0, pthread_mutex_trylock, checking);

	PMUST(pthread_mutex_lock, counting);
	PGIVES(0, pthread_mutex_lock, counting);
	PMUST(pthread_mutex_unlock, counting);
	CHILD(early) {
		PGIVES(EBUSY, pthread_mutex_trylock, counting);
	}
	EXPECT(lab_wait(early), ==, 0);
	PMUST(pthread_mutex_unlock, counting);
	CHILD(late) {
		PGIVES(0, pthread_mutex_trylock, counting);
	}
	EXPECT(lab_wait(late), ==, 0);
}

static void mutex_02(void)
{
	pthread_mutex_t *shared = lab_shared(sizeof(*shared));
	pthread_mutex_t *private = lab_shared(sizeof(*private));
	pthread_mutexattr_t attr;

	PMUST(pthread_mutexattr_init, &attr);
	PMUST(pthread_mutexattr_setpshared, &attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, shared, &attr);
	PMUST(pthread_mutex_init, private, NULL);
	PMUST(pthread_mutex_lock, shared);
	PMUST(pthread_mutex_lock, private);
	CHILD(sharer) {
		PGIVES(0, pthread_mutex_lock, shared);
	}
	CHILD(intruder) {
		PMUST(pthread_mutex_lock, private);
	}
	EXPECT(lab_blocked(sharer, SYS_futex), ==, true);
	EXPECT(lab_blocked(intruder, SYS_futex), ==, true);
	PMUST(pthread_mutex_unlock, shared);
	EXPECT(lab_wait(sharer), ==, 0);
	/* Undefined. On Linux: it is free, and nobody wakes who sleeps. */
	PMUST(pthread_mutex_unlock, private);
	EXPECT(lab_blocked(intruder, SYS_futex), ==, true);
	PGIVES(0, pthread_mutex_trylock, private);
}

static pthread_mutex_t *mutex_03_make(int robustness)
{
	pthread_mutex_t *mutex = lab_shared(sizeof(*mutex));
	pthread_mutexattr_t attr;

	PMUST(pthread_mutexattr_init, &attr);
	PMUST(pthread_mutexattr_setrobust, &attr, robustness);
	PMUST(pthread_mutexattr_setpshared, &attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, mutex, &attr);
	return mutex;
}

static void mutex_03(void)
{
	pthread_mutex_t *mended = mutex_03_make(PTHREAD_MUTEX_ROBUST);
	pthread_mutex_t *spoilt = mutex_03_make(PTHREAD_MUTEX_ROBUST);
	pthread_mutex_t *stalled = mutex_03_make(PTHREAD_MUTEX_STALLED);

	CHILD(owner) {
		PMUST(pthread_mutex_lock, mended);
		PMUST(pthread_mutex_lock, spoilt);
		PMUST(pthread_mutex_lock, stalled);
		lab_post(&lab_cell[0], 1);
		pause();
	}
	lab_await(&lab_cell[0], 1);
	lab_kill(owner);

	PGIVES(EOWNERDEAD, pthread_mutex_lock, mended);
	PGIVES(0, pthread_mutex_consistent, mended);
	PMUST(pthread_mutex_unlock, mended);
	PGIVES(0, pthread_mutex_lock, mended);

	PGIVES(EOWNERDEAD, pthread_mutex_lock, spoilt);
	PMUST(pthread_mutex_unlock, spoilt);
	PGIVES(ENOTRECOVERABLE, pthread_mutex_lock, spoilt);

	CHILD(next) {
		PMUST(pthread_mutex_lock, stalled);
	}
	EXPECT(lab_blocked(next, SYS_futex), ==, true);
}

/* Each has one and waits for the other's. */
static void mutex_04_deadlock(pthread_mutex_t *a, pthread_mutex_t *b)
{
	CHILD(ab) {
		PMUST(pthread_mutex_lock, a);
		lab_post(&lab_cell[0], 1);
		lab_await(&lab_cell[1], 1);
		PMUST(pthread_mutex_lock, b);
	}
	CHILD(ba) {
		PMUST(pthread_mutex_lock, b);
		lab_post(&lab_cell[1], 1);
		lab_await(&lab_cell[0], 1);
		PMUST(pthread_mutex_lock, a);
	}
	EXPECT(lab_blocked(ab, SYS_futex), ==, true);
	EXPECT(lab_blocked(ba, SYS_futex), ==, true);
	lab_kill(ab);
	lab_kill(ba);
}

/* The same, but one of them only tries, and lets go. */
static void mutex_04_let_go(pthread_mutex_t *a, pthread_mutex_t *b)
{
	CHILD(polite) {
		PMUST(pthread_mutex_lock, a);
		lab_post(&lab_cell[2], 1);
		lab_await(&lab_cell[3], 1);
		PGIVES(EBUSY, pthread_mutex_trylock, b);
		PMUST(pthread_mutex_unlock, a);
	}
	CHILD(other) {
		PMUST(pthread_mutex_lock, b);
		lab_post(&lab_cell[3], 1);
		lab_await(&lab_cell[2], 1);
		PGIVES(0, pthread_mutex_lock, a);
		PMUST(pthread_mutex_unlock, a);
		PMUST(pthread_mutex_unlock, b);
	}
	EXPECT(lab_wait(polite), ==, 0);
	EXPECT(lab_wait(other), ==, 0);
}

/* Both, always in the same order. */
static void mutex_04_in_order(pthread_mutex_t *a, pthread_mutex_t *b)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(a);
		pthread_mutex_lock(b);
		lab_cell[4]++;
		pthread_mutex_unlock(b);
		pthread_mutex_unlock(a);
	}
}

static void mutex_04(void)
{
	pthread_mutex_t *m[4];

	for (int i = 0; i < 4; i++)
		m[i] = make(PTHREAD_MUTEX_NORMAL);
	mutex_04_deadlock(m[0], m[1]);
	mutex_04_let_go(m[2], m[3]);
	CHILD(one) {
		mutex_04_in_order(m[2], m[3]);
	}
	CHILD(two) {
		mutex_04_in_order(m[2], m[3]);
	}
	EXPECT(lab_wait(one), ==, 0);
	EXPECT(lab_wait(two), ==, 0);
	EXPECT(lab_cell[4], ==, 20000);
}

static void mutex_05(void)
{
	pthread_mutex_t *checking = make(PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_t *normal = make(PTHREAD_MUTEX_NORMAL);

	PGIVES(EPERM, pthread_mutex_unlock, checking);
	PMUST(pthread_mutex_lock, checking);
	PMUST(pthread_mutex_lock, normal);
	CHILD(other) {
		PGIVES(EPERM, pthread_mutex_unlock, checking);
		PGIVES(EBUSY, pthread_mutex_trylock, checking);
		/* Undefined. Here nobody looks, and two are inside. */
		PGIVES(0, pthread_mutex_unlock, normal);
		PGIVES(0, pthread_mutex_trylock, normal);
	}
	EXPECT(lab_wait(other), ==, 0);
	PGIVES(0, pthread_mutex_unlock, checking);
}

static const struct lab_experiment experiments[] = {
	{"mutex.01", "locking again: deadlock, EDEADLK, or counted",
	 "pthread_mutex_lock(3)", mutex_01},
	{"mutex.02", "processes can share a mutex that is made for it",
	 "pthread_mutexattr_setpshared(3), futex(2)", mutex_02},
	{"mutex.03", "a robust mutex tells that its owner has died",
	 "pthread_mutexattr_setrobust(3), get_robust_list(2)", mutex_03},
	{"mutex.04", "two mutexes in opposite order deadlock",
	 "pthread_mutex_lock(3)", mutex_04},
	{"mutex.05", "only the owner may unlock", "pthread_mutex_unlock(3)",
	 mutex_05},
	{0},
};

const struct lab_section lab_mutex = {
	.name = "mutex",
	.title = "mutexes",
	.experiments = experiments,
};
