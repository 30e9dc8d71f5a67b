/* SPDX-License-Identifier: MIT */
/*
 * A channel end: a transport's end and everything that transports need not
 * know: waiting, deadlines, fork, what is half done between two calls.
 */
#ifndef VIA_CHANNEL_CHANNEL_H
#define VIA_CHANNEL_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/likely.h"
#include "transport/transport.h"

/* What each direction has of its own: they may be two threads. */
struct via__side {
	enum via_role role;
	int64_t spin_ns;    /* how long to spin; -1: for ever */
	unsigned int skip;  /* waits to come that will not spin */
	unsigned int skips; /* how many those were when skip was set */
	bool resting;	    /* the last wait slept to see a batch come */
	uint64_t batch;	    /* how many came after such sleeps, on average */
	unsigned int waits;
	uint64_t messages; /* before the last wait */
	uint64_t blocked_ns;
	uint64_t sleeps;
	/* For via_pollfd(), made when it is first called. */
	int watch_fd;	/* epoll of the two below; -1: none */
	int event_fd;	/* readable from a success to the next -EAGAIN */
	int watched_fd; /* the transport's, as registered */
	bool signalled; /* event_fd is readable */
	struct via_error error;
};

struct via_channel {
	const struct via__transport *transport;
	struct via__end *end;
	uint32_t *mine; /* a page that fork() wipes: zero in a child */
	unsigned int role;

	/* Sending. */
	bool unfinished; /* rest is a message begun that must go on */
	struct via__out rest;
	void *rest_buf;	       /* what rest points into */
	int send_error;	       /* the end is unusable for sending, and why: */
	bool finished;	       /* by via_finish(), if it is not duplex */
	struct via_stats sent; /* sent, sent_bytes */
	void *loan;
	size_t loan_len;
	bool loan_in_place; /* the transport's memory, not loan_buf */
	void *loan_buf;
	size_t loan_buf_size;

	/* Receiving. */
	bool taken; /* the caller may hold views */
	bool held;  /* a message that did not fit: the next to be received */
	struct via__in held_in;
	struct via_msg info;	  /* of a message whose caller wants none */
	struct via_msg held_info; /* with its descriptors */
	int deferred; /* what ended the last batch, to be told next */
	struct via_stats received; /* received, received_bytes */
	char topic[VIA_TOPIC_MAX + 1];

	struct via__side send_side, recv_side;
	struct via__common common;
	/* The direction that failed last. Relaxed, for nothing hangs on it while
	 * both are in use: see via_last_error(). */
	atomic_uint failed;
	char *url;
};

/*
 * What every call does first: 0 if this end may be used in this direction by
 * this process, or the error, with its sentence.
 */
int via__channel_refuses(struct via_channel *ch, enum via_role role);

static inline int via__channel_check(struct via_channel *ch, enum via_role role)
{
	if (via__likely((ch->role & 0xff) == role && *ch->mine))
		return 0;
	return via__channel_refuses(ch, role);
}

/* Where to say why that direction fails: what via_last_error() is now. */
struct via_error *via__channel_error(struct via_channel *ch, enum via_role role)
	__attribute__((cold));

/* Keep the transport's sentence for an error of its, which does not name the
 * channel, behind the URL; returns r. */
int via__channel_failed(struct via_channel *ch, enum via_role role, int r);

/*
 * Call op(ch, arg) until it returns something else than -EAGAIN or the
 * deadline passes: spin, then sleep. Returns what op did, or -ETIMEDOUT.
 */
typedef int via__op(struct via_channel *ch, void *arg);
int via__until(struct via_channel *ch, struct via__side *side, int64_t deadline,
	       via__op *op, void *arg);

/* An op of that direction ended with r: keep via_pollfd() level-triggered.
 * True: something has come meanwhile, try again. */
bool via__watch_update(struct via_channel *ch, struct via__side *side, int r);

static inline bool via__watch(struct via_channel *ch, struct via__side *side,
			      int r)
{
	if (via__likely(side->watch_fd < 0))
		return false;
	return via__watch_update(ch, side, r);
}

void via__side_init(struct via__side *side, enum via_role role,
		    int64_t spin_ns);
void via__side_fini(struct via__side *side);

/* Forget the message held back. */
void via__drop_held(struct via_channel *ch);

/* Frees what there is of it; NULL is fine. */
void via__channel_free(struct via_channel *ch);

/* Finish a message begun and the transport's buffer; an op for via__until. */
int via__flush_op(struct via_channel *ch, void *unused);

#endif
