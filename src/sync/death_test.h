/* SPDX-License-Identifier: MIT */
/*
 * A process is killed at every instruction of what it does with an object; a
 * thread of the test waits for the same object meanwhile, or asks for it
 * afterwards, and must get it. What is done is rows of struct attempt.
 */
#ifndef VIA_SYNC_DEATH_TEST_H
#define VIA_SYNC_DEATH_TEST_H

#include <stdatomic.h>

#include "core/clock.h"
#include "tests/step.h"

#include <via/sync.h>

#define DEATH_SOON via_deadline(10 * VIA__NS_PER_S)

/* One of each, in shared memory. */
extern struct death_objects {
	struct via_mutex mutex;
	struct via_rwlock rwlock;
	struct via_sem sem;
	struct via_pool pool;
	struct via_cond cond;
	struct via_barrier barrier;
	struct via_event event;
	uint32_t answer, heard; /* of a condition */
} * death_shared;

/* What is done, and by whom. */
struct attempt {
	const char *name;
	void (*begin)(void);   /* the test: make the object */
	void (*prepare)(void); /* the child, before it is stepped */
	void (*act)(void);     /* the child, step by step */
	int (*wait)(void);     /* a thread of the test meanwhile; or NULL */
	void (*wake)(void);  /* the test, when both sleep; or NULL: one does */
	void (*after)(void); /* the test: the child is dead */
};

struct attempts {
	const struct attempt *rows;
	size_t n;
};

extern const struct attempts death_locks, death_units, death_waits;

/* How it goes. */
extern struct death {
	pid_t child;
	_Atomic bool done;   /* the waiting thread is */
	bool held;	     /* the test holds what wake() lets go */
	int n_died, n_clean; /* how often survivors were told of it, or not */
	int n_points;
} death;

/* The waiting thread has ended: what it returned. */
int death_join(void);

/* A survivor has it: counted, and if it says so, with the right death. */
void death_taken(int rc, const struct via_sync_report *report);

static inline void death_nothing(void)
{
}

#endif
