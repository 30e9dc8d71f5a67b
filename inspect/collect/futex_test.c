/* SPDX-License-Identifier: MIT */
#include "inspect/collect/futex.h"

#include <linux/futex.h>

#include "tests/check.h"

#define W FUTEX_WAITERS

struct row {
	const char *what;
	uint32_t op;
	bool shared;
	uint32_t value;
	size_t len;
	uint32_t words[10];
	enum via_futex_use use;
	pid_t tid;
	enum via_certainty certainty;
};

static const struct row rows[] = {
	{"normal",
	 FUTEX_WAIT,
	 false,
	 2,
	 40,
	 {2, 0, 77, 1, 0},
	 VIA_FUTEX_MUTEX,
	 77,
	 VIA_EXACT},
	{"recursive, shared, timed",
	 FUTEX_WAIT_BITSET,
	 true,
	 2,
	 40,
	 {2, 3, 77, 1, 129},
	 VIA_FUTEX_MUTEX,
	 77,
	 VIA_EXACT},
	{"robust",
	 FUTEX_WAIT,
	 true,
	 W | 77,
	 40,
	 {W | 77, 1, 77, 1, 144},
	 VIA_FUTEX_ROBUST,
	 77,
	 VIA_EXACT},
	{"robust of another owner",
	 FUTEX_WAIT,
	 true,
	 W | 77,
	 40,
	 {W | 77, 1, 78, 1, 144},
	 VIA_FUTEX_UNKNOWN,
	 77,
	 VIA_LIKELY},
	{"PI",
	 FUTEX_LOCK_PI,
	 true,
	 0,
	 40,
	 {W | 77, 1, 77, 1, 160},
	 VIA_FUTEX_PI,
	 77,
	 VIA_EXACT},
	{"PI, of whatever",
	 FUTEX_LOCK_PI2,
	 false,
	 0,
	 4,
	 {W | 77},
	 VIA_FUTEX_PI,
	 77,
	 VIA_EXACT},
	{"via",
	 FUTEX_WAIT_BITSET,
	 true,
	 W | 77,
	 40,
	 {W | 77, 0, 77, 70, 99, 0, 0xb0, 0x7f, 0xb0, 0x7f},
	 VIA_FUTEX_VIA,
	 77,
	 VIA_EXACT},
	{"via, on its way in",
	 FUTEX_WAIT_BITSET,
	 true,
	 W | 77,
	 40,
	 {W | 77, 0, 0, 0, 99, 0, 0xb0, 0x7f, 0xb0, 0x7f},
	 VIA_FUTEX_UNKNOWN,
	 77,
	 VIA_LIKELY},
	{"join",
	 FUTEX_WAIT_BITSET,
	 true,
	 77,
	 40,
	 {77},
	 VIA_FUTEX_JOIN,
	 77,
	 VIA_EXACT},
	{"condition",
	 FUTEX_WAIT_BITSET,
	 false,
	 4,
	 40,
	 {4, 0, 77, 1, 0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"semaphore",
	 FUTEX_WAIT_BITSET,
	 false,
	 0,
	 40,
	 {0, 1},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"has changed",
	 FUTEX_WAIT,
	 false,
	 2,
	 40,
	 {1, 0, 77, 1, 0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"owner has died",
	 FUTEX_WAIT,
	 true,
	 W | FUTEX_OWNER_DIED,
	 40,
	 {W | FUTEX_OWNER_DIED},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"not all there",
	 FUTEX_WAIT,
	 false,
	 2,
	 16,
	 {2, 0, 77, 1, 0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"nothing there",
	 FUTEX_WAIT,
	 false,
	 2,
	 0,
	 {0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"private where shared",
	 FUTEX_WAIT,
	 true,
	 2,
	 40,
	 {2, 0, 77, 1, 0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
	{"negative owner",
	 FUTEX_WAIT,
	 false,
	 2,
	 40,
	 {2, 0, 1u << 31, 1, 0},
	 VIA_FUTEX_UNKNOWN,
	 0,
	 VIA_GUESS},
};

static void finds_owners(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		struct via__futex_wait w = {.op = r->op,
					    .shared = r->shared,
					    .value = r->value,
					    .len = r->len};

		memcpy(w.bytes, r->words, r->len);
		struct via__futex_owner o = via__futex_owner(&w);

		if (o.use != r->use || o.tid != r->tid ||
		    o.certainty != r->certainty)
			fail_msg("%s: use %d, tid %d, certainty %d", r->what,
				 o.use, o.tid, o.certainty);
	}
}

/* readers, writers, wrphase, writers' word, two zeros, writer, shared. */
static const uint32_t rwlock[8] = {3, 1, 3, 3, 0, 0, 77, 1};

/* The owner by what waits at a word of these, 2 or 3. */
static pid_t writer_at(const uint32_t words[8], int index, uint32_t value,
		       bool before)
{
	uint32_t all[16] = {0};
	struct via__futex_wait w = {.op = FUTEX_WAIT_BITSET,
				    .shared = true,
				    .value = value,
				    .len = VIA__FUTEX_LEN,
				    .has_before = before};

	memcpy(all + 3, words, 8 * sizeof(*words));
	memcpy(w.before, all + index, sizeof(w.before));
	memcpy(w.bytes, all + 3 + index, sizeof(w.bytes));
	struct via__futex_owner o = via__futex_owner(&w);

	return o.use == VIA_FUTEX_RWLOCK ? o.tid : 0;
}

static void finds_writers(void **state)
{
	/* Each with one word that no lock with a writer has. */
	static const struct {
		int index;
		uint32_t word;
	} wrong[] = {{0, 2}, {0, 8}, {1, 1u << 31}, {2, 2},
		     {2, 7}, {3, 2}, {4, 1},	    {5, 1},
		     {6, 0}, {7, 0}, {6, 1u << 31}, {7, 2}};

	(void)state;
	for (int at = 2; at < 4; at++) {
		assert_int_equal(writer_at(rwlock, at, 3, true), 77);
		assert_int_equal(writer_at(rwlock, at, 3, false), 0);
		assert_int_equal(writer_at(rwlock, at, 1, true), 0);
		assert_int_equal(writer_at(rwlock, 5 - at, 3, true), 77);
		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			uint32_t words[8];

			memcpy(words, rwlock, sizeof(words));
			words[wrong[i].index] = wrong[i].word;
			if (writer_at(words, at, 3, true))
				fail_msg("word %d of %#x at %d", wrong[i].index,
					 wrong[i].word, at);
		}
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(finds_owners),
	CHECK_TEST(finds_writers),
};
CHECK_MAIN(tests)
