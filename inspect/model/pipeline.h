/* SPDX-License-Identifier: MIT */
/*
 * A tree of processes and the pipes between them, as seen over some time.
 * Plain data; what is not known says so.
 */
#ifndef INSPECT_MODEL_PIPELINE_H
#define INSPECT_MODEL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <via/inspect.h>

#define VIA_COMMAND_MAX 127
#define VIA_HOLDS_MAX	32

/* Of several threads, the one that is busiest in this order. */
enum via_doing {
	VIA_RUNNING, /* on a CPU or waiting for one */
	VIA_DISK,    /* uninterruptible: most often storage */
	VIA_WRITING, /* waits for room in a pipe */
	VIA_READING, /* waits for data in a pipe */
	VIA_CHILD,   /* waits for a child to end */
	VIA_WAITING, /* for anything else */
	VIA_STOPPED, /* by a signal or a debugger */
	VIA_HIDDEN,  /* sleeps; the kernel does not let us know where */
	VIA_ENDED,
	VIA_DOINGS
};

struct via_pipe_id {
	uint64_t dev, ino;
};

/* A descriptor of a pipe. */
struct via_pipe_hold {
	struct via_pipe_id id;
	int fd;
	bool reads, writes;
};

/* A process. */
struct via_stage {
	struct via_task task;
	char command[VIA_COMMAND_MAX + 1]; /* any bytes but NUL */
	enum via_doing doing;
	long nr;		 /* the system call it waits in, or < 0 */
	int fd;			 /* what it waits for there, or -1 */
	struct via_pipe_id pipe; /* READING, WRITING */
	bool elsewhere;	  /* other descriptors, or a time, would also do */
	double still_s;	  /* so long it has not run; of one thread */
	double cpu;	  /* CPUs in use, of late */
	uint64_t rss_max; /* bytes */

	/* Bytes in read() and write() of any file, with those of children it
	 * has waited for. */
	bool io_known;
	bool splices; /* moves data past those counters */
	uint64_t read, written;

	double recent[VIA_DOINGS]; /* shares of the time, of late */
	double whole[VIA_DOINGS];  /* seconds */

	bool holds_known;
	unsigned int n_holds;
	struct via_pipe_hold holds[VIA_HOLDS_MAX];
};

struct via_pipe {
	struct via_pipe_id id;
	bool outside;	  /* others than the stages may hold it */
	bool level_known; /* fill and capacity */
	bool bytes_known;
	uint64_t fill, capacity;
	uint64_t bytes;			  /* written so far, at most */
	double rate;			  /* bytes/s, of late */
	double recent_full, recent_empty; /* shares of the time, of late */
	double full_s, empty_s, seen_s;	  /* seconds */
};

struct via_pipe_graph {
	struct via_stage *stages; /* in the order they were started */
	struct via_pipe *pipes;
	size_t n_stages, n_pipes;
	size_t n_unseen; /* processes beyond those that are watched */
	double seconds;	 /* looked at so far */
};

static inline bool via__same_pipe(struct via_pipe_id a, struct via_pipe_id b)
{
	return a.ino == b.ino && a.dev == b.dev;
}

/* Whether a stage has a reading (writing) descriptor of a pipe. */
static inline bool via__holds(const struct via_stage *stage,
			      struct via_pipe_id id, bool writes)
{
	for (unsigned int i = 0; i < stage->n_holds; i++)
		if (via__same_pipe(stage->holds[i].id, id) &&
		    (writes ? stage->holds[i].writes : stage->holds[i].reads))
			return true;
	return false;
}

#endif
