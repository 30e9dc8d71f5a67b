/* SPDX-License-Identifier: MIT */
/* Who could end a wait, by kind of object, on snapshots made by hand. */
#include "inspect/diagnose/made_test.h"

#include "tests/check.h"

/* --- What has a name --- */

static void a_fifo_can_be_opened_by_anybody(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	for (int deleted = 0; deleted < 2; deleted++) {
		made_two(&m, p);
		m.s->objects[0].kind = VIA_KIND_FIFO;
		m.s->objects[0].flags = deleted ? VIA_OBJECT_DELETED : 0;
		made_end(&m);
		assert_int_equal(m.d->verdicts[p[0]].certainty,
				 deleted ? VIA_EXACT : VIA_LIKELY);
		VERDICT(&m, p[1], DEADLOCK, LIKELY - !!deleted);
		made_free(&m);
	}
}

/* As a service does that takes commands from a FIFO. */
static void who_keeps_a_fifo_open_is_idle(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "service");
	uint32_t fifo = made_object(&m, VIA_KIND_FIFO);

	made_hold(&m, p, fifo, "rw");
	made_wait(&m, p, VIA_OP_READ, fifo);
	made_goes_on(&m);
	VERDICT(&m, p, IDLE, EXACT);
	made_free(&m);
}

/* Two workers take jobs from a queue that they keep open; then two who wait for
 * each other. */
static void a_queue_that_all_keep_open(void **state)
{
	(void)state;
	for (int each_other = 0; each_other < 2; each_other++) {
		struct made m;
		uint32_t p[2], queue[2];

		made_begin(&m);
		for (int i = 0; i < 2; i++)
			p[i] = made_process(&m, "worker");
		for (int i = 0; i < 2; i++) {
			queue[i] = made_object(&m, VIA_KIND_MQ);
			made_hold(&m, p[0], queue[i], "rw");
			made_hold(&m, p[1], queue[i], "rw");
		}
		made_wait(&m, p[0], VIA_OP_READ, queue[0]);
		made_wait(&m, p[1], VIA_OP_READ, queue[each_other]);
		if (each_other) {
			made_end(&m);
			VERDICT(&m, p[0], DEADLOCK, GUESS);
		} else {
			made_goes_on(&m);
			VERDICT(&m, p[0], IDLE, EXACT);
		}
		made_free(&m);
	}
}

/* --- Sockets --- */

static void both_write_and_nobody_reads(void **state)
{
	struct made m;
	uint32_t p[2], sockets[2];

	(void)state;
	made_begin(&m);
	p[0] = made_process(&m, "left");
	p[1] = made_process(&m, "right");
	made_pair(&m, p[0], p[1], sockets);
	made_wait(&m, p[0], VIA_OP_WRITE, sockets[0]);
	made_wait(&m, p[1], VIA_OP_WRITE, sockets[1]);
	made_end(&m);
	made_cycle_is(&m, 2, p);
	made_free(&m);
}

/* A datagram to the socket of another one, through one's own; then the other's
 * socket is one's own too, in an epoll set. */
static void who_receives_makes_room(void **state)
{
	(void)state;
	for (int polled = 0; polled < 2; polled++) {
		struct made m;

		made_begin(&m);
		uint32_t sender = made_process(&m, "sender");
		uint32_t receiver = made_process(&m, "receiver");
		uint32_t to = made_object(&m, VIA_KIND_UNIX);
		uint32_t own = made_object(&m, polled ? VIA_KIND_EPOLL
						      : VIA_KIND_UNIX);
		int fd = made_hold(&m, sender, own, "rw")->id;

		m.s->objects[to].flags = VIA_OBJECT_PACKETS;
		made_hold(&m, receiver, to, "rw");
		made_wait(&m, sender, VIA_OP_WRITE, to)->fd = fd;
		made_wait(&m, receiver, VIA_OP_READ,
			  made_pipe(&m, sender, receiver));
		if (polled) {
			made_goes_on(&m);
		} else {
			const uint32_t ring[] = {sender, receiver};

			made_end(&m);
			made_cycle_is(&m, 2, ring);
			VERDICT(&m, sender, DEADLOCK, EXACT);
		}
		made_free(&m);
	}
}

/* The client waits for an answer over a connection that is in the queue. */
static void not_accepted_yet(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t client = made_process(&m, "client");
	uint32_t server = made_process(&m, "server");
	uint32_t socket = made_object(&m, VIA_KIND_UNIX);
	uint32_t listener = made_object(&m, VIA_KIND_UNIX);

	m.s->objects[listener].flags = VIA_OBJECT_LISTENS;
	made_hold(&m, client, socket, "rw");
	made_hold(&m, server, listener, "rw");
	via__add_link(m.s, socket, listener, VIA_LINK_CONNECTING);
	made_wait(&m, client, VIA_OP_READ, socket);
	made_wait(&m, server, VIA_OP_READ, made_pipe(&m, client, server));
	made_end(&m);
	const uint32_t ring[] = {client, server};

	made_cycle_is(&m, 2, ring);
	VERDICT(&m, client, DEADLOCK, EXACT);
	made_free(&m);
}

static void a_listener_is_idle(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t server = made_process(&m, "server");
	uint32_t client = made_process(&m, "client");
	uint32_t listener = made_object(&m, VIA_KIND_UNIX);
	uint32_t sockets[2];

	m.s->objects[listener].flags = VIA_OBJECT_LISTENS;
	made_hold(&m, server, listener, "rw");
	made_pair(&m, client, server, sockets);
	made_wait(&m, server, VIA_OP_ACCEPT, listener);
	made_wait(&m, server, VIA_OP_READ, sockets[1]);
	made_wait(&m, client, VIA_OP_READ, sockets[0]);
	made_goes_on(&m);
	VERDICT(&m, server, IDLE, EXACT);
	VERDICT(&m, client, WAITING, EXACT);
	made_free(&m);
}

static void connecting_to_nobody_known(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t client = made_process(&m, "client");
	uint32_t own = made_object(&m, VIA_KIND_UNIX);

	made_hold(&m, client, own, "rw");
	made_wait(&m, client, VIA_OP_CONNECT, own);
	made_goes_on(&m);
	VERDICT(&m, client, UNKNOWN, GUESS);
	made_free(&m);
}

static void connecting_to_one_who_is_stuck(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t client = made_process(&m, "client");
	uint32_t server = made_process(&m, "server");
	uint32_t listener = made_object(&m, VIA_KIND_UNIX);

	m.s->objects[listener].flags = VIA_OBJECT_LISTENS;
	made_hold(&m, server, listener, "rw");
	made_wait(&m, client, VIA_OP_CONNECT, listener);
	made_wait(&m, server, VIA_OP_LOCK, made_mutex(&m, server));
	made_end(&m);
	VERDICT(&m, client, STUCK, EXACT);
	VERDICT(&m, server, DEADLOCK, EXACT);
	made_free(&m);
}

/* --- Locks and wake-ups --- */

static void the_owner_has_died(void **state)
{
	struct made m;

	(void)state;
	for (int robust = 0; robust < 2; robust++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "waiter");
		uint32_t mutex = made_object(&m, VIA_KIND_FUTEX);
		struct via_futex *futex = via__futex(m.s, mutex);

		futex->owner = 99;
		futex->owner_dead = 1;
		futex->use = robust ? VIA_FUTEX_ROBUST : VIA_FUTEX_MUTEX;
		made_wait(&m, p, VIA_OP_LOCK, mutex);
		made_end(&m);
		if (robust)
			VERDICT(&m, p, UNKNOWN, GUESS);
		else
			VERDICT(&m, p, ORPHANED, LIKELY);
		made_free(&m);
	}
}

/* Of another namespace it may be another one's number. */
static void the_owner_has_another_number(void **state)
{
	struct made m;

	(void)state;
	for (uint32_t ns = 0; ns < 2; ns++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "waiter");
		uint32_t q = made_process(&m, "inner");
		uint32_t memory = made_object(&m, VIA_KIND_ANON);
		uint32_t mutex = made_object(&m, VIA_KIND_FUTEX);

		made_hold(&m, p, memory, "map");
		made_hold(&m, q, memory, "map");
		m.s->processes[q].pid_ns = ns;
		via__futex(m.s, mutex)->memory = memory;
		via__futex(m.s, mutex)->owner_dead = 1;
		made_wait(&m, p, VIA_OP_LOCK, mutex);
		made_end(&m);
		if (ns)
			VERDICT(&m, p, UNKNOWN, GUESS);
		else
			VERDICT(&m, p, ORPHANED, LIKELY);
		made_free(&m);
	}
}

static void any_who_share_a_lock_can_let_go(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t waiter = made_process(&m, "waiter");
	uint32_t parent = made_process(&m, "parent");
	uint32_t child = made_process(&m, "child");
	uint32_t lock = made_object(&m, VIA_KIND_LOCK);

	made_hold(&m, parent, lock, "lock");
	made_hold(&m, child, lock, "lock");
	made_wait(&m, waiter, VIA_OP_LOCK, lock);
	made_wait(&m, parent, VIA_OP_READ, made_pipe(&m, waiter, parent));
	m.s->threads[child].state = 'R';
	made_goes_on(&m);
	assert_int_equal(m.d->verdicts[waiter].next, child);
	made_free(&m);
}

static void a_word_of_its_own_and_nobody_to_wake_it(void **state)
{
	struct made m;

	(void)state;
	for (int more = 0; more < 2; more++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "alone");
		uint32_t word = made_object(&m, VIA_KIND_FUTEX);

		m.s->objects[word].flags = VIA_OBJECT_PRIVATE;
		made_wait(&m, p, VIA_OP_WAKE, word);
		if (more) {
			m.s->threads[made_thread(&m)].state = 'R';
			made_goes_on(&m);
		} else {
			made_end(&m);
			VERDICT(&m, p, STUCK, GUESS);
			assert_int_equal(m.d->n_cycles, 0);
		}
		made_free(&m);
	}
}

/* multiprocessing.Queue: the parent waits for a child whose first thread waits
 * for the one that writes what the parent does not read. */
static void who_waits_for_a_writer_of_its_own(void **state)
{
	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		struct made m;

		made_begin(&m);
		uint32_t parent = made_process(&m, "parent");
		uint32_t child = made_process(&m, "child");
		uint32_t feeder = made_thread(&m);
		uint32_t word = made_object(&m, VIA_KIND_FUTEX);
		uint32_t pipe = made_object(&m, VIA_KIND_PIPE);

		m.s->objects[word].flags = VIA_OBJECT_PRIVATE;
		made_hold(&m, parent, pipe, writes ? "r" : "w");
		made_hold(&m, child, pipe, writes ? "w" : "r");
		made_child_wait(&m, parent, child);
		made_wait(&m, child, VIA_OP_WAKE, word);
		made_wait(&m, feeder, writes ? VIA_OP_WRITE : VIA_OP_READ,
			  pipe);
		made_end(&m);
		if (writes)
			VERDICT(&m, parent, DEADLOCK, LIKELY);
		else
			VERDICT(&m, parent, DEADLOCK, GUESS);
		made_free(&m);
	}
}

static void who_maps_a_word_can_wake(void **state)
{
	struct made m;

	(void)state;
	for (int runs = 0; runs < 2; runs++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "waiter");
		uint32_t q = made_process(&m, "waker");
		uint32_t memory = made_object(&m, VIA_KIND_ANON);
		uint32_t word = made_object(&m, VIA_KIND_FUTEX);

		via__futex(m.s, word)->memory = memory;
		made_hold(&m, p, memory, "map");
		made_hold(&m, q, memory, "map");
		made_wait(&m, p, VIA_OP_WAKE, word);
		made_child_wait(&m, q, p);
		if (runs) {
			m.s->threads[q].state = 'R';
			made_goes_on(&m);
		} else {
			made_end(&m);
			VERDICT(&m, p, DEADLOCK, GUESS);
		}
		made_free(&m);
	}
}

static void a_semaphore_is_never_proven(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p[] = {made_process(&m, "p"), made_process(&m, "q")};

	for (int i = 0; i < 2; i++) {
		uint32_t set = made_object(&m, VIA_KIND_SYSVSEM);

		made_hold(&m, p[!i], set, "lock");
		made_wait(&m, p[i], VIA_OP_LOCK, set)->amount = 1;
	}
	made_end(&m);
	made_cycle_is(&m, 2, p);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
}

/* p, which has semaphore 2, waits for 1; q has this one, and waits for p. */
static void made_set(struct made *m, uint32_t p[2], uint64_t this)
{
	made_begin(m);
	p[0] = made_process(m, "p");
	p[1] = made_process(m, "q");
	uint32_t set = made_object(m, VIA_KIND_SYSVSEM);
	struct via_wait *w = made_wait(m, p[0], VIA_OP_LOCK, set);

	w->amount = 1;
	w->index = 1;
	made_hold(m, p[1], set, "lock")->end = this;
	made_hold(m, p[0], set, "lock")->end = 2;
	made_child_wait(m, p[1], p[0]);
}

static void each_semaphore_of_a_set_has_its_own(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_set(&m, p, 1);
	made_end(&m);
	made_cycle_is(&m, 2, p);
	VERDICT(&m, p[0], DEADLOCK, LIKELY);
	made_free(&m);
	made_set(&m, p, 0);
	made_goes_on(&m);
	made_free(&m);

	/* Who goes on has both; that is seen of the second, too. */
	made_set(&m, p, 0);
	m.s->waits[1].op = VIA_OP_TIME;
	made_hold(&m, p[1], m.s->waits[0].object, "lock")->end = 1;
	made_goes_on(&m);
	made_free(&m);
}

/* They were given to it by somebody who may do so again. */
static void who_waits_for_more_units_waits_for_events(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_set(&m, p, 1);
	made_hold(&m, p[0], m.s->waits[0].object, "lock")->end = 1;
	made_goes_on(&m);
	made_free(&m);
}

/* By who used it last. */
static uint32_t made_semaphore(struct made *m, pid_t last)
{
	uint32_t set = made_object(m, VIA_KIND_SYSVSEM);

	via__add_semaphore(m->s, set)->last = last;
	return set;
}

static void who_used_a_semaphore_last_has_it(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p[] = {made_process(&m, "p"), made_process(&m, "q")};

	for (int i = 0; i < 2; i++)
		made_wait(&m, p[i], VIA_OP_LOCK,
			  made_semaphore(&m, m.s->processes[p[!i]].task.pid))
			->amount = 1;
	made_end(&m);
	made_cycle_is(&m, 2, p);
	VERDICT(&m, p[0], DEADLOCK, GUESS);
	made_free(&m);

	/* Who took it itself waits for the next event; or it is for zero. */
	for (uint64_t amount = 0; amount < 2; amount++) {
		made_begin(&m);
		p[0] = made_process(&m, "p");
		made_wait(&m, p[0], VIA_OP_LOCK,
			  made_semaphore(&m, amount ? 100 : 99))
			->amount = amount;
		made_goes_on(&m);
		made_free(&m);
	}
}

static void who_used_a_semaphore_last_has_died(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "p");

	made_wait(&m, p, VIA_OP_LOCK, made_semaphore(&m, 99))->amount = 1;
	made_end(&m);
	VERDICT(&m, p, ORPHANED, GUESS);
	made_free(&m);
}

/* --- The end of processes --- */

static void a_child_that_has_ended(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t parent = made_process(&m, "parent");
	uint32_t child = made_process(&m, "child");

	made_child_wait(&m, parent, child);
	m.s->threads[child].state = m.s->processes[child].task.state = 'Z';
	made_goes_on(&m);
	VERDICT(&m, child, WAITING, EXACT);
	assert_int_equal(m.d->verdicts[child].next, parent);
	made_free(&m);
}

static void a_zombie_holds_nothing(void **state)
{
	struct made m;
	uint32_t p[2];

	(void)state;
	made_two(&m, p);
	uint32_t zombie = made_process(&m, "zombie");

	made_hold(&m, zombie, 0, "w");
	m.s->threads[zombie].state = m.s->processes[zombie].task.state = 'Z';
	made_end(&m);
	made_cycle_is(&m, 2, p);
	made_free(&m);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(a_fifo_can_be_opened_by_anybody),
	CHECK_TEST(who_keeps_a_fifo_open_is_idle),
	CHECK_TEST(a_queue_that_all_keep_open),
	CHECK_TEST(both_write_and_nobody_reads),
	CHECK_TEST(who_receives_makes_room),
	CHECK_TEST(not_accepted_yet),
	CHECK_TEST(a_listener_is_idle),
	CHECK_TEST(connecting_to_nobody_known),
	CHECK_TEST(connecting_to_one_who_is_stuck),
	CHECK_TEST(the_owner_has_died),
	CHECK_TEST(the_owner_has_another_number),
	CHECK_TEST(any_who_share_a_lock_can_let_go),
	CHECK_TEST(a_word_of_its_own_and_nobody_to_wake_it),
	CHECK_TEST(who_waits_for_a_writer_of_its_own),
	CHECK_TEST(who_maps_a_word_can_wake),
	CHECK_TEST(a_semaphore_is_never_proven),
	CHECK_TEST(each_semaphore_of_a_set_has_its_own),
	CHECK_TEST(who_waits_for_more_units_waits_for_events),
	CHECK_TEST(who_used_a_semaphore_last_has_it),
	CHECK_TEST(who_used_a_semaphore_last_has_died),
	CHECK_TEST(a_child_that_has_ended),
	CHECK_TEST(a_zombie_holds_nothing),
};
CHECK_MAIN(tests)
