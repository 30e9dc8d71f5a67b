/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench/xxh64.h"
#include "tests/check.h"

static uint64_t sum(const void *data, size_t len)
{
	struct xxh64 x;

	xxh64_init(&x);
	xxh64_add(&x, data, len);
	return xxh64_sum(&x);
}

/* What xxhsum -H1 of xxhash 0.8.1 says. */
static void agrees_with_xxhsum(void **state)
{
	static const struct {
		const char *text;
		uint64_t sum;
	} known[] = {
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
		{"Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_int_equal(sum(known[i].text, strlen(known[i].text)),
				 known[i].sum);
}

static void does_not_depend_on_the_pieces(void **state)
{
	uint8_t data[200];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		struct xxh64 x;

		xxh64_init(&x);
		xxh64_add(&x, data, cut);
		xxh64_add(&x, data + cut, sizeof(data) - cut);
		assert_int_equal(xxh64_sum(&x), sum(data, sizeof(data)));
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(agrees_with_xxhsum),
	CHECK_TEST(does_not_depend_on_the_pieces),
};

CHECK_MAIN(tests)
