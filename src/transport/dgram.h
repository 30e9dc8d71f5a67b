/* SPDX-License-Identifier: MIT */
/*
 * The receiving end of a Unix datagram socket: no connections, all senders'
 * packets in one queue, each with its sender's credentials. Frames tell the
 * senders apart; HELLO and DONE say who comes and goes, so a sender that is
 * killed goes unnoticed.
 */
#ifndef VIA_TRANSPORT_DGRAM_H
#define VIA_TRANSPORT_DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "transport/ancillary.h"
#include "transport/assembly.h"
#include "transport/packet.h"
#include "transport/transport.h"

struct via__dgram {
	struct via__end *end;
	const struct via__access *access;
	bool has_mode;
	bool raw;
	int fd;
	struct via__packet packet;  /* head..tail: frames not looked at yet */
	bool held;		    /* somebody looks at what is before head */
	struct via__ancillary note; /* what came with the packet */
	struct ucred admitted;	    /* who was let through last */
	uint64_t left;		    /* stats.left when last at end of stream */
	struct via__assembly assembly;
};

/*
 * Receive from a bound socket, which is the owner's to close after fini.
 * access stays the caller's. 0 or -errno with a sentence.
 */
int via__dgram_init(struct via__dgram *d, struct via__end *end, int fd,
		    const struct via__access *access, bool has_mode, bool raw,
		    struct via_error *err);

/* Accepts a zeroed one. */
void via__dgram_fini(struct via__dgram *d);

/* Slots. */
int via__dgram_recv(struct via__dgram *d, struct via__in *in);
void via__dgram_release(struct via__dgram *d);
int via__dgram_park(struct via__dgram *d);
int via__dgram_greet(struct via__dgram *d);

#endif
