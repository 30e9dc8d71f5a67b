/* SPDX-License-Identifier: MIT */
/*
 * Of threads that are tied together, each can go on only after another one of
 * them has: a deadlock. The shortest ring among them is what is shown.
 */
#include "inspect/diagnose/cycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/diagnose/knot.h"

/* From so many threads of a knot the shortest ring is looked for. */
#define TRIES_MAX 64

struct rings {
	const struct via__graph *g;
	const struct via__standing *standing;
	struct via_diagnosis *d;
	uint32_t *knot, n_knots;   /* by thread */
	uint32_t *first, *members; /* threads by knot */
	uint32_t *from;		   /* by thread, while searching */
	uint32_t *queue;	   /* threads */
	uint32_t *best, n_best;	   /* the ring so far */
};

/* --- Threads by knot --- */

static void sort_members(struct rings *r)
{
	uint32_t n = r->g->s->n_threads;
	uint32_t *at = r->first + 1;

	for (uint32_t t = 0; t < n; t++)
		if (r->knot[t] != VIA_NONE)
			at[r->knot[t] + 1]++;
	for (uint32_t k = 0; k < r->n_knots; k++)
		at[k + 1] += at[k];
	for (uint32_t t = 0; t < n; t++)
		if (r->knot[t] != VIA_NONE)
			r->members[at[r->knot[t]]++] = t;
}

/* --- The shortest ring --- */

/* Note the way back to start if it is the shortest so far. */
static void take_ring(struct rings *r, uint32_t start, uint32_t last)
{
	uint32_t n = 1;

	for (uint32_t t = last; t != start; t = r->from[t])
		n++;
	if (r->n_best && n >= r->n_best)
		return;
	r->n_best = n;
	for (uint32_t t = last; n-- > 0; t = r->from[t])
		r->best[n] = t;
}

/*
 * Breadth first, within the knot, until it leads back. That a thread could end
 * its own wait, if it were not waiting, explains nothing as long as another one
 * could too.
 */
static void search_ring(struct rings *r, uint32_t start)
{
	uint32_t head = 0, tail = 0, k = r->knot[start];
	bool alone = r->first[k + 1] - r->first[k] == 1;

	for (uint32_t i = r->first[k]; i < r->first[k + 1]; i++)
		r->from[r->members[i]] = VIA_NONE;
	r->queue[tail++] = start;
	r->from[start] = start;
	while (head < tail) {
		struct via__edges edges = {0};
		uint32_t at = r->queue[head++], next, wait;

		while ((next = via__next_edge(r->g, r->standing, at, &edges,
					      &wait)) != VIA_NONE) {
			if (next == start && at == start && !alone)
				continue;
			if (next == start) {
				take_ring(r, start, at);
				return;
			}
			if (r->knot[next] != k || r->from[next] != VIA_NONE)
				continue;
			r->from[next] = at;
			r->queue[tail++] = next;
		}
	}
}

/* --- Verdicts --- */

/* Point a thread's verdict at another one that it waits for, if it does. */
static bool point(const struct rings *r, uint32_t thread, uint32_t to)
{
	struct via_verdict_of *v = &r->d->verdicts[thread];
	struct via__edges edges = {0};
	uint32_t next, wait;

	while ((next = via__next_edge(r->g, r->standing, thread, &edges,
				      &wait)) != VIA_NONE) {
		if (next != to)
			continue;
		v->wait = wait;
		v->next = next;
		return true;
	}
	return false;
}

/* Point the others of a knot towards the ring: each to one that does already.
 */
static void point_others(const struct rings *r, uint32_t k)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = r->first[k]; i < r->first[k + 1]; i++) {
			struct via_verdict_of *v =
				&r->d->verdicts[r->members[i]];
			struct via__edges edges = {0};
			uint32_t next, wait;

			while (v->next == VIA_NONE &&
			       (next = via__next_edge(r->g, r->standing,
						      r->members[i], &edges,
						      &wait)) != VIA_NONE) {
				if (r->knot[next] != k ||
				    r->d->verdicts[next].next == VIA_NONE)
					continue;
				v->wait = wait;
				v->next = next;
				changed = true;
			}
		}
	}
}

static void add_cycle(struct rings *r, uint32_t k)
{
	struct via_diagnosis *d = r->d;
	uint32_t cycle = d->n_cycles++;
	uint32_t first =
		cycle ? d->cycles[cycle - 1].first + d->cycles[cycle - 1].n : 0;

	d->cycles[cycle] = (struct via_cycle){
		.certainty = r->standing->stuck[r->best[0]],
		.n = r->n_best,
		.first = first,
	};
	memcpy(d->cycle_threads + first, r->best, r->n_best * sizeof(*r->best));
	for (uint32_t i = 0; i < r->n_best; i++)
		point(r, r->best[i], r->best[(i + 1) % r->n_best]);
	point_others(r, k);
	for (uint32_t i = r->first[k]; i < r->first[k + 1]; i++) {
		struct via_verdict_of *v = &d->verdicts[r->members[i]];

		v->verdict = VIA_VERDICT_DEADLOCK;
		v->cycle = cycle;
	}
}

/* What a thread outside of all rings waits for: if it can be, another process
 * than its own. */
static void point_onwards(const struct rings *r, uint32_t thread)
{
	struct via_verdict_of *v = &r->d->verdicts[thread];
	const struct via_thread *t = &r->g->s->threads[thread];
	struct via__edges edges = {0};
	uint32_t next, wait;

	while ((next = via__next_edge(r->g, r->standing, thread, &edges,
				      &wait)) != VIA_NONE) {
		bool own = r->g->s->threads[next].process == t->process;

		if (v->next == VIA_NONE || !own) {
			v->wait = wait;
			v->next = next;
		}
		if (!own)
			return;
	}
	for (uint32_t w = t->first_wait;
	     v->wait == VIA_NONE && w < t->first_wait + t->n_waits; w++)
		if (r->standing->closed[w])
			v->wait = w;
	if (v->next == VIA_NONE && v->wait != VIA_NONE &&
	    r->g->enders[v->wait].orphan)
		v->verdict = VIA_VERDICT_ORPHANED;
}

static void judge(struct rings *r, uint32_t k)
{
	uint32_t n = r->first[k + 1] - r->first[k];

	for (uint32_t i = r->first[k]; i < r->first[k + 1]; i++) {
		uint32_t t = r->members[i];

		r->d->verdicts[t].verdict = VIA_VERDICT_STUCK;
		r->d->verdicts[t].certainty = r->standing->stuck[t];
	}
	r->n_best = 0;
	for (uint32_t i = 0; i < n && i < TRIES_MAX && r->n_best != 1; i++)
		search_ring(r, r->members[r->first[k] + i]);
	if (r->n_best)
		add_cycle(r, k);
	else
		point_onwards(r, r->members[r->first[k]]);
}

static int alloc(struct rings *r)
{
	size_t n = r->g->s->n_threads + (size_t)2, size = sizeof(uint32_t);

	r->knot = calloc(n, size);
	r->first = calloc(n + 1, size);
	r->members = calloc(n, size);
	r->from = calloc(n, size);
	r->queue = calloc(n, size);
	r->best = calloc(n, size);
	r->d->cycles = calloc(n, sizeof(*r->d->cycles));
	r->d->cycle_threads = calloc(n, size);
	return r->knot && r->first && r->members && r->from && r->queue &&
			       r->best && r->d->cycles && r->d->cycle_threads
		       ? 0
		       : -ENOMEM;
}

int via__verdicts_stuck(const struct via__graph *g,
			const struct via__standing *standing,
			struct via_diagnosis *d)
{
	struct rings r = {.g = g, .standing = standing, .d = d};
	int err = alloc(&r);

	if (!err)
		err = via__knots(g, standing, r.knot, &r.n_knots);
	if (!err) {
		sort_members(&r);
		for (uint32_t k = 0; k < r.n_knots; k++)
			judge(&r, k);
	}
	free(r.knot);
	free(r.first);
	free(r.members);
	free(r.from);
	free(r.queue);
	free(r.best);
	return err;
}
