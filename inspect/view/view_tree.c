/* SPDX-License-Identifier: MIT */
/* via ls --tree: processes, below each what it shares, below that who else has
 * it. */
#include <string.h>

#include "inspect/view/cells.h"
#include "inspect/view/shared.h"
#include "inspect/view/text.h"

/* Below an object: each other process once. */
static void add_others(const struct via__show *show, struct via__lines *ret,
		       uint32_t process, uint32_t object, uint32_t parent)
{
	const struct via_snapshot *s = show->s;
	uint32_t both[] = {object, via__other_end(s, object)};
	uint32_t before = VIA_NONE;

	for (size_t k = 0; k < 2 && both[k] != VIA_NONE; k++) {
		const struct via_object *o = &s->objects[both[k]];

		for (uint32_t i = 0; i < o->n_users; i++) {
			uint32_t hold = s->users[o->first_user + i];
			uint32_t other = s->holds[hold].process;

			if (other == process || other == before)
				continue;
			struct via__line *line = via__add_line(ret);

			line->process = other;
			line->hold = hold;
			line->parent = parent;
			before = other;
		}
	}
}

/* A process, once something of it is shown. */
static uint32_t add_process(struct via__lines *ret, uint32_t process)
{
	via__add_line(ret)->process = process;
	return ret->n - 1;
}

/* Whether an earlier hold of the same process is of the same object. */
static bool had(const struct via_snapshot *s, uint32_t hold)
{
	const struct via_holding *h = &s->holds[hold];
	const struct via_object *o = &s->objects[h->object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		uint32_t user = s->users[o->first_user + i];

		if (s->holds[user].process == h->process)
			return user != hold;
	}
	return false;
}

static void add_holds(const struct via__show *show, struct via__lines *ret,
		      uint32_t process)
{
	const struct via_snapshot *s = show->s;
	const struct via_process *p = &s->processes[process];
	uint32_t parent = VIA_NONE;

	for (uint32_t i = 0; i < p->n_holds; i++) {
		uint32_t hold = p->first_hold + i;
		const struct via_holding *h = &s->holds[hold];

		if (!via__is_shown(show, h->object) || had(s, hold))
			continue;
		if (parent == VIA_NONE)
			parent = add_process(ret, process);
		struct via__line *line = via__add_line(ret);

		line->process = process;
		line->hold = hold;
		line->object = h->object;
		line->parent = parent;
		add_others(show, ret, process, h->object, ret->n - 1);
	}
}

static void tree_lines(const struct via__show *show, struct via__lines *ret)
{
	for (uint32_t i = 0; i < show->s->n_processes; i++)
		add_holds(show, ret, i);
}

static void cell_what(const struct via__show *show,
		      const struct via__line *line, struct via__out *out)
{
	char text[VIA__TEXT_MAX];

	if (line->object != VIA_NONE)
		via__cell_object(show, line, out);
	else if (line->hold != VIA_NONE)
		via__out_text(out, via__end_text(show->s,
						 &show->s->holds[line->hold],
						 text, sizeof(text)));
	else
		via__cell_process(show, line, out);
}

static void cell_fd(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	if (line->object != VIA_NONE)
		via__cell_how(show, line, out);
}

static const struct via__column columns[] = {
	{"NAME", "process, what it shares, who else has that",
	 VIA__TREE | VIA__CUT, NULL, cell_what},
	{"FD", "as what the process has it", 0, NULL, cell_fd},
	VIA__COLUMN_PID,
	VIA__COLUMN_USER,
	{"LEVEL", "how full it is, of how much", VIA__RIGHT, via__number_level,
	 via__cell_level, .want = VIA_WANT_LEVELS},
	{"STATE", "of a socket; full, deleted", 0, NULL, via__cell_state,
	 .want = VIA_WANT_LEVELS},
	{"WAITS", "who waits for it, to do what, since when", VIA__ITEMS, NULL,
	 via__cell_waits, via__json_waits, .want = VIA_WANT_WAITS},
	VIA__COLUMN_COMMAND,
	{0},
};

const struct via__view via__view_tree = {
	.name = "tree",
	.json = "tree",
	.columns = columns,
	.initial = "LEVEL,STATE,WAITS,FD,NAME",
	.want = VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_MAPS |
		VIA_WANT_SOCKETS | VIA_WANT_IPC | VIA_WANT_LOCKS |
		VIA_WANT_WAITS | VIA_WANT_CHANNELS,
	.lines = tree_lines,
};
