/* SPDX-License-Identifier: MIT */
/* What is drawn: nodes, arcs, and how far from what was asked for. */
#include "inspect/view/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/model/array.h"
#include "inspect/view/format.h"
#include "inspect/view/text.h"

/* An arc while there are no nodes yet: of indices in the snapshot. */
struct sketch {
	const struct via_snapshot *s;
	const struct via_diagnosis *d;
	const struct via_choice *choice;
	struct via_arc *arcs;
	uint32_t n;
	size_t max;
	bool *processes, *objects; /* to be drawn */
	int error;
	struct via_arc spare; /* what is added without memory */
};

/* --- Channels --- */

/* Of two peers the one that stands for both. */
static uint32_t channel_of(const struct via_snapshot *s, uint32_t object)
{
	uint32_t peer = s->objects[object].peer;

	return peer != VIA_NONE && peer < object ? peer : object;
}

static bool is_plain(enum via_kind kind)
{
	switch (kind) {
	case VIA_KIND_OTHER:
	case VIA_KIND_FILE:
	case VIA_KIND_DIR:
	case VIA_KIND_CHAR:
	case VIA_KIND_BLOCK:
	case VIA_KIND_TTY:
		return true;
	default:
		return false;
	}
}

/* --- Arcs --- */

static struct via_arc *add_arc(struct sketch *k, uint32_t process,
			       uint32_t object)
{
	if (!via__room(&k->arcs, k->n, &k->max, sizeof(*k->arcs))) {
		k->error = -ENOMEM;
		return &k->spare;
	}
	struct via_arc *a = &k->arcs[k->n++];

	*a = (struct via_arc){
		.process = process,
		.object = channel_of(k->s, object),
		.fd = -1,
		.op = VIA_OP_UNKNOWN,
	};
	a->second = a->object != object;
	return a;
}

static void sketch_hold(struct sketch *k, const struct via_holding *h)
{
	if (h->process == VIA_NONE || h->object == VIA_NONE ||
	    (is_plain(k->s->objects[h->object].kind) && !k->choice->files))
		return;
	switch (h->how) {
	case VIA_HOLDS_CWD:
	case VIA_HOLDS_ROOT:
	case VIA_HOLDS_EXE:
		return;
	case VIA_HOLDS_MAP:
		if (!(h->flags & VIA_HOLD_SHARED))
			return;
	}
	struct via_arc *a = add_arc(k, h->process, h->object);

	a->flags = h->flags;
	a->n = 1;
	a->maps = h->how == VIA_HOLDS_MAP;
	a->owns = h->how == VIA_HOLDS_LOCK;
	if (h->how == VIA_HOLDS_FD)
		a->fd = h->id;
	else if (h->how == VIA_HOLDS_SENDER)
		a->flags |= VIA_HOLD_WRITE;
	else if (h->how == VIA_HOLDS_RECEIVER)
		a->flags |= VIA_HOLD_READ;
}

static bool is_stuck(const struct via_verdict_of *v)
{
	return v->verdict == VIA_VERDICT_STUCK ||
	       v->verdict == VIA_VERDICT_DEADLOCK ||
	       v->verdict == VIA_VERDICT_ORPHANED;
}

static void sketch_wait(struct sketch *k, const struct via_wait *w)
{
	if (w->thread == VIA_NONE || w->object == VIA_NONE ||
	    (is_plain(k->s->objects[w->object].kind) && !k->choice->files))
		return;
	struct via_arc *a = add_arc(k, k->s->threads[w->thread].process,
				    w->object);

	a->waits = true;
	a->op = w->op;
	a->fd = w->fd;
	a->stuck = k->d && w->thread < k->d->n_verdicts &&
		   is_stuck(&k->d->verdicts[w->thread]);
}

static int by_ends(const void *a, const void *b)
{
	const struct via_arc *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	/* Holds before waits, so that the first tells the side. */
	return x->waits - y->waits;
}

/* All between the same two become one. */
static void merge(struct sketch *k)
{
	uint32_t kept = 0;

	if (k->n)
		qsort(k->arcs, k->n, sizeof(*k->arcs), by_ends);
	for (uint32_t i = 0; i < k->n; i++) {
		struct via_arc *a = &k->arcs[i],
			       *to = kept ? &k->arcs[kept - 1] : NULL;

		if (!to || to->process != a->process ||
		    to->object != a->object) {
			k->arcs[kept++] = *a;
			continue;
		}
		to->flags |= a->flags;
		to->maps |= a->maps;
		to->owns |= a->owns;
		to->waits |= a->waits;
		to->stuck |= a->stuck;
		to->n += a->n;
		if (a->waits)
			to->op = a->op;
		if (to->fd < 0 || (a->fd >= 0 && a->fd < to->fd))
			to->fd = a->fd;
	}
	k->n = kept;
}

/* --- Choosing --- */

/* Who waits without having it waits for somebody else, but for a futex that is
 * the threads' of one process. What is stuck shows in any case. */
static uint32_t weight(const struct via_snapshot *s, const struct via_arc *a)
{
	bool private = s->objects[a->object].flags & VIA_OBJECT_PRIVATE;

	return 1 + (a->stuck || (a->waits && !a->n && !private));
}

/* Objects that join processes: several hold it, or somebody waits for it. */
static void keep_joining(struct sketch *k)
{
	uint32_t *n = calloc(k->s->n_objects + (size_t)1, sizeof(*n)), kept = 0;

	if (!n) {
		k->error = -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < k->n; i++)
		n[k->arcs[i].object] += weight(k->s, &k->arcs[i]);
	for (uint32_t i = 0; i < k->n; i++)
		if (n[k->arcs[i].object] > 1 ||
		    (k->choice->objects &&
		     k->choice->objects[k->arcs[i].object]))
			k->arcs[kept++] = k->arcs[i];
	k->n = kept;
	free(n);
}

/* One step along all arcs; whether it came to something new. */
static bool spread(struct sketch *k)
{
	bool *processes = malloc(k->s->n_processes + (size_t)1), any = false;

	if (!processes) {
		k->error = -ENOMEM;
		return false;
	}
	memcpy(processes, k->processes, k->s->n_processes);
	for (uint32_t i = 0; i < k->n; i++) {
		const struct via_arc *a = &k->arcs[i];

		if (k->objects[a->object] && !k->processes[a->process])
			any = processes[a->process] = true;
	}
	for (uint32_t i = 0; i < k->n; i++) {
		const struct via_arc *a = &k->arcs[i];

		if (k->processes[a->process] && !k->objects[a->object])
			any = k->objects[a->object] = true;
	}
	memcpy(k->processes, processes, k->s->n_processes);
	free(processes);
	return any;
}

static void choose(struct sketch *k)
{
	const struct via_choice *c = k->choice;
	bool all = !c->processes && !c->objects;

	for (uint32_t i = 0; c->processes && i < k->s->n_processes; i++)
		k->processes[i] = c->processes[i];
	for (uint32_t i = 0; c->objects && i < k->s->n_objects; i++)
		if (c->objects[i])
			k->objects[channel_of(k->s, i)] = true;
	for (uint32_t hop = 0; !all && (!c->hops || hop < c->hops); hop++)
		if (!spread(k))
			break;
	/* An arc is drawn if both of its ends are. */
	uint32_t kept = 0;

	for (uint32_t i = 0; i < k->n; i++) {
		const struct via_arc *a = &k->arcs[i];

		if (all || (k->processes[a->process] && k->objects[a->object]))
			k->arcs[kept++] = *a;
	}
	k->n = kept;
	for (uint32_t i = 0; all && i < k->n; i++) {
		k->processes[k->arcs[i].process] = true;
		k->objects[k->arcs[i].object] = true;
	}
}

/* --- Nodes --- */

/* How grave a verdict is for the process of the thread. */
static int gravity(uint32_t verdict)
{
	static const uint8_t order[VIA_N_VERDICTS] = {
		[VIA_VERDICT_IDLE] = 1,	    [VIA_VERDICT_UNKNOWN] = 2,
		[VIA_VERDICT_WAITING] = 3,  [VIA_VERDICT_RUNNING] = 4,
		[VIA_VERDICT_ORPHANED] = 5, [VIA_VERDICT_STUCK] = 6,
		[VIA_VERDICT_DEADLOCK] = 7,
	};

	return verdict < VIA_N_VERDICTS ? order[verdict] : 0;
}

static void judge(const struct via_picture *p, struct via_node *node)
{
	const struct via_process *process = &p->s->processes[node->index];

	node->verdict = VIA_VERDICT_UNKNOWN;
	node->certainty = VIA_GUESS;
	for (uint32_t i = 0; p->d && i < process->n_threads; i++) {
		const struct via_verdict_of *v =
			&p->d->verdicts[process->first_thread + i];

		if (i == 0 || gravity(v->verdict) > gravity(node->verdict)) {
			node->verdict = v->verdict;
			node->certainty = v->certainty;
		}
	}
}

static uint32_t add_nodes(struct via_picture *p, const bool *drawn, uint32_t n,
			  bool processes, uint32_t *number)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!drawn[i])
			continue;
		number[i] = p->n_nodes;
		struct via_node *node = &p->nodes[p->n_nodes++];

		*node = (struct via_node){
			.is_process = processes,
			.index = i,
			.other = processes ? VIA_NONE : p->s->objects[i].peer,
		};
		if (processes)
			judge(p, node);
	}
	return p->n_nodes;
}

static bool asked_for(const struct via_picture *p,
		      const struct via_choice *choice, const struct via_node *n)
{
	const bool *asked = n->is_process ? choice->processes : choice->objects;

	(void)p;
	return asked &&
	       (asked[n->index] || (n->other != VIA_NONE && asked[n->other]));
}

static int ink(struct sketch *k, struct via_picture *p)
{
	uint32_t n = k->s->n_processes + k->s->n_objects;
	uint32_t *number = calloc(n + (size_t)1, sizeof(*number));

	p->nodes = calloc(n + (size_t)1, sizeof(*p->nodes));
	if (!number || !p->nodes) {
		free(number);
		return -ENOMEM;
	}
	p->n_processes = add_nodes(p, k->processes, k->s->n_processes, true,
				   number);
	(void)add_nodes(p, k->objects, k->s->n_objects, false,
			number + k->s->n_processes);
	for (uint32_t i = 0; i < p->n_nodes; i++)
		p->nodes[i].wanted = asked_for(p, k->choice, &p->nodes[i]);
	for (uint32_t i = 0; i < k->n; i++) {
		k->arcs[i].process = number[k->arcs[i].process];
		k->arcs[i].object =
			number[k->s->n_processes + k->arcs[i].object];
	}
	free(number);
	p->arcs = k->arcs;
	p->n_arcs = k->n;
	k->arcs = NULL;
	return 0;
}

/* --- The picture --- */

static int draw(struct sketch *k, struct via_picture *p)
{
	const struct via_snapshot *s = k->s;

	k->processes = calloc(s->n_processes + (size_t)1, sizeof(bool));
	k->objects = calloc(s->n_objects + (size_t)1, sizeof(bool));
	if (!k->processes || !k->objects)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_holds; i++)
		sketch_hold(k, &s->holds[i]);
	for (uint32_t i = 0; i < s->n_waits; i++)
		sketch_wait(k, &s->waits[i]);
	merge(k);
	keep_joining(k);
	if (!k->error)
		choose(k);
	return k->error ? k->error : ink(k, p);
}

int via__picture_new(const struct via_snapshot *s,
		     const struct via_diagnosis *d,
		     const struct via_choice *choice, struct via_picture **ret)
{
	struct sketch k = {.s = s, .d = d, .choice = choice};
	struct via_picture *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (p) {
		p->s = s;
		p->d = d;
		err = draw(&k, p);
	}
	free(k.processes);
	free(k.objects);
	free(k.arcs);
	if (err)
		via__picture_free(p);
	else
		*ret = p;
	return err;
}

void via__picture_free(struct via_picture *p)
{
	if (!p)
		return;
	free(p->nodes);
	free(p->arcs);
	free(p);
}

/* --- Words --- */

const char *via__node_text(const struct via_picture *p, uint32_t node,
			   char *buf, size_t size)
{
	const struct via_node *n = &p->nodes[node];

	if (n->is_process)
		return via__process_text(p->s, n->index, buf, size);
	/* Of two sides the one with a name says more. */
	uint32_t named = n->other != VIA_NONE && !p->s->objects[n->index].name
				 ? n->other
				 : n->index;

	return via__object_text(p->s, named, buf, size);
}

const struct via_object *via__node_fuller(const struct via_picture *p,
					  uint32_t node)
{
	const struct via_node *n = &p->nodes[node];

	if (n->is_process)
		return NULL;
	const struct via_object *o = &p->s->objects[n->index];

	return n->other != VIA_NONE && p->s->objects[n->other].level > o->level
		       ? &p->s->objects[n->other]
		       : o;
}

const char *via__node_level(const struct via_picture *p, uint32_t node,
			    char *buf, size_t size)
{
	const struct via_object *o = via__node_fuller(p, node);
	struct via__out out = via__out(buf, size);

	if (!o || o->level == VIA_UNKNOWN)
		return buf;
	const char *unit = o->flags & VIA_OBJECT_LISTENS
				   ? "connections"
				   : via_kind_unit((enum via_kind)o->kind);
	bool bytes = strcmp(unit, "B") == 0;

	via__put_amount(&out, o->level, !bytes);
	if (o->capacity != VIA_UNKNOWN) {
		via__out_print(&out, "/");
		via__put_amount(&out, o->capacity, !bytes);
	}
	if (!bytes)
		via__out_print(&out, " %s", unit);
	return buf;
}
