/* SPDX-License-Identifier: MIT */
/* Tables of verbs that have fixed columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>

/* A column by its heading; right: numbers. */
struct cli_column {
	const char *name;
	bool right;
};

/* A table with these columns, which end with a NULL name. What is put in it has
 * been made printable: inspect/view/escape.h. NULL: no memory. */
struct libscols_table *cli_table(const struct cli_column *columns);

/* Print and free it, which may be NULL; err: what has failed before. On a
 * terminal texts behind the first column are cut to fit. The exit status. */
int cli_table_print(struct libscols_table *table, int err);

#endif
