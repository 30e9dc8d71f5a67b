/* SPDX-License-Identifier: MIT */
/*
 * A producer and a consumer share a small buffer.
 *
 * A condition is waited for in a loop, as a wait may end for no reason.
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>

#define ITEMS 10000
#define SLOTS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the rest */
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static int slots[SLOTS], n_put, n_got;

static void put(int item)
{
	pthread_mutex_lock(&lock);
	while (n_put - n_got == SLOTS)
		pthread_cond_wait(&not_full, &lock);
	slots[n_put++ % SLOTS] = item;
	pthread_cond_signal(&not_empty);
	pthread_mutex_unlock(&lock);
}

static int get(void)
{
	pthread_mutex_lock(&lock);
	while (n_put == n_got)
		pthread_cond_wait(&not_empty, &lock);

	int item = slots[n_got++ % SLOTS];

	pthread_cond_signal(&not_full);
	pthread_mutex_unlock(&lock);
	return item;
}

static void *produce(void *unused)
{
	for (int i = 1; i <= ITEMS; i++)
		put(i);
	return unused;
}

int main(void)
{
	pthread_t producer;
	long sum = 0;

	if (pthread_create(&producer, NULL, produce, NULL) != 0)
		errx(1, "pthread_create");
	for (int i = 0; i < ITEMS; i++)
		sum += get();
	pthread_join(producer, NULL);
	return printf("%d items, sum %ld\n", ITEMS, sum) < 0;
}
