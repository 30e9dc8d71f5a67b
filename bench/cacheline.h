/* SPDX-License-Identifier: MIT */
/*
 * How long a cache line takes from one CPU to the other: the floor under every
 * latency between two processes.
 *
 * There are two floors. A line that goes to and fro crosses over once for each
 * way, for who has got it to read it has it to write the answer, too; that is
 * the least of all, and depends on an answer in the same line and at once. A
 * queue has lines of its own for each direction: before the writer can change
 * one, the copy of the reader who waits must be taken away, and then the reader
 * gets it anew. So each way takes two crossings.
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
 * the other turn (0 or 1) and the two lines exchanged: each writes out and waits
 * for in. They may be the same one, and are 0 before the first of them begins.
 * Returns the time of one way in ns, the best of a few tries.
 */
double cacheline_ns(uint64_t *out, const uint64_t *in, unsigned int turn);

#endif
