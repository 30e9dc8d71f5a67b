/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/maps/maps.h"
#include "cli/numbers.h"

#define BAR_WIDTH 20

int maps_text(struct libscols_line *line, size_t column, const char *format,
	      ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	int len = vasprintf(&text, format, args);

	va_end(args);
	return len < 0 ? -ENOMEM : scols_line_refer_data(line, column, text);
}

int maps_size(struct libscols_line *line, size_t column, uint64_t size)
{
	char text[CLI_NUMBER_MAX];

	return size ? maps_text(line, column, "%s", cli_binary(size, text)) : 0;
}

int maps_bar(struct libscols_line *line, size_t column, uint64_t part,
	     uint64_t whole)
{
	char bar[BAR_WIDTH + 1] = "";
	double share = whole ? (double)part / (double)whole : 0;
	size_t n = (size_t)(share * BAR_WIDTH + 0.5);

	/* What there is shows, however small. */
	n = n > BAR_WIDTH ? BAR_WIDTH : n == 0 && part ? 1 : n;
	memset(bar, '#', n);
	bar[n] = '\0';
	return scols_line_set_data(line, column, bar);
}
