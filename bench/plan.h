/* SPDX-License-Identifier: MIT */
/*
 * One measurement: what the two processes are to do, and what they found.
 *
 * The supervisor (run.c) writes the plan into a memfd and starts two programs
 * that inherit it and nothing else in common, the sending and the receiving
 * side (side.c). They meet, measure, and leave the sample there.
 *
 * Both sides may be another program than the supervisor (peers/), so this is
 * plain C and C++, and what is shared while they run goes through __atomic.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/histogram.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bench_mode {
	BENCH_THROUGHPUT, /* one way, as fast as possible */
	BENCH_LATENCY,	  /* ping-pong over two channels */
	BENCH_PACED,	  /* one way, at fixed times */
	BENCH_CARRY,	  /* one way, the bytes of a file */
	BENCH_MODES
};

enum bench_role {
	BENCH_SENDER,
	BENCH_RECEIVER,
	BENCH_ROLES
};

/* Every message is at least this long: see struct bench_stamp. */
#define BENCH_SIZE_MIN	24
#define BENCH_SIZE_MAX	(1 << 30)
#define BENCH_URL_MAX	512
#define BENCH_BATCH_MAX 256
#define BENCH_TEXT_MAX	256
/* On cache lines of its own; two, for CPUs fetch them in pairs. */
#define BENCH_ALIGNED __attribute__((aligned(128)))

/* One channel. What is in it belongs to the engine. */
struct bench_channel {
	char url[BENCH_ROLES][BENCH_URL_MAX];
	int fd[BENCH_ROLES];
	void *end[BENCH_ROLES]; /* in the supervisor alone */
};

struct bench_sample {
	uint64_t messages;
	uint64_t bytes; /* payload */
	int64_t ns;	/* from the first message to the last */
	/* Each side's own: from its first message to its last. */
	int64_t wall_ns[BENCH_ROLES], cpu_ns[BENCH_ROLES];
	uint64_t sum[BENCH_ROLES]; /* XXH64 of the file carried */
	/* One way of a cache line, and of one for each direction: see
	 * cacheline.h. Before and after; 0 on one CPU. */
	double line_ns[2], pair_ns[2];
	struct histogram latency; /* one way, ns; not for throughput */
	bool absent;		  /* the program does not have that engine */
	char error[BENCH_TEXT_MAX];
};

struct bench_plan {
	uint32_t plan_size; /* both sides are of the same build */
	int supervisor;	    /* its pid */
	enum bench_mode mode;
	char engine[32];
	uint64_t size;	    /* bytes in a message */
	unsigned int batch; /* messages a call; 1: no batch calls */
	int64_t warmup_ns, time_ns;
	int64_t interval_ns;  /* BENCH_PACED */
	char file[4096];      /* BENCH_CARRY */
	int cpu[BENCH_ROLES]; /* -1: not pinned */
	/* There, and for BENCH_LATENCY back: the sender's word is sent on the
	 * first, the receiver's on the second. */
	struct bench_channel channel[2];

	/* Shared while they run. */
	BENCH_ALIGNED uint32_t arrived; /* how often a side came to meet */
	uint64_t progress;		/* messages, as the sender sees it */
	uint64_t last_pass;		/* BENCH_CARRY: stop after this one */
	/* To measure, before and after: one line, and one of each side. */
	BENCH_ALIGNED uint64_t line[2][16];
	BENCH_ALIGNED uint64_t pair[2][BENCH_ROLES][16];

	BENCH_ALIGNED struct bench_sample sample;
};

static inline int bench_channels(const struct bench_plan *plan)
{
	return plan->mode == BENCH_LATENCY ? 2 : 1;
}

#ifdef __cplusplus
}
#endif

#endif
