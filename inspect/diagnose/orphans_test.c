/* SPDX-License-Identifier: MIT */
/* What is left over, in snapshots that are made up. */
#include "inspect/diagnose/orphans.h"
#include "inspect/model/build.h"

#include "tests/check.h"

#define NS    7
#define TAKEN 1000000

/* A process that took the snapshot, pid 10; started 5000 s ago. */
static struct via_snapshot *empty(void)
{
	struct via_snapshot *s = via__snapshot_new();
	struct via_process *p = via__add_process(s);

	s->sight.taken = TAKEN;
	s->sight.ticks_per_s = 100;
	s->sight.boot_ticks = 600000;
	s->sight.want = VIA_WANT_ALL;
	p->task.pid = 10;
	p->task.start = 100000;
	p->ipc_ns = NS;
	p->flags = VIA_PROCESS_SELF;
	return s;
}

static struct via_ipc *add(struct via_snapshot *s, enum via_kind kind)
{
	bool sysv = kind <= VIA_KIND_SYSVMSG;
	uint32_t object = via__object(s, kind, sysv ? NS : 99, s->n_objects, 0);
	struct via_ipc *ipc = via__ipc(s, object);

	via__object_at(s, object)->name = via__text_of(s, "/name");
	ipc->changed = TAKEN - 500;
	ipc->mode = 0600;
	return ipc;
}

static struct via__orphans judged(struct via_snapshot *s)
{
	struct via__orphans o;

	assert_int_equal(via__seal(s), 0);
	assert_int_equal(via__orphans(s, &o), 0);
	return o;
}

/* How many are left over and how many are not judged; frees the snapshot. */
static void expect(struct via_snapshot *s, size_t n, size_t n_unjudged)
{
	struct via__orphans o = judged(s);

	assert_int_equal(o.n, n);
	assert_int_equal(o.n_unjudged, n_unjudged);
	for (size_t i = 0; i < o.n; i++)
		assert_string_not_equal(o.at[i].why, "");
	via__orphans_fini(&o);
	via_snapshot_free(s);
}

static struct via_ipc *segment(struct via_snapshot *s)
{
	struct via_ipc *ipc = add(s, VIA_KIND_SYSVSHM);

	ipc->n_attached = 0;
	ipc->creator = 100;
	return ipc;
}

static void memory_of_the_dead(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	segment(s);
	segment(s)->last = 200;
	struct via__orphans o = judged(s);

	assert_int_equal(o.n, 2);
	assert_int_equal(o.at[0].age_s, 500);
	assert_string_equal(o.at[0].why, "nobody has it attached, and process "
					 "100, which made it, is dead");
	assert_non_null(strstr(o.at[1].why, "200"));
	assert_ptr_equal(via__orphans_find(&o, 1), &o.at[1]);
	assert_null(via__orphans_find(&o, 2));
	via__orphans_fini(&o);
	via_snapshot_free(s);

	s = empty();
	segment(s)->n_attached = 1; /* by somebody we do not see */
	segment(s)->creator = 10;   /* alive */
	segment(s)->creator = 0;    /* of another namespace */
	segment(s)->last = 10;	    /* who had it last is */
	via__object_at(s, segment(s)->object)->detail = VIA_NONE;
	expect(s, 0, 0);
}

/* Its number was given to another process since. */
static void a_number_used_again(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	segment(s)->creator = 10;
	s->ipcs[0].changed = TAKEN - 5003;
	expect(s, 1, 0);
	s = empty();
	segment(s)->creator = 10;
	s->ipcs[0].changed = TAKEN - 5001; /* perhaps the same */
	expect(s, 0, 0);
}

static void another_namespaces_are_not_ours(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	segment(s);
	s->processes[0].ipc_ns = NS + 1;
	expect(s, 0, 0);
}

static struct via_ipc *message_queue(struct via_snapshot *s, pid_t sender,
				     pid_t receiver)
{
	struct via_ipc *ipc = add(s, VIA_KIND_SYSVMSG);

	ipc->used = TAKEN - 600;
	ipc->n_messages = 3;
	ipc->last = sender;
	ipc->last_receiver = receiver;
	return ipc;
}

static void queues_of_the_dead(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	message_queue(s, 100, 200);
	message_queue(s, 100, 0);
	message_queue(s, 0, 200);
	expect(s, 3, 0);
	s = empty();
	message_queue(s, 10, 200);
	message_queue(s, 100, 10);
	message_queue(s, 0, 0); /* who made it is not told */
	uint32_t waited_for = message_queue(s, 100, 0)->object;

	via__add_thread(s, 0);
	via__add_wait(s, 0, VIA_OP_READ)->object = waited_for;
	expect(s, 0, 0);
	s = empty();
	message_queue(s, 100, 200);
	s->processes[0].hidden = VIA_HIDDEN_WAITS;
	expect(s, 0, 1);
}

static struct via_ipc *set(struct via_snapshot *s, pid_t first, pid_t second)
{
	uint32_t object = add(s, VIA_KIND_SYSVSEM)->object;
	struct via_ipc *ipc = via__ipc(s, object);

	ipc->size = 2;
	ipc->used = TAKEN - 600;
	via__add_semaphore(s, object)->last = first;
	via__add_semaphore(s, object)->last = second;
	return via__ipc(s, object);
}

static void semaphores_of_the_dead(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	set(s, 100, 200);
	set(s, 100, 0);
	expect(s, 2, 0);
	s = empty();
	set(s, 100, 10);
	set(s, 0, 0);
	set(s, 100, 200);
	s->semaphores[4].n_waiting = 1;
	set(s, 100, 200);
	s->semaphores[7].n_waiting_zero = 1;
	expect(s, 0, 0);
	s = empty();
	set(s, 100, 200)->size = 3; /* one could not be read */
	expect(s, 0, 1);
}

static void names_that_nobody_has(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	add(s, VIA_KIND_POSIXSHM);
	add(s, VIA_KIND_POSIXSEM);
	add(s, VIA_KIND_MQ)->n_messages = 4;
	expect(s, 3, 0);
	s = empty();
	via__add_hold(s, 0, add(s, VIA_KIND_POSIXSHM)->object, VIA_HOLDS_MAP);
	via__add_hold(s, 0, add(s, VIA_KIND_MQ)->object, VIA_HOLDS_FD);
	via__object_at(s, add(s, VIA_KIND_POSIXSHM)->object)->flags =
		VIA_OBJECT_DELETED;
	via__object_at(s, add(s, VIA_KIND_POSIXSEM)->object)->name = 0;
	expect(s, 0, 0);
	/* Mappings for reading alone were not looked at. */
	s = empty();
	add(s, VIA_KIND_POSIXSHM);
	s->sight.want &= ~(uint32_t)VIA_WANT_ALL_MAPS;
	expect(s, 0, 1);
}

/* A process that hides what it has; pid 20. */
static void hidden(struct via_snapshot *s, uid_t uid)
{
	struct via_process *p = via__add_process(s);

	p->task.pid = 20;
	p->uid = p->euid = uid;
	p->hidden = VIA_HIDDEN_FDS | VIA_HIDDEN_MAPS | VIA_HIDDEN_WAITS;
}

static void ordinary_users_have_their_own(void **state)
{
	struct via_snapshot *s = empty();

	(void)state;
	s->sight.uid = 1000;
	hidden(s, 1001);
	add(s, VIA_KIND_POSIXSHM)->uid = 1000;
	add(s, VIA_KIND_POSIXSHM)->uid = 1001;
	add(s, VIA_KIND_POSIXSHM)->uid = 1000;
	s->ipcs[2].mode = 0644; /* the other one may have it */
	segment(s)->uid = 1000;
	segment(s)->uid = 1001;
	expect(s, 2, 1);
	/* One of his own that may not be looked at. */
	s = empty();
	s->sight.uid = 1000;
	hidden(s, 1000);
	add(s, VIA_KIND_POSIXSHM)->uid = 1000;
	segment(s)->uid = 1000;
	expect(s, 1, 1);
	/* For root there is no other user. */
	s = empty();
	hidden(s, 1001);
	add(s, VIA_KIND_POSIXSHM);
	expect(s, 0, 1);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(memory_of_the_dead),
	CHECK_TEST(a_number_used_again),
	CHECK_TEST(another_namespaces_are_not_ours),
	CHECK_TEST(queues_of_the_dead),
	CHECK_TEST(semaphores_of_the_dead),
	CHECK_TEST(names_that_nobody_has),
	CHECK_TEST(ordinary_users_have_their_own),
};
CHECK_MAIN(tests)
