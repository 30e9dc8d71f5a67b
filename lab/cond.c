/* SPDX-License-Identifier: MIT */
/* Condition variables: pthread_cond_wait(3). */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

#define READY lab_cell[0] /* what is waited for; the mutex guards both */
#define WOKEN lab_cell[1] /* returns from pthread_cond_wait() */

static void cond_01_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	PMUST(pthread_mutex_lock, mutex);
	while (!READY) {
		PGIVES(0, pthread_cond_wait, cond, mutex);
		lab_post(&WOKEN, WOKEN + 1);
	}
	PGIVES(0, pthread_mutex_unlock, mutex);
}

static void cond_01_make(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	pthread_condattr_t c;
	pthread_mutexattr_t m;

	PMUST(pthread_condattr_init, &c);
	PMUST(pthread_condattr_setpshared, &c, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_cond_init, cond, &c);
	PMUST(pthread_mutexattr_init, &m);
	PMUST(pthread_mutexattr_settype, &m, PTHREAD_MUTEX_ERRORCHECK);
	PMUST(pthread_mutexattr_setpshared, &m, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, mutex, &m);
}

static void cond_01(void)
{
	pthread_cond_t *cond = lab_shared(sizeof(*cond));
	pthread_mutex_t *mutex = lab_shared(sizeof(*mutex));

	cond_01_make(cond, mutex);
	PMUST(pthread_cond_signal, cond); /* nobody waits: it is lost */
	CHILD(one) {
		cond_01_wait(cond, mutex);
	}
	CHILD(two) {
		cond_01_wait(cond, mutex);
	}
	EXPECT(lab_blocked(one, SYS_futex), ==, true);
	EXPECT(lab_blocked(two, SYS_futex), ==, true);
	EXPECT(WOKEN, ==, 0);
	/* Both wait, and neither has the mutex. */
	PGIVES(0, pthread_mutex_trylock, mutex);
	/* Who is woken does not return before it has the mutex again. */
	PMUST(pthread_cond_signal, cond);
	EXPECT(lab_blocked(one, SYS_futex), ==, true);
	EXPECT(lab_blocked(two, SYS_futex), ==, true);
	EXPECT(WOKEN, ==, 0);
	/* Then it finds nothing ready, and waits again. */
	PMUST(pthread_mutex_unlock, mutex);
	EXPECT(lab_await(&WOKEN, 1), ==, true);
	EXPECT(lab_blocked(one, SYS_futex), ==, true);
	EXPECT(lab_blocked(two, SYS_futex), ==, true);

	PMUST(pthread_mutex_lock, mutex);
	READY = 1;
	PMUST(pthread_cond_broadcast, cond);
	PMUST(pthread_mutex_unlock, mutex);
	EXPECT(lab_wait(one), ==, 0);
	EXPECT(lab_wait(two), ==, 0);
	EXPECT(WOKEN, >=, 3);
}

static const struct lab_experiment experiments[] = {
	{"cond.01", "waiting lets the mutex go; being woken promises nothing",
	 "pthread_cond_wait(3), pthread_cond_signal(3)", cond_01},
	{0},
};

const struct lab_section lab_cond = {
	.name = "cond",
	.title = "condition variables",
	.experiments = experiments,
};
