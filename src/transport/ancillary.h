/* SPDX-License-Identifier: MIT */
/* Bytes on a socket and what travels beside them: descriptors (SCM_RIGHTS)
 * and, on Unix sockets with SO_PASSCRED, who sent them: unix(7). */
#ifndef VIA_TRANSPORT_ANCILLARY_H
#define VIA_TRANSPORT_ANCILLARY_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "transport/assembly.h"

struct via__ancillary {
	struct via__fds fds; /* the caller's */
	bool has_cred;
	struct ucred cred;
};

/*
 * recvmsg() without waiting. Sets all of *ret. Bytes read, -EAGAIN,
 * -EMSGSIZE (a packet that did not fit, cut off), -EPROTO (more than
 * VIA_FDS_MAX descriptors), -EMFILE (we could not take all of them), -errno;
 * on failure no descriptors are left.
 */
ssize_t via__ancillary_recv(int fd, struct iovec *iov, int n,
			    struct via__ancillary *ret);

/* A packet that has come: its bytes are in place. */
struct via__arrival {
	struct iovec place; /* the caller's */
	ssize_t len;	    /* what via__ancillary_recv() would return */
	struct via__ancillary note;
};

#define VIA__ARRIVALS_MAX 8

/* As many calls of via__ancillary_recv(), at most VIA__ARRIVALS_MAX, at once,
 * up to the first that fails by itself: how many packets have come, or what
 * the first has failed with. */
int via__ancillary_recv_many(int fd, struct via__arrival *ret, unsigned int n);

/* sendmsg() without waiting or SIGPIPE. Bytes written, -EAGAIN, -errno. */
ssize_t via__ancillary_send(int fd, const struct iovec *iov, int n,
			    const int *fds, unsigned int n_fds);

/* Whether this errno value (negative) from a socket means that the other side
 * cannot be reached any more. */
bool via__peer_is_gone(ssize_t r);

#endif
