/* SPDX-License-Identifier: MIT */
/* Findings on what has no room: both directions, a listener, a queue. */
#include <inttypes.h>

#include "inspect/diagnose/findings.h"

/* --- Both directions --- */

/* The thread of a cycle with the lowest pid, if all of them write; VIA_NONE. */
static uint32_t all_write(const struct via__finder *f,
			  const struct via_cycle *c)
{
	const uint32_t *threads = f->d->cycle_threads + c->first;
	uint32_t first = threads[0];

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->n < 2 || !via__reason(f, threads[i], VIA_OP_WRITE))
			return VIA_NONE;
		first = threads[i] < first ? threads[i] : first;
	}
	return first;
}

void via__find_both_full(struct via__finder *f)
{
	for (uint32_t i = 0; i < f->d->n_cycles; i++) {
		const struct via_cycle *c = &f->d->cycles[i];
		uint32_t t = all_write(f, c);
		char who[VIA__WHO_MAX], object[VIA__TEXT_MAX];

		if (t == VIA_NONE)
			continue;
		const struct via_wait *w = &f->s->waits[f->d->verdicts[t].wait];
		struct via_finding *found =
			via__report(f, c->certainty, f->s->threads[t].process,
				    t, w->object);

		via__say(f, &found->what,
			 "%s and %s all write and none of them reads: what is "
			 "between them is full in every direction (%s)",
			 via__who_thread(f->s, t, who),
			 c->n == 2 ? "its peer" : "its peers",
			 via__object_text(f->s, w->object, object,
					  sizeof(object)));
		via__say(f, &found->advice,
			 "read while writing (poll for both), or take turns; "
			 "larger buffers only put it off");
	}
}

/* --- Listeners --- */

static bool is_connected_to(const struct via__finder *f,
			    const struct via_object *o)
{
	for (uint32_t i = 0; i < o->n_waiters; i++)
		if (f->s->waits[f->s->waiters[o->first_waiter + i]].op ==
		    VIA_OP_CONNECT)
			return true;
	return false;
}

/* Full with somebody at the door; or over its limit, where those who knock are
 * turned away or try again later. */
static bool is_full(const struct via__finder *f, const struct via_object *o)
{
	return o->flags & VIA_OBJECT_LISTENS && o->level > 0 &&
	       o->capacity >= 0 &&
	       (o->level > o->capacity ||
		(o->level == o->capacity && is_connected_to(f, o)));
}

void via__find_backlog_full(struct via__finder *f)
{
	for (uint32_t i = 0; i < f->s->n_objects; i++) {
		const struct via_object *o = &f->s->objects[i];
		char name[VIA__TEXT_MAX], who[VIA__WHO_MAX];

		if (!is_full(f, o))
			continue;
		const struct via_holding *h = via__hold_of(f, VIA_NONE, true, i,
							   VIA__HOLDERS);
		uint32_t process = h ? h->process : VIA_NONE;
		struct via_finding *found = via__report(f, VIA_EXACT, process,
							VIA_NONE, i);

		via__say(f, &found->what,
			 "%" PRId64 " connections wait at %s, which has room "
			 "for %" PRId64 ", and %s does not accept them",
			 o->level,
			 via__object_text(f->s, i, name, sizeof(name)),
			 o->capacity,
			 h ? via__who_process(f->s, process, who)
			   : "whoever listens");
		via__say(f, &found->advice,
			 "see what the listener does (via why %d); accept "
			 "sooner, or give listen(2) a larger backlog",
			 h ? f->s->processes[process].task.pid : 0);
	}
}

/* --- Queues --- */

void via__find_queue_full(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = via__reason(f, t, VIA_OP_WRITE);
		char name[VIA__TEXT_MAX], who[VIA__WHO_MAX];
		const struct via_object *o;

		if (!w || w->object == VIA_NONE ||
		    f->s->threads[t].flags & VIA_THREAD_MOVED)
			continue;
		o = &f->s->objects[w->object];
		if (o->kind != VIA_KIND_MQ && o->kind != VIA_KIND_SYSVMSG)
			continue;
		struct via_finding *found =
			via__report(f, w->certainty, f->s->threads[t].process,
				    t, w->object);

		via__say(f, &found->what,
			 "%s waits for room in %s, which is full",
			 via__who_thread(f->s, t, who),
			 via__object_text(f->s, w->object, name, sizeof(name)));
		via__say(f, &found->advice,
			 o->kind == VIA_KIND_MQ
				 ? "let somebody receive from it; a larger "
				   "mq_maxmsg only puts it off"
				 : "let somebody receive from it (messages of "
				   "a type that nobody asks for stay); see "
				   "msg_qbytes of msgctl(2)");
	}
}
