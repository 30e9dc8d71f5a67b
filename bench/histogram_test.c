/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench/histogram.h"
#include "tests/check.h"

static struct histogram h, other;

static void is_empty_at_first(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(histogram_quantile(&h, 1), 0);
}

static void slots_cover_every_value_in_order(void **state)
{
	uint64_t bottom = 0;

	(void)state;
	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++) {
		uint64_t top = histogram_slot_top(i);

		assert_int_equal(histogram_slot(bottom), i);
		assert_int_equal(histogram_slot(top), i);
		assert_true((double)(top - bottom) <= 0.01 * (double)bottom);
		bottom = top + 1;
	}
	assert_int_equal(bottom, UINT64_C(1) << HISTOGRAM_TOP);
}

static void quantiles_are_within_one_percent(void **state)
{
	static const double shares[] = {0.001, 0.5, 0.9, 0.99, 0.999, 1};
	const uint64_t n = 1000000;

	(void)state;
	memset(&h, 0, sizeof(h));
	for (uint64_t i = 1; i <= n; i++)
		histogram_record(&h, 37 * i);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		uint64_t exact = 37 * (uint64_t)(shares[i] * (double)n);
		uint64_t found = histogram_quantile(&h, shares[i]);

		assert_in_range(found, exact, exact + exact / 100);
	}
}

static void keeps_the_extremes_exact(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	histogram_record(&h, 1234567);
	histogram_record(&h, 0);
	histogram_record(&h, UINT64_MAX / 4);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, UINT64_MAX / 4);
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 1), UINT64_MAX / 4);
}

static void merging_is_recording_both(void **state)
{
	static struct histogram both;

	(void)state;
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	memset(&both, 0, sizeof(both));
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t value = i * i * i + 5;

		histogram_record(i % 3 ? &h : &other, value);
		histogram_record(&both, value);
	}
	histogram_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));

	memset(&other, 0, sizeof(other));
	histogram_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));
	histogram_merge(&other, &h);
	assert_memory_equal(&other, &both, sizeof(h));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(is_empty_at_first),
	CHECK_TEST(slots_cover_every_value_in_order),
	CHECK_TEST(quantiles_are_within_one_percent),
	CHECK_TEST(keeps_the_extremes_exact),
	CHECK_TEST(merging_is_recording_both),
};

CHECK_MAIN(tests)
