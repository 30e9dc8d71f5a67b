/* SPDX-License-Identifier: MIT */
/* The objects of via/sync.h that futex: puts into files, seen alike. */
#ifndef VIA_SYNC_NAMED_FUTEX_TYPE_H
#define VIA_SYNC_NAMED_FUTEX_TYPE_H

#include "sync/named/named.h"

struct via__futex_type {
	const char *name;
	enum via_sync_kind kind;
	size_t size;
	bool counts; /* is a semaphore */
	bool owned;  /* what is taken belongs to the thread that took it */

	int (*init)(void *object, uint32_t value);
	/* shared: -EOPNOTSUPP where that cannot be. */
	int (*take)(void *object, bool shared, int64_t deadline,
		    struct via_sync_report *report);
	/* n is 1 but for units without owners. */
	int (*give)(void *object, uint32_t n);
	int (*consistent)(void *object);  /* NULL: nothing is ever damaged */
	int (*value)(const void *object); /* NULL unless it counts */
	int (*destroy)(void *object);
};

/* What type= chooses from, in that order. */
#define VIA__FUTEX_TYPES     "rwlock|mutex|sem|pool"
#define VIA__FUTEX_TYPE_LOCK 0 /* what is made for each use */
#define VIA__FUTEX_TYPE_SEM  2

extern const struct via__futex_type via__futex_types[];

/* The type of this kind, or NULL. */
const struct via__futex_type *via__futex_type(enum via_sync_kind kind);

#endif
