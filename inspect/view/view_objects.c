/* SPDX-License-Identifier: MIT */
/* via ls: objects, each with all its ends. */
#include "inspect/view/cells.h"
#include "inspect/view/shared.h"

static void objects_lines(const struct via__show *show, struct via__lines *ret)
{
	const struct via_snapshot *s = show->s;

	/* Sorted by kind, and as they were found within each. */
	for (uint32_t kind = 0; kind < VIA_N_KINDS; kind++)
		for (uint32_t i = 0; i < s->n_objects; i++)
			if (s->objects[i].kind == kind &&
			    via__is_leader(s, i) && via__is_shown(show, i))
				via__add_line(ret)->object = i;
}

static const struct via__column columns[] = {
	{"KIND", "what it is", 0, NULL, via__cell_kind},
	{"NAME", "path, address, key or [inode]", VIA__CUT, NULL,
	 via__cell_name},
	{"OBJECT", "kind and name", VIA__CUT, NULL, via__cell_object},
	{"LEVEL", "how full it is, of how much", VIA__RIGHT | VIA__SPARE(1),
	 via__number_level, via__cell_level, .want = VIA_WANT_LEVELS},
	{"CAPACITY", "how much fits", VIA__RIGHT, via__number_capacity,
	 via__cell_capacity, .want = VIA_WANT_LEVELS},
	{"STATE", "of a socket; full, deleted", 0, NULL, via__cell_state,
	 .want = VIA_WANT_LEVELS},
	{"ENDS", "who has it: PID,COMMAND,FD with r, w or both", VIA__ITEMS,
	 NULL, via__cell_ends, via__json_ends},
	{"IN-FLIGHT",
	 "messages that have it: the socket that they are in, with r, w or "
	 "both",
	 VIA__ITEMS, NULL, via__cell_flights, via__json_flights},
	{"WAITS", "who waits for it, to do what, since when",
	 VIA__ITEMS | VIA__SPARE(2), NULL, via__cell_waits, via__json_waits,
	 .want = VIA_WANT_WAITS},
	{"SINCE", "how long the longest wait is; in JSON since_ns", VIA__RIGHT,
	 via__number_waiting_ns, via__cell_waiting, .want = VIA_WANT_WAITS,
	 .key = "since_ns"},
	{"AGE",
	 "how long ago it was made or changed, where that is known; in "
	 "JSON made, in seconds since 1970",
	 VIA__RIGHT, via__number_made, via__cell_age, .want = VIA_WANT_IPC,
	 .key = "made"},
	{"PROCESSES", "how many have it", VIA__RIGHT, via__number_n_processes},
	{"USER", "whose it is", 0, NULL, via__cell_owner},
	{"PEER", "its other end", VIA__CUT, NULL, via__cell_peer},
	{"FLAGS", "what else it is", 0, NULL, via__cell_flags},
	{"SEEN", "whether all who have it are known", 0, NULL, via__cell_seen},
	{"DEV", "device number", VIA__RIGHT, via__number_dev},
	{"INO", "inode number or id", VIA__RIGHT, via__number_ino},
	{0},
};

const struct via__view via__view_objects = {
	.name = "objects",
	.json = "objects",
	.columns = columns,
	.initial = "KIND,NAME,LEVEL,WAITS,ENDS",
	.want = VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_MAPS |
		VIA_WANT_SOCKETS | VIA_WANT_IPC | VIA_WANT_LOCKS |
		VIA_WANT_WAITS | VIA_WANT_CHANNELS,
	.lines = objects_lines,
};
