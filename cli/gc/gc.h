/* SPDX-License-Identifier: MIT */
/* Removing what is left over, if it still is. */
#ifndef CLI_GC_GC_H
#define CLI_GC_GC_H

#include <via/inspect.h>

#include <stdbool.h>
#include <sys/stat.h>

/* Whether an object can be removed from here: its name, where it has one, is
 * in our own /dev/shm or /dev/mqueue. */
bool gc_is_here(const struct via_snapshot *s, uint32_t object);

/* Remove it. 0; -ENOENT: it has gone; -EBUSY: it is used again; -EPERM,
 * -errno. */
int gc_remove(const struct via_snapshot *s, uint32_t object);

/* Whether nobody is behind the file of a Unix socket: 1, or 0: somebody is;
 * -ENOTSOCK: it is none; -errno. */
int gc_socket_is_stale(const char *path, struct stat *ret);
int gc_remove_socket(const char *path, const struct stat *st);

#endif
