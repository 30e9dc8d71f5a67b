/* SPDX-License-Identifier: MIT */
/* via ls --ipc: what System V and POSIX IPC keep, also if nobody has it: the
 * view of ipcs(1). */
#include <inttypes.h>

#include "inspect/view/cells.h"
#include "inspect/view/format.h"

static void ipc_lines(const struct via__show *show, struct via__lines *ret)
{
	const struct via_snapshot *s = show->s;
	uint32_t last = show->all ? VIA_KIND_MEMFD : VIA_KIND_MQ;

	for (uint32_t kind = VIA_KIND_SYSVSHM; kind <= last; kind++)
		for (uint32_t i = 0; i < s->n_objects; i++)
			if (s->objects[i].kind == kind &&
			    via__filter_object(s, show->filter, i))
				via__add_line(ret)->object = i;
}

static const struct via_ipc *ipc_of(const struct via__show *show,
				    const struct via__line *line)
{
	uint32_t detail = show->s->objects[line->object].detail;

	return detail == VIA_NONE ? NULL : &show->s->ipcs[detail];
}

static bool is_sysv(const struct via__show *show, const struct via__line *line)
{
	uint32_t kind = show->s->objects[line->object].kind;

	return kind >= VIA_KIND_SYSVSHM && kind <= VIA_KIND_SYSVMSG;
}

/* A number of the object, if there is a detail and it is not unless. */
#define IPC_NUMBER(name, member, unless)                                       \
	static bool name(const struct via__show *show,                         \
			 const struct via__line *line, int64_t *ret)           \
	{                                                                      \
		const struct via_ipc *ipc = ipc_of(show, line);                \
                                                                               \
		*ret = ipc ? (int64_t)ipc->member : VIA_UNKNOWN;               \
		return *ret != VIA_UNKNOWN && *ret != (unless);                \
	}

IPC_NUMBER(number_size, size, VIA_UNKNOWN)
IPC_NUMBER(number_resident, resident, VIA_UNKNOWN)
IPC_NUMBER(number_attached, n_attached, VIA_UNKNOWN)
IPC_NUMBER(number_messages, n_messages, VIA_UNKNOWN)
IPC_NUMBER(number_message_max, message_max, VIA_UNKNOWN)
IPC_NUMBER(number_creator, creator, 0)
IPC_NUMBER(number_last, last, 0)
IPC_NUMBER(number_last_receiver, last_receiver, 0)
IPC_NUMBER(number_uid, uid, VIA_UNKNOWN)
IPC_NUMBER(number_gid, gid, VIA_UNKNOWN)
/* Never: 0. */
IPC_NUMBER(number_made, made, 0)
IPC_NUMBER(number_changed, changed, 0)
IPC_NUMBER(number_used, used, 0)

static void cell_key(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	const struct via_ipc *ipc = ipc_of(show, line);

	if (ipc && is_sysv(show, line))
		via__out_print(out, "0x%08" PRIx32, (uint32_t)ipc->key);
}

static void cell_mode(const struct via__show *show,
		      const struct via__line *line, struct via__out *out)
{
	const struct via_ipc *ipc = ipc_of(show, line);

	if (ipc)
		via__out_print(out, "%03" PRIo32, ipc->mode & 07777);
}

static void put_bytes(const struct via__show *show, struct via__out *out,
		      int64_t n)
{
	if (n >= 0)
		via__put_size(out, (uint64_t)n, show->exact);
}

static void cell_size(const struct via__show *show,
		      const struct via__line *line, struct via__out *out)
{
	int64_t n;

	if (!number_size(show, line, &n))
		return;
	if (show->s->objects[line->object].kind == VIA_KIND_SYSVSEM)
		via__out_print(out, "%" PRId64, n);
	else
		put_bytes(show, out, n);
}

static void cell_resident(const struct via__show *show,
			  const struct via__line *line, struct via__out *out)
{
	int64_t n;

	if (number_resident(show, line, &n))
		put_bytes(show, out, n);
}

#define AGE(name, number)                                                      \
	static void name(const struct via__show *show,                         \
			 const struct via__line *line, struct via__out *out)   \
	{                                                                      \
		int64_t when;                                                  \
                                                                               \
		if (number(show, line, &when))                                 \
			via__put_age(show, out, when);                         \
	}

AGE(cell_made, number_made)
AGE(cell_changed, number_changed)
AGE(cell_used, number_used)

/* "unused" is what via gc may remove. */
static void cell_status(const struct via__show *show,
			const struct via__line *line, struct via__out *out)
{
	const struct via_object *o = &show->s->objects[line->object];
	int64_t attached;

	if (o->flags & VIA_OBJECT_DELETED)
		via__out_print(out, "deleted");
	else if (!o->n_users && number_attached(show, line, &attached) &&
		 !attached)
		via__out_print(out, "unused");
}

static const struct via__column columns[] = {
	{"KIND", "what it is", 0, NULL, via__cell_kind},
	{"KEY", "System V key", VIA__SPARE(4), NULL, cell_key},
	{"NAME", "id or name", VIA__CUT, NULL, via__cell_name},
	{"OWNER", "whose it is", 0, NULL, via__cell_owner},
	{"UID", "whose it is, as a number", VIA__RIGHT, number_uid},
	{"GID", "of which group", VIA__RIGHT, number_gid},
	{"MODE", "access mode", VIA__RIGHT | VIA__SPARE(5), NULL, cell_mode},
	{"SIZE", "bytes; semaphores: how many", VIA__RIGHT, number_size,
	 cell_size},
	{"RESIDENT", "bytes in memory", VIA__RIGHT, number_resident,
	 cell_resident},
	{"LEVEL", "how full it is, of how much", VIA__RIGHT | VIA__SPARE(1),
	 via__number_level, via__cell_level, .want = VIA_WANT_LEVELS},
	{"MESSAGES", "how many wait", VIA__RIGHT, number_messages},
	{"LONGEST", "queues: the longest message, in bytes", VIA__RIGHT,
	 number_message_max},
	{"ATTACHED", "System V memory: how often", VIA__RIGHT | VIA__SPARE(2),
	 number_attached},
	{"STATUS", "deleted, unused", 0, NULL, cell_status},
	{"CREATOR", "pid of who made it", VIA__RIGHT | VIA__SPARE(6),
	 number_creator},
	{"LAST", "pid of who used it last", VIA__RIGHT | VIA__SPARE(7),
	 number_last},
	{"RECEIVER", "System V queue: pid of who received last", VIA__RIGHT,
	 number_last_receiver},
	{"MADE", "how long ago it was made; in JSON seconds since 1970",
	 VIA__RIGHT, number_made, cell_made},
	{"CHANGED", "how long ago its state was changed",
	 VIA__RIGHT | VIA__SPARE(3), number_changed, cell_changed},
	{"USED", "how long ago it was used last", VIA__RIGHT, number_used,
	 cell_used},
	{"ENDS", "who has it", VIA__ITEMS, NULL, via__cell_ends,
	 via__json_ends},
	{"WAITS", "who waits for it", VIA__ITEMS, NULL, via__cell_waits,
	 via__json_waits, .want = VIA_WANT_WAITS},
	{0},
};

const struct via__view via__view_ipc = {
	.name = "ipc",
	.json = "ipc",
	.columns = columns,
	.initial = "KIND,KEY,NAME,OWNER,MODE,SIZE,LEVEL,ATTACHED,STATUS,"
		   "CREATOR,LAST,CHANGED",
	.want = VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_IPC | VIA_WANT_PATHS,
	.lines = ipc_lines,
};
