/* SPDX-License-Identifier: MIT */
/* The supervisor: starts the two sides of a measurement and waits for them. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <signal.h>

#include <via/error.h>

#include "bench/plan.h"

struct bench_supervisor {
	struct bench_plan *plan; /* to be filled before each measurement */
	int plan_fd, signal_fd;
	sigset_t old_mask;
	char dir[256];	  /* private, for names; removed by fini */
	char peers[4096]; /* the program with the other libraries; "" */
};

/* Blocks SIGCHLD, SIGINT, SIGTERM and SIGHUP until fini. 0 or -errno. */
int supervisor_init(struct bench_supervisor *v, struct via_error *err);
void supervisor_fini(struct bench_supervisor *v);

/*
 * Do what v->plan says: 0, and the sample is in it; -EINTR when a signal
 * wants an end; else -errno with the sentence in plan->sample.error.
 */
int supervisor_measure(struct bench_supervisor *v);

#endif
