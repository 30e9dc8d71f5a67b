/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "cli/inspect/fit.h"
#include "cli/verb.h"

#define COLUMNS_MAX 16

static int add_column(struct libscols_table *table, const struct cli_column *c)
{
	int flags = c->right ? SCOLS_FL_RIGHT : c[1].name ? 0 : SCOLS_FL_TRUNC;
	struct libscols_column *column = scols_table_new_column(table, c->name,
								0, flags);

	if (!column)
		return -ENOMEM;
	/* For when it is made to fit. */
	scols_cell_set_userdata(scols_column_get_header(column),
				(void *)(uintptr_t)c);
	/* No backslash of a cell is escaped again. */
	return scols_column_set_safechars(column, "\\");
}

struct libscols_table *cli_table(const struct cli_column *columns)
{
	struct libscols_table *table = scols_new_table();

	for (; table && columns->name; columns++)
		if (add_column(table, columns)) {
			scols_unref_table(table);
			table = NULL;
		}
	return table;
}

void cli_column_wraps(struct libscols_column *column)
{
	if (!column)
		return;
	scols_column_set_flags(column, SCOLS_FL_WRAP);
	scols_column_set_safechars(column, "\n");
	scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
				  scols_wrapnl_nextchunk, NULL);
}

struct libscols_table *
cli_table_wrapped(struct libscols_table *(*make)(const void *arg, int width),
		  const void *arg, int max, int min)
{
	int width = isatty(STDOUT_FILENO) ? max : 0;
	struct libscols_table *table = make(arg, width);

	for (; table && width > min && table_width(table) > terminal_width();
	     width--) {
		scols_unref_table(table);
		table = make(arg, width - 1);
	}
	return table;
}

/* Numbers and bars are not cut, and what a line is about only if nothing else
 * helps. */
static unsigned int flags_of(const struct cli_column *c, bool is_first)
{
	unsigned int cut = c->right || !*c->name ? 0
			   : is_first		 ? VIA__NAMES
						 : VIA__CUT;

	return cut | VIA__SPARE(c->spare);
}

static int fit(struct libscols_table *table)
{
	struct via__column columns[COLUMNS_MAX] = {0};
	const struct via__column *all[COLUMNS_MAX];
	struct libscols_column *column;
	size_t n = 0;

	if (!table || !isatty(STDOUT_FILENO))
		return 0;
	for (; n < COLUMNS_MAX && (column = scols_table_get_column(table, n));
	     n++) {
		const struct cli_column *c = scols_cell_get_userdata(
			scols_column_get_header(column));

		columns[n].name = c->name;
		columns[n].flags = flags_of(c, n == 0);
		all[n] = &columns[n];
	}
	return fit_terminal(table, all, n);
}

int cli_table_print(struct libscols_table *table, int err)
{
	if (!err)
		err = fit(table);
	if (table && !err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err || !table ? cli_error("out of memory") : CLI_YES;
}
