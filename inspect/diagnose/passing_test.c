/* SPDX-License-Identifier: MIT */
/* When another look may find what this one could not claim: one holds, for a
 * moment, what two wait for in a ring. */
#include "inspect/diagnose/diagnose.h"
#include "inspect/diagnose/made_test.h"

#include "tests/check.h"

/* Two who read from each other; what the first reads, a third can write. */
static uint32_t made_three(struct made *m, uint32_t p[2])
{
	made_two(m, p);
	uint32_t third = made_process(m, "third");

	made_hold(m, third, m->s->waits[0].object, "w");
	return third;
}

static int ask(struct made *m)
{
	struct via__graph g = {0};

	made_end(m);
	assert_int_equal(via__graph_init(&g, m->s), 0);
	int ret = via__in_passing(&g, m->d);

	via__graph_fini(&g);
	made_free(m);
	return ret;
}

static void who_runs_may_let_go(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	uint32_t third = made_three(&m, p);

	m.s->threads[third].state = 'R';
	assert_int_equal(ask(&m), 1);
}

/* Until a lock of the kernel's is free. */
static void who_is_in_the_kernel_may_let_go(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	uint32_t third = made_three(&m, p);

	m.s->threads[third].state = 'D';
	made_wait(&m, third, VIA_OP_UNKNOWN, VIA_NONE)->certainty = VIA_GUESS;
	assert_int_equal(ask(&m), 1);
}

static void who_sleeps_keeps_it(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	uint32_t third = made_three(&m, p);

	made_wait(&m, third, VIA_OP_TIME, VIA_NONE);
	assert_int_equal(ask(&m), 0);
}

/* It makes no difference who runs beside them. */
static void what_is_proven_is_enough(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[made_process(&m, "third")].state = 'R';
	assert_int_equal(ask(&m), 0);
}

/* Another look would be no better. */
static void one_of_two_who_talk_runs(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[p[1]].state = 'R';
	m.s->threads[p[1]].call.nr = VIA_SYSCALL_RUNNING;
	assert_int_equal(ask(&m), 0);
}

static void one_of_two_who_talk_has_run(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[p[1]].flags |= VIA_THREAD_MOVED;
	assert_int_equal(ask(&m), 0);
}

static void one_of_two_was_woken(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[p[1]].flags |= VIA_THREAD_MOVED | VIA_THREAD_WOKEN;
	assert_int_equal(ask(&m), 1);
}

/* Of a program's threads some always run. */
static void no_guess_is_worth_it(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	uint32_t third = made_three(&m, p);

	m.s->threads[third].state = 'R';
	m.s->waits[1].certainty = VIA_GUESS;
	assert_int_equal(ask(&m), 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(who_runs_may_let_go),
	CHECK_TEST(who_is_in_the_kernel_may_let_go),
	CHECK_TEST(who_sleeps_keeps_it),
	CHECK_TEST(what_is_proven_is_enough),
	CHECK_TEST(one_of_two_who_talk_runs),
	CHECK_TEST(one_of_two_who_talk_has_run),
	CHECK_TEST(one_of_two_was_woken),
	CHECK_TEST(no_guess_is_worth_it),
};
CHECK_MAIN(tests)
