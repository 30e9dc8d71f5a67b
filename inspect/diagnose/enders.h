/* SPDX-License-Identifier: MIT */
/* From a wait to those who could end it: what each kind of object promises. */
#ifndef INSPECT_DIAGNOSE_ENDERS_H
#define INSPECT_DIAGNOSE_ENDERS_H

#include "inspect/diagnose/graph.h"

/* What is known of those who hold an object in some way. */
struct via__pool {
	bool known, some; /* was looked up; there is one */
	bool doubtful;	  /* parent or child of one is hidden */
	uint8_t worst;	  /* certainty of their records */
};
#define VIA__N_SIDES (VIA__MAPPERS + 1)

/* What the waits of a snapshot have in common. */
struct via__holders {
	const struct via_snapshot *s;
	struct via__pool *pools; /* VIA__N_SIDES for each object */
	bool *doubtful;		 /* by process */
};

/* 0 or -ENOMEM; fini in any case. */
int via__holders_init(struct via__holders *h, const struct via_snapshot *s);
void via__holders_fini(struct via__holders *h);

/* Those who hold the object of e in its way. */
const struct via__pool *via__pool_of(const struct via__holders *all,
				     const struct via__enders *e);

/*
 * How sure it is that all who hold an object were seen. Of processes that may
 * not be looked at, parents and children are relevant (doubtful): ends are
 * inherited, seldom passed.
 */
unsigned int via__completeness(const struct via_snapshot *s, uint32_t object,
			       bool doubtful);

/* find_fifo.c: of who opens a FIFO, the process that would open its other side
 * if it did not wait likewise; VIA_NONE: nobody that is known. */
uint32_t via__crosswise(const struct via_snapshot *s, const struct via_wait *w);

struct via__enders via__enders_of(const struct via__holders *h, uint32_t wait);

#endif
