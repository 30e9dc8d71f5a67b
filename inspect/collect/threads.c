/* SPDX-License-Identifier: MIT */
/* What each thread is in the middle of, and since when: stat, syscall, wchan,
 * schedstat and sched of /proc/PID/task/TID. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/proc.h"

struct looker {
	struct via__scene *scene;
	const struct via__at *at;
};

static void read_wchan(struct via_snapshot *s, int dir, struct via_thread *t)
{
	char text[128];
	ssize_t len = via__proc_read(dir, "wchan", text, sizeof(text));

	if (len > 0 && strcmp(text, "0") != 0)
		t->wchan = via__text(s, text, (size_t)len);
}

/*
 * exec_start is when it was last put on a CPU or charged for one, in ms of
 * the scheduler's clock, which is read from our own: we have just run. The
 * file is readable for everybody, where the kernel has it (CONFIG_SCHED_DEBUG).
 */
static double exec_start(int dir)
{
	char text[512];
	const char *at;

	if (via__proc_read(dir, "sched", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "se.exec_start");
	at = at ? strchr(at, ':') : NULL;
	return at ? strtod(at + 1, NULL) : -1;
}

static void read_since(int dir, struct via_thread *t)
{
	double began = exec_start(dir), now;
	int own = via__proc_open(getpid());

	if (own < 0)
		return;
	now = exec_start(own);
	close(own);
	if (began >= 0 && now >= 0)
		t->since_ns = now > began ? (int64_t)((now - began) * 1e6) : 0;
}

static uint64_t read_ran(int dir)
{
	char text[128];
	unsigned long long slices;

	return via__proc_read(dir, "schedstat", text, sizeof(text)) > 0 &&
			       sscanf(text, "%*u %*u %llu", &slices) == 1
		       ? slices
		       : 0;
}

static void look_at(struct looker *l, int dir, const struct via_task *task)
{
	struct via_snapshot *s = l->scene->s;
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
		read_since(dir, &t);
	}
	if (t.call.nr == VIA_SYSCALL_UNKNOWN)
		s->processes[t.process].hidden |= VIA_HIDDEN_WAITS;
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

	if (!(p->flags & VIA_PROCESS_KERNEL))
		(void)via__proc_each_thread(at->dir, thread, &l);
}

const struct via__collector via__collector_threads = {
	.name = "threads",
	.summary = "system calls of threads, and since when they wait",
	.want = VIA_WANT_WAITS,
	.process = threads_process,
};
