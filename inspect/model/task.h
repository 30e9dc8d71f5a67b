/* SPDX-License-Identifier: MIT */
/*
 * A task, as it was when it was looked at: a process (tid == pid) or one of
 * its threads. Plain data. A task is known by its id and when it started, since
 * ids are used again.
 */
#ifndef INSPECT_MODEL_TASK_H
#define INSPECT_MODEL_TASK_H

#include <stdint.h>
#include <sys/types.h>

#define VIA_COMM_MAX 64 /* the kernel's limit is 15, of kernel threads 63 */

struct via_task {
	pid_t pid, tid;
	uint64_t start;		     /* clock ticks after boot */
	char comm[VIA_COMM_MAX + 1]; /* any bytes but NUL: never print it raw */
	char state;		     /* R S D T t Z X I: proc_pid_stat(5) */
	pid_t ppid, pgid, sid;
	uint32_t tty;	       /* device number, 0: none */
	pid_t tty_pgid;	       /* the terminal's foreground group, -1: none */
	uint64_t utime, stime; /* clock ticks */
	uint32_t n_threads;
	uint64_t vsize; /* bytes */
	uint64_t rss;	/* bytes */
};

/* What a task is in the middle of. */
struct via_syscall {
	/* The number, or: */
	long nr;
	uint64_t args[6]; /* the task's own words: hostile */
};
#define VIA_SYSCALL_NONE    (-1) /* blocked outside of a system call */
#define VIA_SYSCALL_RUNNING (-2) /* on a CPU, or about to be */
#define VIA_SYSCALL_UNKNOWN (-3) /* the kernel does not let us know */

#endif
