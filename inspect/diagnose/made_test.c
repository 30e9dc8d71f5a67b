/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/made_test.h"

#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/check.h"

void made_begin(struct made *m)
{
	*m = (struct made){.s = via__snapshot_new()};
	m->s->sight.init_ns = 1;
	m->s->sight.pid_ns = 1;
	m->s->sight.ticks_per_s = 100;
	m->s->sight.want = VIA_WANT_ALL;
}

void made_end(struct made *m)
{
	assert_int_equal(via__seal(m->s), 0);
	assert_int_equal(via_diagnose(m->s, &m->d), 0);
	assert_int_equal(m->d->n_verdicts, m->s->n_threads);
}

void made_free(struct made *m)
{
	via_diagnosis_free(m->d);
	via_snapshot_free(m->s);
}

uint32_t made_thread(struct made *m)
{
	uint32_t process = m->s->n_processes - 1;
	struct via_task *task = &m->s->processes[process].task;
	struct via_thread *t = via__add_thread(m->s, process);

	t->tid = task->pid + (int)task->n_threads * 1000;
	t->state = 'S';
	t->since_ns = 5000000000;
	t->ran = 1;
	t->comm = via__text_of(m->s, task->comm);
	task->n_threads++;
	return m->s->n_threads - 1;
}

uint32_t made_process(struct made *m, const char *name)
{
	uint32_t index = m->s->n_processes;
	struct via_process *p = via__add_process(m->s);

	p->task.pid = p->task.tid = 100 + (int)index;
	p->task.ppid = 1;
	p->task.state = 'S';
	snprintf(p->task.comm, sizeof(p->task.comm), "%s", name);
	made_thread(m);
	return index;
}

uint32_t made_object(struct made *m, enum via_kind kind)
{
	uint32_t object = via__object(m->s, kind, 0, m->s->n_objects + 1, 0);

	m->s->objects[object].seen = VIA_SEEN_ALL;
	return object;
}

static uint8_t flags_of(const char *how)
{
	return (uint8_t)((strchr(how, 'r') ? VIA_HOLD_READ : 0) |
			 (strchr(how, 'w') ? VIA_HOLD_WRITE : 0));
}

struct via_holding *made_hold(struct made *m, uint32_t process, uint32_t object,
			      const char *how)
{
	bool lock = !strcmp(how, "lock"), map = !strcmp(how, "map");
	struct via_holding *h = via__add_hold(m->s, process, object,
					      lock  ? VIA_HOLDS_LOCK
					      : map ? VIA_HOLDS_MAP
						    : VIA_HOLDS_FD);

	if (lock)
		return h;
	h->flags = map ? VIA_HOLD_READ | VIA_HOLD_WRITE | VIA_HOLD_SHARED
		       : flags_of(how);
	h->id = (int)m->s->n_holds;
	return h;
}

void made_pair(struct made *m, uint32_t a, uint32_t b, uint32_t object[2])
{
	for (int i = 0; i < 2; i++) {
		object[i] = made_object(m, VIA_KIND_UNIX);
		made_hold(m, i ? b : a, object[i], "rw");
		via__socket(m->s, object[i])->family = AF_UNIX;
	}
	via__peers(m->s, object[0], object[1]);
}

struct via_wait *made_wait(struct made *m, uint32_t thread, enum via_op op,
			   uint32_t object)
{
	struct via_wait *w = via__add_wait(m->s, thread, op);

	w->object = object;
	return w;
}

struct via_wait *made_child_wait(struct made *m, uint32_t thread,
				 uint32_t process)
{
	struct via_wait *w = via__add_wait(m->s, thread, VIA_OP_CHILD);
	struct via_snapshot *s = m->s;

	w->on_process = process;
	s->processes[process].task.ppid =
		s->processes[s->threads[thread].process].task.pid;
	return w;
}

struct via_wait *made_join(struct made *m, uint32_t thread, uint32_t other)
{
	struct via_wait *w = via__add_wait(m->s, thread, VIA_OP_JOIN);

	w->on_thread = other;
	w->on_process = m->s->threads[other].process;
	return w;
}

uint32_t made_pipe(struct made *m, uint32_t writer, uint32_t reader)
{
	uint32_t object = made_object(m, VIA_KIND_PIPE);

	made_hold(m, writer, object, "w");
	made_hold(m, reader, object, "r");
	return object;
}

uint32_t made_mutex(struct made *m, uint32_t owner)
{
	uint32_t object = made_object(m, VIA_KIND_FUTEX);
	struct via_futex *futex = via__futex(m->s, object);

	futex->use = VIA_FUTEX_MUTEX;
	futex->owner = m->s->threads[owner].tid;
	made_hold(m, m->s->threads[owner].process, object, "lock")->id =
		futex->owner;
	return object;
}

void made_cycle_is(const struct made *m, uint32_t n, const uint32_t *threads)
{
	const uint32_t *got = m->d->cycle_threads;
	uint32_t at = 0;

	assert_int_equal(m->d->n_cycles, 1);
	assert_int_equal(m->d->cycles[0].n, n);
	while (at < n && got[at] != threads[0])
		at++;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t t = got[(at + i) % n];

		assert_int_equal(t, threads[i]);
		assert_int_equal(m->d->verdicts[t].next, threads[(i + 1) % n]);
		assert_int_equal(m->d->verdicts[t].cycle, 0);
	}
}

void made_two(struct made *m, uint32_t p[2])
{
	made_begin(m);
	p[0] = made_process(m, "ping");
	p[1] = made_process(m, "pong");
	made_wait(m, p[0], VIA_OP_READ, made_pipe(m, p[1], p[0]));
	made_wait(m, p[1], VIA_OP_READ, made_pipe(m, p[0], p[1]));
}

void made_goes_on(struct made *m)
{
	made_end(m);
	assert_int_equal(m->d->n_cycles, 0);
	for (uint32_t t = 0; t < m->d->n_verdicts; t++) {
		uint32_t verdict = m->d->verdicts[t].verdict;

		assert_true(verdict != VIA_VERDICT_STUCK &&
			    verdict != VIA_VERDICT_DEADLOCK &&
			    verdict != VIA_VERDICT_ORPHANED);
	}
}

void made_found(struct made *m, const char *rule, uint32_t process,
		uint32_t object, const char *words)
{
	made_end(m);
	for (uint32_t i = 0; i < m->d->n_findings; i++)
		print_message("# %s: %s; %s\n", m->d->findings[i].rule,
			      m->d->findings[i].what, m->d->findings[i].advice);
	assert_int_equal(m->d->n_findings, 1);
	const struct via_finding *f = &m->d->findings[0];

	assert_string_equal(f->rule, rule);
	assert_int_equal(f->process, process);
	assert_int_equal(f->object, object);
	assert_non_null(strstr(f->what, words));
	assert_true(strlen(f->advice) > 10);
	made_free(m);
}

void made_nothing(struct made *m)
{
	made_end(m);
	for (uint32_t i = 0; i < m->d->n_findings; i++)
		print_message("# %s: %s\n", m->d->findings[i].rule,
			      m->d->findings[i].what);
	assert_int_equal(m->d->n_findings, 0);
	made_free(m);
}
