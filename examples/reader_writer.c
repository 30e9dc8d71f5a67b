/* SPDX-License-Identifier: MIT */
/*
 * A reader-writer lock: readers together, the writer alone.
 *
 * Unless asked otherwise, as here, glibc lets new readers pass a writer that
 * waits: while they keep coming, it starves.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define ROUNDS 1000

static pthread_rwlock_t lock;
static pthread_barrier_t inside;
static int a, b; /* equal, but for the writer's moment between them */

static void *read_all(void *torn)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_rwlock_rdlock(&lock);
		/* All readers meet here, within the lock. */
		if (i == 0)
			pthread_barrier_wait(&inside);
		*(int *)torn += a != b;
		pthread_rwlock_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	int torn[2] = {0};
	pthread_t readers[2];
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&lock, &attr);
	pthread_barrier_init(&inside, NULL, 3);
	for (int i = 0; i < 2; i++)
		if ((errno = pthread_create(&readers[i], NULL, read_all,
					    &torn[i])))
			err(1, "pthread_create");

	pthread_barrier_wait(&inside);
	puts("both readers are inside at once");
	for (int i = 0; i < ROUNDS; i++) {
		pthread_rwlock_wrlock(&lock);
		a++;
		b++;
		pthread_rwlock_unlock(&lock);
	}
	pthread_join(readers[0], NULL);
	pthread_join(readers[1], NULL);
	printf("they saw the writer at work %d times\n", torn[0] + torn[1]);
	return 0;
}
