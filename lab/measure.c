/* SPDX-License-Identifier: MIT */
/* Comparing costs: rounds in turn, so that whatever else the machine does meets
 * all alike, and of each the least, which it met least. */
#include "lab/lab.h"

static double time_calls(const struct lab_work *w)
{
	int64_t start = lab_now_ns();

	for (unsigned int i = 0; i < w->calls; i++)
		w->once(w->arg);
	return (double)(lab_now_ns() - start) / w->calls;
}

void lab_measure(struct lab_work *works, size_t n, unsigned int rounds)
{
	/* The first round only warms up. */
	for (unsigned int round = 0; round <= rounds; round++)
		for (size_t i = 0; i < n; i++) {
			double ns = time_calls(&works[i]);

			if (round <= 1 || ns < works[i].ns)
				works[i].ns = ns;
		}
	for (size_t i = 0; i < n; i++)
		if (works[i].name)
			FIGURE(works[i].name, "ns", works[i].ns);
}
