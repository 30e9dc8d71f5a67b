/* SPDX-License-Identifier: MIT */
/*
 * Asking early for what the kernel takes long to give.
 *
 * Whoever reads /proc/locks waits for an RCU grace period, 4 to 15 ms, in which
 * we could look at a hundred processes; who comes again before another one has
 * passed does not wait (kernel/rcu/sync.c). The locks have to be read behind
 * the threads that wait for them, so another thread reads them in the beginning
 * and throws them away.
 */
#ifndef INSPECT_COLLECT_EARLY_H
#define INSPECT_COLLECT_EARLY_H

#include "inspect/collect/helper.h"

struct via__early {
	struct via__helper helper;
	bool asked;
};

void via__early_locks(struct via__early *e);
/* Until it was given; nothing if it was not asked for. */
void via__early_wait(struct via__early *e);

#endif
