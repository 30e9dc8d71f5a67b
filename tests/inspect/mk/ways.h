/* SPDX-License-Identifier: MIT */
/* The ways in which one process can wait for another: the rows of mix.c. */
#ifndef TESTS_INSPECT_WAYS_H
#define TESTS_INSPECT_WAYS_H

#include "tests/inspect/mk/mk.h"

/* One process that waits for another. */
struct way {
	const struct way_kind *kind;
	int waits, blocks; /* their descriptors, or -1 */
	int id;
	void *memory;
};

struct way_kind {
	const char *name;
	/* In the factory: makes the object, and says what is waited for. */
	void (*make)(struct mk *m, struct way *w, const char *waiter,
		     const char *blocker);
	/* In who is waited for, before; may be NULL. */
	void (*hold)(const struct way *w);
	/* In who waits; does not return. */
	void (*wait)(const struct way *w);
	/* Somebody else could open it by its name: no proof. */
	bool open;
};

/* The one with this name, or the end. */
const struct way_kind *mk_way(const char *name);

#endif
