/* SPDX-License-Identifier: MIT */
/* What columns say of waits: who waits for an object, and for what a thread
 * does. */
#include <string.h>

#include "inspect/view/cells.h"
#include "inspect/view/format.h"
#include "inspect/view/json.h"
#include "inspect/view/text.h"
#include "inspect/view/words.h"

/* --- One wait --- */

void via__put_wait(struct via__out *out, const struct via_snapshot *s,
		   const struct via_wait *w)
{
	char text[VIA__TEXT_MAX] = "";

	via__out_print(out, "%s", via__op_word(w->op));
	if (w->object != VIA_NONE)
		via__object_text(s, w->object, text, sizeof(text));
	else if (w->on_thread != VIA_NONE)
		via__thread_text(s, w->on_thread, text, sizeof(text));
	else
		via__process_text(s, w->on_process, text, sizeof(text));
	if (*text)
		via__out_print(out, " ");
	via__out_text(out, text);
}

static int set_task(json_t *o, const struct via_snapshot *s, uint32_t process,
		    uint32_t thread)
{
	const struct via_task *task = &s->processes[process].task;
	int err = json_object_set_new(o, "pid", json_integer(task->pid));

	if (thread != VIA_NONE)
		err |= json_object_set_new(
			o, "tid", json_integer(s->threads[thread].tid));
	return err | via__json_set_bytes(o, "comm", "comm_base64", task->comm,
					 strlen(task->comm));
}

/* Who waits, for what. */
json_t *via__wait_json(const struct via_snapshot *s, const struct via_wait *w)
{
	const struct via_thread *t = &s->threads[w->thread];
	json_t *o = json_object();
	char text[VIA__TEXT_MAX];
	int err = set_task(o, s, t->process, w->thread);

	err |= json_object_set_new(o, "op", json_string(via__op_word(w->op)));
	if (w->object != VIA_NONE)
		err |= json_object_set_new(
			o, "object",
			json_string(via__object_text(s, w->object, text,
						     sizeof(text))));
	if (w->on_process != VIA_NONE)
		err |= json_object_set_new(
			o, "on_pid",
			json_integer(s->processes[w->on_process].task.pid));
	if (w->on_thread != VIA_NONE)
		err |= json_object_set_new(
			o, "on_tid",
			json_integer(s->threads[w->on_thread].tid));
	if (w->fd >= 0)
		err |= json_object_set_new(o, "fd", json_integer(w->fd));
	if (t->since_ns != VIA_UNKNOWN)
		err |= json_object_set_new(o, "since_ns",
					   json_integer(t->since_ns));
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* --- Those for an object and its other end --- */

struct waiters {
	const struct via_snapshot *s;
	uint32_t object, other, i;
};

static const struct via_wait *next_waiter(struct waiters *e)
{
	const struct via_object *o;

	for (; e->object != VIA_NONE;
	     e->object = e->other, e->other = VIA_NONE, e->i = 0) {
		o = &e->s->objects[e->object];
		if (e->i < o->n_waiters)
			return &e->s->waits[e->s->waiters[o->first_waiter +
							  e->i++]];
	}
	return NULL;
}

static struct waiters waiters_of(const struct via__show *show,
				 const struct via__line *line)
{
	return (struct waiters){show->s, line->object,
				line->object == VIA_NONE
					? VIA_NONE
					: via__other_end(show->s, line->object),
				0};
}

void via__cell_waits(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	struct waiters e = waiters_of(show, line);
	const struct via_wait *w;
	char text[VIA__TEXT_MAX];

	for (size_t n = 0; (w = next_waiter(&e)); n++) {
		int64_t since = show->s->threads[w->thread].since_ns;

		if (show->items_max && n >= show->items_max) {
			via__out_print(out, "\n...");
			return;
		}
		via__out_print(out, "%s", n ? "\n" : "");
		via__out_text(out, via__thread_text(show->s, w->thread, text,
						    sizeof(text)));
		via__out_print(out, " %s", via__op_word(w->op));
		if (since == VIA_UNKNOWN)
			continue;
		via__out_print(out, " ");
		via__put_duration(out, since, show->exact);
	}
}

json_t *via__json_waits(const struct via__show *show,
			const struct via__line *line)
{
	struct waiters e = waiters_of(show, line);
	json_t *list = json_array();
	const struct via_wait *w;

	while (list && (w = next_waiter(&e)))
		if (via__append(list, via__wait_json(show->s, w)) < 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

bool via__number_waiting_ns(const struct via__show *show,
			    const struct via__line *line, int64_t *ret)
{
	struct waiters e = waiters_of(show, line);
	const struct via_wait *w;

	*ret = VIA_UNKNOWN;
	while ((w = next_waiter(&e))) {
		int64_t since = show->s->threads[w->thread].since_ns;

		*ret = since > *ret ? since : *ret;
	}
	return *ret != VIA_UNKNOWN;
}

void via__cell_waiting(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	int64_t ns;

	if (via__number_waiting_ns(show, line, &ns))
		via__put_duration(out, ns, show->exact);
}
