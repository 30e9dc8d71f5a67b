/* SPDX-License-Identifier: MIT */
/* Comparing costs: rounds in turn, medians, as via bench does it. */
#include "bench/histogram.h"
#include "lab/lab.h"

#include <string.h>

#define WORKS_MAX 8

static uint64_t time_calls(const struct lab_work *w)
{
	int64_t start = lab_now_ns();

	for (unsigned int i = 0; i < w->calls; i++)
		w->once(w->arg);
	return (uint64_t)(lab_now_ns() - start);
}

void lab_measure(struct lab_work *works, size_t n, unsigned int rounds)
{
	static struct histogram times[WORKS_MAX];

	if (n > WORKS_MAX)
		lab__stop("lab_measure", E2BIG);
	memset(times, 0, sizeof(times));
	/* The first round only warms up. */
	for (unsigned int round = 0; round <= rounds; round++)
		for (size_t i = 0; i < n; i++) {
			uint64_t ns = time_calls(&works[i]);

			if (round)
				histogram_record(&times[i], ns);
		}
	for (size_t i = 0; i < n; i++) {
		works[i].ns = (double)histogram_quantile(&times[i], 0.5) /
			      works[i].calls;
		if (works[i].name)
			FIGURE(works[i].name, "ns", works[i].ns);
	}
}
