/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <time.h>

#include "bench/cacheline.h"

#define TRIES 8
#define TRIPS 200
/* So often it looks before it believes that the other is not running. */
#define PATIENCE 20000

static void wait_for(const uint64_t *line, uint64_t value)
{
	/* Acquire and release, each other's partner, as a queue would do. */
	for (unsigned int i = 1;
	     __atomic_load_n(line, __ATOMIC_ACQUIRE) != value; i++)
		if (i % PATIENCE == 0)
			sched_yield();
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double cacheline_ns(uint64_t *out, const uint64_t *in, unsigned int turn)
{
	uint64_t value = 0;
	double best = 0;

	for (int i = 0; i < TRIES; i++) {
		double begin = now_ns();

		for (int j = 0; j < TRIPS; j++, value += 2) {
			wait_for(in, value + turn);
			__atomic_store_n(out, value + turn + 1,
					 __ATOMIC_RELEASE);
		}
		double ns = (now_ns() - begin) / (2 * TRIPS);

		if (i == 0 || ns < best)
			best = ns;
	}
	return best;
}
