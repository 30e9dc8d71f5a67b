/* SPDX-License-Identifier: MIT */
/*
 * What `via bench` measures besides mechanisms: subjects, each a file and a line
 * of subjects.def. Every figure of via's stands beside another way to do the
 * same. A round measures all of them once, so that whatever else the machine
 * does meets all alike; medians of the rounds, and of the rounds' ratios.
 */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <via/error.h>

#include "bench/machine.h"

/* Two figures of the same kind. */
struct bench_pair {
	const char *how, *title; /* what is measured: a word, a line */
	const char *unit;	 /* ns, ms, us, MB; per_s */
	int decimals;
	const char *via, *other; /* names of the two */
};

/* NAN: not to be had here. */
struct bench_figures {
	double via, other;
};

struct bench_subject {
	const char *name;
	unsigned int n_pairs, rounds;
	int64_t time_ns; /* of one figure in one round; 0: as long as it takes */
	/* Of the same title one after the other. */
	const struct bench_pair *(*pair)(unsigned int i);
	/* Make what is measured. Here and below: 0, or -errno with a sentence
	 * in error->text. */
	int (*begin)(const struct bench_machine *machine,
		     struct via_error *error);
	/* Measure all pairs once. */
	int (*round)(int64_t time_ns, struct bench_figures *ret,
		     struct via_error *error);
	void (*end)(void); /* also if begin failed */
};

/* By its name; NULL: there is none. */
const struct bench_subject *bench_subject_find(const char *name);

/* Measure and print a table or JSON. 0 for rounds and time: as usual for it.
 * 0, or -errno with a sentence. */
int bench_subject_run(const struct bench_subject *subject, unsigned int rounds,
		      int64_t time_ns, bool json, FILE *out,
		      struct via_error *error);

double bench_median(double *values, unsigned int n);

#endif
