/* SPDX-License-Identifier: MIT */
/* What machine the figures are from: in every output. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

struct bench_machine {
	char cpu[128];	       /* model */
	char kernel[160];      /* release and architecture */
	char governor[32];     /* "" where the kernel does not say */
	char mitigations[640]; /* "on: spectre_v2 ...; off: ..." */
	char clocksource[32];
	bool is_virtual; /* there is a hypervisor */
	int cpus;	 /* this process may run on */
	int pinned[2];	 /* to these the two sides go; -1: not pinned */
	double load;	 /* over the last minute, before the start */
	double clock_ns; /* what reading the clock costs */
};

void bench_machine_get(struct bench_machine *ret);

#endif
