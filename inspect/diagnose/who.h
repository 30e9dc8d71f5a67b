/* SPDX-License-Identifier: MIT */
/* Tasks in the middle of a sentence: "cat (4242)". */
#ifndef INSPECT_DIAGNOSE_WHO_H
#define INSPECT_DIAGNOSE_WHO_H

#include <via/inspect.h>

#define VIA__WHO_MAX (4 * VIA_COMM_MAX + 48)

/* Each writes to buf and returns it; safe to print. */
const char *via__who_process(const struct via_snapshot *s, uint32_t process,
			     char buf[VIA__WHO_MAX]);
/* The same, "worker (4242, thread 4245)" if it is not the first one. */
const char *via__who_thread(const struct via_snapshot *s, uint32_t thread,
			    char buf[VIA__WHO_MAX]);

#endif
