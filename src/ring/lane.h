/* SPDX-License-Identifier: MIT */
/*
 * A lane: a ring of variable-length records from one writer to one reader,
 * who do not trust each other.
 *
 * Each side writes memory of its own and reads the other's: the writer's holds
 * the ring, the reader's its cursor (bytes taken out, ever). What is in the
 * other's memory may change under us at any time: every word is loaded once
 * and checked before it is used. The ring is mapped twice in a row (sealed.h),
 * so a record never wraps.
 *
 *	record: uint32_t length, uint32_t flags (the user's), then length
 *	bytes, padded to 8; never are both of them 0
 *
 * Where the next record will begin are 8 zero bytes, and storing its header
 * over them, as the last thing, makes it exist. So a writer that dies at any
 * instruction leaves whole records only, and nothing to repair. And the reader
 * waits for the cache line that it wants anyway: with a cursor beside the ring
 * it would wait for that line first and then for the record's.
 *
 * The writer keeps what it last saw of the reader's cursor and looks again
 * only when that says full.
 */
#ifndef VIA_RING_LANE_H
#define VIA_RING_LANE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/likely.h"

#define VIA__LANE_HEADER   8
#define VIA__LANE_SHORT	   64 /* bytes: see via__lane_write() */
#define VIA__LANE_SIZE_MIN ((size_t)4 << 10)
#define VIA__LANE_SIZE_MAX ((size_t)1 << 30)

/*
 * What a side shows the other, at the start of its memory. Two cache lines
 * apart, since processors fetch lines in pairs: the cursor changes again and
 * again, the bell hardly ever.
 */
struct via__lane_page {
	_Alignas(128) _Atomic uint64_t cursor; /* the reader's */
	_Alignas(128) _Atomic uint32_t armed;  /* how often it went to sleep */
};

/*
 * Bells. A side that finds nothing to do and is about to sleep arms: it counts
 * `armed` up and then looks once more. The other side, having put in a record
 * or moved its cursor, looks at `armed`, and rings (once, by means of its own)
 * for each count it has not rung for. Either the sleeper sees what is new or
 * the other side sees the count: that takes a full barrier between store and
 * load on both sides. If both can, the sleeper makes it for both with
 * membarrier(2), and the other side's costs nothing (asymmetric).
 */
struct via__lane_bell {
	struct via__lane_page *mine;
	const struct via__lane_page *peer;
	bool asymmetric;
	uint32_t rung;	       /* the count that the peer was last rung for */
	uint32_t armed, heard; /* own count, and how many bells have come */
};

struct via__lane_writer {
	struct via__lane_bell bell;
	char *ring;
	uint64_t size, mask; /* a power of two, and that less one */
	uint64_t tail;	     /* bytes put in: where the next record goes */
	uint64_t room; /* up to where there is room: the peer's cursor + size */
	uint64_t
		zeroed; /* where 8 bytes are zero already, or not behind tail */
};

struct via__lane_reader {
	struct via__lane_bell bell;
	const char *ring;
	uint64_t size, mask;
	uint64_t read;	/* the next record */
	uint64_t done;	/* up to here nothing is in use */
	uint64_t head;	/* own cursor: what of done the peer has been shown */
	uint64_t due;	/* when it will be shown more */
	uint64_t limit; /* where the writer's room ends */
	bool ended;	/* it has left, so that it gets no more room */
};

/* A record in the ring, which a hostile writer can still change. */
struct via__record {
	const char *data;
	uint32_t len;
	uint32_t flags;
};

/* Each side begins with its own zeroed page. The writer's peer can be set
 * later: until then the ring is what room there is, and every record asks for
 * a bell. */
void via__lane_writer_init(struct via__lane_writer *w,
			   struct via__lane_page *mine, char *ring,
			   size_t size);
void via__lane_reader_init(struct via__lane_reader *r,
			   struct via__lane_page *mine,
			   const struct via__lane_page *peer, const char *ring,
			   size_t size);

/* Bytes of the ring that a record of len bytes takes. */
static inline uint64_t via__lane_span(uint64_t len)
{
	return (VIA__LANE_HEADER + len + 7) & ~(uint64_t)7;
}

/* --- Bells --- */

/* Whether the peer has asked for a bell that was not rung yet. */
static inline bool via__lane_wanted(const struct via__lane_bell *b)
{
	return atomic_load(&b->peer->armed) != b->rung;
}

/* Store what tells the peer of everything written before: a record's header,
 * the reader's cursor. True: the peer asks for a bell. */
static inline bool via__lane_tell(struct via__lane_bell *b,
				  _Atomic uint64_t *word, uint64_t value)
{
	if (via__likely(b->asymmetric)) {
		/* Pairs with the acquire in via__lane_peek() or _refresh();
		 * the barrier with the one in via__lane_barrier(). */
		atomic_store_explicit(word, value, memory_order_release);
		atomic_signal_fence(memory_order_seq_cst);
	} else {
		/* Sequentially consistent with via__lane_arm(). */
		atomic_store(word, value);
	}
	return via__lane_wanted(b);
}

/* To be called before ringing: this count counts as rung for. */
static inline void via__lane_ring(struct via__lane_bell *b)
{
	b->rung = atomic_load_explicit(&b->peer->armed, memory_order_relaxed);
}

/*
 * Ask for a bell, then look once more, by via__lane_dry() or _refresh(), before
 * sleeping. True: via__lane_barrier() must come in between. Nothing is to be
 * done when the bell last asked for is still to come.
 */
static inline bool via__lane_arm(struct via__lane_bell *b)
{
	if (b->armed != b->heard)
		return false;
	atomic_store(&b->mine->armed, ++b->armed);
	return b->asymmetric;
}

/* A bell has come. 0, or -EPROTO: nobody asked for it. */
static inline int via__lane_heard(struct via__lane_bell *b)
{
	if (b->heard == b->armed)
		return -EPROTO;
	b->heard++;
	return 0;
}

/* Make this process one that others' barriers reach. False: it cannot be, and
 * its lanes must not be asymmetric. */
bool via__lane_can_barrier(void);
void via__lane_barrier(void);

/* --- The writer --- */

/* Where the next record's bytes go. */
static inline char *via__lane_at(const struct via__lane_writer *w)
{
	return w->ring + (w->tail & w->mask) + VIA__LANE_HEADER;
}

/* The same if there is room for len bytes and the zeroes behind them, as far as
 * is known; or NULL. */
static inline char *via__lane_claim(const struct via__lane_writer *w,
				    size_t len)
{
	return w->room - w->tail < via__lane_span(len) + VIA__LANE_HEADER
		       ? NULL
		       : via__lane_at(w);
}

/* What was claimed goes to somebody who may write there and then commit fewer
 * bytes, or none. */
static inline void via__lane_lent(struct via__lane_writer *w)
{
	w->zeroed = w->tail;
}

static inline _Atomic uint64_t *via__lane_word(char *at)
{
	return (_Atomic uint64_t *)(void *)at;
}

/* Behind the record of len bytes there is no other yet. Relaxed, for its header
 * follows with release. */
static inline void via__lane_clear(char *at, size_t len)
{
	char *next = at - VIA__LANE_HEADER + via__lane_span(len);

	atomic_store_explicit(via__lane_word(next), 0, memory_order_relaxed);
}

/* Put its header before it, which publishes it. As commit. */
static inline bool via__lane_publish(struct via__lane_writer *w, char *at,
				     size_t len, uint32_t flags)
{
	w->tail += via__lane_span(len);
	return via__lane_tell(&w->bell, via__lane_word(at - VIA__LANE_HEADER),
			      (uint64_t)flags << 32 | len);
}

/* Publish the record whose len bytes are at via__lane_at(), in room claimed
 * before. True: the reader asks for a bell. */
static inline bool via__lane_commit(struct via__lane_writer *w, char *at,
				    size_t len, uint32_t flags)
{
	via__lane_clear(at, len);
	return via__lane_publish(w, at, len, flags);
}

/* Copy backwards, in words that lie in one line each. */
static inline void via__lane_copy(char *at, const char *data, size_t len)
{
	size_t left = len & ~(size_t)7;

	if (len > left)
		memcpy(at + left, data + left, len - left);
	while (left) {
		uint64_t word;

		left -= sizeof(word);
		memcpy(&word, data + left, sizeof(word));
		/* Relaxed: atomic only that no compiler makes it a memcpy. */
		atomic_store_explicit(via__lane_word(at + left), word,
				      memory_order_relaxed);
	}
}

/*
 * The same, having copied them there. A reader that waits takes the line with
 * the header, and the next one, away from the writer again and again. So what
 * is short goes backwards: then the writer needs the line with the header only
 * once, to fill and to publish it at one go. What is long takes several anyway,
 * and memcpy() is faster.
 *
 * And as stores become visible in order, a record waits for the line that the
 * zeroes behind it are in. So those for a next record of the same length are
 * put in when this one is out and nobody waits for them. By via bench shm:,
 * --size 64 --throughput: 47 -> 41 ns a message, 128: 64 -> 51; --latency of
 * 1024: 255 -> 240 ns.
 */
static inline bool via__lane_write(struct via__lane_writer *w, char *at,
				   const char *data, size_t len, uint32_t flags)
{
	if (w->tail + via__lane_span(len) != w->zeroed)
		via__lane_clear(at, len);
	if (len > VIA__LANE_SHORT)
		memcpy(at, data, len);
	else
		via__lane_copy(at, data, len);
	bool wanted = via__lane_publish(w, at, len, flags);

	if (via__lane_claim(w, len)) {
		via__lane_clear(via__lane_at(w), len);
		w->zeroed = w->tail + via__lane_span(len);
	}
	return wanted;
}

/* Look how far the reader is. 0, or -EPROTO: nowhere it can be. */
int via__lane_refresh(struct via__lane_writer *w);

/* There is a reader, whose page this is. */
void via__lane_meet(struct via__lane_writer *w,
		    const struct via__lane_page *peer, bool asymmetric);

/* There is no reader any more: no room for anything. */
void via__lane_part(struct via__lane_writer *w);

/* Whether the reader has shown everything done. */
bool via__lane_drained(const struct via__lane_writer *w);

/* --- The reader --- */

static inline const _Atomic uint64_t *
via__lane_header(const struct via__lane_reader *r)
{
	return (const _Atomic uint64_t *)(const void *)(r->ring +
							(r->read & r->mask));
}

/* Whether there is no record, to be asked before sleeping. */
static inline bool via__lane_dry(const struct via__lane_reader *r)
{
	/* Sequentially consistent with via__lane_arm(). */
	return !atomic_load(via__lane_header(r));
}

/* The next record, which stays the next until via__lane_pass(). 0, -EAGAIN
 * (dry), -EPROTO. */
static inline int via__lane_peek(const struct via__lane_reader *r,
				 struct via__record *ret)
{
	const _Atomic uint64_t *at = via__lane_header(r);
	/* Once: it may change at any time. Pairs with the store in
	 * via__lane_tell(). */
	uint64_t header = atomic_load_explicit(at, memory_order_acquire);
	uint32_t len = (uint32_t)header;

	if (!header) {
		/* Have what follows the header brought over together with it,
		 * not after it. */
		__builtin_prefetch((const char *)at + 64);
		return -EAGAIN;
	}
	if (via__lane_span(len) + VIA__LANE_HEADER > r->limit - r->read)
		return -EPROTO;
	ret->data = (const char *)at + VIA__LANE_HEADER;
	ret->len = len;
	ret->flags = (uint32_t)(header >> 32);
	return 0;
}

static inline void via__lane_pass(struct via__lane_reader *r,
				  const struct via__record *record)
{
	r->read += via__lane_span(record->len);
}

/* Show the writer what is done. True: it asks for a bell. */
static inline bool via__lane_show(struct via__lane_reader *r)
{
	r->head = r->done;
	r->due = r->head + r->size / 8;
	if (!r->ended)
		r->limit = r->head + r->size;
	return via__lane_tell(&r->bell, &r->bell.mine->cursor, r->head);
}

/* Everything passed is out of use; shown when it is an eighth of the ring, so
 * that the cursor's line need not be fetched for each message. As show. */
static inline bool via__lane_free(struct via__lane_reader *r)
{
	r->done = r->read;
	return r->done >= r->due && via__lane_show(r);
}

#endif
