/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory, guarded by a System V semaphore.
 *
 * Both outlive their makers until they are removed.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20000

static void change(int sem, short by)
{
	/* With SEM_UNDO a process killed in between gives it back. */
	struct sembuf op = {.sem_op = by, .sem_flg = SEM_UNDO};

	while (semop(sem, &op, 1) < 0)
		if (errno != EINTR) /* stopped and continued */
			err(1, "semop");
}

static void count(int sem, int *number)
{
	for (int i = 0; i < ROUNDS; i++) {
		change(sem, -1);
		++*number;
		change(sem, 1);
	}
}

int main(void)
{
	int shm = shmget(IPC_PRIVATE, sizeof(int), IPC_CREAT | 0600);
	int *number = shm < 0 ? (void *)-1 : shmat(shm, NULL, 0);

	if (number == (void *)-1)
		err(1, "shared memory");
	shmctl(shm, IPC_RMID, NULL); /* goes with the last detach */

	int sem = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	if (sem < 0 || semctl(sem, 0, SETVAL, 1) < 0)
		err(1, "semaphore");

	pid_t child = fork();

	count(sem, number);
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		warn("child");
	printf("%d of %d\n", *number, 2 * ROUNDS);
	return semctl(sem, 0, IPC_RMID) < 0;
}
