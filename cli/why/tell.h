/* SPDX-License-Identifier: MIT */
/* Threads in words for a person; all that is printed is safe. */
#ifndef CLI_WHY_TELL_H
#define CLI_WHY_TELL_H

#include <stdio.h>

#include "cli/why/case.h"

/* "cat (4242) waits to read pipe:[123] (descriptor 0, empty), for 12.3s" */
void tell_thread(FILE *f, const struct why_case *c, uint32_t thread);

/* The same of who is next in a chain: "to be written by tar (4243), which
 * waits for a signal". */
void tell_next(FILE *f, const struct why_case *c, uint32_t before,
	       uint32_t thread);
/* Only the first half. */
void tell_back(FILE *f, const struct why_case *c, uint32_t before,
	       uint32_t thread);

#endif
