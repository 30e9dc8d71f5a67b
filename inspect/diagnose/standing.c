/* SPDX-License-Identifier: MIT */
/*
 * The least fixed point: who goes on is who runs, or waits for what comes from
 * outside, by itself, or is not known; then everybody who waits for one who
 * goes on. Who is left over cannot go on.
 *
 * That is done three times: what is not sure enough counts as going on, at
 * first everything that is not exact. So from little knowledge little follows,
 * and each thread gets the best certainty at which it was left over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/diagnose/verdict.h"

struct run {
	const struct via__graph *g;
	unsigned int level; /* enum via_certainty */
	bool paused; /* who runs or was woken for a moment does not go on */
	/* Goes on, can be ended: */
	bool *thread, *process, *open;
	uint8_t *sides; /* by object: how somebody who goes on has it */
	uint32_t *queue, n_queue;
};

/* On a CPU or waiting for one, or in the kernel for a moment. */
static bool runs(const struct via_snapshot *s, const struct via_thread *t)
{
	if (t->state == 'D')
		return t->n_waits &&
		       s->waits[t->first_wait].op == VIA_OP_UNKNOWN;
	return !t->n_waits &&
	       (t->state == 'R' ||
		(t->state == 'S' && t->call.nr == VIA_SYSCALL_RUNNING));
}

/* --- Spreading --- */

static void thread_goes_on(struct run *r, uint32_t thread)
{
	const struct via_snapshot *s = r->g->s;
	const struct via_thread *t = &s->threads[thread];

	if (r->thread[thread] || via__has_ended(t) || (r->paused && runs(s, t)))
		return;
	r->thread[thread] = true;
	r->queue[r->n_queue++] = thread;
}

/* Of waits with a group all must be open. */
static bool group_is_open(const struct run *r, uint32_t wait)
{
	const struct via_snapshot *s = r->g->s;
	const struct via_thread *t = &s->threads[s->waits[wait].thread];
	uint32_t group = s->waits[wait].group;

	for (uint32_t w = t->first_wait;
	     group && w < t->first_wait + t->n_waits; w++)
		if (s->waits[w].group == group && !r->open[w])
			return false;
	return true;
}

static void open_wait(struct run *r, uint32_t wait)
{
	uint32_t thread = r->g->s->waits[wait].thread;

	if (r->open[wait])
		return;
	r->open[wait] = true;
	if (!r->thread[thread] && group_is_open(r, wait))
		thread_goes_on(r, thread);
}

/* Each once in each way; a set of semaphores may be held in many. */
static void object_goes_on(struct run *r, const struct via_holding *h)
{
	const struct via__graph *g = r->g;
	unsigned int sides = via__sides(h) & ~(unsigned int)r->sides[h->object];

	if (!sides)
		return;
	if (g->s->objects[h->object].kind != VIA_KIND_SYSVSEM)
		r->sides[h->object] |= (uint8_t)sides;
	for (uint32_t i = g->by_object.first[h->object];
	     i < g->by_object.first[h->object + 1]; i++) {
		uint32_t w = g->by_object.item[i];

		if (sides & 1u << g->enders[w].side &&
		    via__is_ender(g->s, &g->enders[w], h))
			open_wait(r, w);
	}
}

/* Those who wait for a thread of this process, or for any with VIA_NONE. */
static void task_goes_on(struct run *r, uint32_t process, uint32_t thread)
{
	const struct via__graph *g = r->g;

	for (uint32_t i = g->by_process.first[process];
	     i < g->by_process.first[process + 1]; i++) {
		uint32_t w = g->by_process.item[i];

		if (g->enders[w].thread == thread)
			open_wait(r, w);
	}
}

static void process_goes_on(struct run *r, uint32_t process)
{
	const struct via_process *p = &r->g->s->processes[process];

	if (r->process[process])
		return;
	r->process[process] = true;
	task_goes_on(r, process, VIA_NONE);
	for (uint32_t h = p->first_hold; h < p->first_hold + p->n_holds; h++)
		if (r->g->s->holds[h].object != VIA_NONE)
			object_goes_on(r, &r->g->s->holds[h]);
}

static void spread(struct run *r)
{
	while (r->n_queue) {
		uint32_t thread = r->queue[--r->n_queue];
		uint32_t process = r->g->s->threads[thread].process;

		task_goes_on(r, process, thread);
		process_goes_on(r, process);
	}
}

/* --- Where it begins --- */

static bool sleeps(const struct run *r, const struct via_thread *t)
{
	return (t->state == 'S' || t->state == 'D') &&
	       t->call.nr != VIA_SYSCALL_RUNNING &&
	       (!(t->flags & VIA_THREAD_MOVED) ||
		(r->paused && t->flags & VIA_THREAD_WOKEN));
}

static bool goes_on_alone(const struct run *r, uint32_t thread)
{
	const struct via_snapshot *s = r->g->s;
	const struct via_thread *t = &s->threads[thread];
	uint32_t flags = s->processes[t->process].flags;

	return !sleeps(r, t) || !t->n_waits ||
	       flags & (VIA_PROCESS_FROZEN | VIA_PROCESS_KERNEL |
			VIA_PROCESS_SELF);
}

/* Requests that it left with the kernel may be carried out. */
static bool may_have_ring(const struct via_snapshot *s, uint32_t process)
{
	const struct via_process *p = &s->processes[process];

	if (p->hidden & VIA_HIDDEN_FDS)
		return true;
	for (uint32_t h = p->first_hold; h < p->first_hold + p->n_holds; h++)
		if (s->holds[h].object != VIA_NONE &&
		    s->objects[s->holds[h].object].kind == VIA_KIND_URING)
			return true;
	return false;
}

static bool has_more(const struct run *r, uint32_t process)
{
	const struct via_snapshot *s = r->g->s;

	if (via__process_ended(s, process))
		return false;
	return !via__threads_seen(s, process) ||
	       (r->level == VIA_EXACT && may_have_ring(s, process));
}

static void begin(struct run *r)
{
	const struct via_snapshot *s = r->g->s;

	for (uint32_t w = 0; w < s->n_waits; w++)
		if (r->g->enders[w].limit > r->level &&
		    s->waits[w].thread < s->n_threads)
			open_wait(r, w);
	for (uint32_t t = 0; t < s->n_threads; t++)
		if (goes_on_alone(r, t))
			thread_goes_on(r, t);
	for (uint32_t p = 0; p < s->n_processes; p++)
		if (has_more(r, p))
			process_goes_on(r, p);
}

/* --- Three times --- */

static void note(struct via__standing *standing, const struct run *r)
{
	const struct via_snapshot *s = r->g->s;

	for (uint32_t t = 0; t < s->n_threads; t++) {
		const struct via_thread *thread = &s->threads[t];

		if (r->thread[t] || via__has_ended(thread) ||
		    standing->stuck[t] != VIA__BEYOND)
			continue;
		standing->stuck[t] = (uint8_t)r->level;
		for (uint32_t w = thread->first_wait;
		     w < thread->first_wait + thread->n_waits; w++)
			standing->closed[w] = !r->open[w];
	}
}

static void run_fini(struct run *r)
{
	free(r->thread);
	free(r->process);
	free(r->open);
	free(r->sides);
	free(r->queue);
}

static int run(struct via__standing *standing, const struct via__graph *g,
	       unsigned int level)
{
	const struct via_snapshot *s = g->s;
	struct run r = {
		.g = g,
		.level = level,
		.paused = standing->paused,
		.thread = calloc(s->n_threads + (size_t)1, sizeof(bool)),
		.process = calloc(s->n_processes + (size_t)1, sizeof(bool)),
		.open = calloc(s->n_waits + (size_t)1, sizeof(bool)),
		.sides = calloc(s->n_objects + (size_t)1, 1),
		.queue = calloc(s->n_threads + (size_t)1, sizeof(*r.queue)),
	};
	int err = r.thread && r.process && r.open && r.sides && r.queue
			  ? 0
			  : -ENOMEM;

	if (!err) {
		begin(&r);
		spread(&r);
		note(standing, &r);
	}
	run_fini(&r);
	return err;
}

int via__standing_init(struct via__standing *standing,
		       const struct via__graph *g)
{
	const struct via_snapshot *s = g->s;
	int err = 0;

	standing->stuck = malloc(s->n_threads + (size_t)1);
	standing->closed = calloc(s->n_waits + (size_t)1, sizeof(bool));
	if (!standing->stuck || !standing->closed)
		return -ENOMEM;
	memset(standing->stuck, VIA__BEYOND, s->n_threads);
	for (unsigned int level = VIA_EXACT; !err && level <= VIA_GUESS;
	     level++)
		err = run(standing, g, level);
	return err;
}

void via__standing_fini(struct via__standing *standing)
{
	free(standing->stuck);
	free(standing->closed);
}
