/* SPDX-License-Identifier: MIT */
/* What the kernel tells of a process' descriptors, without what it means. */
#ifndef INSPECT_COLLECT_FDLIST_H
#define INSPECT_COLLECT_FDLIST_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* statx(2) is told not to ask: a file system may be a program, or a machine,
 * that does not answer. */
#define VIA__STATX_FLAGS (AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT)
#define VIA__STATX_MASK	 (STATX_TYPE | STATX_INO | STATX_NLINK | STATX_SIZE)

struct via__fd_seen {
	int fd, err; /* err: why there is no more, or 0 */
	char name[16];
	char link[32];	  /* of what has no type, if it is short; or "" */
	uint8_t open_for; /* enum via_hold_flag */
	struct statx file;
};

/* Some of them at a time. */
#define VIA__FDLIST_MAX 256
struct via__fdlist {
	bool opened;
	int dir;     /* /proc/PID/fd, or -errno */
	bool closed; /* nothing of the process may be looked at */
	unsigned int n;
	struct via__fd_seen at[VIA__FDLIST_MAX];
};

/* One, whose fd is set, by its name in there. */
void via__fd_see(int dir, const char *name, struct via__fd_seen *seen);

/* Open the list below a directory of /proc, and read the first ones. */
void via__fdlist_open(int process, struct via__fdlist *fds);
/* The next ones; false: there are no more. */
bool via__fdlist_next(struct via__fdlist *fds);
void via__fdlist_close(struct via__fdlist *fds);

#endif
