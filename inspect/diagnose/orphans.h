/* SPDX-License-Identifier: MIT */
/*
 * What is left over: System V objects, POSIX queues, memory and semaphores that
 * stay until somebody removes them, and that nobody will come back to as far as
 * can be seen. A pure function of the snapshot.
 *
 * Not all is judged: of what others may have, nothing is claimed unless all
 * processes were seen. Only objects of the IPC namespace that the snapshot was
 * taken in are, and for an ordinary user only his own.
 */
#ifndef INSPECT_DIAGNOSE_ORPHANS_H
#define INSPECT_DIAGNOSE_ORPHANS_H

#include <stddef.h>

#include <via/inspect.h>

struct via__orphan {
	uint32_t object;
	int64_t age_s; /* not used or changed for so long, or VIA_UNKNOWN */
	char why[160]; /* safe to print */
};

struct via__orphans {
	struct via__orphan *at; /* in the order of the objects */
	size_t n;
	/* How many might be orphaned, but not all who could have them were
	 * seen. */
	size_t n_unjudged;
};

/* 0, -ENOMEM. */
int via__orphans(const struct via_snapshot *s, struct via__orphans *ret);
void via__orphans_fini(struct via__orphans *o);

/* The one of an object, or NULL. */
const struct via__orphan *via__orphans_find(const struct via__orphans *o,
					    uint32_t object);

#endif
