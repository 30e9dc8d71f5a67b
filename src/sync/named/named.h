/* SPDX-License-Identifier: MIT */
/*
 * What a kind of named lock is to the rest of via: one row of data and slots.
 *
 * named.c checks what can be checked without the kernel (abilities, that the
 * handle holds what it gives back), so a slot can rely on it. Unlike
 * transports, kinds wait by themselves: each kernel interface has a wait of
 * its own.
 *
 * A new kind is one file here with its row last, and one line in kinds.def.
 */
#ifndef VIA_SYNC_NAMED_NAMED_H
#define VIA_SYNC_NAMED_NAMED_H

#include <via/lock.h>

#include "core/access.h"
#include "core/url.h"

#define VIA__LOCK_ANY_TYPE UINT32_MAX /* type= was not given */

/* What the options of the kinds are read into. */
struct via__lock_options {
	struct via__access access;
	int64_t value; /* units of what is made */
	int64_t index, count;
	bool undo;
	uint32_t deadlock; /* 1: detect, where waiting is the other way */
	uint32_t type;	   /* of futex: */
};

/* What every kind understands, if only to refuse it. */
/* clang-format off */
#define VIA__LOCK_DEADLOCK_OPTION(values, initial)                     \
	{ "deadlock", values, initial,                                 \
	  "what is done about a wait that could never end" }
#define VIA__LOCK_DEADLOCK_RULE(values)                                \
	{ "deadlock", VIA__CHOICE,                                     \
	  offsetof(struct via__lock_options, deadlock),                \
	  .choices = values }
/* clang-format on */

/* A URL and what it says. */
struct via__lock_name {
	struct via__url url;
	const struct via__lock_kind *kind;
	struct via__lock_options options;
};

/* What every handle begins with. */
struct via_lock {
	const struct via__lock_kind *kind;
	bool held;
};

struct via__lock_kind {
	struct via_lock_kind info;

	const struct via__option_rule *rules; /* of struct via__lock_options */
	size_t size; /* of its own struct, which begins with a via_lock */

	/* Fill in the rest of lock, which is zero; flags are those of
	 * via_lock_open(). On failure nothing is left. 0 or -errno. */
	int (*open)(struct via_lock *lock, const struct via__lock_name *name,
		    unsigned int flags, struct via_error *err);

	/* See via_lock_take() and _release(); shared only with
	 * VIA_LOCK_SHARES. */
	int (*take)(struct via_lock *lock, bool shared, int64_t deadline,
		    struct via_sync_report *report);
	int (*release)(struct via_lock *lock, struct via_error *err);

	/* NULL where nobody's death is reported. */
	int (*consistent)(struct via_lock *lock);

	/* NULL without VIA_LOCK_COUNTS; n is above 1 only with VIA_LOCK_MANY,
	 * and never 0. */
	int (*wait)(struct via_lock *lock, uint32_t n, int64_t deadline,
		    struct via_sync_report *report);
	int (*post)(struct via_lock *lock, uint32_t n, struct via_error *err);
	int (*value)(struct via_lock *lock, struct via_error *err);

	/* NULL where nothing tells. ret is zero. */
	int (*look)(struct via_lock *lock, struct via_lock_view *ret,
		    struct via_error *err);

	/* The descriptor, with VIA_LOCK_INHERITS. */
	int (*fd)(const struct via_lock *lock);

	int (*remove)(const struct via__lock_name *name, struct via_error *err);

	/* Let go of what is held, and of what open has made. */
	void (*close)(struct via_lock *lock);
};

/* Note a party in a view; those that do not fit are only counted. */
void via__lock_note(struct via_lock_party *parties, unsigned int *n, pid_t pid,
		    bool shared);

/* The sentence of a report, or NULL without one. */
static inline struct via_error *
via__report_error(struct via_sync_report *report)
{
	return report ? &report->error : NULL;
}

#endif
