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

/* The word and what is behind it, and what is before it. */
#define VIA__FUTEX_LEN	  40
#define VIA__FUTEX_BEFORE 12

struct via__futex_wait {
	uint32_t op;	/* FUTEX_WAIT ..., without flags */
	bool shared;	/* not FUTEX_PRIVATE_FLAG */
	uint32_t value; /* that was expected */
	size_t len;	/* so much of it could be read */
	unsigned char bytes[VIA__FUTEX_LEN];
	bool has_before; /* that could be read, and was: via__futex_wants() */
	unsigned char before[VIA__FUTEX_BEFORE];
};

struct via__futex_owner {
	enum via_futex_use use;
	pid_t tid; /* as its processes know it; 0: nobody that can be told */
	/* More than the word says so: EXACT, if that thread lives. */
	enum via_certainty certainty;
};

/* Whether what is before the word matters. */
bool via__futex_wants(const struct via__futex_wait *w);

/* A pure function. */
struct via__futex_owner via__futex_owner(const struct via__futex_wait *w);

#endif
