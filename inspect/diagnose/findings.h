/* SPDX-License-Identifier: MIT */
/*
 * Findings: what is wrong, in words. A finding is one function that goes
 * through the snapshot and reports, and one line in findings.def; functions of
 * one idea share a file find_IDEA.c.
 *
 * No finding on a healthy program: what is common practice is not reported.
 */
#ifndef INSPECT_DIAGNOSE_FINDINGS_H
#define INSPECT_DIAGNOSE_FINDINGS_H

#include "inspect/diagnose/graph.h"
#include "inspect/diagnose/who.h"
#include "inspect/view/text.h"

/* What a finding's function is given. */
struct via__finder {
	const struct via__graph *g;
	const struct via_snapshot *s;
	struct via_diagnosis *d; /* its verdicts and cycles are there */
	const char *rule;
	size_t max; /* room in d->findings */
	int error;
	struct via_finding spare; /* what is reported without memory */
};

/*
 * Report something about process, thread or object (or VIA_NONE), with at most
 * this certainty. What and advice are to be set by via__say(); since_ns is
 * the thread's, if there is one. Never NULL.
 */
struct via_finding *via__report(struct via__finder *f, unsigned int certainty,
				uint32_t process, uint32_t thread,
				uint32_t object);

/* Set *ret to a text; what goes in has to be safe to print. */
void via__say(struct via__finder *f, char **ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- What several ask for --- */

/* Whether a thread cannot go on, as far as can be said. */
bool via__is_stuck(const struct via__finder *f, uint32_t thread);

/* The wait that explains the verdict of a thread, if it is of this op, or
 * NULL. */
const struct via_wait *via__reason(const struct via__finder *f, uint32_t thread,
				   enum via_op op);

/* The first hold by which a process, or any other than that with except, has
 * this side of an object; or NULL. */
const struct via_holding *via__hold_of(const struct via__finder *f,
				       uint32_t process, bool except,
				       uint32_t object, enum via__side side);

/* Run all of them. 0 or -ENOMEM. */
int via__findings(const struct via__graph *g, struct via_diagnosis *d);

#define FINDING(name, word) void via__find_##name(struct via__finder *f);
#include "inspect/diagnose/findings.def"
#undef FINDING

#endif
