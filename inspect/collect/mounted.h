/* SPDX-License-Identifier: MIT */
/*
 * Directories of the kernel's own file systems, as processes of a mount
 * namespace see them. No other file system is asked anything on the way, as it
 * may be a program that does not answer: a path that is not in the kernel's
 * memory already is not followed (RESOLVE_CACHED, Linux 5.12).
 */
#ifndef INSPECT_COLLECT_MOUNTED_H
#define INSPECT_COLLECT_MOUNTED_H

#include "inspect/collect/enter.h"

/*
 * Open for listing what of type ("tmpfs"; NULL: any, or not mounted there at
 * all) is mounted on path ("dev/shm", without the first slash) where the
 * processes of space are. A descriptor, or -ENOENT: no such thing; -ESRCH;
 * -EACCES, -errno.
 */
int via__open_mounted(const struct via__space *space, const char *path,
		      const char *type, struct via__buf *buf);

/* Call f with each name in a directory but . and .., which it closes. */
void via__each_name(int dir, void (*f)(int dir, const char *name, void *arg),
		    void *arg);

#endif
