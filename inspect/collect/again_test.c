/* SPDX-License-Identifier: MIT */
/* The second look. */
#include "inspect/collect/waits_test.h"

/* A victim that is blocked in read(), told by a byte to read once more. */
static void reads_twice(struct victim *v, int p[2])
{
	char byte;

	assert_int_equal(pipe(p), 0);
	if (blocks(v))
		for (;;)
			(void)!read(p[0], &byte, 1);
	look_until(v, SYS_read);
	assert_int_equal(v->t->flags, 0);
}

static void unmake(struct victim *v, int p[2])
{
	end(v);
	close(p[0]);
	close(p[1]);
}

static void sees_who_stood_still(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	reads_twice(&v, p);
	assert_int_equal(via_snapshot_look_again(v.s), 0);
	assert_int_equal(v.t->flags & VIA_THREAD_MOVED, 0);
	unmake(&v, p);
}

/* Wakes it, n times: it reads, and waits for the same again. How often it was on
 * a CPU. */
static uint64_t wake(const struct victim *v, int p[2], int n)
{
	struct victim after = {.pid = v->pid};
	uint64_t ran = v->t->ran;

	for (; n > 0; n--) {
		assert_int_equal(write(p[1], "x", 1), 1);
		do
			look_until(&after, SYS_read);
		while (after.t->ran == ran);
		ran = after.t->ran;
	}
	via_snapshot_free(after.s);
	return ran - v->t->ran;
}

/* Whether it could have been to wake up and to sleep on, too. */
static void sees_who_ran(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	for (int times = 1; times <= 3; times += 2) {
		reads_twice(&v, p);
		uint64_t n = wake(&v, p, times);

		assert_true(n >= (uint64_t)times);
		assert_int_equal(via_snapshot_look_again(v.s), 0);
		assert_int_equal(v.t->flags,
				 VIA_THREAD_MOVED |
					 (n <= 2 ? VIA_THREAD_WOKEN : 0));
		unmake(&v, p);
	}
}

static void sees_who_has_gone(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	reads_twice(&v, p);
	kill(v.pid, SIGKILL);
	waitpid(v.pid, NULL, 0);
	assert_int_equal(via_snapshot_look_again(v.s), 0);
	assert_int_equal(v.t->flags, VIA_THREAD_MOVED);
	v.pid = 0;
	unmake(&v, p);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_who_stood_still),
	CHECK_TEST(sees_who_ran),
	CHECK_TEST(sees_who_has_gone),
};
CHECK_MAIN(tests)
