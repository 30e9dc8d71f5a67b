/* SPDX-License-Identifier: MIT */
/*
 * Reading /proc/PID. Every file is optional: a process may be gone, another
 * user's, or not shown by this kernel. Files are opened relative to one
 * descriptor of the process' directory, which never becomes another process'.
 */
#ifndef INSPECT_COLLECT_PROC_H
#define INSPECT_COLLECT_PROC_H

#include <stddef.h>
#include <sys/types.h>

#include <via/inspect.h>

/* The directory /proc/PID: a descriptor, or -ESRCH, -errno. */
int via__proc_open(pid_t pid);
/* /proc/PID/task/TID below that. */
int via__proc_open_thread(int dir, pid_t tid);

/*
 * A file below dir ("stat", "task/42/wchan") as a string, cut off at size.
 * Its length; -ESRCH: the process is gone; -EACCES, -ENOENT, -errno.
 */
ssize_t via__proc_read(int dir, const char *name, char *buf, size_t size);
/* The same with one read(2), of a file that the kernel writes as one record:
 * most of those here but lists, as maps and mountinfo. */
ssize_t via__proc_read_once(int dir, const char *name, char *buf, size_t size);

/* Room for files of any length, for one after the other. */
struct via__buf {
	char *text;
	size_t size;
};

/* The same without a limit but 64 MiB, into b->text; also -ENOMEM. */
ssize_t via__proc_read_long(int dir, const char *name, struct via__buf *b);
/* The same of one that the kernel writes as one record, status or fdinfo: the
 * first read(2) that is not filled is the last. */
ssize_t via__proc_read_record(int dir, const char *name, struct via__buf *b);
void via__buf_fini(struct via__buf *b);

/* --- Files, as pure functions on their text. 0 or -EPROTO. --- */

/* "stat": fills all but pid. */
int via__proc_parse_stat(const char *text, struct via_task *ret);
/* "syscall". */
int via__proc_parse_syscall(const char *text, struct via_syscall *ret);

/* --- Both at once. As via__proc_read(), or -EPROTO. --- */

/* A process, or with a directory of a thread that. */
int via__proc_task(int dir, pid_t pid, struct via_task *ret);
/* Never fails but with -ESRCH: what is not allowed is unknown. */
int via__proc_syscall(int dir, struct via_syscall *ret);

/*
 * Call f for each process, or each thread of the one whose directory dir is.
 * Stops when f returns other than 0, and returns that; 0 or -errno.
 */
int via__proc_each(int (*f)(pid_t pid, void *arg), void *arg);
int via__proc_each_thread(int dir, int (*f)(pid_t tid, void *arg), void *arg);

#endif
