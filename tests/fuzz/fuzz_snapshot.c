/* SPDX-License-Identifier: MIT */
/*
 * A snapshot from anybody's file: refused with a sentence, or whole: every
 * index in range, every cell of every view printable, and the same once it was
 * saved again.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

#include <via/inspect.h>

#include "inspect/view/text.h"
#include "inspect/view/view.h"
#include "tests/fuzz/fuzz.h"

static int load(const void *data, size_t len, struct via_snapshot **ret,
		struct via_error *error)
{
	FILE *f = fmemopen((void *)(uintptr_t)data, len, "r");

	check(f);
	int err = via_snapshot_load(f, ret, error);

	fclose(f);
	return err;
}

static char *save(const struct via_snapshot *s, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	check(f && via_snapshot_save(s, f) == 0 && fclose(f) == 0);
	return text;
}

static bool within(uint32_t index, uint32_t n)
{
	return index == VIA_NONE || index < n;
}

static void check_tasks(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		check(via_snapshot_process(s, p->task.pid) == i);
		check(memchr(p->task.comm, '\0', sizeof(p->task.comm)));
		check(p->first_thread + p->n_threads <= s->n_threads);
		check(p->first_hold + p->n_holds <= s->n_holds);
		for (uint32_t t = 0; t < p->n_threads; t++)
			check(s->threads[p->first_thread + t].process == i);
	}
	for (uint32_t i = 0; i < s->n_threads; i++)
		check(s->threads[i].first_wait + s->threads[i].n_waits <=
		      s->n_waits);
}

static void check_edges(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_holds; i++)
		check(s->holds[i].process < s->n_processes &&
		      s->holds[i].object < s->n_objects &&
		      s->holds[i].how < VIA_N_HOWS);
	for (uint32_t i = 0; i < s->n_waits; i++) {
		const struct via_wait *w = &s->waits[i];

		check(w->thread < s->n_threads && w->op < VIA_N_OPS);
		check(within(w->object, s->n_objects));
		check(within(w->on_process, s->n_processes));
		check(within(w->on_thread, s->n_threads));
	}
	for (uint32_t i = 0; i < s->n_links; i++)
		check(s->links[i].from < s->n_objects &&
		      s->links[i].to < s->n_objects &&
		      s->links[i].kind < VIA_N_LINKS);
}

static void check_objects(const struct via_snapshot *s)
{
	char text[VIA__TEXT_MAX];

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];

		check(o->kind < VIA_N_KINDS && within(o->peer, s->n_objects));
		check(via_snapshot_object(s, (enum via_kind)o->kind, o->dev,
					  o->ino, o->sub) == i);
		check(o->first_user + o->n_users <= s->n_holds);
		check(o->first_waiter + o->n_waiters <= s->n_waits);
		via__object_text(s, i, text, sizeof(text));
		for (const char *c = text; *c; c++)
			check(!iscntrl((unsigned char)*c));
	}
}

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
	struct via_snapshot *s, *again;
	struct via_error error = {0};
	size_t len, len_again;

	if (!size)
		return 0;
	int err = load(data, size, &s, &error);

	if (err) {
		check(err == -EPROTO && error.code == err && error.text[0]);
		for (const char *c = error.text; *c; c++)
			check(!iscntrl((unsigned char)*c));
		return 0;
	}
	check_tasks(s);
	check_edges(s);
	check_objects(s);
	check_views(s);
	char *text = save(s, &len);

	check(load(text, len, &again, &error) == 0);
	char *text_again = save(again, &len_again);

	check(len == len_again && memcmp(text, text_again, len) == 0);
	free(text);
	free(text_again);
	via_snapshot_free(s);
	via_snapshot_free(again);
	return 0;
}
