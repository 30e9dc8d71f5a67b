/* SPDX-License-Identifier: MIT */
/* The parts of via maps. */
#ifndef CLI_MAPS_MAPS_H
#define CLI_MAPS_MAPS_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct maps_options {
	bool json, all;
	uint64_t symbols;
};

/* Each returns the exit status. */
int maps_process(pid_t pid, const struct maps_options *o);
int maps_file(const char *path, const struct maps_options *o);

/* --- table.c: rows of numbers and bars --- */

/* Set a cell of the line. 0 or -ENOMEM. */
int maps_text(struct libscols_line *line, size_t column, const char *format,
	      ...) __attribute__((format(printf, 3, 4)));
/* Bytes; nothing for 0. */
int maps_size(struct libscols_line *line, size_t column, uint64_t size);
/* part of whole as a bar. */
int maps_bar(struct libscols_line *line, size_t column, uint64_t part,
	     uint64_t whole);

#endif
