/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram in fixed memory, after Gil Tene's HdrHistogram: each
 * power of two is cut into 128 equal slots, so that every value is known to
 * better than 1 %, from 1 ns to 18 minutes, and recording is a few
 * instructions. Plain data: it may lie in shared memory.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HISTOGRAM_BITS	 7 /* 2^7 slots for each power of two */
#define HISTOGRAM_OCTAVE (1u << HISTOGRAM_BITS)
#define HISTOGRAM_TOP	 40 /* values from 2^40 on share the last slot */
#define HISTOGRAM_SLOTS                                                        \
	((HISTOGRAM_TOP - HISTOGRAM_BITS + 1) * HISTOGRAM_OCTAVE)

/* All zero is an empty one. */
struct histogram {
	uint64_t n;
	uint64_t sum;
	uint64_t min, max; /* exact; valid when n > 0 */
	uint64_t slot[HISTOGRAM_SLOTS];
};

/* The slot of a value: exact below 2^8, then the top eight bits. */
static inline unsigned int histogram_slot(uint64_t value)
{
	if (value >> HISTOGRAM_TOP)
		return HISTOGRAM_SLOTS - 1;
	unsigned int log = 63u - (unsigned int)__builtin_clzll(value | 1);
	unsigned int shift = log > HISTOGRAM_BITS ? log - HISTOGRAM_BITS : 0;

	return shift * HISTOGRAM_OCTAVE + (unsigned int)(value >> shift);
}

static inline void histogram_record(struct histogram *h, uint64_t value)
{
	if (!h->n || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->n++;
	h->sum += value;
	h->slot[histogram_slot(value)]++;
}

/* The highest value that falls into a slot. */
uint64_t histogram_slot_top(unsigned int slot);

/* Add what the other has recorded. */
void histogram_merge(struct histogram *h, const struct histogram *other);

/*
 * The value that the given share of all values (0 to 1) does not exceed, at
 * most 1 % too high; 0 when nothing was recorded.
 */
uint64_t histogram_quantile(const struct histogram *h, double share);

#ifdef __cplusplus
}
#endif

#endif
