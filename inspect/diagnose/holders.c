/* SPDX-License-Identifier: MIT */
/* Who holds an object, and how sure it is that those are all. */
#include <errno.h>
#include <stdlib.h>

#include "inspect/diagnose/enders.h"

#define MAX(a, b) ((a) > (b) ? (a) : (b))

const struct via__pool *via__pool_of(const struct via__holders *all,
				     const struct via__enders *e)
{
	const struct via_snapshot *s = all->s;
	const struct via_object *o = &s->objects[e->object];
	struct via__pool *p =
		&all->pools[(size_t)e->object * VIA__N_SIDES + e->side];

	for (uint32_t i = 0; !p->known && i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (!(via__sides(h) & 1u << e->side))
			continue;
		p->some = true;
		p->worst = MAX(p->worst, h->certainty);
		p->doubtful |= all->doubtful[h->process];
	}
	p->known = true;
	return p;
}

unsigned int via__completeness(const struct via_snapshot *s, uint32_t object,
			       bool doubtful)
{
	const struct via_object *o = &s->objects[object];

	if (o->flags & VIA_OBJECT_PRIVATE)
		return VIA_EXACT;
	if (o->seen == VIA_SEEN_ALL)
		return VIA_EXACT;
	return o->seen == VIA_SEEN_UNKNOWN && doubtful ? VIA_GUESS : VIA_LIKELY;
}

/* Process 1 is above all, which says nothing of who has what. */
static bool is_hidden(const struct via_process *p)
{
	return p->hidden & (VIA_HIDDEN_FDS | VIA_HIDDEN_MAPS) &&
	       !(p->flags & VIA_PROCESS_KERNEL) && p->task.pid != 1;
}

/* Mark the parent of a hidden process, and its children. What came from
 * further away has in most cases stayed with those between as well. */
static void doubt(struct via__holders *h, uint32_t process)
{
	const struct via_process *p = &h->s->processes[process];
	uint32_t parent = p->task.ppid > 0
				  ? via_snapshot_process(h->s, p->task.ppid)
				  : VIA_NONE;

	if (parent == VIA_NONE)
		return;
	if (is_hidden(p))
		h->doubtful[parent] = true;
	if (is_hidden(&h->s->processes[parent]))
		h->doubtful[process] = true;
}

int via__holders_init(struct via__holders *h, const struct via_snapshot *s)
{
	h->s = s;
	h->pools = calloc(s->n_objects + (size_t)1,
			  VIA__N_SIDES * sizeof(*h->pools));
	h->doubtful = calloc(s->n_processes + (size_t)1, sizeof(bool));
	if (!h->pools || !h->doubtful)
		return -ENOMEM;
	for (uint32_t p = 0; p < s->n_processes; p++)
		doubt(h, p);
	return 0;
}

void via__holders_fini(struct via__holders *h)
{
	free(h->pools);
	free(h->doubtful);
}
