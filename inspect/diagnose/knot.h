/* SPDX-License-Identifier: MIT */
/* Strongly connected components of the threads that are stuck: a thread waits
 * for another if that one could end a wait that nobody can end. */
#ifndef INSPECT_DIAGNOSE_KNOT_H
#define INSPECT_DIAGNOSE_KNOT_H

#include "inspect/diagnose/verdict.h"

/* Going through those a stuck thread waits for; begins as zeros. */
struct via__edges {
	uint32_t wait; /* of its waits, the one that is looked at */
	struct via__walk walk;
};

/* The next, which may come more than once, and the wait that leads there; or
 * VIA_NONE. */
uint32_t via__next_edge(const struct via__graph *g,
			const struct via__standing *standing, uint32_t thread,
			struct via__edges *edges, uint32_t *ret_wait);

/*
 * Number the components in ret[], by thread: who waits for somebody in another
 * one has the higher number. VIA_NONE: not stuck. 0 or -ENOMEM.
 */
int via__knots(const struct via__graph *g, const struct via__standing *standing,
	       uint32_t *ret, uint32_t *ret_n);

#endif
