/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/bottleneck.h"

#include "tests/check.h"

/* a | b | c, watched for ten seconds, all equal; pipes are number 1 and 2. */
struct made {
	struct via_stage stages[3];
	struct via_pipe pipes[2];
	struct via_pipe_graph p;
};

static void hold(struct via_stage *s, uint64_t ino, bool writes)
{
	s->holds[s->n_holds++] =
		(struct via_pipe_hold){{0, ino}, writes, !writes, writes};
}

static void make(struct made *m)
{
	*m = (struct made){0};
	for (int i = 0; i < 2; i++) {
		m->pipes[i].id.ino = (uint64_t)i + 1;
		m->pipes[i].level_known = true;
		m->pipes[i].seen_s = 10;
		hold(&m->stages[i], (uint64_t)i + 1, true);
		hold(&m->stages[i + 1], (uint64_t)i + 1, false);
	}
	for (int i = 0; i < 3; i++)
		m->stages[i].task.pid = 100 + i;
	m->p = (struct via_pipe_graph){m->stages, m->pipes, 3, 2, 0, 10};
}

/* What a stage did for most of the time: for the rest it ran. */
static void did(struct via_stage *s, enum via_doing what, double share)
{
	s->doing = what;
	s->whole[what] += 10 * share;
	s->whole[VIA_RUNNING] += 10 * (1 - share);
	s->recent[what] += share;
	s->recent[VIA_RUNNING] += 1 - share;
}

static void was(struct via_pipe *pipe, double full, double empty)
{
	pipe->recent_full = full;
	pipe->recent_empty = empty;
	pipe->full_s = 10 * full;
	pipe->empty_s = 10 * empty;
}

static const enum via_span spans[] = {VIA_RECENTLY, VIA_WHOLE_RUN};
#define N_SPANS (sizeof(spans) / sizeof(*spans))

static void names_the_one_that_runs(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	did(&m.stages[0], VIA_WRITING, 0.9);
	did(&m.stages[1], VIA_RUNNING, 1);
	did(&m.stages[2], VIA_READING, 0.8);
	was(&m.pipes[0], 0.9, 0);
	was(&m.pipes[1], 0, 0.8);
	for (size_t i = 0; i < N_SPANS; i++) {
		struct via_bottleneck b = via__bottleneck(&m.p, spans[i]);

		assert_ptr_equal(b.stage, &m.stages[1]);
		assert_int_equal(b.why, VIA_RUNNING);
		assert_true(b.share > 0.99 && b.share < 1.01);
		assert_true(b.input_full > 0.89 && b.input_full < 0.91);
		assert_true(b.output_empty > 0.79 && b.output_empty < 0.81);
	}
}

static void says_why(void **state)
{
	static const enum via_doing whys[] = {VIA_DISK, VIA_CHILD, VIA_WAITING,
					      VIA_STOPPED};

	(void)state;
	for (size_t i = 0; i < sizeof(whys) / sizeof(*whys); i++) {
		struct made m;

		make(&m);
		did(&m.stages[0], whys[i], 0.7);
		did(&m.stages[1], VIA_READING, 0.9);
		did(&m.stages[2], VIA_READING, 0.9);
		was(&m.pipes[0], 0, 0.9);
		was(&m.pipes[1], 0, 0.9);
		struct via_bottleneck b = via__bottleneck(&m.p, VIA_WHOLE_RUN);

		assert_ptr_equal(b.stage, &m.stages[0]);
		assert_int_equal(b.why, whys[i]);
		assert_true(b.input_full < 0);
	}
}

/* A program that polls its pipes does not say so, but its empty input does. */
static void sees_through_polling(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	did(&m.stages[0], VIA_WAITING, 1);
	did(&m.stages[1], VIA_WAITING, 1);
	did(&m.stages[2], VIA_WAITING, 1);
	was(&m.pipes[0], 0, 1);
	was(&m.pipes[1], 0, 1);
	assert_ptr_equal(via__bottleneck(&m.p, VIA_RECENTLY).stage,
			 &m.stages[0]);
	was(&m.pipes[0], 1, 0);
	was(&m.pipes[1], 1, 0);
	assert_ptr_equal(via__bottleneck(&m.p, VIA_RECENTLY).stage,
			 &m.stages[2]);
}

static void names_none_of_equals(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	for (int i = 0; i < 3; i++)
		did(&m.stages[i], VIA_RUNNING, 1);
	for (size_t i = 0; i < N_SPANS; i++)
		assert_null(via__bottleneck(&m.p, spans[i]).stage);
	make(&m);
	for (int i = 0; i < 3; i++) {
		m.stages[i].doing = VIA_HIDDEN;
		m.stages[i].recent[VIA_HIDDEN] = 1;
	}
	assert_null(via__bottleneck(&m.p, VIA_RECENTLY).stage);
}

/* The shell has started the others, and waits for them all the time. */
static void leaves_out_who_has_no_pipe(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.stages[0].n_holds = 0;
	did(&m.stages[0], VIA_CHILD, 1);
	did(&m.stages[1], VIA_RUNNING, 1);
	did(&m.stages[2], VIA_READING, 0.9);
	assert_ptr_equal(via__bottleneck(&m.p, VIA_RECENTLY).stage,
			 &m.stages[1]);
	/* A pipe from outside makes it no part of the pipeline. */
	m.pipes[0].outside = true;
	hold(&m.stages[0], 1, true);
	assert_ptr_equal(via__bottleneck(&m.p, VIA_RECENTLY).stage,
			 &m.stages[1]);
}

/* A subshell and its child hold the same pipe: they do not outdo each other. */
static void blames_the_shell_for_its_child(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	m.stages[2].task.ppid = m.stages[1].task.pid;
	hold(&m.stages[2], 1, false);
	did(&m.stages[0], VIA_WRITING, 1);
	did(&m.stages[1], VIA_CHILD, 1);
	did(&m.stages[2], VIA_WAITING, 1);
	for (size_t i = 0; i < N_SPANS; i++) {
		struct via_bottleneck b = via__bottleneck(&m.p, spans[i]);

		assert_ptr_equal(b.stage, &m.stages[1]);
		assert_int_equal(b.why, VIA_CHILD);
	}
}

static void forgets_the_ended_for_now(void **state)
{
	struct made m;

	(void)state;
	make(&m);
	did(&m.stages[0], VIA_RUNNING, 1);
	m.stages[0].doing = VIA_ENDED;
	did(&m.stages[1], VIA_READING, 0.9);
	did(&m.stages[2], VIA_READING, 0.9);
	assert_null(via__bottleneck(&m.p, VIA_RECENTLY).stage);
	assert_ptr_equal(via__bottleneck(&m.p, VIA_WHOLE_RUN).stage,
			 &m.stages[0]);
}

static void bears_nothing(void **state)
{
	struct via_pipe_graph none = {0};

	(void)state;
	for (size_t i = 0; i < N_SPANS; i++)
		assert_null(via__bottleneck(&none, spans[i]).stage);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(names_the_one_that_runs),
	CHECK_TEST(says_why),
	CHECK_TEST(sees_through_polling),
	CHECK_TEST(names_none_of_equals),
	CHECK_TEST(leaves_out_who_has_no_pipe),
	CHECK_TEST(blames_the_shell_for_its_child),
	CHECK_TEST(forgets_the_ended_for_now),
	CHECK_TEST(bears_nothing),
};
CHECK_MAIN(tests)
