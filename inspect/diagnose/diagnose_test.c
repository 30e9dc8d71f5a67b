/* SPDX-License-Identifier: MIT */
/* Verdicts and cycles, and how sure they are, on snapshots made by hand. */
#include "inspect/diagnose/made_test.h"

#include "tests/check.h"

/* --- Cycles --- */

static void two_over_pipes(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	made_end(&m);
	VERDICT(&m, 0, DEADLOCK, EXACT);
	VERDICT(&m, 1, DEADLOCK, EXACT);
	assert_int_equal(m.d->cycles[0].certainty, VIA_EXACT);
	made_cycle_is(&m, 2, p);
	assert_int_equal(m.d->verdicts[0].wait, 0);
	made_free(&m);
}

/* Who waits for the result, and who waits for that. */
static void behind_a_cycle_is_stuck(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	uint32_t reader = made_process(&m, "reader");
	uint32_t shell = made_process(&m, "shell");

	made_wait(&m, reader, VIA_OP_READ, made_pipe(&m, p[1], reader));
	made_child_wait(&m, shell, reader);
	made_end(&m);
	made_cycle_is(&m, 2, p);
	VERDICT(&m, reader, STUCK, EXACT);
	VERDICT(&m, shell, STUCK, EXACT);
	assert_int_equal(m.d->verdicts[reader].next, p[1]);
	assert_int_equal(m.d->verdicts[shell].next, reader);
	assert_int_equal(m.d->verdicts[shell].cycle, VIA_NONE);
	made_free(&m);
}

/* mutex -> pipe -> lock on a file -> child -> socket -> and round. */
static void five_over_five_mechanisms(void **state)
{
	struct made m;
	uint32_t p[5], sockets[2];

	(void)state;
	made_begin(&m);
	for (int i = 0; i < 5; i++)
		p[i] = made_process(&m, "mixed");
	made_wait(&m, p[0], VIA_OP_LOCK, made_mutex(&m, p[1]));
	made_wait(&m, p[1], VIA_OP_WRITE, made_pipe(&m, p[1], p[2]));
	uint32_t lock = made_object(&m, VIA_KIND_LOCK);

	made_hold(&m, p[3], lock, "lock");
	made_wait(&m, p[2], VIA_OP_LOCK, lock)->exclusive = 1;
	made_child_wait(&m, p[3], p[4]);
	made_pair(&m, p[4], p[0], sockets);
	made_wait(&m, p[4], VIA_OP_READ, sockets[0]);
	made_end(&m);
	made_cycle_is(&m, 5, p);
	for (int i = 0; i < 5; i++)
		VERDICT(&m, p[i], DEADLOCK, EXACT);
	made_free(&m);
}

static void the_only_writer_is_the_reader(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "alone");

	made_wait(&m, p, VIA_OP_READ, made_pipe(&m, p, p));
	made_end(&m);
	VERDICT(&m, p, DEADLOCK, EXACT);
	made_cycle_is(&m, 1, &p);
	made_free(&m);
}

/* Of threads that all hold the process' descriptors, only one ring is shown,
 * the shortest: that of the one who is asked to read. */
static void threads_are_part_of_it(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t client = made_process(&m, "client");
	uint32_t server = made_process(&m, "server");
	uint32_t worker = made_thread(&m);

	made_wait(&m, client, VIA_OP_READ, made_pipe(&m, server, client));
	made_wait(&m, worker, VIA_OP_READ, made_pipe(&m, client, server));
	made_join(&m, server, worker);
	made_end(&m);
	const uint32_t ring[] = {client, worker};

	made_cycle_is(&m, 2, ring);
	VERDICT(&m, server, DEADLOCK, EXACT);
	assert_int_equal(m.d->verdicts[server].next, worker);
	made_free(&m);
}

static void two_mutexes_in_both_orders(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t a = made_process(&m, "locker"), b = made_thread(&m);

	made_wait(&m, a, VIA_OP_LOCK, made_mutex(&m, b));
	made_wait(&m, b, VIA_OP_LOCK, made_mutex(&m, a));
	/* The kernel's word that nobody else has them: it is one process. */
	m.s->sight.init_ns = 0;
	for (uint32_t i = 0; i < m.s->n_objects; i++)
		m.s->objects[i].flags = VIA_OBJECT_PRIVATE;
	made_end(&m);
	const uint32_t ring[] = {a, b};

	made_cycle_is(&m, 2, ring);
	VERDICT(&m, a, DEADLOCK, EXACT);
	made_free(&m);
}

static void two_cycles_are_two(void **state)
{
	struct made m;
	uint32_t p[2], q[2];

	(void)state;
	made_two(&m, p);
	q[0] = made_process(&m, "left");
	q[1] = made_process(&m, "right");
	made_wait(&m, q[0], VIA_OP_LOCK, made_mutex(&m, q[1]));
	made_wait(&m, q[1], VIA_OP_LOCK, made_mutex(&m, q[0]));
	made_end(&m);
	assert_int_equal(m.d->n_cycles, 2);
	assert_int_equal(m.d->cycles[0].n, 2);
	assert_int_equal(m.d->cycles[1].n, 2);
	assert_int_not_equal(m.d->verdicts[p[0]].cycle,
			     m.d->verdicts[q[0]].cycle);
	made_free(&m);
}

/* Three in a ring, two of which are one by themselves: those are shown. */
static void the_shortest_is_shown(void **state)
{
	struct made m;
	uint32_t p[3];

	(void)state;
	made_begin(&m);
	for (int i = 0; i < 3; i++)
		p[i] = made_process(&m, "three");
	made_wait(&m, p[0], VIA_OP_READ, made_pipe(&m, p[1], p[0]));
	made_wait(&m, p[1], VIA_OP_READ, made_pipe(&m, p[2], p[1]));
	made_wait(&m, p[2], VIA_OP_READ, made_pipe(&m, p[0], p[2]));
	made_wait(&m, p[2], VIA_OP_READ, made_pipe(&m, p[1], p[2]));
	made_end(&m);
	made_cycle_is(&m, 2, p + 1);
	VERDICT(&m, p[0], DEADLOCK, EXACT);
	assert_int_equal(m.d->verdicts[p[0]].next, p[1]);
	made_free(&m);
}

/* Another one that runs, and reads what should be written. */
static void a_live_reader_does_not_help(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	uint32_t third = made_process(&m, "third");

	made_hold(&m, third, 0, "r");
	m.s->threads[third].state = 'R';
	made_end(&m);
	made_cycle_is(&m, 2, p);
	made_free(&m);
}

/* A mutex is its owner's to unlock. */
static void another_thread_cannot_unlock(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t a = made_process(&m, "owner");

	made_wait(&m, a, VIA_OP_LOCK, made_mutex(&m, a));
	m.s->threads[made_thread(&m)].state = 'R';
	made_end(&m);
	made_cycle_is(&m, 1, &a);
	VERDICT(&m, a, DEADLOCK, EXACT);
	made_free(&m);
}

/* --- What keeps it from being one --- */

static void a_live_second_writer(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	uint32_t third = made_process(&m, "third");

	made_hold(&m, third, 0, "w");
	m.s->threads[third].state = 'R';
	made_goes_on(&m);
	VERDICT(&m, p[0], WAITING, EXACT);
	VERDICT(&m, p[1], WAITING, EXACT);
	VERDICT(&m, third, RUNNING, EXACT);
	assert_int_equal(m.d->verdicts[p[0]].next, third);
	assert_int_equal(m.d->verdicts[p[1]].next, p[0]);
	made_free(&m);
}

/* It could write, since it shares the descriptors. */
static void another_thread_that_runs(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[made_thread(&m)].state = 'R';
	made_goes_on(&m);
	made_free(&m);
}

static void another_thread_that_was_not_seen(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->processes[p[1]].task.n_threads = 2;
	made_goes_on(&m);
	made_free(&m);
}

static void one_that_has_run_meanwhile(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->threads[p[1]].flags = VIA_THREAD_MOVED;
	made_goes_on(&m);
	VERDICT(&m, p[0], WAITING, EXACT);
	made_free(&m);
}

static void a_timeout(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->waits[1].left_ns = 1000;
	made_goes_on(&m);
	VERDICT(&m, p[0], WAITING, EXACT);
	made_free(&m);
}

static void perhaps_a_timeout(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->waits[1].left_ns = VIA_UNKNOWN;
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, GUESS);
	made_free(&m);
}

/* Of those who could end a wait one that goes on is named, and rather another
 * process than its own. */
static void who_is_next(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t stuck = made_process(&m, "stuck");
	uint32_t reader = made_process(&m, "reader");
	uint32_t thread = made_thread(&m);
	uint32_t writer = made_process(&m, "writer");
	uint32_t pipe = made_object(&m, VIA_KIND_PIPE);

	made_hold(&m, stuck, pipe, "w");
	made_hold(&m, reader, pipe, "rw");
	made_hold(&m, m.s->threads[writer + 1].process, pipe, "w");
	made_wait(&m, stuck, VIA_OP_LOCK, made_mutex(&m, stuck));
	made_wait(&m, reader, VIA_OP_READ, pipe);
	made_wait(&m, thread, VIA_OP_TIME, VIA_NONE);
	made_wait(&m, thread + 1, VIA_OP_TIME, VIA_NONE);
	made_end(&m);
	VERDICT(&m, reader, WAITING, EXACT);
	assert_int_equal(m.d->verdicts[reader].next, thread + 1);
	made_free(&m);
}

static void one_of_several_is_enough(void **state)
{
	static const enum via_op ops[] = {VIA_OP_TIME, VIA_OP_SIGNAL,
					  VIA_OP_ACCEPT, VIA_OP_UNKNOWN};

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		struct made m;
		uint32_t p[2];

		made_two(&m, p);
		made_wait(&m, p[1], ops[i],
			  ops[i] == VIA_OP_ACCEPT
				  ? made_object(&m, VIA_KIND_UNIX)
				  : VIA_NONE);
		made_goes_on(&m);
		made_free(&m);
	}
}

static void one_that_nobody_knows_about(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	uint32_t third = made_process(&m, "hidden");

	made_hold(&m, third, 0, "w");
	made_goes_on(&m);
	VERDICT(&m, third, UNKNOWN, GUESS);
	made_free(&m);
}

static void a_peer_on_another_machine(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "client");
	uint32_t socket = made_object(&m, VIA_KIND_TCP);

	made_hold(&m, p, socket, "rw");
	m.s->objects[socket].flags |= VIA_OBJECT_REMOTE;
	made_wait(&m, p, VIA_OP_READ, socket);
	made_goes_on(&m);
	VERDICT(&m, p, IDLE, EXACT);
	made_free(&m);
}

/* They can be let go on, from outside. */
static void stopped_ones(void **state)
{
	(void)state;
	for (int frozen = 0; frozen < 2; frozen++) {
		struct made m;
		uint32_t p[2];

		made_two(&m, p);
		if (frozen)
			m.s->processes[p[1]].flags = VIA_PROCESS_FROZEN;
		else
			m.s->threads[p[1]].state = 'T';
		made_goes_on(&m);
		VERDICT(&m, p[1], IDLE, EXACT);
		VERDICT(&m, p[0], WAITING, EXACT);
		assert_int_equal(m.d->verdicts[p[0]].next, p[1]);
		made_free(&m);
	}
}

static void one_in_a_debugger(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "traced");
	uint32_t gdb = made_process(&m, "gdb");

	m.s->threads[p].state = 't';
	m.s->processes[p].tracer = m.s->processes[gdb].task.pid;
	made_goes_on(&m);
	VERDICT(&m, p, WAITING, EXACT);
	assert_int_equal(m.d->verdicts[p].next, gdb);
	made_free(&m);
}

static void data_that_has_come(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->objects[0].level = 1;
	made_goes_on(&m);
	made_free(&m);
}

static void a_message_with_the_write_end(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	via__add_link(m.s, 0, made_object(&m, VIA_KIND_UNIX),
		      VIA_LINK_IN_FLIGHT)
		->events = VIA_HOLD_WRITE;
	made_goes_on(&m);
	made_free(&m);
}

/* Whoever takes it out could only read as well. */
static void a_message_with_the_read_end(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	via__add_link(m.s, 0, made_object(&m, VIA_KIND_UNIX),
		      VIA_LINK_IN_FLIGHT)
		->events = VIA_HOLD_READ;
	made_end(&m);
	made_cycle_is(&m, 2, p);
	VERDICT(&m, p[0], DEADLOCK, EXACT);
	made_free(&m);
}

/* --- AND --- */

/* p waits for two locks at once, as the locks on a file that two others share.
 */
static void make_group(struct made *m, uint32_t p[3])
{
	made_begin(m);
	for (int i = 0; i < 3; i++)
		p[i] = made_process(m, "group");
	for (int i = 1; i < 3; i++)
		made_wait(m, p[0], VIA_OP_LOCK, made_mutex(m, p[i]))->group = 7;
}

static void all_of_a_group_must_come(void **state)
{
	struct made m;
	uint32_t p[3];

	(void)state;
	make_group(&m, p);
	m.s->threads[p[1]].state = 'R';
	made_wait(&m, p[2], VIA_OP_READ, made_pipe(&m, p[0], p[2]));
	made_end(&m);
	const uint32_t ring[] = {p[0], p[2]};

	made_cycle_is(&m, 2, ring);
	VERDICT(&m, p[0], DEADLOCK, EXACT);
	made_free(&m);
}

static void a_group_that_will_come(void **state)
{
	struct made m;
	uint32_t p[3];

	(void)state;
	make_group(&m, p);
	m.s->threads[p[1]].state = 'R';
	m.s->threads[p[2]].state = 'R';
	made_goes_on(&m);
	VERDICT(&m, p[0], WAITING, EXACT);
	made_free(&m);
}

static void a_group_or_something_else(void **state)
{
	struct made m;
	uint32_t p[3];

	(void)state;
	make_group(&m, p);
	made_wait(&m, p[1], VIA_OP_READ, made_pipe(&m, p[0], p[1]));
	made_wait(&m, p[2], VIA_OP_READ, made_pipe(&m, p[0], p[2]));
	made_wait(&m, p[0], VIA_OP_TIME, VIA_NONE);
	made_goes_on(&m);
	made_free(&m);
}

/* --- Certainty --- */

/* A hidden stranger could have been passed an end, and so could who started
 * the shell; a child or a parent has inherited it. */
static void a_hidden_holder(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	for (int relative = 0; relative < 3; relative++) {
		made_two(&m, p);
		uint32_t parent = made_process(&m, "shell");

		m.s->processes[p[0]].task.ppid = 102;
		made_wait(&m, parent, VIA_OP_TIME, VIA_NONE);
		uint32_t other = made_process(&m, "hidden");

		m.s->processes[other].hidden = VIA_HIDDEN_FDS;
		m.s->processes[parent].task.ppid = 103;
		if (relative == 1)
			m.s->processes[other].task.ppid = 100;
		if (relative == 2)
			m.s->processes[p[1]].task.ppid = 103;
		for (uint32_t i = 0; i < m.s->n_objects; i++)
			m.s->objects[i].seen = VIA_SEEN_UNKNOWN;
		made_end(&m);
		for (int i = 0; i < 2; i++) {
			const struct via_verdict_of *v = &m.d->verdicts[p[i]];

			assert_int_equal(v->verdict, VIA_VERDICT_DEADLOCK);
			assert_int_equal(v->certainty,
					 relative ? VIA_GUESS : VIA_LIKELY);
		}
		assert_int_equal(m.d->cycles[0].certainty,
				 relative ? VIA_GUESS : VIA_LIKELY);
		made_free(&m);
	}
}

/* It is above all; that says nothing of who has what. */
static void process_1_is_hidden(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t init = made_process(&m, "init");
	uint32_t p[] = {made_process(&m, "ping"), made_process(&m, "pong")};

	m.s->processes[init].task.pid = 1;
	m.s->processes[init].task.ppid = 0;
	m.s->processes[init].hidden = VIA_HIDDEN_FDS;
	uint32_t other = made_process(&m, "hidden");

	m.s->processes[other].hidden = VIA_HIDDEN_FDS;
	made_wait(&m, p[0], VIA_OP_READ, made_pipe(&m, p[1], p[0]));
	made_wait(&m, p[1], VIA_OP_READ, made_pipe(&m, p[0], p[1]));
	for (uint32_t i = 0; i < m.s->n_objects; i++)
		m.s->objects[i].seen = VIA_SEEN_UNKNOWN;
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
}

/* One who inherited the end that he should be sent data through. */
static void one_who_could_help_himself(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p[] = {made_process(&m, "parent"), made_process(&m, "child")};
	uint32_t pipe = made_pipe(&m, p[1], p[0]);

	made_hold(&m, p[1], pipe, "r");
	made_child_wait(&m, p[0], p[1]);
	made_wait(&m, p[1], VIA_OP_WRITE, pipe);
	made_end(&m);
	made_cycle_is(&m, 2, p);
	made_free(&m);
}

static void holders_that_may_be_hidden_make_it_likely(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	for (uint32_t i = 0; i < m.s->n_objects; i++)
		m.s->objects[i].seen = VIA_SEEN_LIKELY;
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
}

static void an_edge_that_is_not_exact(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	m.s->waits[0].certainty = VIA_LIKELY;
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	VERDICT(&m, p[1], DEADLOCK, LIKELY);
	made_free(&m);

	made_two(&m, p);
	m.s->holds[0].certainty = VIA_LIKELY;
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
}

static void nobody_that_was_seen(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "reader");
	uint32_t pipe = made_object(&m, VIA_KIND_PIPE);

	made_hold(&m, p, pipe, "r");
	made_wait(&m, p, VIA_OP_READ, pipe);
	made_goes_on(&m);
	VERDICT(&m, p, UNKNOWN, GUESS);
	made_free(&m);
}

/* Requests that were left with the kernel may still write. */
static void a_ring_makes_it_likely(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	made_hold(&m, p[1], made_object(&m, VIA_KIND_URING), "rw");
	made_end(&m);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(two_over_pipes),
	CHECK_TEST(behind_a_cycle_is_stuck),
	CHECK_TEST(five_over_five_mechanisms),
	CHECK_TEST(the_only_writer_is_the_reader),
	CHECK_TEST(threads_are_part_of_it),
	CHECK_TEST(two_mutexes_in_both_orders),
	CHECK_TEST(two_cycles_are_two),
	CHECK_TEST(the_shortest_is_shown),
	CHECK_TEST(a_live_reader_does_not_help),
	CHECK_TEST(another_thread_cannot_unlock),
	CHECK_TEST(a_live_second_writer),
	CHECK_TEST(another_thread_that_runs),
	CHECK_TEST(another_thread_that_was_not_seen),
	CHECK_TEST(one_that_has_run_meanwhile),
	CHECK_TEST(a_timeout),
	CHECK_TEST(perhaps_a_timeout),
	CHECK_TEST(who_is_next),
	CHECK_TEST(one_of_several_is_enough),
	CHECK_TEST(one_that_nobody_knows_about),
	CHECK_TEST(a_peer_on_another_machine),
	CHECK_TEST(stopped_ones),
	CHECK_TEST(one_in_a_debugger),
	CHECK_TEST(data_that_has_come),
	CHECK_TEST(a_message_with_the_write_end),
	CHECK_TEST(a_message_with_the_read_end),
	CHECK_TEST(all_of_a_group_must_come),
	CHECK_TEST(a_group_that_will_come),
	CHECK_TEST(a_group_or_something_else),
	CHECK_TEST(a_hidden_holder),
	CHECK_TEST(process_1_is_hidden),
	CHECK_TEST(one_who_could_help_himself),
	CHECK_TEST(holders_that_may_be_hidden_make_it_likely),
	CHECK_TEST(an_edge_that_is_not_exact),
	CHECK_TEST(nobody_that_was_seen),
	CHECK_TEST(a_ring_makes_it_likely),
};
CHECK_MAIN(tests)
