/* SPDX-License-Identifier: MIT */
/* Locks on files, as the kernel lists them: proc_locks(5). */
#ifndef INSPECT_COLLECT_LOCKS_H
#define INSPECT_COLLECT_LOCKS_H

#include <stdbool.h>

#include <via/inspect.h>

struct via__lock_line {
	bool waits;    /* behind the one before, "->" */
	uint32_t type; /* enum via_lock_type */
	bool exclusive;
	bool breaking; /* a lease that somebody waits for */
	pid_t pid;     /* -1: of an open file description */
	uint64_t dev, ino;
	uint64_t start, end; /* end UINT64_MAX: to the end of the file */
};

/*
 * A line of /proc/locks, or what follows "lock:" in /proc/PID/fdinfo/FD.
 * 0 or -EPROTO.
 */
int via__locks_parse(const char *line, struct via__lock_line *ret);

/* Each line of a file below dir, or with that path; prefix: only lines that
 * begin with it, without it. 0 or -errno. */
int via__locks_each(int dir, const char *path, const char *prefix,
		    void (*f)(const struct via__lock_line *line, void *arg),
		    void *arg);

#endif
