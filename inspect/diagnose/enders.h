/* SPDX-License-Identifier: MIT */
/* From a wait to those who could end it: what each kind of object promises. */
#ifndef INSPECT_DIAGNOSE_ENDERS_H
#define INSPECT_DIAGNOSE_ENDERS_H

#include "inspect/diagnose/graph.h"

/* What is known of those who hold an object in some way. */
struct via__pool {
	bool known, some; /* was looked up; there is one */
	uint8_t worst;	  /* certainty of their records */
};
#define VIA__N_SIDES (VIA__MAPPERS + 1)

/* pools: VIA__N_SIDES for each object, zeros at first. */
struct via__enders via__enders_of(const struct via_snapshot *s, uint32_t wait,
				  struct via__pool *pools);

#endif
