/* SPDX-License-Identifier: MIT */
/* Among threads that are stuck: who waits for each other, in a ring. */
#ifndef INSPECT_DIAGNOSE_CYCLE_H
#define INSPECT_DIAGNOSE_CYCLE_H

#include "inspect/diagnose/verdict.h"

/* Fill the verdicts of threads that are stuck, and the cycles. 0, -ENOMEM. */
int via__verdicts_stuck(const struct via__graph *g,
			const struct via__standing *standing,
			struct via_diagnosis *d);

#endif
