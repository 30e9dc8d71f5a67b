/* SPDX-License-Identifier: MIT */
/* Lines of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
#ifndef INSPECT_COLLECT_MOUNTS_H
#define INSPECT_COLLECT_MOUNTS_H

#include <stdint.h>

struct via__mount {
	uint64_t id;
	uint64_t dev;	     /* as in st_dev */
	const char *root;    /* what of it is mounted */
	const char *point;   /* where, seen from the root directory */
	const char *type;    /* "tmpfs" */
	const char *options; /* of the file system, "rw,freezer" */
};

/*
 * The mount in the first line of text. It is cut into strings in place, which
 * *ret points into. Returns the text behind it, or NULL at the end. A line that
 * cannot be read has the type "".
 */
char *via__mount_next(char *text, struct via__mount *ret);

#endif
