/* SPDX-License-Identifier: MIT */
/*
 * No claim from missing data: of many random snapshots some records are hidden,
 * as a collector that may not see them leaves them out. Nothing may be
 * proven then that was not before.
 */
#include "inspect/diagnose/made_test.h"

#include "tests/check.h"

#define ROUNDS	30000
#define THREADS 16

static uint32_t state = 1;

static uint32_t below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- Making --- */

static uint32_t random_object(struct made *m)
{
	static const enum via_kind kinds[] = {VIA_KIND_PIPE, VIA_KIND_PIPE,
					      VIA_KIND_LOCK, VIA_KIND_FIFO,
					      VIA_KIND_EVENTFD};
	uint32_t n = m->s->n_processes, sockets[2];

	switch (below(4)) {
	case 0:
		made_pair(m, below(n), below(n), sockets);
		return sockets[0];
	case 1:
		return made_mutex(m, below(m->s->n_threads));
	}
	enum via_kind kind = kinds[below(sizeof(kinds) / sizeof(*kinds))];
	uint32_t object = made_object(m, kind);

	for (uint32_t i = 1 + below(2); i > 0; i--)
		made_hold(m, below(n), object,
			  kind == VIA_KIND_LOCK ? "lock" : "w");
	for (uint32_t i = 1 + below(2); i > 0 && kind != VIA_KIND_LOCK; i--)
		made_hold(m, below(n), object, "r");
	return object;
}

static enum via_op random_op(const struct via_object *o)
{
	return o->kind == VIA_KIND_LOCK || o->kind == VIA_KIND_FUTEX
		       ? VIA_OP_LOCK
	       : one_in(2) ? VIA_OP_READ
			   : VIA_OP_WRITE;
}

static void random_wait(struct made *m, uint32_t thread)
{
	struct via_snapshot *s = m->s;
	struct via_wait *w;

	switch (below(12)) {
	case 0:
		w = made_child_wait(m, thread, below(s->n_processes));
		break;
	case 1:
		w = made_join(m, thread, below(s->n_threads));
		break;
	case 2:
		w = made_wait(m, thread, one_in(2) ? VIA_OP_TIME : VIA_OP_OPEN,
			      VIA_NONE);
		break;
	default: {
		uint32_t object = below(s->n_objects);

		w = made_wait(m, thread, random_op(&s->objects[object]),
			      object);
	}
	}
	if (one_in(3))
		w->group = 1 + below(2);
	if (one_in(30))
		w->left_ns = one_in(2) ? 1 : VIA_UNKNOWN;
	if (one_in(30))
		w->certainty = VIA_LIKELY;
}

/* Everything but the diagnosis. */
static void make(struct made *m)
{
	made_begin(m);
	for (uint32_t n = 2 + below(4); n > 0; n--) {
		made_process(m, "random");
		while (one_in(4) && m->s->n_threads < THREADS)
			made_thread(m);
	}
	for (uint32_t n = 3 + below(6); n > 0; n--)
		random_object(m);
	if (one_in(4))
		made_hold(m, below(m->s->n_processes),
			  made_object(m, VIA_KIND_URING), "rw");
	for (uint32_t t = 0; t < m->s->n_threads; t++) {
		if (one_in(12))
			m->s->threads[t].state = "RTtZ"[below(4)];
		for (uint32_t n = 1 + below(2); n > 0; n--)
			random_wait(m, t);
	}
	assert_int_equal(via__seal(m->s), 0);
}

/* --- Hiding --- */

static void hide_hold(struct via_snapshot *s, struct via_holding *h)
{
	if (h->object == VIA_NONE ||
	    s->objects[h->object].kind == VIA_KIND_URING)
		return;
	s->objects[h->object].seen = VIA_SEEN_UNKNOWN;
	h->object = VIA_NONE;
}

/* As sight.c sums it up. */
static void hide_fds(struct via_snapshot *s, uint32_t process)
{
	struct via_process *p = &s->processes[process];

	p->hidden |= VIA_HIDDEN_FDS;
	for (uint32_t i = 0; i < p->n_holds; i++)
		s->holds[p->first_hold + i].object = VIA_NONE;
	for (uint32_t i = 0; i < s->n_objects; i++)
		s->objects[i].seen = VIA_SEEN_UNKNOWN;
}

static void hide_wait(struct via_wait *w)
{
	w->op = VIA_OP_UNKNOWN;
	w->object = w->on_process = w->on_thread = VIA_NONE;
}

static void hide_thread(struct via_snapshot *s, uint32_t thread)
{
	struct via_thread *t = &s->threads[thread];

	for (uint32_t i = 0; i < t->n_waits; i++)
		hide_wait(&s->waits[t->first_wait + i]);
	for (uint32_t i = 0; i < s->n_waits; i++)
		if (s->waits[i].on_thread == thread)
			hide_wait(&s->waits[i]);
}

static void hide_process(struct via_snapshot *s, uint32_t process)
{
	const struct via_process *p = &s->processes[process];

	hide_fds(s, process);
	for (uint32_t i = 0; i < p->n_threads; i++)
		hide_thread(s, p->first_thread + i);
	for (uint32_t i = 0; i < s->n_waits; i++)
		if (s->waits[i].on_process == process)
			hide_wait(&s->waits[i]);
}

static void hide_object(struct via_snapshot *s, uint32_t object)
{
	for (uint32_t i = 0; i < s->n_holds; i++)
		if (s->holds[i].object == object)
			hide_hold(s, &s->holds[i]);
	for (uint32_t i = 0; i < s->n_waits; i++)
		if (s->waits[i].object == object)
			s->waits[i].object = VIA_NONE;
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].peer == object)
			s->objects[i].peer = VIA_NONE;
}

static void hide_something(struct via_snapshot *s)
{
	switch (below(9)) {
	case 0:
	case 1:
		hide_hold(s, &s->holds[below(s->n_holds)]);
		break;
	case 2:
		hide_wait(&s->waits[below(s->n_waits)]);
		break;
	case 3:
		hide_fds(s, below(s->n_processes));
		break;
	case 4:
		hide_thread(s, below(s->n_threads));
		break;
	case 5:
		hide_process(s, below(s->n_processes));
		break;
	case 6:
		hide_object(s, below(s->n_objects));
		break;
	case 7:
		s->processes[below(s->n_processes)].task.n_threads++;
		break;
	case 8:
		s->objects[below(s->n_objects)].detail = VIA_NONE;
		break;
	}
}

/* --- Comparing --- */

static bool claimed(const struct via_diagnosis *d, uint32_t thread,
		    uint32_t certainty)
{
	const struct via_verdict_of *v = &d->verdicts[thread];

	return (v->verdict == VIA_VERDICT_STUCK ||
		v->verdict == VIA_VERDICT_DEADLOCK ||
		v->verdict == VIA_VERDICT_ORPHANED) &&
	       v->certainty <= certainty;
}

/* How many threads are proven to be stuck; none that was not before. */
static int proven(const struct via_diagnosis *before,
		  const struct via_diagnosis *after, uint32_t certainty)
{
	int n = 0;

	for (uint32_t t = 0; t < after->n_verdicts; t++) {
		if (claimed(after, t, certainty))
			assert_true(claimed(before, t, certainty));
		n += claimed(before, t, certainty);
	}
	return n;
}

static void again(struct made *m, struct via_diagnosis **before)
{
	via_diagnosis_free(*before);
	*before = m->d;
	m->d = NULL;
	made_end(m);
}

static void what_is_hidden_proves_nothing(void **unused)
{
	int n = 0;

	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		struct via_diagnosis *before = NULL;
		struct made m;

		make(&m);
		made_end(&m);
		for (int i = 0; i < 3; i++) {
			hide_something(m.s);
			via__unseal(m.s);
			again(&m, &before);
			n += proven(before, m.d, VIA_EXACT);
		}
		via_diagnosis_free(before);
		made_free(&m);
	}
	/* Else there was nothing to compare. */
	assert_true(n > ROUNDS);
}

static void who_goes_on_makes_nobody_stuck(void **unused)
{
	int n = 0;

	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		struct via_diagnosis *before = NULL;
		struct made m;

		make(&m);
		made_end(&m);
		uint32_t t = below(m.s->n_threads);

		if (m.s->threads[t].state != 'Z') {
			m.s->threads[t].flags |= VIA_THREAD_MOVED;
			again(&m, &before);
			for (uint32_t c = VIA_EXACT; c <= VIA_GUESS; c++)
				n += proven(before, m.d, c);
		}
		via_diagnosis_free(before);
		made_free(&m);
	}
	assert_true(n > ROUNDS);
}

/* --- Whether it hangs together --- */

static void check_cycle(const struct via_diagnosis *d, uint32_t cycle)
{
	const struct via_cycle *c = &d->cycles[cycle];
	const uint32_t *threads = d->cycle_threads + c->first;

	assert_true(c->n > 0);
	for (uint32_t i = 0; i < c->n; i++) {
		const struct via_verdict_of *v = &d->verdicts[threads[i]];

		assert_int_equal(v->verdict, VIA_VERDICT_DEADLOCK);
		assert_int_equal(v->certainty, c->certainty);
		assert_int_equal(v->cycle, cycle);
		assert_int_equal(v->next, threads[(i + 1) % c->n]);
	}
}

/* From a thread that is stuck, along those that are as surely so, to one that
 * is in a cycle, or waits for nobody. */
static void check_chain(const struct via_diagnosis *d, uint32_t t)
{
	uint32_t certainty = d->verdicts[t].certainty;

	for (uint32_t n = 0; t != VIA_NONE; n++, t = d->verdicts[t].next) {
		const struct via_verdict_of *v = &d->verdicts[t];
		const struct via_cycle *c = &d->cycles[v->cycle];

		assert_true(claimed(d, t, certainty));
		assert_int_not_equal(v->wait, VIA_NONE);
		assert_true(n <= d->n_verdicts);
		if (v->cycle == VIA_NONE)
			continue;
		for (uint32_t i = 0; i < c->n; i++)
			if (d->cycle_threads[c->first + i] == t)
				return;
	}
}

static void chains_end(void **unused)
{
	int n = 0;

	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		struct made m;

		make(&m);
		made_end(&m);
		for (uint32_t c = 0; c < m.d->n_cycles; c++, n++)
			check_cycle(m.d, c);
		for (uint32_t t = 0; t < m.d->n_verdicts; t++)
			if (claimed(m.d, t, VIA_GUESS))
				check_chain(m.d, t);
		made_free(&m);
	}
	assert_true(n > ROUNDS / 4);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(what_is_hidden_proves_nothing),
	CHECK_TEST(who_goes_on_makes_nobody_stuck),
	CHECK_TEST(chains_end),
};
CHECK_MAIN(tests)
