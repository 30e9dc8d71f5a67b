/* SPDX-License-Identifier: MIT */
/* Processes that wait for each other in a ring, so that none can go on. */
#ifndef INSPECT_DIAGNOSE_STUCK_H
#define INSPECT_DIAGNOSE_STUCK_H

#include "inspect/model/pipeline.h"

#define VIA_RING_MAX 16

/*
 * Find such a ring: each of the indices waits for the next, the last for the
 * first. One alone waits for itself: the reader of a pipe that is also its only
 * writer.
 *
 * Claimed only if everybody who could end a wait is known and has not run for
 * a while: processes of one thread, their pipes, no holders outside. What
 * remains possible is a signal. Returns the length, 0 if there is none, -ENOMEM.
 */
int via__stuck(const struct via_pipe_graph *p, size_t ring[VIA_RING_MAX]);

#endif
