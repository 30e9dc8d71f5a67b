/* SPDX-License-Identifier: MIT */
#include "cli/inspect/show.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "cli/inspect/fit.h"
#include "cli/json.h"
#include "cli/users.h"

/* A cell's bytes, and for a person its lines. */
#define CELL_MAX    16384
#define ITEMS_SHOWN 8
#define COLUMNS_MAX 64

struct printing {
	const struct via__view *view;
	struct via__show *show;
	const struct via__column *columns[COLUMNS_MAX];
	size_t n_columns;
	bool is_person; /* there is a terminal */
	char cell[CELL_MAX];
};

/* --- Which columns --- */

static void add_columns(struct printing *p, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const struct via__column *c = via__column_find(p->view, list,
							       len);

		if (!c)
			cli_usage("--output=%.*s: no such column; -h lists "
				  "them",
				  (int)len, list);
		if (p->n_columns == COLUMNS_MAX)
			cli_usage("--output: more than %d columns",
				  COLUMNS_MAX);
		p->columns[p->n_columns++] = c;
		list += len;
		list += *list == ',';
	}
}

/* JSON has them all unless some are asked for. */
static void choose_columns(struct printing *p, const char *wanted, bool json)
{
	const char *initial = p->show->tree && p->view->initial_tree
				      ? p->view->initial_tree
				      : p->view->initial;

	if (json && (!wanted || *wanted == '+'))
		for (const struct via__column *c = p->view->columns; c->name;
		     c++)
			p->columns[p->n_columns++] = c;
	else if (!wanted || *wanted == '+')
		add_columns(p, initial);
	if (wanted && !(json && *wanted == '+'))
		add_columns(p, wanted + (*wanted == '+'));
	if (!p->n_columns)
		cli_usage("--output: no column is named; -h lists them");
}

static uint32_t show_want(const struct via__view *view,
			  const struct via__show *show,
			  const struct show_options *o, bool json)
{
	struct via__show copy = *show;
	struct printing p = {.view = view, .show = &copy};
	uint32_t want = view->want;

	choose_columns(&p, o->columns, json);
	for (size_t i = 0; i < p.n_columns; i++)
		want |= p.columns[i]->want;
	/* Names of processes are always there, those of objects are not. */
	if (show->filter->words.n || show->filter->kinds)
		want |= VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_LOCKS |
			VIA_WANT_IPC | VIA_WANT_SOCKETS | VIA_WANT_MAPS;
	if (show->filter->states.n)
		want |= VIA_WANT_LEVELS | VIA_WANT_SOCKETS | VIA_WANT_WAITS;
	return want | (show->threads ? VIA_WANT_WAITS : 0);
}

/* --- JSON --- */

/* "%CPU" is "cpu", "RECV-MAX" "recv_max". */
static const char *key_of(const struct via__column *c, char key[64])
{
	size_t n = 0;

	if (c->key)
		return c->key;
	for (const char *at = c->name; *at && n < 63; at++)
		if (*at != '%')
			key[n++] = *at == '-'
					   ? '_'
					   : (char)tolower((unsigned char)*at);
	key[n] = '\0';
	return key;
}

static json_t *line_json(const struct printing *p, const struct via__line *line)
{
	json_t *o = json_object();
	char key[64];
	int err = o ? 0 : -1;

	for (size_t i = 0; !err && i < p->n_columns; i++)
		err = json_object_set_new(
			o, key_of(p->columns[i], key),
			via__cell_json(p->show, p->columns[i], line));
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

/* What belongs under a line is in its list "children". */
static int add_child(json_t *parent, json_t *child)
{
	json_t *list = json_object_get(parent, "children");

	if (list)
		return json_array_append(list, child);
	list = json_array();
	return json_array_append(list, child) |
	       json_object_set_new(parent, "children", list);
}

static int print_json_tree(const struct printing *p,
			   const struct via__lines *lines)
{
	json_t **all = calloc(lines->n + (size_t)1, sizeof(*all));
	json_t *root = json_object(), *list = json_array();
	int err = all ? 0 : -1;

	err |= json_object_set_new(root, p->view->json, list);
	for (uint32_t i = 0; !err && i < lines->n; i++) {
		uint32_t parent = lines->line[i].parent;

		all[i] = line_json(p, &lines->line[i]);
		err = !all[i]		   ? -1
		      : parent == VIA_NONE ? json_array_append(list, all[i])
					   : add_child(all[parent], all[i]);
	}
	for (uint32_t i = 0; all && i < lines->n; i++)
		json_decref(all[i]);
	free(all);
	if (err) {
		json_decref(root);
		root = NULL;
	}
	return cli_json_print(root, stdout);
}

/* Line by line: there may be very many. */
static int print_json(const struct printing *p, const struct via__lines *lines)
{
	int err = 0;

	if (p->show->tree)
		return print_json_tree(p, lines);
	printf("{\"%s\":[", p->view->json);
	for (uint32_t i = 0; !err && i < lines->n; i++) {
		json_t *o = line_json(p, &lines->line[i]);

		fputs(i ? ",\n" : "\n", stdout);
		if (!o || (json_dumpf(o, stdout,
				      JSON_COMPACT | JSON_ENSURE_ASCII) < 0 &&
			   !ferror(stdout)))
			err = -ENOMEM;
		json_decref(o);
	}
	puts(lines->n ? "\n]}" : "]}");
	return err;
}

/* --- Tables --- */

static int add_column(struct libscols_table *table, const struct via__column *c,
		      bool tree, bool is_last)
{
	int flags = 0;

	if (c->flags & VIA__RIGHT)
		flags |= SCOLS_FL_RIGHT;
	if (c->flags & VIA__CUT && is_last)
		flags |= SCOLS_FL_TRUNC;
	if (c->flags & VIA__TREE && tree)
		flags |= SCOLS_FL_TREE;
	if (c->flags & VIA__ITEMS)
		flags |= SCOLS_FL_WRAP;
	struct libscols_column *column = scols_table_new_column(table, c->name,
								0, flags);

	if (!column)
		return -ENOMEM;
	/* Cells are safe already: no backslash is escaped again. */
	bool items = c->flags & VIA__ITEMS;

	if (scols_column_set_safechars(column, items ? "\n\\" : "\\") || !items)
		return 0;
	return scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
					 scols_wrapnl_nextchunk, NULL);
}

static bool is_tree(const struct printing *p)
{
	for (size_t i = 0; i < p->n_columns; i++)
		if (p->columns[i]->flags & VIA__TREE)
			return p->show->tree;
	return false;
}

/* Red: it has died, or can take no more; yellow: it does not go on. */
static const char *color_of(const struct printing *p,
			    const struct via__line *line)
{
	const struct via_snapshot *s = p->show->s;

	if (line->object != VIA_NONE)
		return via__object_is(s, line->object, "full") ? "red" : NULL;
	switch (line->process == VIA_NONE
			? ' '
			: s->processes[line->process].task.state) {
	case 'Z':
		return "red";
	case 'T':
	case 't':
	case 'D':
		return "yellow";
	default:
		return NULL;
	}
}

static int add_lines(struct printing *p, const struct via__lines *lines,
		     struct libscols_table *table)
{
	bool tree = is_tree(p);
	struct libscols_line **all = calloc(lines->n + (size_t)1,
					    sizeof(struct libscols_line *));
	int err = all ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < lines->n; i++) {
		const struct via__line *line = &lines->line[i];

		all[i] = scols_table_new_line(table,
					      tree && line->parent != VIA_NONE
						      ? all[line->parent]
						      : NULL);
		err = all[i] ? 0 : -ENOMEM;
		for (size_t k = 0; !err && k < p->n_columns; k++)
			err = scols_line_set_data(
				all[i], k,
				via__cell(p->show, p->columns[k], line, p->cell,
					  sizeof(p->cell)));
		if (!err && p->is_person)
			err = scols_line_set_color(all[i], color_of(p, line));
	}
	free(all);
	return err;
}

static int print_table(struct printing *p, const struct via__lines *lines,
		       bool headings)
{
	struct libscols_table *table = scols_new_table();
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < p->n_columns; i++)
		err = add_column(table, p->columns[i], is_tree(p),
				 i == p->n_columns - 1);
	if (!err) {
		scols_table_enable_noheadings(table, !headings);
		scols_table_enable_colors(table,
					  p->is_person && !getenv("NO_COLOR"));
		/* Elsewhere nothing is cut. */
		if (!p->is_person)
			scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
		err = add_lines(p, lines, table);
	}
	if (!err && p->is_person)
		err = fit_terminal(table, p->columns, p->n_columns);
	if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err;
}

/* --- For scripts --- */

/* Cells have no other escapes than \xNN, and this one makes them words. An
 * empty one is a word too, or the columns could not be told apart. */
static void put_word(const char *word)
{
	if (!*word)
		putchar('-');
	for (; *word; word++)
		if (*word == ' ' || *word == '\n')
			printf("\\x%02x", *word);
		else
			putchar(*word);
}

static int print_raw(struct printing *p, const struct via__lines *lines,
		     bool headings)
{
	for (size_t k = 0; headings && k < p->n_columns; k++)
		printf("%s%s", k ? " " : "", p->columns[k]->name);
	if (headings)
		putchar('\n');
	for (uint32_t i = 0; i < lines->n; i++) {
		for (size_t k = 0; k < p->n_columns; k++) {
			if (k)
				putchar(' ');
			put_word(via__cell(p->show, p->columns[k],
					   &lines->line[i], p->cell,
					   sizeof(p->cell)));
		}
		putchar('\n');
	}
	return 0;
}

static int show_view(const struct via__view *view, struct via__show *show,
		     const struct show_options *o, bool json)
{
	struct printing p = {
		.view = view,
		.show = show,
		.is_person = !json && !o->raw && isatty(STDOUT_FILENO),
	};
	struct via__lines lines = {0};

	show->all |= o->all;
	show->exact |= o->bytes;
	show->user = user_name;
	if (!p.is_person)
		show->items_max = 0;
	else if (!show->items_max)
		show->items_max = ITEMS_SHOWN;
	choose_columns(&p, o->columns, json);
	view->lines(show, &lines);
	if (show->n_lines)
		*show->n_lines = lines.n;
	int err = lines.failed ? -ENOMEM
		  : json       ? print_json(&p, &lines)
		  : o->raw     ? print_raw(&p, &lines, !o->no_headings)
			       : print_table(&p, &lines, !o->no_headings);

	via__lines_free(&lines);
	return err ? cli_error("out of memory") : CLI_YES;
}

int show_list(const struct via__view *view, struct via__show *show,
	      const struct list_options *o, char **words, uint32_t want)
{
	struct via__filter filter = choose(&o->choose, words, !o->look.from);
	struct via_snapshot *s = NULL;
	uint32_t n = 0;

	if (o->look.json && o->show.raw)
		cli_usage("--raw and --json exclude each other");
	show->filter = &filter;
	show->n_lines = &n;
	want |= show_want(view, show, &o->show, o->look.json);
	int status = look_take(&o->look, want, &s);

	if (!status)
		status = look_save(&o->look, s);
	if (!status) {
		show->s = s;
		status = show_view(view, show, &o->show, o->look.json);
		if (!status && !n && (filter.words.n || filter.n_pids))
			status = choose_nothing(&filter);
		look_footer(s);
	}
	via_snapshot_free(s);
	choose_free(&filter);
	return status;
}
