/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/stuck.h"

#include <errno.h>
#include <stdlib.h>

/* Longer than it takes until descriptors have been read again. */
#define STILL_S 1.5

static bool all_known(const struct via_pipe_graph *p)
{
	for (size_t i = 0; i < p->n_stages; i++) {
		const struct via_stage *s = &p->stages[i];

		if (s->doing != VIA_ENDED &&
		    (!s->holds_known || s->n_holds == VIA_HOLDS_MAX))
			return false;
	}
	return p->n_unseen == 0;
}

/* A signal aside, only somebody else can end its wait. */
static bool waits(const struct via_pipe_graph *p, const struct via_stage *s)
{
	if (s->task.n_threads > 1 || s->still_s < STILL_S || s->elsewhere)
		return false;
	if (s->doing == VIA_CHILD)
		return true;
	for (size_t i = 0; i < p->n_pipes; i++)
		if ((s->doing == VIA_READING || s->doing == VIA_WRITING) &&
		    via__same_pipe(p->pipes[i].id, s->pipe))
			return !p->pipes[i].outside;
	return false;
}

/* Whether stage other could end the wait of stage s. */
static bool could_end(const struct via_stage *s, const struct via_stage *other)
{
	if (other->doing == VIA_ENDED)
		return false;
	if (s->doing == VIA_CHILD)
		return other->task.ppid == s->task.pid;
	return via__holds(other, s->pipe, s->doing == VIA_READING);
}

/* The first that could end the wait of s, from index from on. */
static size_t ender(const struct via_pipe_graph *p, const struct via_stage *s,
		    size_t from)
{
	while (from < p->n_stages && !could_end(s, &p->stages[from]))
		from++;
	return from;
}

/* Whether somebody who goes on, or nobody that we know, could end it. */
static bool goes_on(const struct via_pipe_graph *p, const struct via_stage *s,
		    const bool *alive)
{
	size_t i = ender(p, s, 0);

	if (i == p->n_stages)
		return true;
	for (; i < p->n_stages; i = ender(p, s, i + 1))
		if (alive[i])
			return true;
	return false;
}

/* The ring that a stage which does not go on leads into. */
static int ring_from(const struct via_pipe_graph *p, size_t at,
		     size_t ring[VIA_RING_MAX])
{
	/* After as many steps as there are stages, all are in the ring. */
	for (size_t i = 0; i < p->n_stages; i++)
		at = ender(p, &p->stages[at], 0);
	int n = 0;

	do {
		ring[n++] = at;
		at = ender(p, &p->stages[at], 0);
	} while (at != ring[0] && n < VIA_RING_MAX);
	return n;
}

int via__stuck(const struct via_pipe_graph *p, size_t ring[VIA_RING_MAX])
{
	if (!all_known(p) || p->n_stages == 0)
		return 0;
	bool *alive = calloc(p->n_stages, sizeof(*alive)), changed = true;

	if (!alive)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_stages; i++)
		alive[i] = !waits(p, &p->stages[i]);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < p->n_stages; i++)
			if (!alive[i] && goes_on(p, &p->stages[i], alive))
				changed = alive[i] = true;
	}
	size_t first = 0;

	while (first < p->n_stages && alive[first])
		first++;
	free(alive);
	return first < p->n_stages ? ring_from(p, first, ring) : 0;
}
