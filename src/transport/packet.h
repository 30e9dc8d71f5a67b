/* SPDX-License-Identifier: MIT */
/*
 * Packets of Unix sockets (seqpacket, datagram). One read brings one packet
 * and the kernel cuts off what does not fit, so each is read into the
 * caller's memory as far as that reaches and into a buffer behind it.
 */
#ifndef VIA_TRANSPORT_PACKET_H
#define VIA_TRANSPORT_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/frame.h"
#include "transport/ancillary.h"
#include "transport/transport.h"

/* The longest packet of frames: 64 KiB and a header. Three of them fit the
 * default SO_SNDBUF (212992) at once. */
#define VIA__PACKET_MAX ((64u << 10) + VIA__FRAME_LEN)
/* The longest packet of a program that does not speak via. */
#define VIA__PACKET_RAW_MAX (4u << 20)

struct via__packet {
	uint8_t *buf;
	size_t size;
	/* What readv has not given out yet: first guessed, then from buf. */
	struct iovec guessed;
	size_t head, tail;
};

/* 0 or -ENOMEM. */
int via__packet_init(struct via__packet *p, size_t size);
void via__packet_fini(struct via__packet *p);

/*
 * As via__ancillary_recv(), but what of a packet does not fit in iov (at most
 * two) is given out by the next calls, like a stream's. guess is where the
 * caller will probably want that (length 0: no idea): what lies there already
 * when he asks for it need not be copied. He lets nobody else write there
 * before all is given out or via__packet_settle() was called.
 */
ssize_t via__packet_readv(struct via__packet *p, int fd,
			  const struct iovec *iov, int n, struct iovec guess,
			  struct via__ancillary *ret);

/* Whether there is something to be given out. */
static inline bool via__packet_has_rest(const struct via__packet *p)
{
	return p->guessed.iov_len || p->head < p->tail;
}

/* Move what was guessed wrong to memory of our own. */
void via__packet_settle(struct via__packet *p);

/*
 * The recv slot for packets that are messages (?raw); ret tells who sent it. The packet may lie in
 * p->buf, which the next call reuses. 0, -EAGAIN, -EPIPE (end of file: an
 * empty packet comes with credentials, the socket having SO_PASSCRED),
 * -EPROTO (longer than end->max), -errno.
 */
int via__packet_recv(struct via__packet *p, int fd, struct via__end *end,
		     struct via__in *in, struct via__ancillary *ret);

/* The send slot for the same. Errors of the socket come back as they are. */
int via__packet_send(int fd, const struct via__out *out);

#endif
