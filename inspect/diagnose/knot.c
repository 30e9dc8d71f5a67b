/* SPDX-License-Identifier: MIT */
/* Tarjan's algorithm (SIAM J. Comput. 1, 1972), without recursion: chains may
 * be as long as there are threads. */
#include "inspect/diagnose/knot.h"

#include <errno.h>
#include <stdlib.h>

uint32_t via__next_edge(const struct via__graph *g,
			const struct via__standing *standing, uint32_t thread,
			struct via__edges *edges, uint32_t *ret_wait)
{
	const struct via_thread *t = &g->s->threads[thread];

	for (; edges->wait < t->n_waits; edges->wait++) {
		uint32_t wait = t->first_wait + edges->wait, next;

		if (!standing->closed[wait])
			continue;
		next = via__next_ender(g, wait, &edges->walk);
		if (next != VIA_NONE) {
			*ret_wait = wait;
			return next;
		}
		edges->walk = (struct via__walk){0};
	}
	return VIA_NONE;
}

/* A thread that is being looked at. */
struct visit {
	uint32_t thread;
	struct via__edges edges;
};

struct search {
	const struct via__graph *g;
	const struct via__standing *standing;
	uint32_t *knot, n_knots;
	/* By thread: when it was met, 0 before; the first it leads back to. */
	uint32_t *met, *low, n_met;
	uint32_t *open, n_open; /* those without a knot yet */
	struct visit *path;
	uint32_t n_path;
};

static void enter(struct search *x, uint32_t thread)
{
	x->path[x->n_path++] = (struct visit){.thread = thread};
	x->open[x->n_open++] = thread;
	x->met[thread] = x->low[thread] = ++x->n_met;
}

static void leave(struct search *x, uint32_t thread)
{
	x->n_path--;
	if (x->n_path) {
		uint32_t before = x->path[x->n_path - 1].thread;

		if (x->low[thread] < x->low[before])
			x->low[before] = x->low[thread];
	}
	if (x->low[thread] != x->met[thread])
		return;
	uint32_t last;

	do {
		last = x->open[--x->n_open];
		x->knot[last] = x->n_knots;
	} while (last != thread);
	x->n_knots++;
}

static void search_from(struct search *x, uint32_t thread)
{
	enter(x, thread);
	while (x->n_path) {
		struct visit *v = &x->path[x->n_path - 1];
		uint32_t wait;
		uint32_t next = via__next_edge(x->g, x->standing, v->thread,
					       &v->edges, &wait);

		if (next == VIA_NONE)
			leave(x, v->thread);
		else if (!x->met[next])
			enter(x, next);
		else if (x->knot[next] == VIA_NONE &&
			 x->met[next] < x->low[v->thread])
			x->low[v->thread] = x->met[next];
	}
}

int via__knots(const struct via__graph *g, const struct via__standing *standing,
	       uint32_t *ret, uint32_t *ret_n)
{
	size_t n = g->s->n_threads + (size_t)1;
	struct search x = {
		.g = g,
		.standing = standing,
		.knot = ret,
		.met = calloc(n, sizeof(*x.met)),
		.low = calloc(n, sizeof(*x.low)),
		.open = calloc(n, sizeof(*x.open)),
		.path = calloc(n, sizeof(*x.path)),
	};
	int err = x.met && x.low && x.open && x.path ? 0 : -ENOMEM;

	for (uint32_t t = 0; t < g->s->n_threads; t++)
		ret[t] = VIA_NONE;
	for (uint32_t t = 0; !err && t < g->s->n_threads; t++)
		if (standing->stuck[t] != VIA__BEYOND && !x.met[t])
			search_from(&x, t);
	*ret_n = x.n_knots;
	free(x.met);
	free(x.low);
	free(x.open);
	free(x.path);
	return err;
}
