/* SPDX-License-Identifier: MIT */
/* Framed packets by hand: Unix seqpacket and datagram sockets. */
#include <errno.h>
#include <sys/socket.h>

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
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
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

static int dgram_make(struct bench_plan *plan, struct bench_channel *channel)
{
	return bare_socketpair(plan, channel, SOCK_DGRAM);
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
	.work = WORK,
	.make = dgram_make,
	.unmake = bare_unmake,
	.open = packet_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};
