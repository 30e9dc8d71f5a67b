/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/stuck.h"

#include "tests/check.h"

struct made {
	struct via_stage stages[3];
	struct via_pipe pipes[2];
	struct via_pipe_graph p;
	size_t ring[VIA_RING_MAX];
};

static void hold(struct via_stage *s, uint64_t ino, bool writes)
{
	s->holds[s->n_holds++] =
		(struct via_pipe_hold){{0, ino}, writes, !writes, writes};
}

static void waits(struct via_stage *s, enum via_doing doing, uint64_t ino)
{
	s->doing = doing;
	s->pipe.ino = ino;
}

/* Two pipes between stages 0 and 1, one each way, both waited for. */
static void make(struct made *m)
{
	*m = (struct made){0};
	for (int i = 0; i < 3; i++) {
		m->stages[i].task.pid = 100 + i;
		m->stages[i].task.ppid = 99;
		m->stages[i].task.n_threads = 1;
		m->stages[i].still_s = 2;
		m->stages[i].holds_known = true;
		m->stages[i].doing = VIA_WAITING;
	}
	m->pipes[0].id.ino = 1;
	m->pipes[1].id.ino = 2;
	hold(&m->stages[0], 1, true);
	hold(&m->stages[1], 1, false);
	hold(&m->stages[1], 2, true);
	hold(&m->stages[0], 2, false);
	waits(&m->stages[0], VIA_READING, 2);
	waits(&m->stages[1], VIA_READING, 1);
	m->p = (struct via_pipe_graph){m->stages, m->pipes, 3, 2, 0, 10};
}

static void finds_two_that_wait_for_each_other(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	assert_int_equal(via__stuck(&m.p, m.ring), 2);
	assert_int_equal(m.ring[0] + m.ring[1], 1);
	waits(&m.stages[0], VIA_WRITING, 1);
	waits(&m.stages[1], VIA_WRITING, 2);
	assert_int_equal(via__stuck(&m.p, m.ring), 2);
	/* Something else would do as well. */
	m.stages[1].elsewhere = true;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
}

static void finds_one_that_waits_for_itself(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	hold(&m.stages[2], 1, true);
	hold(&m.stages[2], 1, false);
	m.stages[0].doing = m.stages[1].doing = VIA_ENDED;
	waits(&m.stages[2], VIA_READING, 1);
	assert_int_equal(via__stuck(&m.p, m.ring), 1);
	assert_int_equal(m.ring[0], 2);
}

/* It waits for its child, which waits for room in a pipe that it holds. */
static void finds_a_parent_that_does_not_drain(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.stages[0].doing = VIA_CHILD;
	m.stages[1].task.ppid = 100;
	waits(&m.stages[1], VIA_WRITING, 2);
	assert_int_equal(via__stuck(&m.p, m.ring), 2);
	/* Another one reads there too. */
	hold(&m.stages[2], 2, false);
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
}

/* Two in a ring, a third that waits for them but is no part of it. */
static void names_the_ring_alone(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.stages[2] = m.stages[0];
	m.stages[0].doing = VIA_CHILD;
	m.stages[0].n_holds = 0;
	m.stages[0].task.pid = 99;
	m.stages[0].task.ppid = 1;
	m.stages[2].task.pid = 102;
	assert_int_equal(via__stuck(&m.p, m.ring), 2);
	assert_int_equal(m.ring[0] + m.ring[1], 3);
}

static void does_not_claim_what_it_cannot_know(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.pipes[0].outside = true;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	make(&m);
	m.stages[2].holds_known = false;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	m.stages[2].doing = VIA_ENDED;
	assert_int_equal(via__stuck(&m.p, m.ring), 2);
	make(&m);
	m.stages[1].task.n_threads = 2;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	make(&m);
	m.stages[1].still_s = 0.5;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	make(&m);
	m.p.n_unseen = 1;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	/* A reader without any writer that we see has one that we do not. */
	make(&m);
	m.stages[1].n_holds = 0;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
}

static void leaves_the_waiting_alone(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.stages[1].doing = VIA_WAITING;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
	m.p.n_stages = 0;
	assert_int_equal(via__stuck(&m.p, m.ring), 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(finds_two_that_wait_for_each_other),
	CHECK_TEST(finds_one_that_waits_for_itself),
	CHECK_TEST(finds_a_parent_that_does_not_drain),
	CHECK_TEST(names_the_ring_alone),
	CHECK_TEST(does_not_claim_what_it_cannot_know),
	CHECK_TEST(leaves_the_waiting_alone),
};
CHECK_MAIN(tests)
