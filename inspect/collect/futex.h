/* SPDX-License-Identifier: MIT */
/*
 * Who has what a thread waits for on a futex. The kernel knows words alone;
 * what they are part of shows from the words beside, if they fit what the C
 * library (or via/sync.h) puts there. Anything may be there: nothing is
 * claimed that the call, the words and the owner do not agree about.
 */
#ifndef INSPECT_COLLECT_FUTEX_H
#define INSPECT_COLLECT_FUTEX_H

#include <stdbool.h>

#include <via/inspect.h>

/* The word and what is behind it. */
#define VIA__FUTEX_LEN 40

struct via__futex_wait {
	uint32_t op;	/* FUTEX_WAIT ..., without flags */
	bool shared;	/* not FUTEX_PRIVATE_FLAG */
	uint32_t value; /* that was expected */
	size_t len;	/* so much of it could be read */
	unsigned char bytes[VIA__FUTEX_LEN];
};

struct via__futex_owner {
	enum via_futex_use use;
	pid_t tid; /* as its processes know it; 0: nobody that can be told */
	/* More than the word says so: EXACT, if that thread lives. */
	enum via_certainty certainty;
};

/* A pure function. */
struct via__futex_owner via__futex_owner(const struct via__futex_wait *w);

#endif
