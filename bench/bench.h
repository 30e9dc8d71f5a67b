/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: what `via bench` asks for, and the report it gets.
 *
 * A row is one thing to measure. Every round measures all rows once, so that
 * what the machine does meanwhile meets all of them; a row keeps what each
 * round found, and ratios between rows compare medians of the same run.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <via/error.h>

#include "bench/histogram.h"
#include "bench/machine.h"
#include "bench/plan.h"

/* How via's receivers wait. */
enum bench_wait {
	BENCH_ADAPTIVE, /* as by default */
	BENCH_SLEEP,	/* ?spin=0 */
	BENCH_SPIN,	/* ?spin=never */
	BENCH_WAITS,
	BENCH_OWN = BENCH_WAITS /* not via: in its own way */
};

#define BENCH_SIZES_MAX	 7
#define BENCH_ROUNDS_MAX 1000

extern const char *const bench_wait_names[BENCH_WAITS + 1];
extern const char *const bench_mode_names[BENCH_MODES];

struct bench_options {
	const char *const *urls;
	unsigned int n_urls;	  /* 0: every mechanism */
	const uint64_t *sizes;	  /* of messages, from BENCH_SIZE_MIN on */
	unsigned int n_sizes;	  /* 0: as usual for the mode */
	bool throughput, latency; /* neither: both */
	unsigned int waits;	  /* 1 << BENCH_..., 0: as usual for the mode */
	unsigned int batch;	  /* messages a call; 1: no batch calls */
	uint64_t paced;		  /* messages per second; 0: not */
	const char *file;	  /* to carry; NULL: not */
	bool peers;
	unsigned int rounds;
	int64_t time_ns; /* of one row in one round, warm-up apart */
	bool progress;	 /* a line on stderr that says how far it is */
};

/*
 * Where the two CPUs were: see cacheline.h. Near is up to twice the least that
 * the run has seen; where a hypervisor moves them about, far is four times it.
 */
enum bench_distance {
	BENCH_NEAR,
	BENCH_FAR,
	BENCH_MOVED,   /* near before and far after, or the reverse */
	BENCH_UNKNOWN, /* on one CPU */
	BENCH_DISTANCES
};
#define BENCH_NEAR_FACTOR 2

extern const char *const bench_distance_names[BENCH_DISTANCES];

/* What one round found for a row. */
struct bench_round {
	uint64_t messages, bytes;
	int64_t ns;
	int64_t wall_ns[BENCH_ROLES], cpu_ns[BENCH_ROLES];
	double line_ns[2], pair_ns[2];
	uint64_t p50_ns;	      /* one way; 0 for throughput */
	enum bench_distance distance; /* when all are done */
};

/* The median is between two values when their number is even. */
struct bench_spread {
	double min, median, max;
};

struct bench_row {
	const char *name;   /* "unix seqpacket", or the URL that was given */
	const char *engine; /* "via", "bare unix", "zeromq" */
	const char *work;   /* what the engine does for a message */
	const char *url;    /* of via; NULL for the others */
	bool fresh;	    /* with %s in it for a fresh path */
	enum bench_mode mode;
	uint64_t size;
	unsigned int batch;
	enum bench_wait wait;
	const struct bench_row *bare; /* the same by hand; NULL: none */

	char error[BENCH_TEXT_MAX]; /* why there is nothing; "" */
	unsigned int n_rounds;
	struct bench_round *rounds;
	struct histogram latency; /* of all rounds */
	uint64_t sum; /* BENCH_CARRY: XXH64, the same on both sides */

	/* From the rounds, when all are done. */
	struct bench_spread messages_per_s, bytes_per_s;
	struct bench_spread p50_ns;
	/* p50_ns divided by what the lines took: the median; 0: not measured. */
	double per_line, per_pair;
	double cpu[BENCH_ROLES]; /* CPUs in use: 1 is one whole CPU */
	/* This divided by bare's: messages per second of a throughput, median
	 * latency otherwise; medians of the rounds at one distance. 0: none. */
	double ratio;
	enum bench_distance ratio_distance;
};

struct bench_report {
	struct bench_options options; /* pointers in it are the caller's */
	struct bench_machine machine;
	char date[32]; /* of the start: 2026-01-31T12:00:00Z */
	int64_t warmup_ns;
	/* The least a cache line took one way, and one for each direction; 0 on
	 * one CPU. */
	double line_ns, pair_ns;
	unsigned int n_rows;
	struct bench_row *rows;
	bool failed; /* some row has an error */
};

/*
 * Measure. Takes as long as the rows times the rounds times the time; leaves
 * nothing behind, also when SIGINT, SIGTERM or SIGHUP ends it, which it
 * reports as -EINTR. A row that fails says so itself.
 *
 * Returns 0 and the report, to be freed, or -errno with a sentence.
 */
int bench_run(const struct bench_options *options, struct bench_report **ret,
	      struct via_error *reterr);
void bench_report_free(struct bench_report *report);

/* Fill in what the rounds of all rows say. */
void bench_report_finish(struct bench_report *report);
/* Did all that was sent arrive as it was? */
bool bench_row_verified(const struct bench_row *row);

/* The views. Errors stay in the stream; -ENOMEM is returned. */
void bench_table(const struct bench_report *report, FILE *out);
int bench_json(const struct bench_report *report, FILE *out);
void bench_csv(const struct bench_report *report, FILE *out);
int bench_html(const struct bench_report *report, FILE *out);

#endif
