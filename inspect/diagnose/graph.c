/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/diagnose/enders.h"

unsigned int via__sides(const struct via_holding *h)
{
	switch (h->how) {
	case VIA_HOLDS_FD:
		return 1u << VIA__HOLDERS |
		       (h->flags & VIA_HOLD_READ ? 1u << VIA__READERS : 0) |
		       (h->flags & VIA_HOLD_WRITE ? 1u << VIA__WRITERS : 0);
	case VIA_HOLDS_MAP:
		return 1u << VIA__MAPPERS;
	case VIA_HOLDS_LOCK:
		return 1u << VIA__OWNERS;
	default:
		return 0;
	}
}

bool via__is_ender(const struct via_snapshot *s, const struct via__enders *e,
		   const struct via_holding *h)
{
	return via__sides(h) & 1u << e->side &&
	       (s->objects[e->object].kind != VIA_KIND_SYSVSEM ||
		h->end == e->semaphore);
}

bool via__process_ended(const struct via_snapshot *s, uint32_t process)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++)
		if (!via__has_ended(&s->threads[p->first_thread + i]))
			return false;
	return p->task.state == 'Z' || p->task.state == 'X';
}

/* Of a process that has ended the kernel counts no threads. */
bool via__threads_seen(const struct via_snapshot *s, uint32_t process)
{
	const struct via_process *p = &s->processes[process];

	return p->n_threads && p->n_threads >= p->task.n_threads;
}

/* --- Indices --- */

static uint32_t key_of(const struct via__enders *e, bool process)
{
	if (process)
		return e->process;
	/* The one owner of a lock is found by itself. */
	return e->process == VIA_NONE ? e->object : VIA_NONE;
}

static int make_index(struct via__index *index, const struct via__graph *g,
		      bool process)
{
	uint32_t n = g->s->n_waits;
	uint32_t n_keys = process ? g->s->n_processes : g->s->n_objects;

	index->first = calloc(n_keys + (size_t)2, sizeof(*index->first));
	index->item = calloc(n + (size_t)1, sizeof(*index->item));
	if (!index->first || !index->item)
		return -ENOMEM;
	/* Where the next key begins, two places further for now. */
	uint32_t *at = index->first + 1;

	for (uint32_t w = 0; w < n; w++)
		if (key_of(&g->enders[w], process) < n_keys)
			at[key_of(&g->enders[w], process) + 1]++;
	for (uint32_t key = 0; key < n_keys; key++)
		at[key + 1] += at[key];
	for (uint32_t w = 0; w < n; w++)
		if (key_of(&g->enders[w], process) < n_keys)
			index->item[at[key_of(&g->enders[w], process)]++] = w;
	return 0;
}

static int find_enders(struct via__graph *g)
{
	struct via__holders holders = {0};
	int err = via__holders_init(&holders, g->s);

	g->enders = calloc(g->s->n_waits + (size_t)1, sizeof(*g->enders));
	if (!g->enders)
		err = -ENOMEM;
	for (uint32_t w = 0; !err && w < g->s->n_waits; w++)
		g->enders[w] = via__enders_of(&holders, w);
	via__holders_fini(&holders);
	return err;
}

int via__graph_init(struct via__graph *g, const struct via_snapshot *s)
{
	*g = (struct via__graph){.s = s};
	int err = find_enders(g);

	if (!err)
		err = make_index(&g->by_object, g, false);
	return err ? err : make_index(&g->by_process, g, true);
}

void via__graph_fini(struct via__graph *g)
{
	free(g->enders);
	free(g->by_object.first);
	free(g->by_object.item);
	free(g->by_process.first);
	free(g->by_process.item);
}

/* --- Going through them --- */

/* The process at *user, of those who hold the object; VIA_NONE: no more. */
static uint32_t holder(const struct via_snapshot *s,
		       const struct via__enders *e, uint32_t *user)
{
	const struct via_object *o = &s->objects[e->object];

	for (; *user < o->n_users; ++*user) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + *user]];

		if (via__is_ender(s, e, h))
			return h->process;
	}
	return VIA_NONE;
}

static uint32_t next_process(const struct via_snapshot *s,
			     const struct via__enders *e, uint32_t *user)
{
	if (e->process != VIA_NONE)
		return *user ? VIA_NONE : e->process;
	return e->object == VIA_NONE || e->orphan ? VIA_NONE
						  : holder(s, e, user);
}

uint32_t via__next_ender(const struct via__graph *g, uint32_t wait,
			 struct via__walk *walk)
{
	const struct via__enders *e = &g->enders[wait];
	const struct via_snapshot *s = g->s;
	uint32_t process;

	if (e->thread != VIA_NONE)
		return walk->user++ ? VIA_NONE : e->thread;
	while ((process = next_process(s, e, &walk->user)) != VIA_NONE) {
		const struct via_process *p = &s->processes[process];

		while (walk->thread < p->n_threads) {
			uint32_t t = p->first_thread + walk->thread++;

			if (!via__has_ended(&s->threads[t]) &&
			    !(e->others && t == s->waits[wait].thread))
				return t;
		}
		walk->user++;
		walk->thread = 0;
	}
	return VIA_NONE;
}
