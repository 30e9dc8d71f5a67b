/* SPDX-License-Identifier: MIT */
/*
 * Looking into other namespaces. The caller's own never change: what has to be
 * done inside is done by a child that shares its memory and descriptors.
 */
#ifndef INSPECT_COLLECT_ENTER_H
#define INSPECT_COLLECT_ENTER_H

#include "inspect/collect/collector.h"

/*
 * Run f in namespace ns ("ns/net", "ns/ipc") of the process whose directory in
 * /proc dir is. It may make system calls and touch memory that is there
 * already, nothing else: no allocation, no locks. Descriptors that it opens are
 * the caller's. Returns what f does, which is >= 0 or -errno; -EPERM: that
 * namespace may not be entered; -ESRCH, -errno.
 */
int via__enter(int dir, const char *ns, int (*f)(void *arg), void *arg);

/* One namespace of a kind, and a process in it. */
struct via__space {
	uint32_t ns; /* inode number */
	bool own;    /* the caller's */
	int dir;     /* directory of the process in /proc */
};

/*
 * Call f for the caller's own namespace and then for each other one that a
 * process of the snapshot is in. member: which kind, where it is in struct
 * via_process; name: "ns/net" ... If f returns -ESRCH it is called again with
 * another process, if there is one.
 */
void via__each_space(struct via__scene *scene, size_t member, const char *name,
		     int (*f)(struct via__scene *scene,
			      const struct via__space *space, void *arg),
		     void *arg);

#endif
