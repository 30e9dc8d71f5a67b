/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's clocks, by which /proc says when a thread last ran.
 *
 * Each CPU has its own: time that was stolen by other virtual machines or spent
 * on interrupts is left out, so that they are seconds apart after a while. How
 * one goes is known from a thread that is running there: from ourselves. We
 * move to the CPU that is asked for, as far as we may, and back.
 */
#ifndef INSPECT_COLLECT_CLOCK_H
#define INSPECT_COLLECT_CLOCK_H

#include <stdint.h>

#define VIA__CPUS_MAX 8192

struct via__clock {
	int64_t any;	  /* of the CPU that we began on, 0: not read */
	int64_t *offsets; /* less CLOCK_MONOTONIC, by CPU; 0: not read */
	unsigned int n;
};

/* What a CPU's clock shows when ours shows now, or VIA_UNKNOWN. */
int64_t via__clock_of(struct via__clock *c, unsigned int cpu, int64_t now);

/* The clock's time when the task of this directory last ran, or VIA_UNKNOWN.
 * The file is readable for everybody, where there is one
 * (CONFIG_SCHED_DEBUG). */
int64_t via__clock_ran(int dir);

void via__clock_fini(struct via__clock *c);

#endif
