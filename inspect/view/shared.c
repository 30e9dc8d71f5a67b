/* SPDX-License-Identifier: MIT */
#include "inspect/view/shared.h"

#include "inspect/model/build.h"
#include "inspect/view/cells.h"

bool via__is_leader(const struct via_snapshot *s, uint32_t object)
{
	uint32_t other = via__other_end(s, object);

	if (other == VIA_NONE)
		return true;
	const struct via_object *a = &s->objects[object],
				*b = &s->objects[other];

	if (a->kind != b->kind)
		return a->kind == VIA_KIND_PTY;
	if (!a->name != !b->name)
		return a->name;
	return object < other;
}

uint32_t via__next_flight(const struct via_snapshot *s, uint32_t object,
			  uint32_t link)
{
	uint32_t i = link == VIA_NONE ? via__first_link(s, object) : link + 1;

	for (; i < s->n_links && s->links[i].from == object; i++)
		if (s->links[i].kind == VIA_LINK_IN_FLIGHT)
			return i;
	return VIA_NONE;
}

enum use {
	BESIDE, /* of one process, or a file */
	SHARED, /* if two have it */
	NAMED,	/* there for others to come, even if nobody has it */
};

static const unsigned char uses[VIA_N_KINDS] = {
	[VIA_KIND_PIPE] = SHARED,    [VIA_KIND_FIFO] = NAMED,
	[VIA_KIND_UNIX] = SHARED,    [VIA_KIND_TCP] = SHARED,
	[VIA_KIND_UDP] = SHARED,     [VIA_KIND_SYSVSHM] = NAMED,
	[VIA_KIND_SYSVSEM] = NAMED,  [VIA_KIND_SYSVMSG] = NAMED,
	[VIA_KIND_POSIXSHM] = NAMED, [VIA_KIND_POSIXSEM] = NAMED,
	[VIA_KIND_MQ] = NAMED,	     [VIA_KIND_MEMFD] = SHARED,
	[VIA_KIND_ANON] = SHARED,    [VIA_KIND_EVENTFD] = SHARED,
	[VIA_KIND_PTMX] = SHARED,    [VIA_KIND_PTY] = SHARED,
	[VIA_KIND_LOCK] = NAMED,     [VIA_KIND_FUTEX] = SHARED,
	[VIA_KIND_CHANNEL] = NAMED,
};

static bool is_mapped_between(const struct via_snapshot *s,
			      const struct via_object *o)
{
	uint32_t one = VIA_NONE;
	bool two = false, written = false;

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (h->how != VIA_HOLDS_MAP || !(h->flags & VIA_HOLD_SHARED))
			continue;
		two |= one != VIA_NONE && one != h->process;
		one = h->process;
		written |= !!(h->flags & VIA_HOLD_WRITE);
	}
	return two && written;
}

bool via__is_ipc(const struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = &s->objects[object];

	return uses[o->kind] != BESIDE ||
	       (o->kind == VIA_KIND_FILE && is_mapped_between(s, o));
}

static bool is_shared(const struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = &s->objects[object];

	return uses[o->kind] == NAMED ||
	       o->flags & (VIA_OBJECT_LISTENS | VIA_OBJECT_REMOTE) ||
	       via__next_flight(s, object, VIA_NONE) != VIA_NONE ||
	       via__count_processes(s, object, 2) > 1;
}

bool via__is_shown(const struct via__show *show, uint32_t object)
{
	const struct via_snapshot *s = show->s;

	if (!via__filter_object(s, show->filter, object))
		return false;
	if (show->all)
		return true;
	if (via__filter_means(s, show->filter, object))
		return true;
	return via__is_ipc(s, object) &&
	       (!via__filter_empty(show->filter) || is_shared(s, object));
}
