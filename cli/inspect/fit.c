/* SPDX-License-Identifier: MIT */
#include "cli/inspect/fit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define COLUMNS_MAX 64
/* What is left of a column at least, and of the last one. */
#define WIDTH_MIN      12
#define WIDTH_MIN_LAST 20
/* What a tree needs of that behind its lines, and for each of these. */
#define NAME_MIN 8
#define INDENT	 2

#define DOTS "..."

size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col
		       ? size.ws_col
		       : 80;
}

/* The columns that the character at the beginning takes, and its bytes. */
static size_t character(const char *text, size_t *ret_len)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t len = mbrtowc(&c, text, MB_LEN_MAX, &state);
	bool valid = len && len <= MB_LEN_MAX;

	*ret_len = valid ? len : 1;
	/* libsmartcols escapes what the locale does not know. */
	return !valid ? 4 : wcwidth(c) > 1 ? 2 : 1;
}

/* Of the lines of a cell the widest one. */
static size_t width_of(const char *text)
{
	size_t width = 0, most = 0, len;

	for (; text && *text; text += len) {
		if (*text == '\n') {
			width = 0;
			len = 1;
			continue;
		}
		width += character(text, &len);
		most = width > most ? width : most;
	}
	return most;
}

/* Where a line of a cell has to end to be so wide. */
static const char *end_of(const char *text, size_t max)
{
	size_t width = 0, len;

	for (; *text && *text != '\n'; text += len) {
		width += character(text, &len);
		if (width > max)
			break;
	}
	return text;
}

/* Every line of a cell, cut to that. */
static char *cut(const char *text, size_t max)
{
	char *copy = malloc(strlen(text) * 2 + sizeof(DOTS)), *to = copy;

	while (copy && *text) {
		size_t len = strcspn(text, "\n");
		const char *end = end_of(text, max);
		bool fits = end == text + len;

		if (!fits)
			end = end_of(text, max - strlen(DOTS));
		to = mempcpy(to, text, (size_t)(end - text));
		if (!fits)
			to = mempcpy(to, DOTS, strlen(DOTS));
		text += len;
		if (*text)
			*to++ = *text++;
	}
	if (copy)
		*to = '\0';
	return copy;
}

static void measure(struct libscols_table *table, size_t *width, size_t n)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *line;

	while (lines && scols_table_next_line(table, lines, &line) == 0)
		for (size_t k = 0; k < n; k++) {
			size_t w = width_of(scols_cell_get_data(
				scols_line_get_cell(line, k)));

			width[k] = w > width[k] ? w : width[k];
		}
	scols_free_iter(lines);
}

/* Take one column of the terminal after the other from the widest. */
static void shrink(size_t *width, const struct via__column *const *columns,
		   size_t n, size_t total, size_t max)
{
	for (; total > max; total--) {
		size_t widest = n;

		for (size_t k = 0; k < n; k++)
			if (columns[k]->flags & (VIA__CUT | VIA__ITEMS) &&
			    width[k] > WIDTH_MIN &&
			    (widest == n || width[k] > width[widest]))
				widest = k;
		if (widest == n)
			return;
		width[widest]--;
	}
}

static int cut_cells(struct libscols_table *table, const size_t *width,
		     size_t n)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *line;
	int err = lines ? 0 : -ENOMEM;

	while (!err && scols_table_next_line(table, lines, &line) == 0)
		for (size_t k = 0; !err && k < n; k++) {
			struct libscols_cell *cell = scols_line_get_cell(line,
									 k);
			const char *text = scols_cell_get_data(cell);

			if (!text || !width[k] || width_of(text) <= width[k])
				continue;
			char *shorter = cut(text, width[k]);

			err = shorter ? scols_cell_refer_data(cell, shorter)
				      : -ENOMEM;
		}
	scols_free_iter(lines);
	return err;
}

/* How far the deepest line of a tree is indented. */
static size_t indent_of(struct libscols_table *table)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	const struct libscols_line *line, *parent;
	struct libscols_line *next;
	size_t most = 0;

	while (lines && scols_table_next_line(table, lines, &next) == 0) {
		size_t indent = 0;

		for (line = next; (parent = scols_line_get_parent(line));
		     line = parent)
			indent += INDENT;
		most = indent > most ? indent : most;
	}
	scols_free_iter(lines);
	return most;
}

/* Of two columns with several items the last one, or n. */
static size_t dispensable(const struct via__column *const *columns, size_t n)
{
	size_t last = n, n_items = 0;

	for (size_t k = 0; k < n; k++)
		if (columns[k]->flags & VIA__ITEMS) {
			last = k;
			n_items++;
		}
	return n_items > 1 ? last : n;
}

/* A deep tree leaves no room for the names in it: better without what they talk
 * over. */
static void make_room(struct libscols_table *table,
		      const struct via__column *const *columns, size_t n,
		      size_t *width, size_t indent)
{
	size_t least = indent + NAME_MIN, column = dispensable(columns, n);

	for (size_t k = 0; k < n - 1; k++)
		least += 1 + (columns[k]->flags & (VIA__CUT | VIA__ITEMS) &&
					      width[k] > WIDTH_MIN
				      ? WIDTH_MIN
				      : width[k]);
	if (!indent || least <= terminal_width() || column == n)
		return;
	struct libscols_column *hidden = scols_table_get_column(table, column);

	scols_column_set_flags(hidden, scols_column_get_flags(hidden) |
					       SCOLS_FL_HIDDEN);
	width[column] = 0;
}

int fit_terminal(struct libscols_table *table,
		 const struct via__column *const *columns, size_t n)
{
	size_t width[COLUMNS_MAX] = {0}, total = 0, cuts = n;

	if (!n || n > COLUMNS_MAX)
		return 0;
	for (size_t k = 0; k < n; k++)
		width[k] = strlen(columns[k]->name);
	measure(table, width, n);
	if (columns[n - 1]->flags & VIA__CUT) {
		size_t indent = indent_of(table);

		cuts = n - 1;
		width[cuts] = indent + (width[cuts] > WIDTH_MIN_LAST
						? WIDTH_MIN_LAST
						: width[cuts]);
		make_room(table, columns, n, width, indent);
	}
	for (size_t k = 0; k < n; k++)
		total += width[k] + (k && width[k]);
	shrink(width, columns, cuts, total, terminal_width());
	return cut_cells(table, width, cuts);
}
