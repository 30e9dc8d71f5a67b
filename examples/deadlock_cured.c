/* SPDX-License-Identifier: MIT */
/*
 * Two cures for the deadlock: one order for all, or trying and letting go.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define ROUNDS 100000

static pthread_mutex_t lock[2] = {PTHREAD_MUTEX_INITIALIZER,
				  PTHREAD_MUTEX_INITIALIZER};
static int pairs; /* guarded by both locks */

/* Whatever the caller wants first, lock 0 is taken first. */
static void in_order(int first)
{
	(void)first;
	pthread_mutex_lock(&lock[0]);
	pthread_mutex_lock(&lock[1]);
}

/* Where no order can be kept: never wait while holding one. */
static void let_go(int first)
{
	pthread_mutex_lock(&lock[first]);
	while (pthread_mutex_trylock(&lock[!first]) == EBUSY) {
		pthread_mutex_unlock(&lock[first]);
		sched_yield();
		pthread_mutex_lock(&lock[first]);
	}
}

static void *count_pairs(void *arg)
{
	int first = *(int *)arg;

	for (int i = 0; i < 2 * ROUNDS; i++) {
		i < ROUNDS ? in_order(first) : let_go(first);
		pairs++;
		pthread_mutex_unlock(&lock[0]);
		pthread_mutex_unlock(&lock[1]);
	}
	return NULL;
}

int main(void)
{
	int first[2] = {0, 1};
	pthread_t thread;

	if ((errno = pthread_create(&thread, NULL, count_pairs, &first[1])))
		err(1, "pthread_create");
	count_pairs(&first[0]);
	pthread_join(thread, NULL);
	printf("both locks taken %d times\n", pairs);
	return 0;
}
