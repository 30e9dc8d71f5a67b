/* SPDX-License-Identifier: MIT */
/*
 * A view makes lines of a snapshot, and its columns say what is in them. It is
 * a pure function: nothing else is looked at. How lines are printed (a table,
 * words for scripts, JSON) is not its business.
 *
 * A new view is a file with its row last and one line in views.def; a new
 * column one row of its view's table.
 */
#ifndef INSPECT_VIEW_VIEW_H
#define INSPECT_VIEW_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include <via/inspect.h>

#include "inspect/view/escape.h"
#include "inspect/view/filter.h"

/* What is shown, and how. */
struct via__show {
	const struct via_snapshot *s;
	const struct via__filter *filter;
	bool all;	   /* what is left out at first as well */
	bool exact;	   /* numbers in full */
	bool threads;	   /* each by itself */
	bool tree;	   /* below what they belong to, where the view can */
	size_t items_max;  /* in a cell, 0: any number */
	uint32_t *n_lines; /* becomes how many there are; may be NULL */
	/* What a user is called, made printable, in buf. NULL: the number. */
	const char *(*user)(uid_t uid, char *buf, size_t size);
};

/* What a line is about: indices, or VIA_NONE. */
struct via__line {
	uint32_t process, thread, hold, object;
	uint32_t parent; /* the line that it belongs under */
};

struct via__lines {
	struct via__line *line;
	size_t max;
	uint32_t n;
	bool failed; /* no memory */
	struct via__line spare;
};

enum via__column_flag {
	VIA__RIGHT = 1,	 /* numbers */
	VIA__TREE = 2,	 /* the one that is indented */
	VIA__CUT = 4,	 /* may be cut where the terminal ends */
	VIA__ITEMS = 8,	 /* several, each on a line of its own */
	VIA__NAMES = 16, /* what lines are about: cut less */
};

/* Left out where the terminal is too narrow, the highest rank first. */
#define VIA__SPARE(rank)    ((unsigned int)(rank) << 8)
#define VIA__RANK_OF(flags) ((flags) >> 8)

struct via__column {
	const char *name; /* "PID" */
	const char *help;
	unsigned int flags;
	/* The number, if it is one and known: what JSON has. */
	bool (*number)(const struct via__show *show,
		       const struct via__line *line, int64_t *ret);
	/* What a person reads: NULL: the number. Items are split by '\n'. */
	void (*text)(const struct via__show *show, const struct via__line *line,
		     struct via__out *out);
	/* What JSON has if it is neither the number nor the text; NULL. */
	json_t *(*json)(const struct via__show *show,
			const struct via__line *line);
	uint32_t want;	 /* enum via_want: what it needs beyond its view */
	const char *key; /* in JSON; NULL: the name in lower case */
};

struct via__view {
	const char *name;
	const char *json;		   /* what its lines are called there */
	const struct via__column *columns; /* ends with a NULL name */
	const char *initial;		   /* "PID,NAME,..." */
	const char *initial_tree;	   /* with show->tree; NULL: the same */
	uint32_t want; /* enum via_want: what the lines are made of */
	void (*lines)(const struct via__show *show, struct via__lines *ret);
};

#define VIEW(name) extern const struct via__view via__view_##name;
#include "inspect/view/views.def"
#undef VIEW

/* A new line, of nothing yet, which is valid until the next one; it is the
 * last, number lines->n - 1. */
struct via__line *via__add_line(struct via__lines *lines);
void via__lines_free(struct via__lines *lines);

/* The column of a name in any case, or NULL. */
const struct via__column *via__column_find(const struct via__view *view,
					   const char *name, size_t len);

/* The text of a cell in buf, which it returns. */
const char *via__cell(const struct via__show *show,
		      const struct via__column *column,
		      const struct via__line *line, char *buf, size_t size);

/* Its value in JSON. NULL: no memory. */
json_t *via__cell_json(const struct via__show *show,
		       const struct via__column *column,
		       const struct via__line *line);

#endif
