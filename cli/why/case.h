/* SPDX-License-Identifier: MIT */
/* What via why and via stuck look at: a snapshot with its diagnosis. */
#ifndef CLI_WHY_CASE_H
#define CLI_WHY_CASE_H

#include <via/inspect.h>

#include "cli/inspect/look.h"
#include "inspect/diagnose/graph.h"
#include "inspect/diagnose/who.h"
#include "inspect/view/text.h"

struct why_case {
	struct via_snapshot *s;
	struct via_diagnosis *d;
	struct via__graph g;
	bool colour;
	int width; /* of the terminal; INT_MAX: there is none */
};

/* Take a snapshot, look again, and diagnose. CLI_YES and a case that is to be
 * freed, or says what failed. */
int why_open(const struct look_options *o, struct why_case *ret);
void why_close(struct why_case *c);

/* How many processes, but its own and those that have ended, could end a
 * wait. */
uint32_t why_n_enders(const struct why_case *c, uint32_t wait);

/* Whether a thread cannot go on, at least as surely as this. */
bool why_is_stuck(const struct why_case *c, uint32_t thread,
		  uint32_t certainty);

/* "proven", "probably", "perhaps". */
const char *why_certainty(uint32_t certainty);

#endif
