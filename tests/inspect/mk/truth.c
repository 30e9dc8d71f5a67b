/* SPDX-License-Identifier: MIT */
/* What a situation says about itself, and the same as one line of JSON. */
#include "tests/inspect/mk/mk.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void set_role(char role[MK_ROLE_MAX], const char *name)
{
	(void)snprintf(role, MK_ROLE_MAX, "%s", name);
}

static struct mk_place *place(struct mk *m, const char *role)
{
	struct mk_place *p = &m->places[m->n_places++];

	set_role(p->role, role);
	p->fd = -1;
	return p;
}

void mk_blocks(struct mk *m, const char *role, long call, long fd)
{
	struct mk_place *p = place(m, role);

	p->call = call;
	p->fd = fd;
}

void mk_state(struct mk *m, const char *role, char state)
{
	place(m, role)->state = state;
}

void mk_busy(struct mk *m, const char *role)
{
	place(m, role)->gone_on = true;
	m->moves = true;
}

struct mk_wait *mk_waits(struct mk *m, const char *role, const char *op,
			 int object, int fd)
{
	struct mk_wait *w = &m->waits[m->n_waits++];

	set_role(w->role, role);
	w->op = op;
	w->object = object;
	w->fd = fd;
	return w;
}

void mk_waits_on(struct mk *m, const char *role, const char *op, const char *on)
{
	set_role(mk_waits(m, role, op, -1, -1)->on, on);
}

void mk_in(struct mk *m, const char *role, long call, const char *op, int fd)
{
	mk_blocks(m, role, call, fd);
	mk_waits(m, role, op, mk_of(m, fd), fd);
}

void mk_idle(struct mk *m, const char *role)
{
	mk_blocks(m, role, SYS_rt_sigsuspend, -1);
	mk_waits(m, role, "signal", -1, -1);
	mk_verdict(m, role, "idle", NULL);
}

void mk_holds(struct mk *m, const char *role, int object, const char *how,
	      int fd, const char *flags)
{
	struct mk_hold *h = &m->holds[m->n_holds++];

	set_role(h->role, role);
	h->object = object;
	h->how = how;
	h->fd = fd;
	h->flags = flags;
}

void mk_verdict(struct mk *m, const char *role, const char *verdict,
		const char *certainty)
{
	struct mk_verdict *v = &m->verdicts[m->n_verdicts++];

	set_role(v->role, role);
	v->verdict = verdict;
	v->certainty = certainty;
	if (!strcmp(verdict, "deadlock") || !strcmp(verdict, "stuck") ||
	    !strcmp(verdict, "orphaned"))
		m->alarm_expected = true;
}

void mk_cycle(struct mk *m, const char *certainty, ...)
{
	va_list args;
	int n = 0;

	va_start(args, certainty);
	for (const char *role; (role = va_arg(args, const char *));) {
		set_role(m->cycles[m->n_cycles][n++], role);
		mk_verdict(m, role, "deadlock", certainty);
	}
	va_end(args);
	m->n_cycles++;
}

void mk_finding(struct mk *m, const char *rule, const char *role, int object)
{
	struct mk_finding *f = &m->findings[m->n_findings++];

	f->rule = rule;
	set_role(f->role, role);
	f->object = object;
	m->alarm_expected = true;
}

void mk_remark(struct mk *m, const char *rule, const char *role, int object)
{
	mk_finding(m, rule, role, object);
	m->findings[m->n_findings - 1].may = true;
}

/* PROC_PID_INIT_INO of the kernel's proc_ns.h. */
bool mk_in_init_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xeffffffc;
}

/* --- JSON --- */

static json_t *number(int64_t value)
{
	return value == MK_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *text(const char *value)
{
	return value && value[0] ? json_string(value) : json_null();
}

static json_t *index_of(int i)
{
	return i < 0 ? json_null() : json_integer(i);
}

static json_t *tid_of(const struct mk *m, const char *role)
{
	const struct mk_task *t = role[0] ? mk_task(m, role) : NULL;

	return t ? json_integer(t->tid) : json_null();
}

static json_t *pid_of(const struct mk *m, const char *role)
{
	const struct mk_task *t = role[0] ? mk_task(m, role) : NULL;

	return t ? json_integer(t->pid) : json_null();
}

static json_t *waits_of(const struct mk *m, const char *role)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_waits; i++) {
		const struct mk_wait *w = &m->waits[i];

		if (strcmp(w->role, role) != 0)
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:i}", "op",
					w->op, "object", index_of(w->object),
					"fd", index_of(w->fd), "on_pid",
					pid_of(m, w->on), "on_tid",
					tid_of(m, w->on), "group", w->group));
	}
	return list;
}

static json_t *tasks(const struct mk *m)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_tasks; i++) {
		const struct mk_task *t = &m->tasks[i];
		const char *verdict = NULL, *certainty = NULL;
		char state[2] = {t->state};

		for (int k = 0; k < m->n_verdicts; k++)
			if (!strcmp(m->verdicts[k].role, t->role)) {
				verdict = m->verdicts[k].verdict;
				certainty = m->verdicts[k].certainty;
			}
		json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:i, s:s, s:o, s:o, s:o}", "role",
				  t->role, "pid", t->pid, "tid", t->tid,
				  "state", state, "verdict", text(verdict),
				  "certainty", text(certainty), "waits",
				  waits_of(m, t->role)));
	}
	return list;
}

static json_t *holders(const struct mk *m, int object)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_holds; i++) {
		const struct mk_hold *h = &m->holds[i];

		if (h->object != object)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "role",
				  h->role, "pid", pid_of(m, h->role), "tid",
				  tid_of(m, h->role), "how", h->how, "fd",
				  index_of(h->fd), "flags", text(h->flags)));
	}
	return list;
}

static json_t *objects(const struct mk *m)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_objects; i++) {
		const struct mk_object *o = &m->objects[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o, "
				  "s:o}",
				  "kind", o->kind, "text", text(o->text), "dev",
				  o->any_dev ? json_null()
					     : json_integer((json_int_t)o->dev),
				  "ino", (json_int_t)o->ino, "sub",
				  (json_int_t)o->sub, "level", number(o->level),
				  "capacity", number(o->capacity), "peer",
				  index_of(o->peer), "holders", holders(m, i)));
	}
	return list;
}

static json_t *findings(const struct mk *m)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_findings; i++) {
		const struct mk_finding *f = &m->findings[i];

		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:b}", "rule", f->rule,
					"pid", pid_of(m, f->role), "object",
					index_of(f->object), "may", f->may));
	}
	return list;
}

static json_t *cycles(const struct mk *m)
{
	json_t *list = json_array();

	for (int i = 0; i < m->n_cycles; i++) {
		json_t *cycle = json_array();

		for (int k = 0; m->cycles[i][k][0]; k++)
			json_array_append_new(cycle,
					      tid_of(m, m->cycles[i][k]));
		json_array_append_new(list, cycle);
	}
	return list;
}

void mk_print(const struct mk *m)
{
	json_t *dead = json_array();

	for (int i = 0; i < m->n_dead; i++)
		json_array_append_new(dead, json_integer(m->dead[i]));

	json_t *all = json_pack(
		"{s:s, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "situation",
		m->kind, "maker", m->maker, "alarm", m->alarm_expected, "moves",
		m->moves, "tasks", tasks(m), "objects", objects(m), "cycles",
		cycles(m), "findings", findings(m), "dead", dead);

	if (!all || json_dumpf(all, stdout, JSON_COMPACT) < 0 ||
	    puts("") == EOF || fflush(stdout) == EOF)
		mk_die("the truth could not be written");
	json_decref(all);
}
