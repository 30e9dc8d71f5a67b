/* SPDX-License-Identifier: MIT */
/*
 * What a mechanism is to the rest of via: one row of data and slots.
 *
 * A transport never waits: no slot blocks, and each end hands out what to
 * poll. The channel (src/channel) is what waits, keeps deadlines, counts and
 * checks arguments, so a slot can rely on: roles its row allows, one thread
 * per direction, no call after close, sizes within the limit.
 *
 * A new mechanism is one file here with its row last, and one line in
 * transports.def.
 */
#ifndef VIA_TRANSPORT_TRANSPORT_H
#define VIA_TRANSPORT_TRANSPORT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <via/channel.h>
#include <via/error.h>
#include <via/mechanism.h>

#include "core/url.h"

struct via__transport;

/* The options of via_common_options(), read before open. */
struct via__common {
	uint64_t max;	 /* longest message, bytes */
	int64_t spin_ns; /* longest spin before sleeping; -1 for ever */
	int64_t wait_ns; /* open's own limit; -1 not given */
};

/* What every end begins with. The transport's own struct embeds it first. */
struct via__end {
	const struct via__transport *transport;
	unsigned int role; /* VIA_SEND or VIA_RECV, perhaps VIA_DUPLEX */
	uint64_t max;	   /* longest message, bytes */
	/* Set by the channel before finish: it is the last that will be asked
	 * for, nothing more is received. */
	bool closing;
	/* Set by the channel before it closes: the caller did not take the
	 * message that recv gave last, so it is not delivered. */
	bool refused;
	/*
	 * Counted by the transport: dropped, rejected, joined, left. The rest
	 * is the channel's.
	 */
	struct via_stats stats;
	/* Set, with via__fail(), by any slot that returns other than 0,
	 * -EAGAIN or -EINPROGRESS. Once the end is open the channel puts the
	 * URL before it. */
	struct via_error error;
	/* Of a duplex end, whose directions may be two threads: what error was
	 * when a slot of that direction failed. */
	struct via_error send_error, recv_error;
};

/* The sentence of a slot of that direction that has failed. */
static inline const struct via_error *via__end_error(const struct via__end *end,
						     enum via_role role)
{
	if (!(end->role & VIA_DUPLEX))
		return &end->error;
	return role == VIA_SEND ? &end->send_error : &end->recv_error;
}

/* A message on its way out. */
struct via__out {
	const void *data;
	size_t len;
	const void *prefix; /* meta block that goes before data; may be NULL */
	size_t prefix_len;
	const int *fds; /* borrowed */
	unsigned int n_fds;
	/*
	 * Kept by the transport. done: bytes (of prefix and data together) it
	 * has handed over. begun: some part is out, so that the message must
	 * be finished: the channel calls send again with the same content,
	 * perhaps from another address.
	 */
	size_t done;
	bool begun;
};

/* A message on its way in. */
struct via__in {
	void *buf; /* where the caller would like it; NULL: anywhere */
	size_t size;
	/*
	 * Set by the transport. data is buf when the whole message was put
	 * there, or points into the end's own memory, valid until release.
	 */
	void *data;
	size_t len;
	bool meta; /* data starts with a meta block */
	/*
	 * All else known of it, filled unless info is NULL: sender, seq, gap,
	 * pid, uid, gid, fds, n_fds, and nothing else of it. Descriptors that
	 * nobody asked for are closed.
	 */
	struct via_msg *info;
	bool lazy; /* info may be left alone where data is buf and there are
		      no descriptors */
};

struct via__transport {
	struct via_mechanism info;

	/* How its own options are read, into a struct of options_size bytes
	 * that options_init() has filled; ends with a NULL name. */
	const struct via__option_rule *rules;
	size_t options_size;
	void (*options_init)(void *options);

	/* Asking a dry end again costs no system call: worth many tries. */
	bool in_memory;

	/* 0 or -errno: can this machine do it? NULL: always. */
	int (*probe)(void);

	/*
	 * Make an end. A receiver binds: when this returns, senders can
	 * connect. A sender only prepares (addresses, buffers); connect does
	 * the rest. options is the filled struct, url stays valid during the
	 * call only. On failure nothing is left and *ret is not written.
	 *
	 * Must set transport, role and max in the base. Returns 0, or -errno
	 * with a sentence in err: -EADDRINUSE when another live receiver has
	 * the name, -EAGAIN to be called again in a little while.
	 */
	int (*open)(const struct via__url *url, const void *options,
		    unsigned int role, const struct via__common *common,
		    struct via__end **ret, struct via_error *err);

	/*
	 * A sender tries to reach the receiver. 0: connected. -EAGAIN: nobody
	 * there yet, call again in a little while (end->error says who is
	 * missing). -EINPROGRESS: poll for VIA_SEND, then call again. Other:
	 * for good. NULL: open has done it all.
	 */
	int (*connect)(struct via__end *end);

	/* Make both ends; NULL without VIA_CAN_PAIR. As open. */
	int (*pair)(const struct via__url *url, const void *options,
		    const struct via__common *common, struct via__end *ret[2],
		    struct via_error *err);

	/*
	 * Write the URL of the end as it is in effect (a port found by the
	 * kernel) to buf; NULL: it is what the user wrote. Returns the length
	 * or -ENOSPC.
	 */
	int (*address)(const struct via__end *end, char *buf, size_t size);

	/* See via_export(): a URL with at least one option, to which the channel
	 * adds the common ones. NULL without VIA_CAN_EXPORT. */
	int (*export_end)(struct via__end *end, char *buf, size_t size);

	/*
	 * In a forked child, before any other call: make the end the child's
	 * own (a new sender id, nothing half sent). NULL: not after a fork.
	 */
	int (*forked)(struct via__end *end);

	/*
	 * Hand over one message, or as much of it as there is room for: see
	 * struct via__out. 0: all of it. -EAGAIN: poll for VIA_SEND and call
	 * again. -EPIPE: the receiver is gone. -EPROTO, -EACCES: it turned
	 * out to be no via, or to refuse us. -EMSGSIZE.
	 */
	int (*send)(struct via__end *end, struct via__out *out);

	/*
	 * Hand over up to n whole messages; what it accepts but cannot write
	 * yet stays in the end's own buffer for flush. Returns how many
	 * (>= 1), 0 if the first is too long for that buffer (use send),
	 * -EAGAIN for none, or as send. NULL: the channel loops.
	 */
	int (*send_batch)(struct via__end *end, const struct iovec *msgs,
			  unsigned int n);

	/* Write what send_batch left in the buffer. 0 all, -EAGAIN, -EPIPE.
	 * NULL: there is no such buffer. */
	int (*flush)(struct via__end *end);

	/*
	 * The next message: see struct via__in. Anything already given out
	 * and not released keeps its place: -EAGAIN if that needs a release
	 * first. 0, -EAGAIN: poll for VIA_RECV and call again. -EPIPE: the
	 * last sender has left and everything is delivered; said once for
	 * each time that happens. -EPROTO: see via_recv(). -ENOMEM.
	 *
	 * It may be filling in->buf when it returns -EAGAIN, and counts on
	 * the same buf in the next call unless park comes first.
	 */
	int (*recv)(struct via__end *end, struct via__in *in);

	/* Everything given out by recv is free again. NULL: nothing to do. */
	void (*release)(struct via__end *end);

	/* The buffer of the last recv goes away: save what is in it. 0 or
	 * -ENOMEM. NULL: recv never keeps one. */
	int (*park)(struct via__end *end);

	/* In-place building: see via_loan(). -EMSGSIZE: too long for a loan,
	 * the channel uses a buffer. NULL both: no VIA_CAN_LOAN. commit cannot
	 * fail but for -EPIPE. */
	int (*loan)(struct via__end *end, size_t len, void **ret);
	int (*commit)(struct via__end *end, size_t len);

	/*
	 * What to poll before calling send (VIA_SEND) or recv (VIA_RECV)
	 * again, also for connect, greet and finish (VIA_RECV). Asked after
	 * each -EAGAIN; best the same each time. It need not tell of what
	 * the end has read ahead: the channel only sleeps on it after an
	 * -EAGAIN, and makes via_pollfd() level-triggered by itself. fd -1:
	 * nothing, the end has finished.
	 */
	int (*pollfd)(struct via__end *end, enum via_role role,
		      struct pollfd *ret);

	/*
	 * After an -EAGAIN the caller is about to sleep in poll() on that
	 * descriptor, or to return to a program that will. 0: it may, and the
	 * descriptor becomes ready with the next message (room) and stays so
	 * until the next call of recv (send); 1: something has come already,
	 * call again instead. NULL: always 0.
	 */
	int (*arm)(struct via__end *end, enum via_role role);

	/* via_wait_peer(): 0 there is a checked peer, -EAGAIN, -EPROTO,
	 * -EACCES, -EPIPE. NULL: connect has done it all; a receiver's
	 * channel then waits for its descriptor. */
	int (*greet)(struct via__end *end);

	/*
	 * A duplex end will send no more: tell the other side and read nothing,
	 * which another thread may be doing. 0; -EAGAIN: it will be told by
	 * flush. NULL without VIA_CAN_DUPLEX.
	 */
	int (*half_close)(struct via__end *end);

	/*
	 * A sender will send no more: tell the receiver, if that was not done.
	 * 0: it has delivered all (or the mechanism cannot tell), -EAGAIN:
	 * poll for VIA_RECV and call again, -EPIPE: it left before. Called with
	 * nothing given out; what a duplex end reads meanwhile is for recv,
	 * unless it is closing. NULL: nothing to do.
	 */
	int (*finish)(struct via__end *end);

	/*
	 * Free the end; never blocks. forked: this is a child's copy, touch
	 * nothing that the parent shares (names, sockets' state). Accepts
	 * half-built ends.
	 */
	void (*close)(struct via__end *end, bool forked);
};

/* Every transport, in the order of transports.def; ends with NULL. */
extern const struct via__transport *const via__transports[];

const struct via__transport *via__transport_find(const char *scheme);

/*
 * The bytes of a message still to be handed over, at most max of them, as up
 * to two iovecs. Returns how many iovecs.
 */
int via__out_next(const struct via__out *out, size_t max, struct iovec *iov);

static inline size_t via__out_total(const struct via__out *out)
{
	return out->prefix_len + out->len;
}

#endif
