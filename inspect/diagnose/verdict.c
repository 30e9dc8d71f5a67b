/* SPDX-License-Identifier: MIT */
/* What to say of threads that are not stuck, and of those that have ended. */
#include "inspect/diagnose/verdict.h"

/* Of so many who could end a wait the best is named. */
#define LOOK_AT_MAX 256

/* --- For whom it waits --- */

/* How good somebody is as the next in a chain: goes on, is somebody else, is
 * at work. */
static int rank(const struct via__graph *g,
		const struct via__standing *standing, uint32_t thread,
		uint32_t other)
{
	const struct via_thread *threads = g->s->threads;

	return 4 * (standing->stuck[other] == VIA__BEYOND) +
	       2 * (threads[other].process != threads[thread].process) +
	       (threads[other].state == 'R');
}

struct choice {
	uint32_t wait, next;
	int rank;
};

static void choose(const struct via__graph *g,
		   const struct via__standing *standing, uint32_t wait,
		   struct choice *best)
{
	uint32_t thread = g->s->waits[wait].thread, next;
	struct via__walk walk = {0};

	for (int i = 0; i < LOOK_AT_MAX; i++) {
		next = via__next_ender(g, wait, &walk);
		if (next == VIA_NONE)
			return;
		int r = rank(g, standing, thread, next);

		if (r > best->rank)
			*best = (struct choice){wait, next, r};
	}
}

/* The first of a thread's waits that may end in this way. */
static uint32_t find_outside(const struct via__graph *g,
			     const struct via_thread *t,
			     enum via__outside outside)
{
	for (uint32_t w = t->first_wait; w < t->first_wait + t->n_waits; w++)
		if (g->enders[w].outside == outside)
			return w;
	return VIA_NONE;
}

static void judge_waits(const struct via__graph *g,
			const struct via__standing *standing, uint32_t thread,
			struct via_verdict_of *v)
{
	const struct via_thread *t = &g->s->threads[thread];
	struct choice best = {VIA_NONE, VIA_NONE, -1};
	uint32_t world = find_outside(g, t, VIA__WORLD);
	uint32_t timeout = find_outside(g, t, VIA__TIMEOUT);

	if (world != VIA_NONE) {
		v->verdict = VIA_VERDICT_IDLE;
		v->wait = world;
		v->certainty = g->s->waits[world].certainty;
		return;
	}
	for (uint32_t w = t->first_wait; w < t->first_wait + t->n_waits; w++)
		choose(g, standing, w, &best);
	v->wait = best.wait == VIA_NONE ? t->first_wait : best.wait;
	v->next = best.next;
	v->certainty = g->s->waits[v->wait].certainty;
	if (best.rank >= 4 || t->flags & VIA_THREAD_MOVED) {
		v->verdict = VIA_VERDICT_WAITING;
	} else if (timeout != VIA_NONE) {
		v->verdict = VIA_VERDICT_IDLE;
	} else {
		v->verdict = VIA_VERDICT_UNKNOWN;
		v->certainty = VIA_GUESS;
	}
}

/* --- States --- */

static uint32_t first_of(const struct via_snapshot *s, pid_t pid)
{
	uint32_t process = pid > 0 ? via_snapshot_process(s, pid) : VIA_NONE;

	return process != VIA_NONE && s->processes[process].n_threads
		       ? s->processes[process].first_thread
		       : VIA_NONE;
}

/* It waits for another process to let it go on, or to take note of its end. */
static void waits_for(struct via_verdict_of *v, uint32_t next)
{
	v->verdict = next == VIA_NONE ? VIA_VERDICT_IDLE : VIA_VERDICT_WAITING;
	v->next = next;
}

static void judge(const struct via__graph *g,
		  const struct via__standing *standing, uint32_t thread,
		  struct via_verdict_of *v)
{
	const struct via_thread *t = &g->s->threads[thread];
	const struct via_process *p = &g->s->processes[t->process];

	if (via__has_ended(t)) {
		waits_for(v, via__process_ended(g->s, t->process)
				     ? first_of(g->s, p->task.ppid)
				     : VIA_NONE);
	} else if (t->state == 't') {
		waits_for(v, first_of(g->s, p->tracer));
	} else if (t->state == 'T' || p->flags & VIA_PROCESS_FROZEN) {
		v->verdict = VIA_VERDICT_IDLE;
	} else if ((t->state != 'S' && !t->n_waits) || t->state == 'R' ||
		   t->call.nr == VIA_SYSCALL_RUNNING) {
		v->verdict = VIA_VERDICT_RUNNING;
	} else if (t->n_waits) {
		judge_waits(g, standing, thread, v);
	} else {
		v->verdict = VIA_VERDICT_UNKNOWN;
		v->certainty = VIA_GUESS;
	}
}

void via__verdicts_alive(const struct via__graph *g,
			 const struct via__standing *standing,
			 struct via_verdict_of *verdicts)
{
	for (uint32_t t = 0; t < g->s->n_threads; t++)
		if (standing->stuck[t] == VIA__BEYOND)
			judge(g, standing, t, &verdicts[t]);
}
