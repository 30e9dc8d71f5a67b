/* SPDX-License-Identifier: MIT */
/* System calls, wrapped once. */
#include "core/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/clock.h"

#ifndef RWF_NOSIGNAL /* linux/fs.h, since Linux 6.18 */
#define RWF_NOSIGNAL 0x00000100
#endif

/* The call's result, tried again while signals interrupt it; or -errno. */
#define RETRY(call)                                                            \
	({                                                                     \
		ssize_t result_;                                               \
		do                                                             \
			result_ = (call);                                      \
		while (result_ < 0 && errno == EINTR);                         \
		result_ < 0 ? -(ssize_t)errno : result_;                       \
	})

void via__close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* Linux frees it even on EINTR */
	*fd = -1;
	errno = saved;
}

void via__close_fd(int *fd)
{
	via__close(fd);
}

int via__take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

ssize_t via__read(int fd, void *buf, size_t size)
{
	return RETRY(read(fd, buf, size));
}

ssize_t via__readv(int fd, const struct iovec *iov, int n)
{
	return RETRY(readv(fd, iov, n));
}

/*
 * A write to a broken pipe leaves SIGPIPE pending for this thread alone: taken
 * off before the mask is put back, it is never delivered. One that was pending
 * before is somebody else's and stays.
 */
ssize_t via__writev_masked(int fd, const struct iovec *iov, int n)
{
	sigset_t sigpipe, before, pending;

	(void)sigemptyset(&sigpipe);
	(void)sigaddset(&sigpipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	(void)sigpending(&pending);

	ssize_t written = RETRY(writev(fd, iov, n));

	if (written == -EPIPE && !sigismember(&pending, SIGPIPE))
		(void)RETRY(
			sigtimedwait(&sigpipe, NULL, &(struct timespec){0}));
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return written;
}

ssize_t via__writev(int fd, const struct iovec *iov, int n)
{
	/* Offset -1: write at the file position, or to what has none. */
	ssize_t written = RETRY(pwritev2(fd, iov, n, -1, RWF_NOSIGNAL));

	/* Older kernels, and files without write_iter (ttys before 5.11). */
	if (written == -EOPNOTSUPP || written == -EINVAL)
		return via__writev_masked(fd, iov, n);
	return written;
}

ssize_t via__sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return RETRY(sendmsg(fd, msg, flags | MSG_NOSIGNAL));
}

ssize_t via__recvmsg(int fd, struct msghdr *msg, int flags)
{
	return RETRY(recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC));
}

int via__recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
	return (int)RETRY(
		recvmmsg(fd, msgs, n, flags | MSG_CMSG_CLOEXEC, NULL));
}

ssize_t via__send(int fd, const void *buf, size_t len, int flags)
{
	return RETRY(send(fd, buf, len, flags | MSG_NOSIGNAL));
}

ssize_t via__recv(int fd, void *buf, size_t size, int flags)
{
	return RETRY(recv(fd, buf, size, flags));
}

int via__poll(struct pollfd *fds, unsigned int n, int64_t deadline)
{
	struct timespec left;

	/* Each try after a signal waits only for what is left. */
	return (int)RETRY(
		ppoll(fds, n, via__deadline_left(deadline, &left), NULL));
}

static int set_flag(int fd, int get, int set, int flag, int on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;

	int wanted = on ? flags | flag : flags & ~flag;

	return wanted == flags || fcntl(fd, set, wanted) == 0 ? 0 : -errno;
}

int via__set_nonblock(int fd, int on)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int via__set_cloexec(int fd, int on)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

uint64_t via__random(void)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == sizeof(bits))
		return bits;

	/* Early at boot: pid and time tell ends apart; golden ratio spreads. */
	return ((uint64_t)via__now() ^ (uint64_t)getpid() << 40) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

unsigned int via__cpus(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 1 ? (unsigned int)online : 1;
}
