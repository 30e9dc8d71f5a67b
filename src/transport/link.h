/* SPDX-License-Identifier: MIT */
/*
 * What two ends say to each other over one connected socket, around the
 * messages (stream.h):
 *
 *	sender          receiver
 *	HELLO     ->                       at connect, waiting for nothing
 *	          <-    HELLO or REFUSE    at accept
 *	messages  ->
 *	end of file ->                     shutdown(SHUT_WR) in finish
 *	          <-    DONE               so many messages were delivered
 *
 * DONE comes also from a receiver that leaves early, so that the sender knows
 * how far it got; a receiver that was killed says nothing. With ?raw there is
 * none of this.
 *
 * An end that also receives says END where a sender shuts down, for DONE still
 * has to follow. The one direction is over when END and DONE have been said,
 * the connection when both are.
 *
 * A sequenced-packet socket is used as a stream whose writes are cut to one
 * packet each; so is a datagram socket, which knows no end of file and hears
 * nothing back: for that its HELLO gives the receiver one end of a line, a
 * sequenced-packet connection.
 */
#ifndef VIA_TRANSPORT_LINK_H
#define VIA_TRANSPORT_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "transport/kept.h"
#include "transport/packet.h"
#include "transport/stream.h"
#include "transport/transport.h"

enum via__link_kind {
	VIA__LINK_RAW = 1,     /* no frames */
	VIA__LINK_PACKETS = 2, /* SOCK_SEQPACKET or SOCK_DGRAM */
	VIA__LINK_DGRAM = 4,   /* SOCK_DGRAM: sends only, hears by a line */
	VIA__LINK_PAIR = 8,    /* both ends were made at once: no HELLO */
	VIA__LINK_RECEIVES = 16,
};

struct via__link {
	struct via__end *end;
	struct ucred cred; /* of the other side; -1: unknown */
	int fd; /* the owner's, or our end of the line: all but messages */
	unsigned int kind; /* enum via__link_kind, several */
	bool greeted;	   /* HELLO has come */
	bool done;	   /* DONE has come: done_count */
	bool said_done;
	bool owes_done; /* as soon as the message begun is out */
	bool ended;	/* END has come, or the end of file */
	bool gone;	/* the end of file has come */
	bool finishing; /* finish waits for DONE, or recv for room to say it */
	bool shut;	/* END was said, or shutdown(SHUT_WR) called */
	bool used;	/* messages have gone over it from here */
	bool held;	/* a message is given out */
	int broken;	/* what everything returns from now on */
	uint64_t delivered;
	uint64_t done_count;
	struct via__reader reader;
	struct via__writer writer;
	struct via__packet packet;
	struct via__kept kept;	  /* what came while finish waited for DONE */
	const struct via__in *in; /* of the call that is reading */
};

/*
 * Take up a connected socket, whose owner closes it after fini. Says HELLO.
 * 0, -ENOMEM; only of a datagram socket: -EAGAIN (its queue is full), -errno.
 */
int via__link_init(struct via__link *link, struct via__end *end, int fd,
		   const struct ucred *cred, unsigned int kind);

/* Tell how much was delivered, if that was not said yet (quiet: say nothing),
 * and free all. Accepts a zeroed link. */
void via__link_fini(struct via__link *link, bool quiet);

/* Before anything else is said on a connection: REFUSE. code: -errno. */
void via__link_refuse(int fd, int code);

/*
 * The slots of the same names, for one connection. recv: -EPIPE at the end of
 * the stream, said again each time, as is -EPROTO.
 */
int via__link_send(struct via__link *link, struct via__out *out);
int via__link_send_batch(struct via__link *link, const struct iovec *msgs,
			 unsigned int n);
int via__link_flush(struct via__link *link);
int via__link_recv(struct via__link *link, struct via__in *in);
void via__link_release(struct via__link *link);
int via__link_park(struct via__link *link);
int via__link_greet(struct via__link *link);
int via__link_half_close(struct via__link *link);
int via__link_finish(struct via__link *link);

/* Whether nothing more will be said in either direction. */
bool via__link_is_over(const struct via__link *link);

/* Of a peer that says no more: 0 it has taken all, or -EPIPE with a sentence. */
int via__link_verdict(const struct via__link *link, struct via_error *err);

/* What to poll for in that direction. */
short via__link_events(const struct via__link *link, enum via_role role);

#endif
