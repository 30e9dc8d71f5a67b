/* SPDX-License-Identifier: MIT */
/* Tables of verbs that have fixed columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>

/* A column by its heading. */
struct cli_column {
	const char *name;
	bool right;	    /* numbers */
	unsigned int spare; /* left out where the terminal is too narrow, the
			       highest first; 0: stays */
};

/* A table with these columns, which stay and end with a NULL name. What is put in it has
 * been made printable: inspect/view/escape.h. NULL: no memory. */
struct libscols_table *cli_table(const struct cli_column *columns);

/* Its texts have line ends: wrap_cell(). */
void cli_column_wraps(struct libscols_column *column);

/* Make a table whose texts are up to max wide where there is a terminal, or less
 * if it does not fit else, but not below min; elsewhere they are whole (0). NULL:
 * no memory. */
struct libscols_table *
cli_table_wrapped(struct libscols_table *(*make)(const void *arg, int width),
		  const void *arg, int max, int min);

/* Print and free it, which may be NULL; err: what has failed before. On a
 * terminal it is made to fit, by cutting texts behind the first column at
 * first. The exit status. */
int cli_table_print(struct libscols_table *table, int err);

#endif
