/* SPDX-License-Identifier: MIT */
/*
 * The receiving end of a Unix datagram socket: no connections, all senders'
 * packets in one queue, each with its sender's credentials. Frames tell the
 * senders apart. HELLO says who comes, and brings a line (link.h): it hangs up
 * when the sender finishes or dies, and carries back what was delivered.
 */
#ifndef VIA_TRANSPORT_DGRAM_H
#define VIA_TRANSPORT_DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/access.h"
#include "transport/ancillary.h"
#include "transport/assembly.h"
#include "transport/packet.h"
#include "transport/transport.h"

/* A sender's line. */
struct via__dgram_line {
	LIST_ENTRY(via__dgram_line) all;
	uint64_t sender;
	uint64_t delivered;
	int fd;
	bool hung_up;
};

struct via__dgram {
	struct via__end *end;
	const struct via__access *access;
	bool has_mode;
	bool raw;
	int fd;
	int epoll; /* of fd and the lines: to poll */
	LIST_HEAD(, via__dgram_line) lines;
	unsigned int n_lines;
	struct via__packet packet;  /* left: of frames not looked at yet */
	bool held;		    /* somebody looks at what is before that */
	uint64_t last;		    /* the sender of what was given last */
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

/* Tells the senders how much was delivered; forked: leaves that to the parent.
 * Accepts a zeroed one. */
void via__dgram_fini(struct via__dgram *d, bool forked);

/* Slots. */
int via__dgram_recv(struct via__dgram *d, struct via__in *in);
void via__dgram_release(struct via__dgram *d);
int via__dgram_park(struct via__dgram *d);
int via__dgram_greet(struct via__dgram *d);

#endif
