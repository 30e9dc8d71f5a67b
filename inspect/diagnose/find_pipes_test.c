/* SPDX-License-Identifier: MIT */
/* Findings on pipes and FIFOs: each with one like it that is well. */
#include <string.h>

#include "inspect/diagnose/made_test.h"
#include "inspect/model/build.h"
#include "tests/check.h"

static void own_write_end(void **state)
{
	struct made m;

	(void)state;
	/* Others that have it, going on or not; a read that ends by itself. */
	for (int how = 0; how < 4; how++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "alone");
		uint32_t q = made_process(&m, "other");
		uint32_t pipe = made_pipe(&m, p, p);

		made_wait(&m, p, VIA_OP_READ, pipe)->left_ns = how == 3 ? 1000
									: -1;
		if (how == 2)
			made_wait(&m, q, VIA_OP_LOCK, made_mutex(&m, q));
		else
			made_wait(&m, q, VIA_OP_TIME, VIA_NONE);
		if (how == 0) {
			made_found(&m, "own-write-end", p, pipe, "alone (100)");
			continue;
		}
		if (how < 3)
			made_hold(&m, q, pipe, "w");
		made_nothing(&m);
	}
}

/* A loop wakes itself by such a pipe, a thread another one. */
static void own_write_end_in_use(void **state)
{
	struct made m;

	(void)state;
	for (int threads = 0; threads < 2; threads++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "loop");

		made_wait(&m, p, VIA_OP_READ, made_pipe(&m, p, p));
		if (threads)
			made_join(&m, made_thread(&m), p);
		else
			made_wait(&m, p, VIA_OP_SIGNAL, VIA_NONE);
		made_nothing(&m);
	}
}

static void own_pipe_full(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "alone");
	uint32_t pipe = made_pipe(&m, p, p);

	made_wait(&m, p, VIA_OP_WRITE, pipe);
	made_found(&m, "own-pipe-full", p, pipe, "alone (100)");
}

/*
 * Its parent, or a grandparent, waits for a child that waits for it: to read
 * what the child writes, to close what the child reads.
 */
static void wait_before(enum via_op op, const char *rule)
{
	for (int between = 0; between < 2; between++) {
		struct made m;

		made_begin(&m);
		uint32_t p = made_process(&m, "parent");
		uint32_t shell = between ? made_process(&m, "sh") : p;
		uint32_t c = made_process(&m, "child");
		uint32_t pipe = op == VIA_OP_WRITE ? made_pipe(&m, c, p)
						   : made_pipe(&m, p, c);

		if (between)
			made_child_wait(&m, p, shell);
		made_child_wait(&m, shell, c);
		made_wait(&m, c, op, pipe);
		made_found(&m, rule, p, pipe, "child (10");
	}
}

static void wait_before_drain(void **state)
{
	(void)state;
	wait_before(VIA_OP_WRITE, "wait-before-drain");
}

static void wait_before_close(void **state)
{
	(void)state;
	wait_before(VIA_OP_READ, "wait-before-close");
}

static void a_thread_that_drains(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t c = made_process(&m, "child");
	uint32_t p = made_process(&m, "parent");

	m.s->threads[made_thread(&m)].state = 'R';
	made_wait(&m, c, VIA_OP_WRITE, made_pipe(&m, c, p));
	made_child_wait(&m, p, c);
	made_nothing(&m);
}

static void leaked_write_end(void **state)
{
	struct made m;

	(void)state;
	for (int how = 0; how < 6; how++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "reader");
		uint32_t q = made_process(&m, "daemon");
		uint32_t pipe = made_pipe(&m, q, p);

		made_wait(&m, p, VIA_OP_READ, pipe);
		made_wait(&m, q, VIA_OP_TIME, VIA_NONE);
		m.s->processes[q].task.sid = 4242;
		if (how == 0) {
			made_found(&m, "leaked-write-end", q, pipe,
				   "daemon (101)");
			continue;
		}
		/* A relative, of its session, in the middle of writing; or the
		 * reader has got something. */
		if (how == 1)
			m.s->processes[q].task.ppid = 100;
		if (how == 2)
			m.s->processes[p].task.sid = 4242;
		if (how == 3)
			made_wait(&m, q, VIA_OP_WRITE, pipe);
		if (how == 4)
			m.s->processes[p].task.ppid = 101;
		if (how == 5)
			m.s->threads[p].flags = VIA_THREAD_MOVED;
		made_nothing(&m);
	}
}

/* A family: a parent, the reader of one pipe, and a sibling that has its write
 * end under a number; the end of what the sibling reads is with the parent. */
struct family {
	uint32_t parent, reader, sibling, pipe;
};
enum {
	PARENT_WAITS,
	READER_WAITS
}; /* of the snapshot's waits */

static void made_family(struct made *m, struct family *f)
{
	made_begin(m);
	f->parent = made_process(m, "parent");
	f->reader = made_process(m, "reader");
	f->sibling = made_process(m, "sibling");
	f->pipe = made_object(m, VIA_KIND_PIPE);
	made_hold(m, f->reader, f->pipe, "r")->id = 0;
	made_hold(m, f->sibling, f->pipe, "w")->id = 5;
	m->s->processes[f->sibling].task.ppid = 100;
	m->s->processes[f->sibling].command = via__text_of(m->s, "cat file55");
	made_child_wait(m, f->parent, f->reader);
	made_wait(m, f->reader, VIA_OP_READ, f->pipe)->fd = 0;
}

/* The sibling waits for its own end of data, from their parent. */
static void leaked_to_stuck(void **state)
{
	(void)state;
	for (int how = 0; how < 8; how++) {
		struct family f;
		struct made m;

		made_family(&m, &f);
		made_wait(&m, f.sibling, VIA_OP_READ,
			  made_pipe(&m, f.parent, f.sibling));
		if (how == 1)
			m.s->waits[READER_WAITS].fd = 5;
		if (how < 2) {
			made_found(
				&m, "leaked-write-end", f.sibling, f.pipe,
				"sibling (102), as descriptor 5, and is not");
			continue;
		}
		if (how == 7) {
			made_hold(&m, f.reader, f.pipe, "w");
			made_found(&m, "leaked-write-end", f.sibling, f.pipe,
				   "descriptor 5, and the reader itself,");
			continue;
		}
		/* It is the output of one who has it; of their parent; another
		 * thread of who reads may write; nobody says that the end is
		 * waited for. */
		if (how == 2)
			made_hold(&m, f.sibling, f.pipe, "w")->id = 1;
		if (how == 3)
			made_hold(&m, f.parent, f.pipe, "w");
		if (how == 4) {
			made_hold(&m, f.reader, f.pipe, "w");
			m.s->processes[f.reader].task.n_threads = 2;
		}
		if (how == 5) {
			m.s->waits[READER_WAITS].fd = 5;
			m.s->waits[PARENT_WAITS].on_process = VIA_NONE;
			m.s->waits[PARENT_WAITS].op = VIA_OP_READ;
			m.s->waits[PARENT_WAITS].object =
				made_pipe(&m, f.reader, f.parent);
		}
		if (how == 6)
			m.s->processes[f.sibling].task.ppid = 101;
		if (how == 3)
			made_found(&m, "wait-before-close", f.parent, f.pipe,
				   "reader (101)");
		else
			made_nothing(&m);
	}
}

/* The sibling goes on: only where it cannot know what it has. */
static void leaked_to_busy(void **state)
{
	(void)state;
	for (int how = 0; how < 7; how++) {
		struct family f;
		struct made m;

		made_family(&m, &f);
		made_wait(&m, f.sibling, VIA_OP_TIME, VIA_NONE);
		if (how == 0) {
			made_found(&m, "leaked-write-end", f.sibling, f.pipe,
				   "sibling (102), as descriptor 5,");
			continue;
		}
		/* A pipeline of a shell; not its input; it was told; it is the
		 * same program; nobody waits for the reader. */
		if (how == 1) {
			made_wait(&m, f.parent, VIA_OP_CHILD, VIA_NONE)
				->on_process = f.sibling;
		}
		if (how == 2)
			m.s->waits[READER_WAITS].fd = 4;
		if (how == 3)
			m.s->processes[f.sibling].command =
				via__text_of(m.s, "tee /dev/fd/5");
		if (how == 4)
			strcpy(m.s->processes[f.sibling].task.comm, "parent");
		if (how == 5)
			m.s->waits[PARENT_WAITS].on_process = f.sibling;
		if (how == 6)
			m.s->processes[f.sibling].command = 0;
		made_nothing(&m);
	}
}

static uint32_t made_fifo(struct made *m, const char *name)
{
	uint32_t fifo = made_object(m, VIA_KIND_FIFO);

	m->s->objects[fifo].name = via__text_of(m->s, name);
	return fifo;
}

static void fifo_crosswise(void **state)
{
	(void)state;
	for (int how = 0; how < 7; how++) {
		struct made m;

		made_begin(&m);
		uint32_t p = made_process(&m, "client");
		uint32_t q = made_process(&m, "server");
		uint32_t a = made_fifo(&m, "/tmp/in");
		uint32_t b = made_fifo(&m, "/tmp/out");

		m.s->processes[p].command =
			via__text_of(m.s, "client -i /tmp/in -o /tmp/out");
		m.s->processes[q].command = via__text_of(m.s, "cat <in >out");
		made_wait(&m, p, VIA_OP_OPEN, a);
		made_wait(&m, q, VIA_OP_OPEN, how == 1 ? a : b);
		if (how == 0) {
			made_found(&m, "fifo-crosswise", p, a, "server (101)");
			continue;
		}
		/* Both for one; it was not named, but another; one has it open;
		 * a third waits too; both are of one shell; it has another
		 * thread. */
		if (how == 2)
			m.s->processes[q].command =
				via__text_of(m.s, "cat <in.1 <xin -in >out");
		if (how == 3)
			made_hold(&m, p, b, "r");
		if (how == 4)
			made_wait(&m, made_process(&m, "third"), VIA_OP_OPEN,
				  a);
		if (how == 5)
			m.s->processes[q].command = m.s->processes[p].command;
		if (how == 6)
			made_wait(&m, made_thread(&m), VIA_OP_TIME, VIA_NONE);
		made_nothing(&m);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(own_write_end),     CHECK_TEST(own_write_end_in_use),
	CHECK_TEST(own_pipe_full),     CHECK_TEST(wait_before_drain),
	CHECK_TEST(wait_before_close), CHECK_TEST(a_thread_that_drains),
	CHECK_TEST(leaked_write_end),  CHECK_TEST(leaked_to_stuck),
	CHECK_TEST(leaked_to_busy),    CHECK_TEST(fifo_crosswise),
};
CHECK_MAIN(tests)
