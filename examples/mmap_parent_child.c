/* SPDX-License-Identifier: MIT */
/*
 * Parent and child take turns on a number in a mapped file.
 *
 * The mapping lets both see it, the semaphores say whose turn it is: shared
 * memory has no order of its own.
 */
#include <err.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3

struct shared {
	sem_t turn[2];
	int number;
};

static void play(struct shared *s, int me, const char *name)
{
	for (int i = 0; i < ROUNDS; i++) {
		/* If the other dies, this waits for ever: nobody posts. */
		if (sem_wait(&s->turn[me]) < 0)
			err(1, "sem_wait");
		printf("%s: %d\n", name, ++s->number);
		fflush(stdout); /* the other prints to the same place */
		sem_post(&s->turn[!me]);
	}
}

int main(void)
{
	FILE *file = tmpfile();

	/* The file must be there first: beyond its end is SIGBUS. */
	if (!file || ftruncate(fileno(file), sizeof(struct shared)) < 0)
		err(1, "tmpfile");

	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED, fileno(file), 0);

	if (s == MAP_FAILED)
		err(1, "mmap");
	fclose(file); /* the mapping stays */
	/* Shared between processes; the parent begins. */
	if (sem_init(&s->turn[0], 1, 1) < 0 || sem_init(&s->turn[1], 1, 0) < 0)
		err(1, "sem_init");

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	play(s, child == 0, child ? "parent" : "child");
	if (child > 0 && waitpid(child, NULL, 0) < 0)
		err(1, "waitpid");
	return 0;
}
