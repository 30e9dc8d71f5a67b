/* SPDX-License-Identifier: MIT */
/*
 * System calls, wrapped once: EINTR is retried, descriptors are born
 * close-on-exec, errors come back as negative errno values. Nothing here
 * raises SIGPIPE.
 */
#ifndef VIA_CORE_SYS_H
#define VIA_CORE_SYS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Run on scope exit: closes *fd if it is >= 0. */
void via__close_fd(int *fd);
#define VIA__CLEANUP_FD __attribute__((cleanup(via__close_fd)))

/* Close and forget: *fd becomes -1. Keeps errno. */
void via__close(int *fd);

/* Move ownership of a descriptor out of *fd, leaving -1. */
int via__take_fd(int *fd);

/* Bytes read, 0 at end of file, -EAGAIN, -errno. */
ssize_t via__read(int fd, void *buf, size_t size);
ssize_t via__readv(int fd, const struct iovec *iov, int n);

/*
 * Write to any descriptor without SIGPIPE: -EPIPE instead. Uses RWF_NOSIGNAL
 * (Linux 6.18) and, where the kernel lacks it, blocks SIGPIPE for this thread
 * around the call. Returns bytes written (may be short), -EAGAIN, -errno.
 */
ssize_t via__writev(int fd, const struct iovec *iov, int n);
/* The way of older kernels, always. */
ssize_t via__writev_masked(int fd, const struct iovec *iov, int n);

/* flags gains MSG_NOSIGNAL / MSG_CMSG_CLOEXEC. */
ssize_t via__sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t via__recvmsg(int fd, struct msghdr *msg, int flags);
int via__recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags);
ssize_t via__send(int fd, const void *buf, size_t len, int flags);
ssize_t via__recv(int fd, void *buf, size_t size, int flags);

/*
 * ppoll() until an absolute deadline (see via/deadline.h); EINTR goes on
 * waiting. Returns the number of ready descriptors, 0 at the deadline (at
 * once for VIA_NO_WAIT), -errno.
 */
int via__poll(struct pollfd *fds, unsigned int n, int64_t deadline);

/* Set or clear O_NONBLOCK. 0 or -errno. */
int via__set_nonblock(int fd, int on);
/* Set or clear FD_CLOEXEC. 0 or -errno. */
int via__set_cloexec(int fd, int on);

/* 64 random bits from the kernel; never fails (falls back to the clock). */
uint64_t via__random(void);

/* The number of CPUs online, at least 1. Not those that this process may run
 * on: a peer can be on another all the same. */
unsigned int via__cpus(void);

#endif
