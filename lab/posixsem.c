/* SPDX-License-Identifier: MIT */
/* POSIX semaphores: sem_overview(7). */
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

static void posixsem_01(void)
{
	sem_t *sem = lab_shared(sizeof(*sem));
	int value = -1;

	MUST(sem_init, sem, true, 1);
	GIVES(0, sem_wait, sem);
	FAILS(EAGAIN, sem_trywait, sem);
	CHILD(one) {
		GIVES(0, sem_wait, sem);
	}
	CHILD(two) {
		GIVES(0, sem_wait, sem);
	}
	EXPECT(lab_blocked(one, SYS_futex), ==, true);
	EXPECT(lab_blocked(two, SYS_futex), ==, true);
	MUST(sem_getvalue, sem, &value);
	EXPECT(value, ==, 0);
	/* Who posts need not have waited. */
	CHILD(stranger) {
		GIVES(0, sem_post, sem);
		GIVES(0, sem_post, sem);
	}
	EXPECT(lab_wait(stranger), ==, 0);
	EXPECT(lab_wait(one), ==, 0);
	EXPECT(lab_wait(two), ==, 0);
	MUST(sem_getvalue, sem, &value);
	EXPECT(value, ==, 0);
}

static void posixsem_02(void)
{
	sem_t *sem = lab_shared(sizeof(*sem));
	int value = -1;

	MUST(sem_init, sem, true, 1);
	CHILD(holder) {
		MUST(sem_wait, sem);
		lab_post(&lab_cell[0], 1);
		pause();
	}
	lab_await(&lab_cell[0], 1);
	lab_kill(holder);
	MUST(sem_getvalue, sem, &value);
	EXPECT(value, ==, 0);
	CHILD(next) {
		GIVES(0, sem_wait, sem);
	}
	EXPECT(lab_blocked(next, SYS_futex), ==, true);
	/* Whoever happens to know better can post for the dead. */
	MUST(sem_post, sem);
	EXPECT(lab_wait(next), ==, 0);
}

static const struct lab_experiment experiments[] = {
	{"posixsem.01", "a count of at least zero, which anyone may raise",
	 "sem_overview(7), sem_getvalue(3)", posixsem_01},
	{"posixsem.02", "nobody posts for a holder that was killed",
	 "sem_overview(7), sem_post(3)", posixsem_02},
	{0},
};

const struct lab_section lab_posixsem = {
	.name = "posixsem",
	.title = "POSIX semaphores",
	.experiments = experiments,
};
