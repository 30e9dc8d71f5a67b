/* SPDX-License-Identifier: MIT */
/* via ls --fd: each descriptor of each process, and with all what else it has:
 * the view of lsof(8). */
#include <inttypes.h>

#include "inspect/view/cells.h"
#include "inspect/view/words.h"

static bool is_shown(const struct via__show *show, const struct via_holding *h)
{
	return (show->all || h->how != VIA_HOLDS_MAP ||
		via__filter_means(show->s, show->filter, h->object)) &&
	       via__filter_hold(show->s, show->filter, h);
}

static void fds_lines(const struct via__show *show, struct via__lines *ret)
{
	const struct via_snapshot *s = show->s;

	for (uint32_t i = 0; i < s->n_holds; i++) {
		if (!is_shown(show, &s->holds[i]))
			continue;
		struct via__line *line = via__add_line(ret);

		line->process = s->holds[i].process;
		line->object = s->holds[i].object;
		line->hold = i;
	}
}

static const struct via_holding *hold_of(const struct via__show *show,
					 const struct via__line *line)
{
	return &show->s->holds[line->hold];
}

static bool number_fd(const struct via__show *show,
		      const struct via__line *line, int64_t *ret)
{
	*ret = hold_of(show, line)->id;
	return hold_of(show, line)->how == VIA_HOLDS_FD;
}

static bool number_offset(const struct via__show *show,
			  const struct via__line *line, int64_t *ret)
{
	*ret = (int64_t)hold_of(show, line)->start;
	return hold_of(show, line)->how == VIA_HOLDS_FD && *ret > 0;
}

static void cell_range(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	const struct via_holding *h = hold_of(show, line);

	if (h->how == VIA_HOLDS_MAP)
		via__out_print(out, "%" PRIx64 "-%" PRIx64, h->start, h->end);
}

static void cell_flags(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	const struct via_holding *h = hold_of(show, line);
	const char *comma = "";

	for (unsigned int bit = 0; *via__hold_flag_word(bit); bit++) {
		if (!(h->flags >> bit & 1))
			continue;
		via__out_print(out, "%s%s", comma, via__hold_flag_word(bit));
		comma = ",";
	}
}

static void cell_source(const struct via__show *show,
			const struct via__line *line, struct via__out *out)
{
	via__out_print(out, "%s",
		       via__source_word(hold_of(show, line)->source));
}

static const struct via__column columns[] = {
	{"COMM", "short name of the process", VIA__CUT, NULL, via__cell_comm},
	VIA__COLUMN_PID,
	VIA__COLUMN_USER,
	{"FD", "descriptor with r, w or both; map, cwd, root, exe, lock",
	 VIA__RIGHT, NULL, via__cell_how},
	{"NUMBER", "of the descriptor", VIA__RIGHT, number_fd},
	{"KIND", "what it is", VIA__SPARE(1), NULL, via__cell_kind},
	{"NAME", "path, address, key or [inode]", VIA__CUT, NULL,
	 via__cell_name},
	{"PEER", "its other end", VIA__CUT | VIA__SPARE(3), NULL,
	 via__cell_peer},
	{"ENDS", "who has it or its other end", VIA__ITEMS, NULL,
	 via__cell_ends, via__json_ends},
	{"LEVEL", "how full it is, of how much", VIA__RIGHT, via__number_level,
	 via__cell_level, .want = VIA_WANT_LEVELS},
	{"STATE", "of a socket; full, deleted", 0, NULL, via__cell_state,
	 .want = VIA_WANT_LEVELS},
	{"OFFSET", "in the file", VIA__RIGHT, number_offset},
	{"RANGE", "addresses of a mapping", 0, NULL, cell_range},
	{"FLAGS", "how it is held", 0, NULL, cell_flags},
	{"DEV", "device number", VIA__RIGHT, via__number_dev},
	{"INO", "inode number or id", VIA__RIGHT, via__number_ino},
	{"SOURCE", "where this is known from", 0, NULL, cell_source},
	VIA__COLUMN_COMMAND,
	{0},
};

const struct via__view via__view_fds = {
	.name = "fd",
	.json = "descriptors",
	.columns = columns,
	.initial = "COMM,PID,USER,FD,KIND,NAME,PEER",
	.want = VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_SOCKETS,
	.lines = fds_lines,
};
