/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <errno.h>
#include <unistd.h>

#include "cli/inspect/fit.h"
#include "cli/verb.h"

#define COLUMNS_MAX 16

static int add_column(struct libscols_table *table, const struct cli_column *c)
{
	int flags = c->right ? SCOLS_FL_RIGHT : c[1].name ? 0 : SCOLS_FL_TRUNC;
	struct libscols_column *column = scols_table_new_column(table, c->name,
								0, flags);

	/* No backslash of a cell is escaped again. */
	return column ? scols_column_set_safechars(column, "\\") : -ENOMEM;
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

/* What a line is about, numbers and bars are not cut. */
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
		const char *name =
			scols_cell_get_data(scols_column_get_header(column));

		columns[n].name = name ? name : "";
		columns[n].flags = !n || scols_column_is_right(column) ||
						   !*columns[n].name
					   ? 0
					   : VIA__CUT;
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
