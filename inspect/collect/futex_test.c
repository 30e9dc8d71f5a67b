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

static const struct CMUnitTest tests[] = {
	CHECK_TEST(finds_owners),
};
CHECK_MAIN(tests)
