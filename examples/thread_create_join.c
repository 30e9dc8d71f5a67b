/* SPDX-License-Identifier: MIT */
/*
 * Start threads and join them: each takes an argument and gives a result.
 *
 * The calls return an error number and leave errno alone. If main returned
 * first, the process and all its threads would end.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define THREADS 3

struct task {
	pthread_t thread;
	int from, to;
	long sum; /* the thread's until it is joined */
};

static void *add(void *arg)
{
	struct task *task = arg;

	for (int i = task->from; i < task->to; i++)
		task->sum += i;
	return task;
}

int main(void)
{
	struct task tasks[THREADS]; /* &i would change under the thread */
	long total = 0;

	for (int i = 0; i < THREADS; i++) {
		tasks[i] = (struct task){.from = i * 100, .to = i * 100 + 100};
		errno = pthread_create(&tasks[i].thread, NULL, add, &tasks[i]);
		if (errno)
			err(1, "pthread_create");
	}

	for (int i = 0; i < THREADS; i++) {
		void *result; /* what the thread returned */

		errno = pthread_join(tasks[i].thread, &result);
		if (errno)
			err(1, "pthread_join");
		total += ((struct task *)result)->sum;
		printf("thread %d: %ld\n", i, tasks[i].sum);
	}
	printf("total %ld\n", total);
	return 0;
}
