/* SPDX-License-Identifier: MIT */
/* The column TALKS of via ps. */
#include <string.h>

#include "inspect/view/cells_ps.h"
#include "inspect/view/json.h"
#include "inspect/view/talk.h"
#include "inspect/view/text.h"

struct words {
	const struct via__show *show;
	struct via__out *out;
	size_t n;
};

static bool add_words(const struct via__talk *talk, void *arg)
{
	struct words *w = arg;
	char text[VIA__TEXT_MAX];

	via__out_print(w->out, "%s", w->n ? "\n" : "");
	if (w->show->items_max && w->n >= w->show->items_max) {
		via__out_print(w->out, "...");
		return false;
	}
	via__out_text(w->out, via__object_text(w->show->s, talk->object, text,
					       sizeof(text)));
	via__out_print(w->out, " %s%s ", talk->from ? "<" : "",
		       talk->to ? ">" : "");
	via__out_text(w->out, via__process_text(w->show->s, talk->other, text,
						sizeof(text)));
	w->n++;
	return true;
}

void via__ps_talks(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	struct words words = {show, out, 0};

	if (line->thread == VIA_NONE || !show->tree)
		via__talks(show->s, line->process, add_words, &words);
}

struct list {
	const struct via_snapshot *s;
	json_t *list;
	int err;
};

static bool add_json(const struct via__talk *talk, void *arg)
{
	struct list *l = arg;
	const struct via_task *task = &l->s->processes[talk->other].task;
	json_t *o = json_object();
	char text[VIA__TEXT_MAX];

	l->err |= json_object_set_new(o, "pid", json_integer(task->pid));
	l->err |= via__json_set_bytes(o, "comm", "comm_base64", task->comm,
				      strlen(task->comm));
	l->err |= json_object_set_new(
		o, "object",
		json_string(via__object_text(l->s, talk->object, text,
					     sizeof(text))));
	l->err |= json_object_set_new(o, "to", json_boolean(talk->to));
	l->err |= json_object_set_new(o, "from", json_boolean(talk->from));
	l->err |= via__append(l->list, o);
	return !l->err;
}

json_t *via__ps_talks_json(const struct via__show *show,
			   const struct via__line *line)
{
	struct list l = {show->s, json_array(), 0};

	via__talks(show->s, line->process, add_json, &l);
	if (!l.err)
		return l.list;
	json_decref(l.list);
	return NULL;
}
