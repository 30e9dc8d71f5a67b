/* SPDX-License-Identifier: MIT */
#include "cli/inspect/fit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define COLUMNS_MAX 64
/* What is left of a column, and of the last one; and where nothing helps. */
#define WIDTH_MIN      12
#define WIDTH_MIN_LAST 20
#define WIDTH_LEAST    6
/* The same of what lines are about. */
#define NAMES_MIN 30
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

/* How wide the columns are, with their headings; 0: hidden. */
static void measure(struct libscols_table *table, size_t *width, size_t n)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_line *line;

	for (size_t k = 0; k < n; k++)
		width[k] = width_of(scols_cell_get_data(scols_column_get_header(
			scols_table_get_column(table, k))));
	while (lines && scols_table_next_line(table, lines, &line) == 0)
		for (size_t k = 0; k < n; k++) {
			size_t w = width_of(scols_cell_get_data(
				scols_line_get_cell(line, k)));

			width[k] = w > width[k] ? w : width[k];
		}
	for (size_t k = 0; k < n; k++)
		if (scols_column_is_hidden(scols_table_get_column(table, k)))
			width[k] = 0;
	scols_free_iter(lines);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t table_width(struct libscols_table *table)
{
	size_t width[COLUMNS_MAX],
		sum = 0, n = least(scols_table_get_ncols(table), COLUMNS_MAX);

	measure(table, width, n);
	for (size_t k = 0; k < n; k++)
		if (width[k])
			sum += width[k] + (sum > 0);
	return sum;
}

/* Which columns there are, and how wide they become. */
struct fit {
	const struct via__column *const *columns;
	size_t n, n_cut;	   /* so many may be cut */
	size_t width[COLUMNS_MAX]; /* 0: is left out */
	size_t cut, names;	   /* what is left of VIA__CUT and _NAMES */
};

/* What remains of a column that is cut as far as it may be. */
static size_t least_of(const struct fit *fit, size_t k)
{
	unsigned int flags = k < fit->n_cut ? fit->columns[k]->flags : 0;

	return least(fit->width[k], flags & (VIA__CUT | VIA__ITEMS) ? fit->cut
				    : flags & VIA__NAMES	    ? fit->names
								    : SIZE_MAX);
}

/* How wide that is, with what is between columns. */
static size_t total(const struct fit *fit,
		    size_t (*of)(const struct fit *fit, size_t k))
{
	size_t sum = 0;

	for (size_t k = 0; k < fit->n; k++)
		if (fit->width[k])
			sum += of(fit, k) + (sum > 0);
	return sum;
}

static size_t width_now(const struct fit *fit, size_t k)
{
	return fit->width[k];
}

/* Take one column of the terminal after the other from the widest. */
static void shrink(struct fit *fit, size_t max)
{
	while (total(fit, width_now) > max) {
		size_t widest = fit->n;

		for (size_t k = 0; k < fit->n; k++)
			if (least_of(fit, k) < fit->width[k] &&
			    (widest == fit->n ||
			     fit->width[k] > fit->width[widest]))
				widest = k;
		if (widest == fit->n)
			return;
		fit->width[widest]--;
	}
}

/* Leave out what can be spared. */
static void leave_out(struct fit *fit, struct libscols_table *table, size_t max)
{
	while (total(fit, least_of) > max) {
		unsigned int most = 0;
		size_t spare = 0;

		for (size_t k = 0; k < fit->n; k++) {
			unsigned int rank =
				VIA__RANK_OF(fit->columns[k]->flags);

			if (fit->width[k] && rank > most) {
				most = rank;
				spare = k;
			}
		}
		if (!most)
			return;
		struct libscols_column *column = scols_table_get_column(table,
									spare);

		scols_column_set_flags(column, scols_column_get_flags(column) |
						       SCOLS_FL_HIDDEN);
		fit->width[spare] = 0;
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

/* What is kept free for the last column, if libsmartcols cuts it. */
static void reserve(struct fit *fit, size_t width)
{
	if (fit->n_cut < fit->n && fit->width[fit->n - 1])
		fit->width[fit->n - 1] = width;
}

int fit_terminal(struct libscols_table *table,
		 const struct via__column *const *columns, size_t n)
{
	struct fit fit = {columns, n, n, {0}, WIDTH_MIN, NAMES_MIN};
	size_t max = terminal_width(), indent = 0, least_last = 0, last = 0;

	if (!n || n > COLUMNS_MAX)
		return 0;
	measure(table, fit.width, n);
	if (columns[n - 1]->flags & VIA__CUT) {
		last = fit.width[--fit.n_cut];
		indent = indent_of(table);
		least_last = indent +
			     least(last, indent ? NAME_MIN : WIDTH_MIN);
	}
	reserve(&fit, least_last);
	leave_out(&fit, table, max);
	reserve(&fit, indent + least(last, WIDTH_MIN_LAST));
	shrink(&fit, max);
	reserve(&fit, least_last);
	fit.names = WIDTH_MIN;
	shrink(&fit, max);
	fit.cut = WIDTH_LEAST;
	shrink(&fit, max);
	/* What does not fit even so is cut where the terminal ends. */
	scols_table_enable_nowrap(table, 1);
	return cut_cells(table, fit.width, fit.n_cut);
}
