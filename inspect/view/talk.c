/* SPDX-License-Identifier: MIT */
#include "inspect/view/talk.h"

#include "inspect/view/filter.h"
#include "inspect/view/shared.h"

/* A program is read, but nobody talks by it. */
static unsigned int flags_of(const struct via_holding *h)
{
	return h->how == VIA_HOLDS_EXE ? 0 : h->flags;
}

/* Whether this hold is the first one of its process on its object, and what
 * the process has it for, by all its holds together. */
static bool first_hold(const struct via_snapshot *s, uint32_t hold,
		       unsigned int *ret_flags)
{
	const struct via_holding *h = &s->holds[hold];
	const struct via_object *o = &s->objects[h->object];
	uint32_t first = VIA_NONE;

	*ret_flags = 0;
	for (uint32_t i = 0; i < o->n_users; i++) {
		uint32_t user = s->users[o->first_user + i];

		if (s->holds[user].process != h->process) {
			if (first != VIA_NONE)
				break;
			continue;
		}
		if (first == VIA_NONE)
			first = user;
		*ret_flags |= flags_of(&s->holds[user]);
	}
	return first == hold;
}

/* What lies in shared memory or has no direction. */
static bool is_talk(const struct via_snapshot *s, uint32_t object)
{
	switch (s->objects[object].kind) {
	case VIA_KIND_LOCK:
	case VIA_KIND_FUTEX:
	case VIA_KIND_SYSVSEM:
	case VIA_KIND_POSIXSEM:
		return false;
	default:
		return via__is_ipc(s, object);
	}
}

/* Whether all who have the same end are beside each other: children of a shell
 * on its terminal, of a server on its socket. */
static bool is_end(const struct via_snapshot *s, uint32_t object)
{
	uint32_t kind = s->objects[object].kind;

	return kind == VIA_KIND_PTY || kind == VIA_KIND_PTMX ||
	       (kind >= VIA_KIND_UNIX && kind <= VIA_KIND_SOCKET);
}

struct search {
	const struct via_snapshot *s;
	uint32_t process, object;
	unsigned int flags;
	bool (*f)(const struct via__talk *talk, void *arg);
	void *arg;
};

/* All others that have what may be the same object or its other end. */
static bool others(const struct search *x, uint32_t object)
{
	const struct via_object *o = &x->s->objects[object];
	bool same = object == x->object;

	for (uint32_t i = 0; i < o->n_users;) {
		const struct via_holding *h =
			&x->s->holds[x->s->users[o->first_user + i]];
		struct via__talk talk = {x->object, h->process, false, false};
		unsigned int theirs = 0;

		for (; i < o->n_users; i++) {
			const struct via_holding *next =
				&x->s->holds[x->s->users[o->first_user + i]];

			if (next->process != talk.other)
				break;
			theirs |= flags_of(next);
		}
		/* What direction a socket or a mapping has is not known. */
		talk.to = !same ||
			  (x->flags & VIA_HOLD_WRITE && theirs & VIA_HOLD_READ);
		talk.from = !same || (x->flags & VIA_HOLD_READ &&
				      theirs & VIA_HOLD_WRITE);
		if (talk.other != x->process && (talk.to || talk.from) &&
		    !x->f(&talk, x->arg))
			return false;
	}
	return true;
}

void via__talks(const struct via_snapshot *s, uint32_t process,
		bool (*f)(const struct via__talk *talk, void *arg), void *arg)
{
	const struct via_process *p = &s->processes[process];
	bool more = true;

	for (uint32_t i = 0; i < p->n_holds && more; i++) {
		struct search x = {
			s, process, s->holds[p->first_hold + i].object,
			0, f,	    arg};
		uint32_t other = s->objects[x.object].peer;

		if (!is_talk(s, x.object) ||
		    !first_hold(s, p->first_hold + i, &x.flags))
			continue;
		if (!is_end(s, x.object))
			more = others(&x, x.object);
		if (more && other != VIA_NONE && other != x.object)
			more = others(&x, other);
	}
}
