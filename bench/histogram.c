/* SPDX-License-Identifier: MIT */
#include "bench/histogram.h"

uint64_t histogram_slot_top(unsigned int slot)
{
	if (slot < 2 * HISTOGRAM_OCTAVE)
		return slot;
	unsigned int shift = slot / HISTOGRAM_OCTAVE - 1;
	uint64_t first = slot % HISTOGRAM_OCTAVE + HISTOGRAM_OCTAVE;

	return ((first + 1) << shift) - 1;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	if (!other->n)
		return;
	if (!h->n || other->min < h->min)
		h->min = other->min;
	if (other->max > h->max)
		h->max = other->max;
	h->n += other->n;
	h->sum += other->sum;
	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++)
		h->slot[i] += other->slot[i];
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	double exact = share * (double)h->n;
	uint64_t rank = (uint64_t)exact, seen = 0;

	rank += (double)rank < exact;
	if (rank <= 1)
		return h->min;
	for (unsigned int i = 0; i < HISTOGRAM_SLOTS - 1; i++) {
		seen += h->slot[i];
		if (seen < rank)
			continue;
		uint64_t top = histogram_slot_top(i);

		return top < h->max ? top : h->max;
	}
	return h->max;
}
