/* SPDX-License-Identifier: MIT */
/* Printing a view of inspect/view: as a table, as words for scripts, as JSON;
 * and the options that choose what is in it. */
#ifndef CLI_INSPECT_SHOW_H
#define CLI_INSPECT_SHOW_H

#include "cli/inspect/look.h"
#include "cli/verb.h"
#include "inspect/view/view.h"

/* Verbs embed these in their options, and the rows below in their tables. */
struct show_options {
	const char *columns;
	bool raw, no_headings, bytes, all;
};

struct choose_options {
	struct cli_list kinds, pids, users, states;
};

/* All of them together. */
struct list_options {
	struct look_options look;
	struct show_options show;
	struct choose_options choose;
};

/* clang-format off */
#define SHOW_OPTIONS(type, member)                                     \
	{'o', "output", "COLUMN,...", "which columns, of those below; "\
	 "+COLUMN,... beside the usual ones", CLI_TEXT,                \
	 offsetof(type, member.columns)},                              \
	{'r', "raw", NULL, "for scripts: a space between columns, in "  \
	 "them \\x20, - if empty", CLI_FLAG, offsetof(type, member.raw)},\
	{'n', "no-headings", NULL, "leave out the first line",         \
	 CLI_FLAG, offsetof(type, member.no_headings)},                \
	{'b', "bytes", NULL, "sizes in bytes, times in seconds",       \
	 CLI_FLAG, offsetof(type, member.bytes)}

#define CHOOSE_OPTIONS(type, member)                                   \
	{'k', "kind", "KIND,...", "only of these kinds",               \
	 CLI_LIST, offsetof(type, member.kinds)},                      \
	{'p', "pid", "PID,...", "only of these processes",             \
	 CLI_LIST, offsetof(type, member.pids)},                       \
	{'u', "user", "USER,...", "only of these users' processes",    \
	 CLI_LIST, offsetof(type, member.users)},                      \
	{'s', "state", "STATE,...", "only in one of these states",     \
	 CLI_LIST, offsetof(type, member.states)}

#define LIST_OPTIONS(type, member)                                     \
	CHOOSE_OPTIONS(type, member.choose),                           \
	SHOW_OPTIONS(type, member.show),                               \
	LOOK_OPTIONS(type, member.look)
/* clang-format on */

/* The filter that options and operands (up to a NULL) ask for; what is wrong
 * with them is said. Paths are looked up if the snapshot is of here and now. It
 * is the caller's to give back. */
struct via__filter choose(const struct choose_options *o, char **words,
			  bool here);
/* Say that nothing of all its words, or else pids, is there. CLI_FAILED. */
int choose_nothing(const struct via__filter *f);
void choose_free(struct via__filter *f);

/*
 * Look as the options and operands (up to a NULL) say, for what the lines and
 * columns need and what is wanted beyond that (enum via_want); print what the
 * view shows, or say that nothing of what the operands name is there; then what
 * was not seen. show has what the verb sets, the rest is filled in. Returns the
 * exit status.
 */
int show_list(const struct via__view *view, struct via__show *show,
	      const struct list_options *o, char **words, uint32_t want);

#endif
