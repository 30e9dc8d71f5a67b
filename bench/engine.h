/* SPDX-License-Identifier: MIT */
/*
 * What carries the messages of a measurement: via, the bare system calls of a
 * mechanism, or (in via-bench-peers) another library. A row of functions,
 * most of them made by BENCH_LOOPS() in loops.h.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One of the two processes. */
struct bench_side {
	struct bench_plan *plan;
	enum bench_role role;
	void *out, *in;		/* the ends it sends to and receives from */
	size_t size;		/* plan->size, at hand */
	uint8_t *buf;		/* size bytes to send or receive */
	uint8_t *slots;		/* of size bytes, for a throughput's sender */
	uint64_t n_slots;	/* a power of two */
	const uint8_t *pattern; /* size bytes as they should arrive */
};

struct bench_engine {
	const char *name;
	/* What exactly it does for one message; for the report. */
	const char *work;
	/* It never sleeps: its latency is no measure for what does. */
	bool spins;

	/*
	 * In the supervisor: make what a channel of the plan needs beyond its
	 * name; unmake gives it back when both sides have started. NULL:
	 * nothing. 0 or -errno with a sentence in plan->sample.error.
	 */
	int (*make)(struct bench_plan *plan, struct bench_channel *channel);
	void (*unmake)(struct bench_channel *channel);

	/*
	 * In a side: open one end. The receiving end of a channel is opened
	 * first and may rewrite the channel's URL for the sending end. Errors
	 * as make. close comes when everything has been received.
	 */
	int (*open)(struct bench_plan *plan, struct bench_channel *channel,
		    enum bench_role role, void **ret);
	void (*close)(void *end);

	/* The measured work of each side; 0 or -errno. NULL: cannot. */
	int (*loop[BENCH_MODES][BENCH_ROLES])(struct bench_side *side);
	int (*batch_loop[BENCH_ROLES])(struct bench_side *side);
};

/* The engines of this program; ends with NULL. */
extern const struct bench_engine *const bench_engines[];

const struct bench_engine *bench_engine_find(const char *name);

/* Put a sentence into plan->sample.error unless there is one. Returns err. */
int bench_fail(struct bench_plan *plan, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Be one side of a measurement: what a program does that the supervisor has
 * started with BENCH_SIDE_OPTION. argument: what followed it, the memfd with
 * the plan and the role, "3:0". Returns the exit status.
 */
#define BENCH_SIDE_OPTION "--side"
int bench_side(const char *argument);

#ifdef __cplusplus
}
#endif

#endif
