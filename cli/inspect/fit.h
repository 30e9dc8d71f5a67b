/* SPDX-License-Identifier: MIT */
/* Making a table fit the terminal: libsmartcols cuts one column to nothing
 * before it touches the next, and none that has several lines. */
#ifndef CLI_INSPECT_FIT_H
#define CLI_INSPECT_FIT_H

#include <stddef.h>

#include <libsmartcols/libsmartcols.h>

#include "inspect/view/view.h"

/* How many columns the terminal has. */
size_t terminal_width(void);

/* How wide a full table is, if nothing of it is cut. */
size_t table_width(struct libscols_table *table);

/*
 * Leave columns out of a full table that can be spared, and cut the cells of
 * the others, those of the widest columns that may be cut first. The last
 * column is left to libsmartcols if it may be: it has the branches of a tree
 * before it. 0 or -ENOMEM.
 */
int fit_terminal(struct libscols_table *table,
		 const struct via__column *const *columns, size_t n);

#endif
