/* SPDX-License-Identifier: MIT */
/* What each thread is in the middle of, and since when: stat, syscall, wchan,
 * schedstat, sched and status of /proc/PID/task/TID. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <via/deadline.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/fields.h"
#include "inspect/collect/signals.h"

struct looker {
	struct via__scene *scene;
	const struct via__at *at;
};

static void read_wchan(struct via_snapshot *s, int dir, struct via_thread *t)
{
	char text[128];
	ssize_t len = via__proc_read_once(dir, "wchan", text, sizeof(text));

	if (len > 0 && strcmp(text, "0") != 0)
		t->wchan = via__text(s, text, (size_t)len);
}

static void read_since(struct via__scene *scene, int dir, int cpu,
		       struct via_thread *t)
{
	int64_t ran = via__clock_ran(dir);
	int64_t now = ran == VIA_UNKNOWN
			      ? VIA_UNKNOWN
			      : via__clock_of(&scene->clock, (unsigned int)cpu,
					      via_now());

	if (now != VIA_UNKNOWN)
		t->since_ns = now > ran ? now - ran : 0;
}

/* The third of its numbers, how often it was put on a CPU. */
static uint64_t read_ran(int dir)
{
	char text[128], *at = text;

	if (via__proc_read_once(dir, "schedstat", text, sizeof(text)) < 0)
		return 0;
	for (int i = 0; i < 2; i++)
		(void)strtoull(at, &at, 10);
	return strtoull(at, NULL, 10);
}

static void read_status(struct via__scene *scene, int dir, struct via_thread *t)
{
	struct via_task_signals signals = {0};

	if (via__proc_read_record(dir, "status", &scene->buf) < 0)
		return;
	t->inner_tid = via__inner_id(scene->buf.text);
	if (via__signals_parse(scene->buf.text, &signals) == 0) {
		t->pending = signals.pending;
		t->blocked = signals.blocked;
	}
}

/* What status says of a thread; it is long to read, and often known. */
static void read_inner(struct via__scene *scene, int dir,
		       const struct via_process *p, struct via_thread *t)
{
	if (t->tid == p->task.pid) {
		t->inner_tid = p->inner_pid;
		t->pending = p->signals.pending;
		t->blocked = p->signals.blocked;
	} else if (scene->want & VIA_WANT_SIGNALS || !p->pid_ns ||
		   p->pid_ns != scene->pid_ns) {
		read_status(scene, dir, t);
	} else {
		t->inner_tid = t->tid;
	}
}

static void look_at(struct looker *l, int dir, const struct via_task *task)
{
	struct via_snapshot *s = l->scene->s;
	struct via_process *p = &s->processes[l->at->process];
	struct via_thread t = {
		.process = l->at->process,
		.tid = task->tid,
		.start = task->start,
		.comm = via__text_of(s, task->comm),
		.state = task->state,
		.call.nr = VIA_SYSCALL_UNKNOWN,
		.since_ns = VIA_UNKNOWN,
	};

	/* Before the call: if it runs again in between, that shows. */
	t.ran = read_ran(dir);
	if (t.state != 'Z' && t.state != 'X') {
		(void)via__proc_syscall(dir, &t.call);
		read_wchan(s, dir, &t);
		read_since(l->scene, dir, task->cpu, &t);
		if (t.call.nr == VIA_SYSCALL_UNKNOWN)
			p->hidden |= VIA_HIDDEN_WAITS;
	}
	read_inner(l->scene, dir, p, &t);
	*via__add_thread(s, t.process) = t;
}

static int thread(pid_t tid, void *arg)
{
	struct looker *l = arg;
	struct via_task task;
	int dir = via__proc_open_thread(l->at->dir, tid);

	if (dir < 0)
		return 0;
	if (via__proc_task(dir, l->at->pid, &task) == 0)
		look_at(l, dir, &task);
	close(dir);
	return via__build_error(l->scene->s);
}

static void threads_process(struct via__scene *scene, const struct via__at *at)
{
	struct looker l = {scene, at};
	const struct via_process *p = &scene->s->processes[at->process];

	if (p->flags & VIA_PROCESS_KERNEL)
		return;
	/* Of one that has no other, all is in the process' own directory. */
	if (p->task.n_threads == 1)
		look_at(&l, at->dir, &p->task);
	else
		(void)via__proc_each_thread(at->dir, thread, &l);
}

const struct via__collector via__collector_threads = {
	.name = "threads",
	.summary = "system calls of threads, and since when they wait",
	.want = VIA_WANT_WAITS,
	.process = threads_process,
};
