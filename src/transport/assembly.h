/* SPDX-License-Identifier: MIT */
/*
 * Putting messages together from frames: for each sender the number its next
 * message must have, and what has come of it so far.
 *
 * A message that came whole in one frame stays where it is and is only checked
 * (via__assembly_whole). One in pieces is gathered in the receiver's own
 * buffer if that is long enough, in memory of the assembly otherwise; that
 * memory grows with what has really arrived, never with what a header claims.
 *
 *	rc = via__assembly_piece(a, &frame, &fds, in, &from);
 *	while (left > 0) {
 *		n = via__assembly_room(a, from, left, &to);
 *		... put up to n bytes at to ...
 *		via__assembly_filled(from, n);
 *	}
 *	if (frame.flags & VIA__FRAME_LAST)
 *		rc = via__assembly_give(a, from, in);
 */
#ifndef VIA_TRANSPORT_ASSEMBLY_H
#define VIA_TRANSPORT_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/frame.h"
#include "transport/transport.h"

/* How many senders are told apart where all share one medium. */
#define VIA__SENDERS_SHARED 64

/* Descriptors that came and belong to nobody else yet. */
struct via__fds {
	unsigned int n;
	int fd[VIA_FDS_MAX];
};

/* Close them all; harmless when there are none. */
void via__fds_close(struct via__fds *fds);

/* Memory that grows. */
struct via__block {
	uint8_t *data;
	size_t size;
};

/* One sender. All members are the assembly's. */
struct via__sender {
	uint64_t id;   /* 0: nobody */
	uint64_t next; /* sequence number that continues without a gap */
	uint64_t used; /* when, in messages: who is longest idle */
	/* The message in the making. */
	bool half;
	bool meta;
	uint64_t seq;
	size_t total;
	size_t done;
	uint8_t *direct; /* it goes to the receiver's buffer, not to block */
	struct via__block block;
	struct via__fds fds;
};

struct via__assembly {
	struct via__end *end; /* max, stats and error */
	struct via__sender *senders;
	unsigned int n_senders; /* in use, the first ones */
	unsigned int n_max;
	unsigned int last; /* the one found last */
	uint64_t clock;
	struct via__sender *direct; /* whose message goes to in->buf */
	struct via__block spare;    /* for the next message to begin */
	bool held; /* the receiver has what only release takes back: */
	struct via__sender *given; /* whose block, */
	struct via__fds given_fds; /* or this array */
};

/*
 * n_max: 1 where a sender has a connection of its own: another id on it is
 * -EPROTO. More where all share one medium: when a new sender finds every place
 * taken, the one longest idle is forgotten, and only if all have half a
 * message, the oldest of those is dropped and counted.
 *
 * end lends max, counts dropped (where senders share the medium, joined and
 * left too) and carries the sentence of every -EPROTO. 0 or -ENOMEM.
 */
int via__assembly_init(struct via__assembly *a, struct via__end *end,
		       unsigned int n_max);

/* Free all, closing descriptors. Accepts a zeroed struct. */
void via__assembly_fini(struct via__assembly *a);

/* A sender who shares the medium says that it is there. 0 or -EPROTO. */
int via__assembly_hello(struct via__assembly *a, const struct via__frame *f);

/*
 * A whole message (FIRST and LAST) whose payload lies at data, where it stays:
 * check it and fill in (pid, uid and gid as unknown: the caller knows better).
 * fds are those that came with the frame (n: 0 if none); they are taken over,
 * after -EPROTO too. If another message was on its way to in->buf, it is parked
 * first.
 *
 * 0, -EPROTO, -ENOMEM (nothing has changed: call again).
 */
int via__assembly_whole(struct via__assembly *a, const struct via__frame *f,
			void *data, struct via__fds *fds, struct via__in *in);

/*
 * A piece of a message is here (also: the only frame of a message whose
 * payload has not all come). Check it and set *ret to its sender; then
 * exactly f->len bytes follow by room and filled. fds as above; they must come
 * with the first piece.
 *
 * 0; -ENOENT: a piece of a message whose start was not seen, to be skipped
 * (only with n_max > 1); -EPROTO; -ENOMEM.
 */
int via__assembly_piece(struct via__assembly *a, const struct via__frame *f,
			struct via__fds *fds, const struct via__in *in,
			struct via__sender **ret);

/*
 * Where the next bytes of the message go. Returns how many fit there, 1..want
 * (want > 0), or -ENOMEM.
 */
ssize_t via__assembly_room(struct via__assembly *a, struct via__sender *from,
			   size_t want, uint8_t **ret);

/*
 * Where the next payload will probably have to go: on with the message on its
 * way to in->buf, or, if none is, to the start of it. NULL base: no idea.
 */
struct iovec via__assembly_guess(const struct via__assembly *a,
				 const struct via__in *in);

/* n bytes were put there. */
void via__assembly_filled(struct via__sender *from, size_t n);

/*
 * The last piece is complete: fill in. 0, or -EPROTO for a malformed meta block
 * (the message is dropped).
 *
 * A message in the assembly's own memory, and the array of the descriptors of
 * any message, keep their place until via__assembly_release(). a->held says
 * that; meanwhile call nothing but release, park, end, forget and fini.
 */
int via__assembly_give(struct via__assembly *a, struct via__sender *from,
		       struct via__in *in);

void via__assembly_release(struct via__assembly *a);

/* The receiver's buffer goes away: keep what is in it. 0, or -ENOMEM: there was
 * no memory for that, the message is dropped. */
int via__assembly_park(struct via__assembly *a);

/* Of a connection's one sender: whether n messages have come, and no part of
 * another. */
bool via__assembly_is_complete(const struct via__assembly *a, uint64_t n);

/* No sender is left: drop and count half messages, forget everybody. */
void via__assembly_end(struct via__assembly *a);

/* The same for one sender, who is known to be gone. */
void via__assembly_forget(struct via__assembly *a, uint64_t id);

#endif
