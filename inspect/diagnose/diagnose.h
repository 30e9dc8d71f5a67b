/* SPDX-License-Identifier: MIT */
/* What there is besides via_diagnose(). */
#ifndef INSPECT_DIAGNOSE_DIAGNOSE_H
#define INSPECT_DIAGNOSE_DIAGNOSE_H

#include "inspect/diagnose/graph.h"

/* So many looks at most: one may be there in passing each time. */
#define VIA__LOOKS_MAX 3

/*
 * Whether threads would be in a deadlock but for those who run at the moment, or
 * were woken for one (VIA_THREAD_WOKEN). One of those who run may be another who
 * looks at processes: what they have open he takes, by pidfd_getfd(2), and gives
 * back at once; for so long he could end a wait, as far as anybody can tell. And
 * TCP of Linux 6.1 wakes whoever waits for room each time that it asks the other
 * side for some. So another look may find what this one cannot claim. 1, 0,
 * -ENOMEM.
 */
int via__in_passing(const struct via__graph *g, const struct via_diagnosis *d);

#endif
