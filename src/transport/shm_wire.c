/* SPDX-License-Identifier: MIT */
/* What goes over the control socket of shm: */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/shm.h"

#define MAGIC	0x6d685356u /* "VShm" in memory, on a little-endian machine */
#define VERSION 2
#define BELL	'!'

_Static_assert(sizeof(struct via__shm_packet) == 32, "see docs/WIRE.md");

int via__shm_say(int fd, const struct via__shm_packet *p, int memfd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct via__shm_packet packet = *p;
	struct iovec iov = {&packet, sizeof(packet)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	packet.magic = MAGIC;
	packet.version = VERSION;
	if (memfd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &memfd, sizeof(int));
	}
	ssize_t n = via__sendmsg(fd, &msg, MSG_DONTWAIT);

	return n < 0 ? (int)n : 0;
}

int via__shm_ring(int fd)
{
	const char bell = BELL;
	ssize_t n = via__send(fd, &bell, 1, MSG_DONTWAIT);

	/* A peer who lets its socket fill up has enough to wake up for. */
	if (n >= 0 || n == -EAGAIN)
		return 0;
	return n == -ECONNRESET ? -EPIPE : (int)n;
}

/* A packet with room for one descriptor; *flags gets MSG_TRUNC and the like. */
static ssize_t receive(int fd, void *buf, size_t size, int *ret_memfd,
		       int *flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {buf, size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		/* Not CMSG_SPACE: its padding has room for another one. */
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t n = via__recvmsg(fd, &msg, MSG_DONTWAIT);

	/* Said once, of what we sent; what the peer sent is still there. */
	if (n == -ECONNRESET)
		n = via__recvmsg(fd, &msg, MSG_DONTWAIT);
	*flags = msg.msg_flags;
	*ret_memfd = -1;
	if (n < 0)
		return n;
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_memfd, CMSG_DATA(c), sizeof(int));
	return n;
}

static int check(const struct via__shm_packet *p, struct via_error *err)
{
	if (p->magic != MAGIC)
		return via__fail(err, -EPROTO, "the peer does not speak shm");
	if (p->version != VERSION)
		return via__fail(err, -EPROTO,
				 "the peer speaks version %u of shm, "
				 "this program version %u",
				 p->version, VERSION);
	return VIA__SHM_PACKET;
}

int via__shm_hear(int fd, struct via__shm_packet *ret, int *ret_memfd,
		  struct via_error *err)
{
	VIA__CLEANUP_FD int memfd = -1;
	struct via__shm_packet packet = {0};
	int flags;
	ssize_t n = receive(fd, &packet, sizeof(packet), &memfd, &flags);

	if (n < 0)
		return (int)n;
	if (n == 0)
		return -EPIPE;
	if (n == 1 && *(char *)&packet == BELL && memfd < 0)
		return VIA__SHM_BELL;
	if (flags & MSG_CTRUNC && memfd < 0)
		return via__fail_errno(err, -EMFILE,
				       "cannot take the peer's memory");
	if (n != sizeof(packet) || flags & (MSG_TRUNC | MSG_CTRUNC))
		packet.magic = 0;
	int r = check(&packet, err);

	if (r < 0)
		return r;
	*ret = packet;
	*ret_memfd = via__take_fd(&memfd);
	return r;
}
