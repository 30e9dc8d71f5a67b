/* SPDX-License-Identifier: MIT */
#include "cli/why/json.h"

#include <string.h>

#include "cli/json.h"
#include "inspect/view/words.h"

/* Leaves out what is not known. */
static int set_number(json_t *o, const char *key, int64_t n)
{
	return n == VIA_UNKNOWN ? 0
				: json_object_set_new(o, key, json_integer(n));
}

static int set_text(json_t *o, const char *key, const char *text)
{
	return json_object_set_new(o, key, json_string(text));
}

static int set_name(json_t *o, const struct why_case *c, uint32_t thread)
{
	size_t len;
	const char *name = via_snapshot_text(c->s, c->s->threads[thread].comm,
					     &len);

	return cli_json_set_bytes(o, "comm", "comm_base64", name, len);
}

static json_t *or_null(json_t *o, int err)
{
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

static int set_object(json_t *o, const struct why_case *c, uint32_t object)
{
	char text[VIA__TEXT_MAX];

	if (object == VIA_NONE)
		return 0;
	return set_text(o, "object",
			via__object_text(c->s, object, text, sizeof(text)));
}

static json_t *wait_json(const struct why_case *c, const struct via_wait *w)
{
	json_t *o = json_object();
	int err = set_text(o, "op", via_op_name((enum via_op)w->op));

	err |= set_object(o, c, w->object);
	if (w->object != VIA_NONE) {
		err |= set_number(o, "level", c->s->objects[w->object].level);
		err |= set_number(o, "capacity",
				  c->s->objects[w->object].capacity);
	}
	if (w->fd >= 0)
		err |= set_number(o, "fd", w->fd);
	if (w->on_process != VIA_NONE)
		err |= set_number(o, "pid",
				  c->s->processes[w->on_process].task.pid);
	if (w->on_thread != VIA_NONE)
		err |= set_number(o, "tid", c->s->threads[w->on_thread].tid);
	if (w->left_ns >= 0)
		err |= set_number(o, "left_ns", w->left_ns);
	err |= set_text(o, "certainty", via__certainty_word(w->certainty));
	return or_null(o, err);
}

json_t *why_task_json(const struct why_case *c, uint32_t thread)
{
	const struct via_verdict_of *v = &c->d->verdicts[thread];
	const struct via_thread *t = &c->s->threads[thread];
	const char state[] = {t->state ? t->state : '?', '\0'};
	json_t *o = json_object();
	int err = set_number(o, "pid", c->s->processes[t->process].task.pid);

	err |= set_number(o, "tid", t->tid);
	err |= set_name(o, c, thread);
	err |= set_text(o, "state", state);
	err |= set_text(o, "verdict",
			via_verdict_name((enum via_verdict)v->verdict));
	err |= set_text(o, "certainty", via__certainty_word(v->certainty));
	err |= set_number(o, "since_ns", t->since_ns);
	err |= set_number(o, "n_waits", t->n_waits);
	if (v->wait != VIA_NONE) {
		err |= json_object_set_new(o, "wait",
					   wait_json(c, &c->s->waits[v->wait]));
		err |= set_number(o, "n_enders", why_n_enders(c, v->wait));
	}
	if (v->next != VIA_NONE)
		err |= set_number(o, "next", c->s->threads[v->next].tid);
	return or_null(o, err);
}

static json_t *tasks_json(const struct why_case *c, const uint32_t *threads,
			  uint32_t n)
{
	json_t *list = json_array();
	int err = 0;

	for (uint32_t i = 0; i < n; i++)
		err |= json_array_append_new(list,
					     why_task_json(c, threads[i]));
	return or_null(list, err);
}

json_t *why_chain_json(const struct why_case *c, const struct chain *chain)
{
	json_t *o = json_object();
	int err = json_object_set_new(o, "tasks",
				      tasks_json(c, chain->threads, chain->n));

	if (chain->back != VIA_NONE)
		err |= set_number(o, "back_to", c->s->threads[chain->back].tid);
	for (uint32_t i = 0; i < chain->n; i++) {
		uint32_t cycle = c->d->verdicts[chain->threads[i]].cycle;

		if (cycle == VIA_NONE)
			continue;
		err |= json_object_set_new(o, "cycle",
					   why_cycle_json(c, cycle));
		break;
	}
	return or_null(o, err);
}

json_t *why_cycle_json(const struct why_case *c, uint32_t cycle)
{
	const struct via_cycle *ring = &c->d->cycles[cycle];
	json_t *o = json_object();
	int err = set_text(o, "certainty",
			   via__certainty_word(ring->certainty));

	err |= json_object_set_new(
		o, "tasks",
		tasks_json(c, c->d->cycle_threads + ring->first, ring->n));
	return or_null(o, err);
}

json_t *why_finding_json(const struct why_case *c,
			 const struct via_finding *finding)
{
	json_t *o = json_object();
	int err = set_text(o, "rule", finding->rule);

	err |= set_text(o, "certainty",
			via__certainty_word(finding->certainty));
	if (finding->process != VIA_NONE)
		err |= set_number(o, "pid",
				  c->s->processes[finding->process].task.pid);
	if (finding->thread != VIA_NONE)
		err |= set_number(o, "tid", c->s->threads[finding->thread].tid);
	err |= set_object(o, c, finding->object);
	err |= set_number(o, "since_ns", finding->since_ns);
	err |= set_text(o, "what", finding->what);
	err |= set_text(o, "advice", finding->advice);
	return or_null(o, err);
}
