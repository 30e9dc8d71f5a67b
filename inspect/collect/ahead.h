/* SPDX-License-Identifier: MIT */
/*
 * Reading descriptors ahead: most of the work where there are many, so other
 * threads do it while we look at the processes that come next. They touch
 * nothing but what is in line; a snapshot is built by one thread.
 *
 * A process is put in line when its threads have been looked at, never before:
 * whoever has got or closed a descriptor since then has run, which shows.
 */
#ifndef INSPECT_COLLECT_AHEAD_H
#define INSPECT_COLLECT_AHEAD_H

#include <pthread.h>
#include <sys/types.h>

#include "inspect/collect/fdlist.h"
#include "inspect/collect/helper.h"

#define VIA__LINE_MAX	 8
#define VIA__READERS_MAX 3

/* The process that is being looked at. */
struct via__at {
	int dir;	  /* its directory in /proc */
	uint32_t process; /* its index */
	pid_t pid;
	struct via__fdlist *fds; /* or not opened yet */
};

struct via__ahead {
	struct via__placed {
		struct via__at at;
		bool read;
		struct via__fdlist fds;
	} line[VIA__LINE_MAX];
	/* Of who is first, who is read next, who comes next: they count on,
	 * line[] is gone through again and again. */
	unsigned int first, next, end;
	bool reads;

	pthread_mutex_t lock; /* guards next, end, read, stop */
	pthread_cond_t came, was_read;
	bool stop;
	struct via__helper readers[VIA__READERS_MAX];
	unsigned int n_readers;
};

/* NULL: no memory. reads: else nothing is read, and there is but a line. */
struct via__ahead *via__ahead_new(bool reads);
void via__ahead_free(struct via__ahead *a);

/* Begin to read on as many CPUs as we may use, besides us. */
void via__ahead_start(struct via__ahead *a);
/* When nobody is in line. */
void via__ahead_stop(struct via__ahead *a);

/* Whether anybody is in line; whether the first one is to leave. */
bool via__ahead_any(const struct via__ahead *a);
bool via__ahead_full(const struct via__ahead *a);

/* Its directory is the line's then. */
void via__ahead_push(struct via__ahead *a, const struct via__at *at);
/* Who is first in line, and has been read: we help until then. */
const struct via__at *via__ahead_first(struct via__ahead *a);
/* It leaves, and what it has is closed. */
void via__ahead_pop(struct via__ahead *a);

#endif
