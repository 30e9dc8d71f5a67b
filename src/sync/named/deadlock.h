/* SPDX-License-Identifier: MIT */
/* Deadlocks among futex: locks, seen by who is about to sleep on one. */
#ifndef VIA_SYNC_NAMED_DEADLOCK_H
#define VIA_SYNC_NAMED_DEADLOCK_H

#include <stdbool.h>

#include <via/sync.h>

/* A wait that is looked at. */
struct via__deadlock {
	const char *path; /* of the lock that is waited for */
	unsigned int
		owner; /* whose files are trusted besides root's and ours */
	struct via_sync_report *report;
	bool found;
};

/*
 * For via__self.before_sleep: the calling thread is shown as one that waits.
 * 0, also where nothing can be seen; -EDEADLK with the cycle in words.
 */
int via__deadlock_look(void *deadlock);

#endif
