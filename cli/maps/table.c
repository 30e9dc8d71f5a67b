/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/inspect/fit.h"
#include "cli/maps/maps.h"
#include "cli/numbers.h"
#include "inspect/view/escape.h"

/* Of a cell: a path, all of it escaped. */
#define TEXT_MAX (4 * PATH_MAX)

#define BAR_MIN 6
#define BAR_MAX 20

int maps_text(struct libscols_line *line, size_t column, const char *format,
	      ...)
{
	char text[TEXT_MAX], safe[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return scols_line_set_data(
		line, column,
		via__escape(text, strlen(text), safe, sizeof(safe)));
}

int maps_size(struct libscols_line *line, size_t column, uint64_t size)
{
	char text[CLI_NUMBER_MAX];

	return size ? maps_text(line, column, "%s", cli_binary(size, text)) : 0;
}

/* Where the terminal is narrow, names need the room. */
static size_t bar_width(void)
{
	size_t width = isatty(STDOUT_FILENO) ? terminal_width() / 8 : BAR_MAX;

	return width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
}

int maps_bar(struct libscols_line *line, size_t column, uint64_t part,
	     uint64_t whole)
{
	char bar[BAR_MAX + 1] = "";
	double share = whole ? (double)part / (double)whole : 0;
	size_t width = bar_width(), n = (size_t)(share * (double)width + 0.5);

	/* What there is shows, however small. */
	n = n > width ? width : n == 0 && part ? 1 : n;
	memset(bar, '#', n);
	bar[n] = '\0';
	return scols_line_set_data(line, column, bar);
}
