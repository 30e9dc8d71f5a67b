/* SPDX-License-Identifier: MIT */
/* Who talks to whom, over what: the picture that all holds make together. */
#ifndef INSPECT_VIEW_TALK_H
#define INSPECT_VIEW_TALK_H

#include <stdbool.h>

#include <via/inspect.h>

struct via__talk {
	uint32_t object; /* that the one has */
	uint32_t other;	 /* the other process */
	bool to, from;	 /* where bytes may go */
};

/*
 * Call f for each other process that one could talk to, and each object that
 * they could do it over, until it returns false. Which of two that have both
 * ends of something does talk cannot be seen.
 */
void via__talks(const struct via_snapshot *s, uint32_t process,
		bool (*f)(const struct via__talk *talk, void *arg), void *arg);

#endif
