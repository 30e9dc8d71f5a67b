/* SPDX-License-Identifier: MIT */
/* Columns that several views have: of the process, the object and the hold
 * that a line is about. */
#ifndef INSPECT_VIEW_CELLS_H
#define INSPECT_VIEW_CELLS_H

#include "inspect/view/view.h"

typedef bool via__number(const struct via__show *show,
			 const struct via__line *line, int64_t *ret);
typedef void via__words(const struct via__show *show,
			const struct via__line *line, struct via__out *out);
typedef json_t *via__json(const struct via__show *show,
			  const struct via__line *line);

/* Of the object. */
via__words via__cell_kind, via__cell_name, via__cell_object, via__cell_level,
	via__cell_capacity, via__cell_state, via__cell_ends, via__cell_waits,
	via__cell_peer, via__cell_seen, via__cell_flags, via__cell_owner,
	via__cell_flights;
via__number via__number_level, via__number_capacity, via__number_n_processes,
	via__number_ino, via__number_dev, via__number_waiting_ns,
	via__number_made;
via__words via__cell_waiting, via__cell_age;
via__json via__json_ends, via__json_waits, via__json_flights;

/* Of the process, and of the hold. */
via__words via__cell_comm, via__cell_user, via__cell_command, via__cell_how,
	via__cell_process;
via__number via__number_pid, via__number_uid;

/* How long before the snapshot that was, in seconds since 1970. */
void via__put_age(const struct via__show *show, struct via__out *out,
		  int64_t when);

/* Print a user, by name if it has one. */
void via__put_user(const struct via__show *show, struct via__out *out,
		   uid_t uid);

/* Different processes that have to do with an object, either end of it, which
 * hold it or wait for it; counted up to max. */
unsigned int via__count_processes(const struct via_snapshot *s, uint32_t object,
				  unsigned int max);

/* What a wait is for: "read pipe:[42]", "child 4711,make". */
void via__put_wait(struct via__out *out, const struct via_snapshot *s,
		   const struct via_wait *w);
json_t *via__wait_json(const struct via_snapshot *s, const struct via_wait *w);

/* Append to a list what may be NULL; 0 or -1. */
int via__append(json_t *list, json_t *value);

/* Columns that any view may have, as rows. */
#define VIA__COLUMN_PID                                                        \
	{                                                                      \
		"PID", "process id", VIA__RIGHT, via__number_pid               \
	}
#define VIA__COLUMN_COMMAND                                                    \
	{                                                                      \
		"COMMAND", "its arguments", VIA__CUT, NULL, via__cell_command, \
			.want = VIA_WANT_NAMES                                 \
	}
#define VIA__COLUMN_USER                                                       \
	{                                                                      \
		"USER", "whose it is", VIA__SPARE(1), NULL, via__cell_user     \
	}

#endif
