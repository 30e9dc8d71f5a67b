/* SPDX-License-Identifier: MIT */
/*
 * How long a cache line takes from one CPU to the other: the floor under every
 * latency between two processes.
 *
 * A hypervisor moves virtual CPUs about, so that the same two are sometimes
 * near (one core's hyperthreads, a shared cache) and sometimes far, and every
 * spinning figure changes by a factor of four. Measured before and after each
 * sample, it tells which one it was.
 */
#ifndef BENCH_CACHELINE_H
#define BENCH_CACHELINE_H

#include <stdint.h>

/*
 * Play ping-pong with another process that calls this at the same time, with
 * the other turn (0 or 1). *line is 0 before the first of them begins.
 * Returns the time of one way in ns, the best of a few tries.
 */
double cacheline_ns(uint64_t *line, unsigned int turn);

#endif
