/* SPDX-License-Identifier: MIT */
/* Each finding: the situation that it is for, and one like it that is well. */
#include "inspect/diagnose/made_test.h"

#include <string.h>

#include "tests/check.h"

/* The only finding is this one, about them; its words name who is given. */
static void found(struct made *m, const char *rule, uint32_t process,
		  uint32_t object, const char *words)
{
	made_end(m);
	for (uint32_t i = 0; i < m->d->n_findings; i++)
		print_message("# %s: %s; %s\n", m->d->findings[i].rule,
			      m->d->findings[i].what, m->d->findings[i].advice);
	assert_int_equal(m->d->n_findings, 1);
	const struct via_finding *f = &m->d->findings[0];

	assert_string_equal(f->rule, rule);
	assert_int_equal(f->process, process);
	assert_int_equal(f->object, object);
	assert_non_null(strstr(f->what, words));
	assert_true(strlen(f->advice) > 10);
	made_free(m);
}

static void nothing(struct made *m)
{
	made_end(m);
	for (uint32_t i = 0; i < m->d->n_findings; i++)
		print_message("# %s: %s\n", m->d->findings[i].rule,
			      m->d->findings[i].what);
	assert_int_equal(m->d->n_findings, 0);
	made_free(m);
}

static void end(struct made *m, uint32_t process)
{
	m->s->processes[process].task.state = 'Z';
	m->s->threads[process].state = 'Z';
}

/* --- Pipes --- */

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
			found(&m, "own-write-end", p, pipe, "alone (100)");
			continue;
		}
		if (how < 3)
			made_hold(&m, q, pipe, "w");
		nothing(&m);
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
		nothing(&m);
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
	found(&m, "own-pipe-full", p, pipe, "alone (100)");
}

/* Its parent, or a grandparent, waits for a child that writes to it. */
static void wait_before_drain(void **state)
{
	struct made m;

	(void)state;
	for (int between = 0; between < 2; between++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "parent");
		uint32_t shell = between ? made_process(&m, "sh") : p;
		uint32_t c = made_process(&m, "child");
		uint32_t pipe = made_pipe(&m, c, p);

		if (between)
			made_child_wait(&m, p, shell);
		made_child_wait(&m, shell, c);
		made_wait(&m, c, VIA_OP_WRITE, pipe);
		found(&m, "wait-before-drain", p, pipe, "child (10");
	}
}

/* The child reads to the end, which its parent, or grandparent, keeps. */
static void wait_before_close(void **state)
{
	struct made m;

	(void)state;
	for (int between = 0; between < 2; between++) {
		made_begin(&m);
		uint32_t p = made_process(&m, "parent");
		uint32_t shell = between ? made_process(&m, "sh") : p;
		uint32_t c = made_process(&m, "child");
		uint32_t pipe = made_pipe(&m, p, c);

		if (between)
			made_child_wait(&m, p, shell);
		made_child_wait(&m, shell, c);
		made_wait(&m, c, VIA_OP_READ, pipe);
		found(&m, "wait-before-close", p, pipe, "child (10");
	}
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
	nothing(&m);
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
			found(&m, "leaked-write-end", q, pipe, "daemon (101)");
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
		nothing(&m);
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
			found(&m, "leaked-write-end", f.sibling, f.pipe,
			      "sibling (102), as descriptor 5, and is not");
			continue;
		}
		if (how == 7) {
			made_hold(&m, f.reader, f.pipe, "w");
			found(&m, "leaked-write-end", f.sibling, f.pipe,
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
			found(&m, "wait-before-close", f.parent, f.pipe,
			      "reader (101)");
		else
			nothing(&m);
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
			found(&m, "leaked-write-end", f.sibling, f.pipe,
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
		nothing(&m);
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
			found(&m, "fifo-crosswise", p, a, "server (101)");
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
		nothing(&m);
	}
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
			nothing(&m);
		else
			found(&m, "both-full", p[0], sockets[0], "left (100)");
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
				found(&m, "backlog-full", p, o, "server (100)");
			else
				nothing(&m);
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
			found(&m, "queue-full", p, o, "sender (100)");
			continue;
		}
		m.s->threads[p].flags = VIA_THREAD_MOVED;
		nothing(&m);
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
	found(&m, "dead-mutex-owner", p, mutex, "thread 77");
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
	found(&m, "dead-sem-holder", p, set, "waiter (100)");
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
			found(&m, "lock-heir", q, lock, "heir (101)");
			continue;
		}
		/* It is his own; the kernel does not say whose; nobody wants
		 * it; it is of a kind that is not inherited. */
		if (how < 3)
			via__file_lock(m.s, lock)->pid = how == 1 ? 101 : -1;
		if (how == 4)
			via__file_lock(m.s, lock)->type = VIA_FILE_POSIX;
		nothing(&m);
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
			found(&m, "lone-futex", p, word, "forked (100)");
			continue;
		}
		made_wait(&m, made_thread(&m), VIA_OP_WAKE, word);
		nothing(&m);
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
		found(&m, ways[i].rule, 1, VIA_NONE, "reader (100) waits");
		make_halted(&m, ways[i].how, false);
		nothing(&m);
		make_halted(&m, ways[i].how, true);
		m.s->threads[0].flags = VIA_THREAD_MOVED;
		nothing(&m);
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
	nothing(&m);
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
			found(&m, "zombie", c, VIA_NONE, "parent (100)");
		else
			nothing(&m);
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
	found(&m, "fuse", p, VIA_NONE, "not seen");
	for (int self = 0; self < 2; self++) {
		made_begin(&m);
		p = made_process(&m, "ls");
		uint32_t q = self ? p : made_process(&m, "sshfs");

		m.s->threads[p].wchan = via__text_of(m.s,
						     "request_wait_answer");
		made_wait(&m, p, VIA_OP_ANSWER, VIA_NONE)->on_process = q;
		found(&m, "fuse", p, VIA_NONE, self ? "itself" : "sshfs (101)");
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
		found(&m, kinds[i].rule, VIA_NONE, object, "is left over");
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
	CHECK_TEST(own_write_end),
	CHECK_TEST(own_write_end_in_use),
	CHECK_TEST(own_pipe_full),
	CHECK_TEST(wait_before_drain),
	CHECK_TEST(wait_before_close),
	CHECK_TEST(a_thread_that_drains),
	CHECK_TEST(leaked_write_end),
	CHECK_TEST(leaked_to_stuck),
	CHECK_TEST(leaked_to_busy),
	CHECK_TEST(fifo_crosswise),
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
