/* SPDX-License-Identifier: MIT */
/* Chains of threads that wait for each other, as trees. */
#ifndef CLI_WHY_CHAIN_H
#define CLI_WHY_CHAIN_H

#include <stdio.h>

#include "cli/why/case.h"

/* The threads from one to the end of its chain, each once. */
struct chain {
	uint32_t *threads, n;
	uint32_t back; /* the last one waits for this one of them, or VIA_NONE
			  for nobody */
};

/* CLI_YES, or says that there is no memory. */
int chain_follow(const struct why_case *c, uint32_t thread, struct chain *ret);

/* A line for each, one below the other, each with indent spaces before it. */
void chain_print(FILE *f, const struct why_case *c, const struct chain *chain,
		 int indent);

/* A line for a thread that waits behind a ring. */
void chain_print_behind(FILE *f, const struct why_case *c, uint32_t thread);

/* One line: what it comes down to. */
void chain_conclude(FILE *f, const struct why_case *c,
		    const struct chain *chain);

/* Whether a finding is about one of a chain. */
bool chain_concerns(const struct why_case *c, const struct chain *chain,
		    const struct via_finding *finding);

/* A finding, and below it what to do. */
void finding_print(FILE *f, const struct why_case *c,
		   const struct via_finding *finding);

/* What to do about a ring that no finding explains. */
void ring_advise(FILE *f, const struct why_case *c, uint32_t cycle);

#endif
