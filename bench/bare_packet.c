/* SPDX-License-Identifier: MIT */
/* Framed packets by hand: Unix seqpacket and datagram sockets. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bench/bare.h"
#include "bench/loops.h"

/* The longest packet, header included: as via's. */
#define PACKET_MAX (64u << 10)

static int bare_send(void *ptr, const void *data, size_t len)
{
	struct bare_end *end = ptr;
	struct bare_header header = {
		.magic = BARE_MAGIC,
		.sender = 1,
		.seq = end->seq++,
		.total = len,
	};
	size_t most = end->cut - sizeof(header);

	for (size_t done = 0; done < len; done += header.len) {
		header.len = (uint32_t)(len - done < most ? len - done : most);
		struct iovec iov[] = {
			{&header, sizeof(header)},
			{(uint8_t *)data + done, header.len},
		};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

		if (sendmsg(end->fd, &msg, MSG_NOSIGNAL) < 0)
			return -errno;
	}
	return 0;
}

static ssize_t bare_recv(void *ptr, void *buf, size_t size)
{
	struct bare_end *end = ptr;
	struct bare_header header;
	size_t done = 0;

	do {
		struct iovec iov[] = {
			{&header, sizeof(header)},
			{(uint8_t *)buf + done, size - done},
		};
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(sizeof(struct ucred))];
		} control;
		struct msghdr msg = {
			.msg_iov = iov,
			.msg_iovlen = 2,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(end->fd, &msg, 0);

		if (n <= 0)
			return n ? -errno : -EPIPE;
		if ((size_t)n != sizeof(header) + header.len ||
		    header.magic != BARE_MAGIC || header.seq != end->seq)
			return -EPROTO;
		done += header.len;
	} while (done < header.total);
	end->seq++;
	return (ssize_t)done;
}

BENCH_LOOPS(bare)

static int seqpacket_make(struct bench_plan *plan,
			  struct bench_channel *channel)
{
	return bare_socketpair(plan, channel, SOCK_SEQPACKET);
}

/* As via's: many can send to the receiver's name, and it asks the kernel who
 * sent each packet. */
static int dgram_make(struct bench_plan *plan, struct bench_channel *channel)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t); /* a free abstract name: unix(7) */
	const int on = 1;
	int *fd = channel->fd;

	for (int i = 0; i < BENCH_ROLES; i++) {
		fd[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (fd[i] < 0)
			return bare_fail(plan, "socket");
		bare_buffers(fd[i], "unix");
	}
	if (setsockopt(fd[BENCH_RECEIVER], SOL_SOCKET, SO_PASSCRED, &on,
		       sizeof(on)) ||
	    bind(fd[BENCH_RECEIVER], (struct sockaddr *)&name, len))
		return bare_fail(plan, "bind");
	len = sizeof(name);
	if (getsockname(fd[BENCH_RECEIVER], (struct sockaddr *)&name, &len) ||
	    connect(fd[BENCH_SENDER], (struct sockaddr *)&name, len))
		return bare_fail(plan, "connect");
	return 0;
}

static int packet_open(struct bench_plan *plan, struct bench_channel *channel,
		       enum bench_role role, void **ret)
{
	(void)plan;
	return bare_open(channel, role, PACKET_MAX, ret);
}

#define WORK                                                                   \
	"blocking; 32-byte header and up to 64 KiB in one sendmsg() and one "  \
	"recvmsg() each"

const struct bench_engine bench_bare_seqpacket = {
	.name = "bare seqpacket",
	.work = WORK,
	.make = seqpacket_make,
	.unmake = bare_unmake,
	.open = packet_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};

const struct bench_engine bench_bare_dgram = {
	.name = "bare dgram",
	.work = WORK ", to a name, with the sender's credentials",
	.make = dgram_make,
	.unmake = bare_unmake,
	.open = packet_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};
