/* SPDX-License-Identifier: MIT */
#include "core/clock.h"

#include <errno.h>

#include <via/deadline.h>

#include "tests/check.h"

static void time_goes_forward(void **state)
{
	(void)state;
	int64_t before = via__now(), coarse = via__now_coarse();

	assert_true(before > 0);
	assert_true(via_now() >= before);
	/* A tick is at most 10 ms (HZ=100). */
	assert_in_range(coarse, before - 20 * 1000 * 1000, via__now());
}

static void deadline_lies_ahead(void **state)
{
	(void)state;
	int64_t before = via__now();
	int64_t deadline = via_deadline(VIA__NS_PER_S);

	assert_in_range(deadline, before + VIA__NS_PER_S,
			via__now() + VIA__NS_PER_S);
}

static void deadline_has_two_ends(void **state)
{
	(void)state;
	assert_int_equal(via__deadline(0), VIA_NO_WAIT);
	assert_int_equal(via__deadline(-1), VIA_NEVER);
	assert_int_equal(via__deadline(INT64_MIN), VIA_NEVER);
	assert_int_equal(via__deadline(INT64_MAX), INT64_MAX);
	assert_true(via__deadline(INT64_MAX / 2) < INT64_MAX);
}

static void nearer_deadline(void **state)
{
	(void)state;
	assert_int_equal(via__deadline_min(5, 7), 5);
	assert_int_equal(via__deadline_min(7, 5), 5);
	assert_int_equal(via__deadline_min(VIA_NEVER, 5), 5);
	assert_int_equal(via__deadline_min(5, VIA_NEVER), 5);
	assert_int_equal(via__deadline_min(VIA_NEVER, INT64_MAX), INT64_MAX);
	assert_int_equal(via__deadline_min(VIA_NO_WAIT, 5), VIA_NO_WAIT);
	assert_int_equal(via__deadline_min(VIA_NEVER, VIA_NO_WAIT),
			 VIA_NO_WAIT);
	assert_int_equal(via__deadline_min(VIA_NEVER, VIA_NEVER), VIA_NEVER);
}

static void deadline_passes(void **state)
{
	(void)state;
	assert_true(via__deadline_passed(VIA_NO_WAIT));
	assert_false(via__deadline_passed(VIA_NEVER));
	assert_true(via__deadline_passed(1));
	assert_true(via__deadline_passed(via__now()));
	assert_false(via__deadline_passed(INT64_MAX));
}

static void what_is_left(void **state)
{
	(void)state;
	struct timespec ts = {-1, -1};

	assert_null(via__deadline_left(VIA_NEVER, &ts));
	assert_int_equal(ts.tv_sec, -1);

	assert_ptr_equal(via__deadline_left(VIA_NO_WAIT, &ts), &ts);
	assert_true(ts.tv_sec == 0 && ts.tv_nsec == 0);

	ts = (struct timespec){-1, -1};
	assert_ptr_equal(via__deadline_left(1, &ts), &ts);
	assert_true(ts.tv_sec == 0 && ts.tv_nsec == 0);

	int64_t deadline = via__deadline(100 * VIA__NS_PER_S);

	assert_ptr_equal(via__deadline_left(deadline, &ts), &ts);
	assert_in_range(ts.tv_sec, 90, 100);
	assert_in_range(ts.tv_nsec, 0, VIA__NS_PER_S - 1);

	assert_ptr_equal(via__deadline_left(INT64_MAX, &ts), &ts);
	assert_true(ts.tv_sec > 100 * INT64_C(365 * 86400));
}

static void empty_handed(void **state)
{
	(void)state;
	assert_int_equal(via__deadline_error(VIA_NO_WAIT), -EAGAIN);
	assert_int_equal(via__deadline_error(1), -ETIMEDOUT);
	assert_int_equal(via__deadline_error(VIA_NEVER), -ETIMEDOUT);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(time_goes_forward),	   CHECK_TEST(deadline_lies_ahead),
	CHECK_TEST(deadline_has_two_ends), CHECK_TEST(nearer_deadline),
	CHECK_TEST(deadline_passes),	   CHECK_TEST(what_is_left),
	CHECK_TEST(empty_handed),
};
CHECK_MAIN(tests)
