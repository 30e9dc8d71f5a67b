/* SPDX-License-Identifier: MIT */
/*
 * The measured loops, the same for every engine.
 *
 * They are inlined into the engine's file together with its send and receive
 * functions, so that nothing but those is between two messages: a call
 * through a pointer would cost as much as a shared-memory queue.
 *
 * Every message carries its number at both ends and, in between, a pattern.
 * Number and length are checked of every message, the pattern of those in the
 * warm-up, where it distorts nothing.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "bench/engine.h"

#define BENCH_INLINE static inline __attribute__((always_inline))

/* 0 or -errno */
typedef int bench_send_fn(void *end, const void *data, size_t len);
/* the length or -errno */
typedef ssize_t bench_recv_fn(void *end, void *buf, size_t size);

/* Sends one or more messages, from number *seq on, and counts it up. */
typedef int bench_give_fn(struct bench_side *s, uint64_t *seq);
/* Receives and checks one or more; 1 when one of them was special. */
typedef int bench_get_fn(struct bench_side *s, uint64_t *seq, bool pattern);

/* The first bytes of a message; the last eight repeat word. */
struct bench_stamp {
	uint64_t word; /* number of the message and these: */
	int64_t at_ns; /* BENCH_PACED: when it should have been sent */
};

#define BENCH_MARK    (UINT64_C(1) << 63) /* the warm-up is over */
#define BENCH_LAST    (UINT64_C(1) << 62)
#define BENCH_SPECIAL (BENCH_MARK | BENCH_LAST)

/* The clock is read once in so many messages as take this long. */
#define BENCH_BLOCK_NS 50000
/* What giving the CPU away may take. */
#define BENCH_YIELD_NS 5000

BENCH_INLINE int64_t bench_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

BENCH_INLINE int64_t bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

/* The timed part of a side's work begins and ends. */
BENCH_INLINE void bench_begin(struct bench_side *s)
{
	struct bench_sample *sample = &s->plan->sample;

	sample->wall_ns[s->role] = -bench_now();
	sample->cpu_ns[s->role] = -bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

BENCH_INLINE void bench_end(struct bench_side *s)
{
	struct bench_sample *sample = &s->plan->sample;

	sample->wall_ns[s->role] += bench_now();
	sample->cpu_ns[s->role] += bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

BENCH_INLINE void bench_progress(struct bench_side *s, uint64_t n)
{
	/* Relaxed: only the supervisor looks, now and then. */
	__atomic_store_n(&s->plan->progress, n, __ATOMIC_RELAXED);
}

BENCH_INLINE void bench_stamp(uint8_t *data, size_t size, uint64_t word)
{
	memcpy(data, &word, sizeof(word));
	memcpy(data + size - sizeof(word), &word, sizeof(word));
}

BENCH_INLINE uint64_t bench_word(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/* Is this the message expected, and all of it? 1: and it is special. */
BENCH_INLINE int bench_check(struct bench_side *s, const uint8_t *data,
			     size_t len, uint64_t expected, bool pattern)
{
	const size_t head = sizeof(struct bench_stamp), tail = sizeof(uint64_t);
	uint64_t word = len == s->size ? bench_word(data) : ~expected;

	if ((word & ~BENCH_SPECIAL) != expected ||
	    word != bench_word(data + len - tail) ||
	    (pattern &&
	     memcmp(data + head, s->pattern + head, len - head - tail)))
		return bench_fail(s->plan, -EBADMSG,
				  "message %llu did not arrive as it was sent",
				  (unsigned long long)expected);
	return (word & BENCH_SPECIAL) != 0;
}

BENCH_INLINE int bench_send(struct bench_side *s, bench_send_fn *send,
			    uint64_t word)
{
	bench_stamp(s->buf, s->size, word);
	return send(s->out, s->buf, s->size);
}

/* Receive and check the message with that number. 1: it is special. */
BENCH_INLINE int bench_recv(struct bench_side *s, bench_recv_fn *recv,
			    uint64_t expected, bool pattern)
{
	ssize_t n = recv(s->in, s->buf, s->size);

	return n < 0 ? (int)n
		     : bench_check(s, s->buf, (size_t)n, expected, pattern);
}

/* Where the sender of a throughput builds the message with that number. */
BENCH_INLINE uint8_t *bench_slot(const struct bench_side *s, uint64_t seq)
{
	return s->slots + (seq & (s->n_slots - 1)) * s->size;
}

/*
 * One message of a throughput. Its number was written some messages before:
 * a copy that reads what was stored just now, in smaller pieces, waits until
 * those stores have left the CPU, behind all of the last message's; that
 * would be measured instead of the queue.
 */
BENCH_INLINE int bench_give_one(struct bench_side *s, bench_send_fn *send,
				uint64_t *seq, uint64_t special)
{
	uint64_t ahead = *seq + s->n_slots / 2;
	uint8_t *message = bench_slot(s, *seq);

	bench_stamp(bench_slot(s, ahead), s->size, ahead);
	if (special)
		bench_stamp(message, s->size, *seq | special);
	++*seq;
	return send(s->out, message, s->size);
}

BENCH_INLINE int bench_give_for(struct bench_side *s, bench_give_fn *give,
				int64_t ns, uint64_t *seq)
{
	int64_t now = bench_now(), end = now + ns;

	for (uint64_t block = 1; now < end;) {
		int64_t begin = now;

		for (uint64_t i = 0; i < block; i++) {
			int r = give(s, seq);

			if (r < 0)
				return r;
		}
		bench_progress(s, *seq);
		now = bench_now();
		if (now - begin < BENCH_BLOCK_NS)
			block *= 2;
	}
	return 0;
}

/* BENCH_THROUGHPUT, the sender */
BENCH_INLINE int bench_source(struct bench_side *s, bench_send_fn *send,
			      bench_give_fn *give)
{
	uint64_t seq = 0;

	for (uint64_t i = 0; i < s->n_slots / 2; i++)
		bench_stamp(bench_slot(s, i), s->size, i);
	int r = bench_give_for(s, give, s->plan->warmup_ns, &seq);

	if (r < 0)
		return r;
	bench_begin(s);
	r = bench_give_one(s, send, &seq, BENCH_MARK);
	if (r == 0)
		r = bench_give_for(s, give, s->plan->time_ns, &seq);
	if (r == 0)
		r = bench_give_one(s, send, &seq, BENCH_LAST);
	bench_end(s);
	return r;
}

/* The receiver's results: n messages came since begin. */
BENCH_INLINE void bench_received(struct bench_side *s, uint64_t n,
				 int64_t begin)
{
	s->plan->sample.ns = bench_now() - begin;
	s->plan->sample.messages = n;
	s->plan->sample.bytes = n * s->size;
	bench_end(s);
}

/* BENCH_THROUGHPUT, the receiver */
BENCH_INLINE int bench_sink(struct bench_side *s, bench_get_fn *get)
{
	uint64_t seq = 0;
	int r;

	do
		r = get(s, &seq, true);
	while (r == 0);
	if (r < 0)
		return r;

	uint64_t first = seq;
	int64_t begin = bench_now();

	bench_begin(s);
	do
		r = get(s, &seq, false);
	while (r == 0);
	bench_received(s, seq - first, begin);
	return r < 0 ? r : 0;
}

/* One round trip. 0 or -errno. */
BENCH_INLINE int bench_trip(struct bench_side *s, bench_send_fn *send,
			    bench_recv_fn *recv, uint64_t word, bool pattern)
{
	int r = bench_send(s, send, word);

	if (r == 0)
		r = bench_recv(s, recv, word & ~BENCH_SPECIAL, pattern);
	return r < 0 ? r : 0;
}

/*
 * BENCH_LATENCY, the sender. The clock is read once a trip: what it costs
 * (machine.clock_ns in the report) is in each, and half of it in the one-way
 * figure.
 */
BENCH_INLINE int bench_ping(struct bench_side *s, bench_send_fn *send,
			    bench_recv_fn *recv)
{
	struct bench_sample *sample = &s->plan->sample;
	uint64_t seq = 0;
	int64_t now = bench_now(), end = now + s->plan->warmup_ns;
	int r = 0;

	for (; r == 0 && now < end; now = bench_now()) {
		r = bench_trip(s, send, recv, seq++, true);
		bench_progress(s, seq);
	}
	if (r == 0)
		r = bench_trip(s, send, recv, seq++ | BENCH_MARK, true);
	if (r < 0)
		return r;

	bench_begin(s);
	uint64_t first = seq;
	int64_t begin = bench_now();

	for (now = begin, end = begin + s->plan->time_ns; now < end;) {
		int64_t last = now;

		r = bench_trip(s, send, recv, seq++, false);
		if (r < 0)
			return r;
		now = bench_now();
		histogram_record(&sample->latency, (uint64_t)(now - last) / 2);
		bench_progress(s, seq);
	}
	sample->ns = now - begin;
	sample->messages = 2 * (seq - first);
	sample->bytes = sample->messages * s->size;
	bench_end(s);
	return bench_trip(s, send, recv, seq | BENCH_LAST, false);
}

/* Send back what comes. 1 when it was special. */
BENCH_INLINE int bench_echo(struct bench_side *s, bench_send_fn *send,
			    bench_recv_fn *recv, uint64_t *seq, bool pattern)
{
	int special = bench_recv(s, recv, (*seq)++, pattern);
	int r = special < 0 ? special : send(s->out, s->buf, s->size);

	return r < 0 ? r : special;
}

/* BENCH_LATENCY, the receiver */
BENCH_INLINE int bench_pong(struct bench_side *s, bench_send_fn *send,
			    bench_recv_fn *recv)
{
	uint64_t seq = 0;
	int r;

	do
		r = bench_echo(s, send, recv, &seq, true);
	while (r == 0);
	if (r < 0)
		return r;
	bench_begin(s);
	do
		r = bench_echo(s, send, recv, &seq, false);
	while (r == 0);
	bench_end(s);
	return r < 0 ? r : 0;
}

/*
 * Wait with open eyes, for a sleeper wakes up late by more than is measured
 * here; but let others run on this CPU, such as the threads of a library.
 */
BENCH_INLINE void bench_wait_until(int64_t at)
{
	for (int64_t now = bench_now(); now < at; now = bench_now())
		if (at - now > BENCH_YIELD_NS)
			sched_yield();
}

/*
 * BENCH_PACED, the sender. When it is behind, it does not skip: the message
 * goes at once and says when it should have gone, so that a stall shows in
 * every message it delayed.
 */
BENCH_INLINE int bench_pace(struct bench_side *s, bench_send_fn *send)
{
	const struct bench_plan *plan = s->plan;
	int64_t begin = bench_now(), mark = begin + plan->warmup_ns;
	int64_t end = mark + plan->time_ns, at = begin;
	uint64_t special = BENCH_MARK;
	int r = 0;

	for (uint64_t seq = 0; r == 0 && special; seq++) {
		uint64_t word = seq;

		at += plan->interval_ns;
		bench_wait_until(at);
		if (special == BENCH_MARK && at >= mark) {
			bench_begin(s);
			word |= BENCH_MARK;
			special = BENCH_LAST;
		} else if (at >= end) {
			word |= BENCH_LAST;
			special = 0;
		}
		memcpy(s->buf + offsetof(struct bench_stamp, at_ns), &at,
		       sizeof(at));
		r = bench_send(s, send, word);
		bench_progress(s, seq);
	}
	bench_end(s);
	return r;
}

/* BENCH_PACED, the receiver */
BENCH_INLINE int bench_catch(struct bench_side *s, bench_recv_fn *recv)
{
	uint64_t seq = 0;
	int r;

	do
		r = bench_recv(s, recv, seq++, true);
	while (r == 0);
	if (r < 0)
		return r;

	uint64_t first = seq;
	int64_t begin = bench_now();

	bench_begin(s);
	do {
		struct bench_stamp stamp;

		r = bench_recv(s, recv, seq++, false);
		if (r < 0)
			return r;
		memcpy(&stamp, s->buf, sizeof(stamp));
		histogram_record(&s->plan->sample.latency,
				 (uint64_t)(bench_now() - stamp.at_ns));
	} while (r == 0);
	bench_received(s, seq - first, begin);
	return 0;
}

/*
 * The loops of an engine that has ENGINE_send and ENGINE_recv, and how its row
 * begins its loop member, in the order of enum bench_mode.
 */
#define BENCH_LOOPS(engine)                                                    \
	static int engine##_give(struct bench_side *s, uint64_t *seq)          \
	{                                                                      \
		return bench_give_one(s, engine##_send, seq, 0);               \
	}                                                                      \
	static int engine##_get(struct bench_side *s, uint64_t *seq,           \
				bool pattern)                                  \
	{                                                                      \
		return bench_recv(s, engine##_recv, (*seq)++, pattern);        \
	}                                                                      \
	static int engine##_source(struct bench_side *s)                       \
	{                                                                      \
		return bench_source(s, engine##_send, engine##_give);          \
	}                                                                      \
	static int engine##_sink(struct bench_side *s)                         \
	{                                                                      \
		return bench_sink(s, engine##_get);                            \
	}                                                                      \
	static int engine##_ping(struct bench_side *s)                         \
	{                                                                      \
		return bench_ping(s, engine##_send, engine##_recv);            \
	}                                                                      \
	static int engine##_pong(struct bench_side *s)                         \
	{                                                                      \
		return bench_pong(s, engine##_send, engine##_recv);            \
	}                                                                      \
	static int engine##_pace(struct bench_side *s)                         \
	{                                                                      \
		return bench_pace(s, engine##_send);                           \
	}                                                                      \
	static int engine##_catch(struct bench_side *s)                        \
	{                                                                      \
		return bench_catch(s, engine##_recv);                          \
	}

#define BENCH_LOOP_ROWS(engine)                                                \
	{engine##_source, engine##_sink}, {engine##_ping, engine##_pong},      \
		{engine##_pace, engine##_catch},

#endif
