/* SPDX-License-Identifier: MIT */
/* System V semaphores: sysvipc(7). */
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "lab/lab.h"

/* A set of one semaphore under a key that had none. */
static int sysvsem_01_make(key_t *key)
{
	int id = -1;

	/* ftok(3) keeps 24 bits of a file's numbers: others can have the key
	 * already. */
	for (int project = 1; id < 0 && project < 256; project++) {
		*key = CALL(ftok, ".", project);
		id = CALL(semget, *key, 1, IPC_CREAT | IPC_EXCL | 0600);
	}
	return id;
}

static void sysvsem_01(void)
{
	struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT};
	struct semid_ds ds;
	key_t key;
	int one = MUST(semget, IPC_PRIVATE, 1, 0600);
	int two = MUST(semget, IPC_PRIVATE, 1, 0600);
	int id = sysvsem_01_make(&key);

	EXPECT(one, !=, two);
	FAILS(ENOENT, semget, getpid(), 1, 0);
	CHILD(finder) {
		/* It is there, but nobody has said yet what it is worth. */
		GIVES(id, semget, key, 1, 0);
		FAILS(EAGAIN, semop, id, &down, 1);
		lab_post(&lab_cell[0], 1);
		lab_await(&lab_cell[1], 1);
		MUST(semctl, id, 0, IPC_STAT, &ds);
		EXPECT(ds.sem_otime, !=, 0);
		GIVES(0, semop, id, &down, 1);
	}
	lab_await(&lab_cell[0], 1);
	GIVES(0, semctl, id, 0, GETVAL);
	MUST(semctl, id, 0, SETVAL, 0);
	MUST(semctl, id, 0, IPC_STAT, &ds);
	EXPECT(ds.sem_otime, ==, 0);
	MUST(semop, id, &up, 1);
	lab_post(&lab_cell[1], 1);
	EXPECT(lab_wait(finder), ==, 0);
}

static void sysvsem_02(void)
{
	struct sembuf take = {0, -1, 0}, give = {0, 1, 0}, zero = {0, 0, 0};
	struct sembuf both[] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
	int id = MUST(semget, IPC_PRIVATE, 2, 0600);

	CHILD(taker) {
		GIVES(0, semop, id, &take, 1);
	}
	EXPECT(lab_blocked(taker, -1), ==, true);
	MUST(semop, id, &give, 1);
	EXPECT(lab_wait(taker), ==, 0);

	MUST(semop, id, &give, 1);
	CHILD(watcher) {
		GIVES(0, semop, id, &zero, 1);
	}
	EXPECT(lab_blocked(watcher, -1), ==, true);
	/* The first could be had, the second not: neither is taken. */
	FAILS(EAGAIN, semop, id, both, 2);
	GIVES(1, semctl, id, 0, GETVAL);
	MUST(semctl, id, 1, SETVAL, 1);
	GIVES(0, semop, id, both, 2);
	GIVES(0, semctl, id, 1, GETVAL);
	EXPECT(lab_wait(watcher), ==, 0);
}

static void sysvsem_03(void)
{
	struct sembuf undone = {0, -1, SEM_UNDO}, plain = {0, -1, 0};
	int id = MUST(semget, IPC_PRIVATE, 1, 0600);

	MUST(semctl, id, 0, SETVAL, 1);
	CHILD(careful) {
		MUST(semop, id, &undone, 1);
		lab_post(&lab_cell[0], 1);
		pause();
	}
	lab_await(&lab_cell[0], 1);
	GIVES(0, semctl, id, 0, GETVAL);
	lab_kill(careful);
	GIVES(1, semctl, id, 0, GETVAL);

	CHILD(careless) {
		MUST(semop, id, &plain, 1);
		lab_post(&lab_cell[0], 2);
		pause();
	}
	lab_await(&lab_cell[0], 2);
	lab_kill(careless);
	GIVES(0, semctl, id, 0, GETVAL);
}

static void sysvsem_04(void)
{
	struct sembuf take = {0, -1, 0}, zero = {1, 0, 0};
	/* The first identifier of all is 0, as is what semop() returns. */
	int first = MUST(semget, IPC_PRIVATE, 1, 0600);
	int id = MUST(semget, IPC_PRIVATE, 2, 0600);

	EXPECT(id, !=, first);
	MUST(semctl, id, 0, SETVAL, 1);
	MUST(semctl, id, 1, SETVAL, 5);
	GIVES(5, semctl, id, 1, GETVAL);
	GIVES(0, semop, id, &take, 1);
	GIVES(getpid(), semctl, id, 0, GETPID);
	CHILD(taker) {
		FAILS(EIDRM, semop, id, &take, 1);
	}
	CHILD(watcher) {
		FAILS(EIDRM, semop, id, &zero, 1);
	}
	EXPECT(lab_blocked(taker, -1), ==, true);
	EXPECT(lab_blocked(watcher, -1), ==, true);
	GIVES(1, semctl, id, 0, GETNCNT);
	GIVES(1, semctl, id, 1, GETZCNT);
	MUST(semctl, id, 0, IPC_RMID);
	EXPECT(lab_wait(taker), ==, 0);
	EXPECT(lab_wait(watcher), ==, 0);
	FAILS(EINVAL, semctl, id, 0, GETVAL);
}

static const struct lab_experiment experiments[] = {
	{"sysvsem.01", "a new set is found before it has its first value",
	 "semget(2), ftok(3)", sysvsem_01},
	{"sysvsem.02", "semop() takes, gives or awaits zero, all or nothing",
	 "semop(2)", sysvsem_02},
	{"sysvsem.03", "SEM_UNDO gives back what a killed process held",
	 "semop(2)", sysvsem_03},
	{"sysvsem.04", "semctl() looks and sets; removal wakes with EIDRM",
	 "semctl(2), semop(2)", sysvsem_04},
	{0},
};

const struct lab_section lab_sysvsem = {
	.name = "sysvsem",
	.title = "System V semaphores",
	.experiments = experiments,
};
