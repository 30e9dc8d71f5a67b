/* SPDX-License-Identifier: MIT */
/* NETLINK_SOCK_DIAG: the kernel's tables of sockets, as sock_diag(7) says. */
#ifndef INSPECT_COLLECT_DIAG_H
#define INSPECT_COLLECT_DIAG_H

#include <linux/netlink.h>

#include "inspect/collect/enter.h"

/* A socket for asking about a network namespace, or -EPERM, -ESRCH, -errno. */
int via__diag_open(const struct via__space *space);

/*
 * Ask for all sockets, by a request of the type SOCK_DIAG_BY_FAMILY or
 * TCPDIAG_GETSOCK, and call f with each message, whose length has been
 * checked to be that of size at least. 0; -ENOENT: this kernel does not know
 * such sockets, or not this way; -errno.
 */
int via__diag_dump(int fd, uint16_t type, const void *request, size_t len,
		   size_t size,
		   void (*f)(const void *message, size_t len, void *arg),
		   void *arg);

/*
 * An attribute behind the first `after` bytes of a message, at most max of its
 * bytes are copied to ret. Returns its length, or -1: there is none.
 */
int via__diag_attribute(const void *message, size_t len, size_t after,
			unsigned int type, void *ret, size_t max);

/*
 * The object of a socket: known so far as one of no family, or new. It gets a
 * detail, whose family, type, protocol and namespace are filled in.
 */
struct via__socket_id {
	enum via_kind kind;
	uint32_t family, type, protocol;
	uint32_t net_ns;
	uint64_t ino, sub;
};
uint32_t via__socket_object(struct via_snapshot *s,
			    const struct via__socket_id *id);

#endif
