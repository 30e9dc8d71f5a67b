/* SPDX-License-Identifier: MIT */
/*
 * Packets of Unix sockets (seqpacket, datagram). The kernel cuts off what of a
 * packet does not fit where it is read to. So one is read into the caller's
 * memory as far as that reaches and into a buffer behind it; and where short
 * ones come in a row, several at once are read ahead, each to a place of its
 * own that would hold the longest.
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
	uint8_t *buf; /* the places */
	size_t size;  /* of each */
	/* Packets that were read and not turned to yet: ahead[first..end). */
	struct via__arrival ahead[VIA__ARRIVALS_MAX];
	unsigned int first, end;
	unsigned int n_max;  /* places */
	unsigned int n_next; /* packets to ask for */
	/* What of the packet turned to is not given out yet: first guessed,
	 * then left bytes at at. */
	struct iovec guessed;
	uint8_t *at;
	size_t left;
};

/* size: of the longest packet; n_max: how many to read ahead, at most
 * VIA__ARRIVALS_MAX. 0 or -ENOMEM. */
int via__packet_init(struct via__packet *p, size_t size, unsigned int n_max);
/* Closes the descriptors of packets that nobody has turned to. */
void via__packet_fini(struct via__packet *p);

/*
 * Turn to the next packet: it is at p->at, p->left bytes long, and stays there
 * until the next that is not ahead. As via__ancillary_recv().
 */
ssize_t via__packet_next(struct via__packet *p, int fd,
			 struct via__ancillary *ret);

/* Whether the next packet is there already. */
static inline bool via__packet_ahead(const struct via__packet *p)
{
	return p->first < p->end;
}

/*
 * As via__ancillary_recv(), but what of a packet does not fit in iov (at most
 * two) is given out by the next calls, and what fits of the next packets comes
 * with it, like a stream's. guess is where the caller will probably want the
 * rest (length 0: no idea): what lies there already when he asks for it need
 * not be copied. He lets nobody else write there before all is given out or
 * via__packet_settle() was called.
 */
ssize_t via__packet_readv(struct via__packet *p, int fd,
			  const struct iovec *iov, int n, struct iovec guess,
			  struct via__ancillary *ret);

/* Whether there is something to be given out. */
static inline bool via__packet_has_rest(const struct via__packet *p)
{
	return p->guessed.iov_len || p->left || via__packet_ahead(p);
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
