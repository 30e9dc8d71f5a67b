/* SPDX-License-Identifier: MIT */
/* Each finding: the situation that it is for, and one like it that is well. */
#include "inspect/diagnose/made_test.h"

#include <string.h>

#include "tests/check.h"

static void end(struct made *m, uint32_t process)
{
	m->s->processes[process].task.state = 'Z';
	m->s->threads[process].state = 'Z';
}

/* --- What is full --- */

static void both_full(void **state)
{
	struct made m;
	uint32_t p[2], sockets[2];

	(void)state;
	for (int reads = 0; reads < 2; reads++) {
		made_begin(&m);
		p[0] = made_process(&m, "left");
		p[1] = made_process(&m, "right");
		made_pair(&m, p[0], p[1], sockets);
		made_wait(&m, p[0], VIA_OP_WRITE, sockets[0]);
		made_wait(&m, p[1], reads ? VIA_OP_READ : VIA_OP_WRITE,
			  sockets[1]);
		if (reads)
			made_nothing(&m);
		else
			made_found(&m, "both-full", p[0], sockets[0],
				   "left (100)");
	}
}

static void backlog_full(void **state)
{
	struct made m;

	(void)state;
	for (int64_t level = 3; level < 6; level++) {
		for (int knocks = 0; knocks < 2; knocks++) {
			made_begin(&m);
			uint32_t p = made_process(&m, "server");
			uint32_t q = made_process(&m, "client");
			uint32_t o = made_object(&m, VIA_KIND_UNIX);

			made_hold(&m, p, o, "rw");
			m.s->objects[o].flags = VIA_OBJECT_LISTENS;
			m.s->objects[o].level = level;
			m.s->objects[o].capacity = 4;
			made_wait(&m, p, VIA_OP_TIME, VIA_NONE);
			made_wait(&m, q, knocks ? VIA_OP_CONNECT : VIA_OP_TIME,
				  knocks ? o : VIA_NONE);
			if (level > 4 || (level == 4 && knocks))
				made_found(&m, "backlog-full", p, o,
					   "server (100)");
			else
				made_nothing(&m);
		}
	}
}

static void queue_full(void **state)
{
	static const enum via_kind kinds[] = {VIA_KIND_MQ, VIA_KIND_SYSVMSG};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct made m;

		made_begin(&m);
		uint32_t p = made_process(&m, "sender");
		uint32_t q = made_process(&m, "receiver");
		uint32_t o = made_object(&m, kinds[i % 2]);

		if (i % 2 == 0)
			made_hold(&m, q, o, "r");
		made_wait(&m, p, VIA_OP_WRITE, o);
		made_wait(&m, q, VIA_OP_TIME, VIA_NONE);
		if (i < 2) {
			made_found(&m, "queue-full", p, o, "sender (100)");
			continue;
		}
		m.s->threads[p].flags = VIA_THREAD_MOVED;
		made_nothing(&m);
	}
}

/* --- Locks --- */

static void dead_mutex_owner(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "waiter");
	uint32_t mutex = made_object(&m, VIA_KIND_FUTEX);

	via__futex(m.s, mutex)->owner_dead = 1;
	via__futex(m.s, mutex)->owner = 77;
	made_wait(&m, p, VIA_OP_LOCK, mutex);
	made_found(&m, "dead-mutex-owner", p, mutex, "thread 77");
}

static void dead_sem_holder(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "waiter");
	uint32_t set = made_object(&m, VIA_KIND_SYSVSEM);

	via__add_semaphore(m.s, set)->last = 77;
	made_wait(&m, p, VIA_OP_LOCK, set)->amount = 1;
	made_found(&m, "dead-sem-holder", p, set, "waiter (100)");
}

static void lock_heir(void **state)
{
	struct made m;

	(void)state;
	for (int how = 0; how < 5; how++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "waiter");
		uint32_t q = made_process(&m, "heir");
		uint32_t lock = made_object(&m, VIA_KIND_LOCK);

		via__file_lock(m.s, lock)->pid = 77;
		made_hold(&m, q, lock, "lock");
		made_wait(&m, q, VIA_OP_TIME, VIA_NONE);
		made_wait(&m, p, VIA_OP_LOCK, how == 3 ? VIA_NONE : lock);
		if (how == 0) {
			made_found(&m, "lock-heir", q, lock, "heir (101)");
			continue;
		}
		/* It is his own; the kernel does not say whose; nobody wants
		 * it; it is of a kind that is not inherited. */
		if (how < 3)
			via__file_lock(m.s, lock)->pid = how == 1 ? 101 : -1;
		if (how == 4)
			via__file_lock(m.s, lock)->type = VIA_FILE_POSIX;
		made_nothing(&m);
	}
}

static void lone_futex(void **state)
{
	struct made m;

	(void)state;
	for (int threads = 1; threads < 3; threads++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "forked");
		uint32_t word = made_object(&m, VIA_KIND_FUTEX);

		m.s->objects[word].flags = VIA_OBJECT_PRIVATE;
		made_wait(&m, p, VIA_OP_WAKE, word);
		if (threads == 1) {
			made_found(&m, "lone-futex", p, word, "forked (100)");
			continue;
		}
		made_wait(&m, made_thread(&m), VIA_OP_WAKE, word);
		made_nothing(&m);
	}
}

/* --- What does not run --- */

/* A reader, and a writer that does not run for this reason. */
static void make_halted(struct made *m, char how, bool waits)
{
	made_begin(m);
	uint32_t p = made_process(m, "reader");
	uint32_t q = made_process(m, "writer");
	uint32_t gdb = made_process(m, "gdb");

	made_wait(m, gdb, VIA_OP_TIME, VIA_NONE);
	if (how == 'f')
		m->s->processes[q].flags = VIA_PROCESS_FROZEN;
	else
		m->s->threads[q].state = how;
	if (how == 't')
		m->s->processes[q].tracer = 102;
	if (waits)
		made_wait(m, p, VIA_OP_READ, made_pipe(m, q, p));
	else
		made_wait(m, p, VIA_OP_TIME, VIA_NONE);
}

static void halted(void **state)
{
	static const struct {
		char how;
		const char *rule;
	} ways[] = {{'T', "stopped"}, {'t', "traced"}, {'f', "frozen"}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct made m;

		make_halted(&m, ways[i].how, true);
		made_found(&m, ways[i].rule, 1, VIA_NONE, "reader (100) waits");
		make_halted(&m, ways[i].how, false);
		made_nothing(&m);
		make_halted(&m, ways[i].how, true);
		m.s->threads[0].flags = VIA_THREAD_MOVED;
		made_nothing(&m);
	}
}

/* Its tracer waits for it all the time. */
static void traced_by_who_waits(void **state)
{
	struct made m;

	(void)state;
	make_halted(&m, 't', false);
	m.s->waits[0].op = VIA_OP_CHILD;
	m.s->waits[0].on_process = 1;
	made_nothing(&m);
}

static void zombie(void **state)
{
	struct made m;

	(void)state;
	for (int how = 0; how < 5; how++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "parent");
		uint32_t c = made_process(&m, "child");

		m.s->processes[c].task.ppid = 100;
		if (how == 1)
			made_child_wait(&m, p, c);
		else if (how != 2)
			made_wait(&m, p, VIA_OP_TIME, VIA_NONE);
		if (how == 3)
			m.s->threads[p].state = 'R';
		if (how == 4)
			m.s->threads[p].flags = VIA_THREAD_MOVED;
		end(&m, c);
		if (how == 0)
			made_found(&m, "zombie", c, VIA_NONE, "parent (100)");
		else
			made_nothing(&m);
	}
}

static void fuse(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "ls");

	m.s->threads[p].wchan = via__text_of(m.s, "request_wait_answer");
	m.s->threads[p].state = 'D';
	made_found(&m, "fuse", p, VIA_NONE, "not seen");
	for (int self = 0; self < 2; self++) {
		made_begin(&m);
		p = made_process(&m, "ls");
		uint32_t q = self ? p : made_process(&m, "sshfs");

		m.s->threads[p].wchan = via__text_of(m.s,
						     "request_wait_answer");
		made_wait(&m, p, VIA_OP_ANSWER, VIA_NONE)->on_process = q;
		made_found(&m, "fuse", p, VIA_NONE,
			   self ? "itself" : "sshfs (101)");
	}
}

/* --- What is left over --- */

/* By who may look at it; orphans_test.c tries what counts. */
static void left_over(void **state)
{
	static const struct {
		enum via_kind kind;
		const char *rule;
	} kinds[] = {{VIA_KIND_SYSVSHM, "orphaned-segment"},
		     {VIA_KIND_SYSVMSG, "orphaned-queue"},
		     {VIA_KIND_MQ, "orphaned-queue"},
		     {VIA_KIND_SYSVSEM, "orphaned-semaphore"},
		     {VIA_KIND_POSIXSEM, "orphaned-semaphore"},
		     {VIA_KIND_POSIXSHM, "unmapped-shm"}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct made m;

		made_begin(&m);
		uint32_t p = made_process(&m, "via");
		struct via_process *self = &m.s->processes[p];
		uint32_t object = via__object(m.s, kinds[i].kind, 7, 1, 0);
		struct via_ipc *ipc = via__ipc(m.s, object);

		self->flags = VIA_PROCESS_SELF;
		self->ipc_ns = 7;
		m.s->sight.taken = 1000000;
		m.s->objects[object].seen = VIA_SEEN_ALL;
		m.s->objects[object].name = via__text_of(m.s, "/name");
		ipc->creator = ipc->last = 77;
		ipc->n_attached = ipc->n_messages = 0;
		ipc->mode = 0600;
		ipc->size = 1;
		if (kinds[i].kind == VIA_KIND_SYSVSEM)
			via__add_semaphore(m.s, object)->last = 77;
		ipc->made = ipc->changed = ipc->used = 999000;
		made_found(&m, kinds[i].rule, VIA_NONE, object, "is left over");
	}
}

/* What a process calls itself reaches nobody raw. */
static void hostile_names(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m);
	uint32_t p = made_process(&m, "a\033[2J\nb");

	made_wait(&m, p, VIA_OP_READ, made_pipe(&m, p, p));
	made_end(&m);
	assert_int_equal(m.d->n_findings, 1);
	for (const char *c = m.d->findings[0].what; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
	made_free(&m);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(both_full),
	CHECK_TEST(backlog_full),
	CHECK_TEST(queue_full),
	CHECK_TEST(dead_mutex_owner),
	CHECK_TEST(dead_sem_holder),
	CHECK_TEST(lock_heir),
	CHECK_TEST(lone_futex),
	CHECK_TEST(halted),
	CHECK_TEST(traced_by_who_waits),
	CHECK_TEST(zombie),
	CHECK_TEST(fuse),
	CHECK_TEST(left_over),
	CHECK_TEST(hostile_names),
};
CHECK_MAIN(tests)
