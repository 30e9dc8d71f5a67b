/* SPDX-License-Identifier: MIT */
/*
 * A snapshot from anybody's file: refused with a sentence, or whole: every
 * index in range, every cell of every view printable, and the same once it was
 * saved again.
 */
#include <errno.h>

#include "inspect/view/view.h"
#include "tests/fuzz/whole.h"

/* Items are split by newlines; nothing else controls. */
static void check_cell(const struct via__show *show,
		       const struct via__column *column,
		       const struct via__line *line)
{
	char cell[2048];

	via__cell(show, column, line, cell, sizeof(cell));
	for (const char *c = cell; *c; c++)
		check(*c == '\n' || !iscntrl((unsigned char)*c));
	json_t *value = via__cell_json(show, column, line);

	check(value);
	json_decref(value);
}

static void check_view(const struct via__view *view,
		       const struct via__show *show)
{
	struct via__lines lines = {0};

	view->lines(show, &lines);
	check(!lines.failed);
	for (uint32_t i = 0; i < lines.n; i++) {
		uint32_t parent = lines.line[i].parent;

		check(parent == VIA_NONE || parent < i);
		for (const struct via__column *c = view->columns; c->name; c++)
			check_cell(show, c, &lines.line[i]);
	}
	via__lines_free(&lines);
}

static void check_views(const struct via_snapshot *s)
{
	static const struct via__view *const views[] = {
#define VIEW(name) &via__view_##name,
#include "inspect/view/views.def"
#undef VIEW
	};
	static const char *const words[] = {"1", "pipe:", "/memfd:", "init"};
	static const struct via__filter filters[] = {{.kinds = 0},
						     {.words = {words, 4}}};

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
		for (unsigned int bits = 0; bits < 16; bits++) {
			const struct via__show show = {
				.s = s,
				.filter = &filters[bits & 1],
				.all = bits & 2,
				.tree = bits & 4,
				.threads = bits & 8,
				.exact = bits & 8,
				.items_max = bits & 2,
			};

			check_view(views[i], &show);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct via_snapshot *s;
	struct via_error error = {0};

	if (!size)
		return 0;
	int err = load(data, size, &s, &error);

	if (err) {
		check(err == -EPROTO && error.code == err && error.text[0]);
		for (const char *c = error.text; *c; c++)
			check(!iscntrl((unsigned char)*c));
		return 0;
	}
	check_whole(s);
	check_again(s);
	check_views(s);
	via_snapshot_free(s);
	return 0;
}
