/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <errno.h>

#include "cli/verb.h"

struct libscols_table *cli_table(const struct cli_column *columns)
{
	struct libscols_table *table = scols_new_table();

	for (; table && columns->name; columns++)
		if (!scols_table_new_column(table, columns->name, 0,
					    columns->right ? SCOLS_FL_RIGHT
					    : columns[1].name
						    ? 0
						    : SCOLS_FL_TRUNC)) {
			scols_unref_table(table);
			table = NULL;
		}
	return table;
}

int cli_table_escaped(struct libscols_table *table)
{
	struct libscols_column *column;
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; !err && (column = scols_table_get_column(table, i));
	     i++)
		err = scols_column_set_safechars(column, "\\");
	return err;
}

int cli_table_print(struct libscols_table *table, int err)
{
	if (table && !err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err || !table ? cli_error("out of memory") : CLI_YES;
}
