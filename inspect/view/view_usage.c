/* SPDX-License-Identifier: MIT */
/* via ls --usage: how much there is of each kind: the summary of ipcs -u, of
 * everything. */
#include "inspect/view/cells.h"
#include "inspect/view/format.h"

/* A line for each kind that there is; its object is the first one. */
static void usage_lines(const struct via__show *show, struct via__lines *ret)
{
	const struct via_snapshot *s = show->s;

	for (uint32_t kind = 0; kind < VIA_N_KINDS; kind++)
		for (uint32_t i = 0; i < s->n_objects; i++)
			if (s->objects[i].kind == kind &&
			    via__filter_object(s, show->filter, i)) {
				via__add_line(ret)->object = i;
				break;
			}
}

static bool is_one(const struct via__show *show, const struct via__line *line,
		   uint32_t object)
{
	return show->s->objects[object].kind ==
		       show->s->objects[line->object].kind &&
	       via__filter_object(show->s, show->filter, object);
}

/* What is summed up, of one object. */
typedef int64_t amount(const struct via_snapshot *s,
		       const struct via_object *o);

static bool sum(const struct via__show *show, const struct via__line *line,
		amount *of, int64_t *ret)
{
	bool known = false;

	*ret = 0;
	for (uint32_t i = line->object; i < show->s->n_objects; i++) {
		if (!is_one(show, line, i))
			continue;
		int64_t n = of(show->s, &show->s->objects[i]);

		/* A file may say anything: then the sum is not known. */
		if (n != VIA_UNKNOWN && __builtin_add_overflow(*ret, n, ret))
			return false;
		known |= n != VIA_UNKNOWN;
	}
	return known;
}

static const struct via_ipc *ipc_of(const struct via_snapshot *s,
				    const struct via_object *o)
{
	return o->kind >= VIA_KIND_SYSVSHM && o->kind <= VIA_KIND_MEMFD &&
			       o->detail != VIA_NONE
		       ? &s->ipcs[o->detail]
		       : NULL;
}

static int64_t of_one(const struct via_snapshot *s, const struct via_object *o)
{
	(void)s, (void)o;
	return 1;
}

static int64_t of_holders(const struct via_snapshot *s,
			  const struct via_object *o)
{
	(void)s;
	return o->n_users;
}

static int64_t of_level(const struct via_snapshot *s,
			const struct via_object *o)
{
	(void)s;
	return o->flags & VIA_OBJECT_LISTENS ? VIA_UNKNOWN : o->level;
}

static int64_t of_unused(const struct via_snapshot *s,
			 const struct via_object *o)
{
	return ipc_of(s, o) ? !o->n_users : VIA_UNKNOWN;
}

#define OF_IPC(name, member)                                                   \
	static int64_t name(const struct via_snapshot *s,                      \
			    const struct via_object *o)                        \
	{                                                                      \
		const struct via_ipc *ipc = ipc_of(s, o);                      \
                                                                               \
		return ipc ? ipc->member : VIA_UNKNOWN;                        \
	}

OF_IPC(of_size, size)
OF_IPC(of_resident, resident)
OF_IPC(of_messages, n_messages)

#define SUM(name, of)                                                          \
	static bool name(const struct via__show *show,                         \
			 const struct via__line *line, int64_t *ret)           \
	{                                                                      \
		return sum(show, line, of, ret);                               \
	}

SUM(number_objects, of_one)
SUM(number_holders, of_holders)
SUM(number_level, of_level)
SUM(number_unused, of_unused)
SUM(number_size, of_size)
SUM(number_resident, of_resident)
SUM(number_messages, of_messages)

static const struct via__column columns[] = {
	{"KIND", "of what", 0, NULL, via__cell_kind},
	{"OBJECTS", "how many there are", VIA__RIGHT, number_objects},
	{"HOLDS", "how often they are held", VIA__RIGHT | VIA__SPARE(1),
	 number_holders},
	{"UNUSED", "how many nobody holds", VIA__RIGHT | VIA__SPARE(2),
	 number_unused},
	{"LEVEL", "what is in them, in the kind's unit", VIA__RIGHT,
	 number_level},
	{"SIZE", "memory, in bytes; semaphores: how many", VIA__RIGHT,
	 number_size},
	{"RESIDENT", "of it in memory, in bytes", VIA__RIGHT | VIA__SPARE(3),
	 number_resident},
	{"MESSAGES", "how many wait", VIA__RIGHT | VIA__SPARE(4),
	 number_messages},
	{0},
};

const struct via__view via__view_usage = {
	.name = "usage",
	.json = "usage",
	.columns = columns,
	.initial = "KIND,OBJECTS,HOLDS,UNUSED,LEVEL,SIZE,RESIDENT,MESSAGES",
	.want = VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_IPC | VIA_WANT_LEVELS |
		VIA_WANT_SOCKETS | VIA_WANT_LOCKS,
	.lines = usage_lines,
};
