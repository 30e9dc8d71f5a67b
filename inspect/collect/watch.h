/* SPDX-License-Identifier: MIT */
/*
 * Watching a tree of processes and its pipes, one look after the other. A
 * process that has been seen stays watched when its parent ends before it.
 */
#ifndef INSPECT_COLLECT_WATCH_H
#define INSPECT_COLLECT_WATCH_H

#include <poll.h>

#include "inspect/model/pipeline.h"

struct via_watch;

/* The most processes watched at a time. */
#define VIA_WATCH_MAX 128

/*
 * Watch the tree below root, a child of the caller that it has not waited for.
 * pipe_size: set pipes of the tree to so many bytes; 0: leave them alone.
 * NULL: no memory.
 */
struct via_watch *via__watch_new(pid_t root, uint64_t pipe_size);

/* Look at all of it. 0, or -ENOMEM with what was seen until then. */
int via__watch_look(struct via_watch *w);

/* What the looks have found, valid until the next one. */
const struct via_pipe_graph *via__watch_pipeline(const struct via_watch *w);

/* Pidfds of the processes that have not ended, to poll for their end. Returns
 * how many, up to VIA_WATCH_MAX. */
unsigned int via__watch_pollfds(const struct via_watch *w, struct pollfd *fds);

/* The first failure to set a pipe's size, 0 without. */
int via__watch_resize_error(const struct via_watch *w);

/* w may be NULL. */
void via__watch_free(struct via_watch *w);

#endif
