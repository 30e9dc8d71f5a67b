/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/orphans.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLURAL(n) ((n) == 1 ? "" : "s")

enum judgement {
	IN_USE,
	ORPHANED,
	UNJUDGED,
};

struct judge {
	const struct via_snapshot *s;
	uint32_t ipc_ns; /* that of who took the snapshot */
};

/* --- Who is there --- */

static const struct via_process *self(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].flags & VIA_PROCESS_SELF)
			return &s->processes[i];
	return NULL;
}

/* When a process began, in seconds since 1970. */
static int64_t began(const struct via_snapshot *s, const struct via_process *p)
{
	const struct via_sight *sight = &s->sight;

	if (!sight->ticks_per_s || p->task.start > sight->boot_ticks)
		return VIA_UNKNOWN;
	return sight->taken - (int64_t)((sight->boot_ticks - p->task.start) /
					sight->ticks_per_s);
}

/*
 * Whether who had this id at some time is dead. A process of that id is another
 * one only if it began later, by more than what is rounded off. 0: we do not
 * know who it was, of another namespace perhaps.
 */
static bool is_dead(const struct via_snapshot *s, pid_t pid, int64_t at)
{
	uint32_t i = via_snapshot_process(s, pid);
	int64_t since;

	if (pid <= 0)
		return false;
	if (i == VIA_NONE)
		return true;
	since = began(s, &s->processes[i]);
	return since != VIA_UNKNOWN && at != VIA_UNKNOWN && since > at + 2;
}

static bool hides(const struct via_process *p, uint32_t hidden)
{
	return p->hidden & hidden && !(p->flags & VIA_PROCESS_KERNEL);
}

/* Whether all were seen who could have an object: nobody hides anything, or
 * only those of other users do, who may not open it. Root's could, but it is
 * not theirs to keep. */
static bool all_seen(const struct via_snapshot *s, const struct via_ipc *ipc,
		     uint32_t hidden)
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		if (hides(p, hidden) &&
		    (ipc->mode & 066 || p->euid == ipc->uid ||
		     p->uid == ipc->uid || s->sight.uid == 0))
			return false;
	}
	return true;
}

/* --- Rules --- */

__attribute__((format(printf, 2, 3))) static enum judgement
because(struct via__orphan *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(o->why, sizeof(o->why), format, args);
	va_end(args);
	return ORPHANED;
}

/* The kernel counts who has it attached, whoever that is. */
static enum judgement memory(const struct judge *j, const struct via_object *o,
			     const struct via_ipc *ipc, struct via__orphan *ret)
{
	if (ipc->n_attached != 0 || o->n_users ||
	    !is_dead(j->s, ipc->creator, ipc->changed))
		return IN_USE;
	if (ipc->last && !is_dead(j->s, ipc->last, ipc->used))
		return IN_USE;
	if (!ipc->last || ipc->last == ipc->creator)
		return because(ret,
			       "nobody has it attached, and process %d, which "
			       "made it, is dead",
			       ipc->creator);
	return because(ret,
		       "nobody has it attached, and processes %d, which made "
		       "it, and %d, which had it last, are dead",
		       ipc->creator, ipc->last);
}

/* Who waits in it is a user, whom the queue does not tell. */
static enum judgement queue(const struct judge *j, const struct via_object *o,
			    const struct via_ipc *ipc, struct via__orphan *ret)
{
	pid_t sender = ipc->last, receiver = ipc->last_receiver;

	if (o->n_waiters || (!sender && !receiver) ||
	    (sender && !is_dead(j->s, sender, ipc->used)) ||
	    (receiver && !is_dead(j->s, receiver, ipc->used)))
		return IN_USE;
	if (!(j->s->sight.want & VIA_WANT_WAITS) ||
	    !all_seen(j->s, ipc, VIA_HIDDEN_WAITS))
		return UNJUDGED;
	if (!sender || !receiver)
		return because(ret,
			       "process %d, the only one that %s, is dead, and "
			       "nobody waits; %" PRId64 " message%s",
			       sender ? sender : receiver,
			       sender ? "has sent" : "has received",
			       ipc->n_messages, PLURAL(ipc->n_messages));
	return because(
		ret,
		"processes %d, which sent last, and %d, which received "
		"last, are dead, and nobody waits; %" PRId64 " message%s",
		sender, receiver, ipc->n_messages, PLURAL(ipc->n_messages));
}

static enum judgement semaphores(const struct judge *j,
				 const struct via_object *o,
				 const struct via_ipc *ipc,
				 struct via__orphan *ret)
{
	pid_t last = 0;

	if (o->n_waiters)
		return IN_USE;
	/* Not all of them could be read. */
	if (ipc->n_semaphores != ipc->size)
		return UNJUDGED;
	for (uint32_t i = 0; i < ipc->n_semaphores; i++) {
		const struct via_semaphore *m =
			&j->s->semaphores[ipc->first_semaphore + i];

		if (m->n_waiting || m->n_waiting_zero ||
		    (m->last && !is_dead(j->s, m->last, ipc->used)))
			return IN_USE;
		last = m->last ? m->last : last;
	}
	/* Nobody has used it yet: who made it may be about to. */
	if (!last)
		return IN_USE;
	return because(ret,
		       "all processes that changed it last, as %d, are dead, "
		       "and nobody waits",
		       last);
}

static enum judgement file(const struct judge *j, const struct via_object *o,
			   const struct via_ipc *ipc, struct via__orphan *ret)
{
	uint32_t want = j->s->sight.want, maps = VIA_WANT_ALL_MAPS;

	if (o->n_users || !o->name || o->flags & VIA_OBJECT_DELETED)
		return IN_USE;
	if (!(want & VIA_WANT_FDS) ||
	    (o->kind != VIA_KIND_MQ && !(want & maps)) ||
	    !all_seen(j->s, ipc, VIA_HIDDEN_FDS | VIA_HIDDEN_MAPS))
		return UNJUDGED;
	if (o->kind == VIA_KIND_MQ && ipc->n_messages != VIA_UNKNOWN)
		return because(ret, "nobody has it open; %" PRId64 " message%s",
			       ipc->n_messages, PLURAL(ipc->n_messages));
	return because(ret, "nobody has it open%s",
		       o->kind == VIA_KIND_MQ ? "" : " or mapped");
}

/* --- All of them --- */

static enum judgement judge(const struct judge *j, const struct via_object *o,
			    struct via__orphan *ret)
{
	const struct via_ipc *ipc;

	if (o->kind < VIA_KIND_SYSVSHM || o->kind > VIA_KIND_MQ ||
	    o->detail == VIA_NONE)
		return IN_USE;
	ipc = &j->s->ipcs[o->detail];
	if (j->s->sight.uid != 0 && ipc->uid != j->s->sight.uid)
		return IN_USE;
	if (o->kind <= VIA_KIND_SYSVMSG && o->dev != j->ipc_ns)
		return IN_USE;
	switch (o->kind) {
	case VIA_KIND_SYSVSHM:
		return memory(j, o, ipc, ret);
	case VIA_KIND_SYSVSEM:
		return semaphores(j, o, ipc, ret);
	case VIA_KIND_SYSVMSG:
		return queue(j, o, ipc, ret);
	default:
		return file(j, o, ipc, ret);
	}
}

static int64_t age(const struct via_snapshot *s, const struct via_ipc *ipc)
{
	int64_t last = ipc->used > ipc->changed ? ipc->used : ipc->changed;

	last = ipc->made > last ? ipc->made : last;
	if (last == VIA_UNKNOWN)
		return VIA_UNKNOWN;
	return s->sight.taken > last ? s->sight.taken - last : 0;
}

int via__orphans(const struct via_snapshot *s, struct via__orphans *ret)
{
	const struct via_process *me = self(s);
	struct judge j = {s, me ? me->ipc_ns : 0};
	size_t n = 0;

	*ret = (struct via__orphans){0};
	for (uint32_t i = 0; i < s->n_objects; i++)
		n += s->objects[i].kind >= VIA_KIND_SYSVSHM &&
		     s->objects[i].kind <= VIA_KIND_MQ;
	ret->at = calloc(n + 1, sizeof(*ret->at));
	if (!ret->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_objects; i++) {
		struct via__orphan orphan = {.object = i};
		enum judgement is = judge(&j, &s->objects[i], &orphan);

		ret->n_unjudged += is == UNJUDGED;
		if (is != ORPHANED)
			continue;
		orphan.age_s = age(s, &s->ipcs[s->objects[i].detail]);
		ret->at[ret->n++] = orphan;
	}
	return 0;
}

void via__orphans_fini(struct via__orphans *o)
{
	free(o->at);
	*o = (struct via__orphans){0};
}

const struct via__orphan *via__orphans_find(const struct via__orphans *o,
					    uint32_t object)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->at[i].object == object)
			return &o->at[i];
	return NULL;
}
