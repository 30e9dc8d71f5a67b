/* SPDX-License-Identifier: MIT */
/*
 * The deadlock of two threads and two locks: each holds one and wants the
 * other's. Here both give up after a while; pthread_mutex_lock never would.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

struct side {
	pthread_mutex_t *mine, *others;
	int error;
};

/* First: both hold their own. Second: both have tried for the other's. */
static pthread_barrier_t both;

static void *take_two(void *arg)
{
	struct side *side = arg;
	struct timespec end;

	pthread_mutex_lock(side->mine);
	pthread_barrier_wait(&both);

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	side->error = pthread_mutex_clocklock(side->others, CLOCK_MONOTONIC,
					      &end); /* glibc 2.30 */
	if (!side->error)
		pthread_mutex_unlock(side->others);
	pthread_barrier_wait(&both);
	pthread_mutex_unlock(side->mine);
	return NULL;
}

int main(void)
{
	pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;
	struct side sides[2] = {{&a, &b, 0}, {&b, &a, 0}};
	pthread_t threads[2];

	pthread_barrier_init(&both, NULL, 2);
	for (int i = 0; i < 2; i++) {
		errno = pthread_create(&threads[i], NULL, take_two, &sides[i]);
		if (errno)
			err(1, "pthread_create");
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		printf("thread %d: %s\n", i,
		       sides[i].error ? "waited in vain" : "has both");
	}
	return 0;
}
