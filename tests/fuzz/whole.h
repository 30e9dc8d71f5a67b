/* SPDX-License-Identifier: MIT */
/* What holds of every snapshot, whatever it was made of: each index is in range
 * (check_whole), and once saved and loaded it is the same (check_again). */
#ifndef TESTS_FUZZ_WHOLE_H
#define TESTS_FUZZ_WHOLE_H

#include <ctype.h>
#include <stdbool.h>

#include <via/inspect.h>

#include "inspect/view/text.h"
#include "tests/fuzz/fuzz.h"

static inline int load(const void *data, size_t len, struct via_snapshot **ret,
		       struct via_error *error)
{
	FILE *f = fmemopen((void *)(uintptr_t)data, len, "r");

	check(f);
	int err = via_snapshot_load(f, ret, error);

	fclose(f);
	return err;
}

static inline char *save(const struct via_snapshot *s, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	check(f && via_snapshot_save(s, f) == 0 && fclose(f) == 0);
	return text;
}

static inline bool within(uint32_t index, uint32_t n)
{
	return index == VIA_NONE || index < n;
}

static inline void check_tasks(const struct via_snapshot *s)
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

static inline void check_edges(const struct via_snapshot *s)
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

static inline void check_objects(const struct via_snapshot *s)
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

static inline void check_whole(const struct via_snapshot *s)
{
	check_tasks(s);
	check_edges(s);
	check_objects(s);
}

static inline void check_again(const struct via_snapshot *s)
{
	struct via_snapshot *again;
	struct via_error error = {0};
	size_t len, len_again;
	char *text = save(s, &len);

	if (load(text, len, &again, &error) < 0) {
		fprintf(stderr, "%s\nis refused: %s\n", text, error.text);
		abort();
	}
	char *text_again = save(again, &len_again);

	check(len == len_again && memcmp(text, text_again, len) == 0);
	free(text);
	free(text_again);
	via_snapshot_free(again);
}

#endif
