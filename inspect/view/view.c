/* SPDX-License-Identifier: MIT */
#include "inspect/view/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inspect/model/array.h"

struct via__line *via__add_line(struct via__lines *lines)
{
	struct via__line *line = &lines->spare;

	if (via__room(&lines->line, lines->n, &lines->max, sizeof(*line)))
		line = &lines->line[lines->n++];
	else
		lines->failed = true;
	*line = (struct via__line){VIA_NONE, VIA_NONE, VIA_NONE, VIA_NONE,
				   VIA_NONE};
	return line;
}

void via__lines_free(struct via__lines *lines)
{
	free(lines->line);
	*lines = (struct via__lines){0};
}

const struct via__column *via__column_find(const struct via__view *view,
					   const char *name, size_t len)
{
	for (const struct via__column *c = view->columns; c->name; c++)
		if (strlen(c->name) == len &&
		    strncasecmp(c->name, name, len) == 0)
			return c;
	return NULL;
}

const char *via__cell(const struct via__show *show,
		      const struct via__column *column,
		      const struct via__line *line, char *buf, size_t size)
{
	struct via__out out = via__out(buf, size);
	int64_t n;

	if (column->text)
		column->text(show, line, &out);
	else if (column->number(show, line, &n))
		via__out_print(&out, "%" PRId64, n);
	return buf;
}

json_t *via__cell_json(const struct via__show *show,
		       const struct via__column *column,
		       const struct via__line *line)
{
	char buf[4096];
	int64_t n;

	if (column->json)
		return column->json(show, line);
	if (column->number)
		return column->number(show, line, &n)
			       ? json_integer((json_int_t)n)
			       : json_null();
	via__cell(show, column, line, buf, sizeof(buf));
	return *buf ? json_string(buf) : json_null();
}
