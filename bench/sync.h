/* SPDX-License-Identifier: MIT */
/* `via bench sync`: locks beside the C library's. */
#ifndef BENCH_SYNC_H
#define BENCH_SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <via/error.h>

struct bench_sync_options {
	unsigned int rounds; /* up to BENCH_ROUNDS_MAX */
	int64_t time_ns;     /* of one figure in one round */
};

/* Measure and print a table or JSON. 0, or -errno with a sentence. */
int bench_sync(const struct bench_sync_options *options, bool json, FILE *out,
	       struct via_error *reterr);

#endif
