/* SPDX-License-Identifier: MIT */
#include "inspect/collect/doing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/pipe.h"
#include "inspect/collect/proc.h"

#define THREADS_MAX 32

struct looker {
	int dir;
	struct via_stage *stage;
	void (*child)(pid_t pid, void *arg);
	void *arg;
	unsigned int n_threads;
};

/* What a system call waits for when its first argument is a pipe. splice() and
 * tee() are not here: which of their two ends it is cannot be seen. */
static const struct {
	long nr;
	enum via_doing doing;
} calls[] = {
	{SYS_read, VIA_READING},     {SYS_readv, VIA_READING},
	{SYS_write, VIA_WRITING},    {SYS_writev, VIA_WRITING},
	{SYS_vmsplice, VIA_WRITING}, {SYS_sendfile, VIA_WRITING},
};

static bool moves_pages(long nr)
{
	return nr == SYS_splice || nr == SYS_tee || nr == SYS_vmsplice;
}

static void in_call(struct looker *l, const struct via_syscall *s,
		    struct via_stage *ret)
{
	ret->doing = VIA_WAITING;
	ret->nr = s->nr;
	ret->fd = -1;
	if (s->nr == SYS_wait4 || s->nr == SYS_waitid)
		ret->doing = VIA_CHILD;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].nr != s->nr)
			continue;
		ret->fd = (int)s->args[0];
		if (via__pipe_of(l->dir, ret->fd, &ret->pipe) == 0)
			ret->doing = calls[i].doing;
	}
}

static void of_task(struct looker *l, int dir, char state,
		    struct via_stage *ret)
{
	struct via_syscall s = {.nr = VIA_SYSCALL_UNKNOWN};

	ret->nr = VIA_SYSCALL_UNKNOWN;
	ret->fd = -1;
	switch (state) {
	case 'R':
		ret->doing = VIA_RUNNING;
		return;
	case 'D':
		ret->doing = VIA_DISK;
		return;
	case 'T':
	case 't':
		ret->doing = VIA_STOPPED;
		return;
	case 'Z':
	case 'X':
		ret->doing = VIA_ENDED;
		return;
	}
	if (via__proc_syscall(dir, &s) < 0)
		ret->doing = VIA_ENDED;
	else if (s.nr == VIA_SYSCALL_RUNNING)
		ret->doing = VIA_RUNNING;
	else if (s.nr == VIA_SYSCALL_UNKNOWN)
		ret->doing = VIA_HIDDEN;
	else
		in_call(l, &s, ret);
}

static void children(struct looker *l, int dir, pid_t tid)
{
	char name[48], text[4096], *at = text, *next;

	snprintf(name, sizeof(name), "task/%d/children", tid);
	if (via__proc_read(dir, name, text, sizeof(text)) < 0)
		return;
	for (pid_t pid; (pid = (pid_t)strtol(at, &next, 10)) > 0; at = next)
		l->child(pid, l->arg);
}

static int thread(pid_t tid, void *arg)
{
	struct looker *l = arg;
	struct via_stage seen = {0}, *stage = l->stage;
	struct via_task task;
	int dir = via__proc_open_thread(l->dir, tid);

	if (dir < 0)
		return 0;
	if (via__proc_task(dir, stage->task.pid, &task) == 0) {
		of_task(l, dir, task.state, &seen);
		stage->splices |= moves_pages(seen.nr);
		if (l->n_threads == 0 || seen.doing < stage->doing) {
			stage->doing = seen.doing;
			stage->nr = seen.nr;
			stage->fd = seen.fd;
			stage->pipe = seen.pipe;
		}
		children(l, l->dir, tid);
	}
	close(dir);
	return ++l->n_threads >= THREADS_MAX;
}

void via__doing(int dir, struct via_stage *stage,
		void (*child)(pid_t pid, void *arg), void *arg)
{
	struct looker l = {dir, stage, child, arg, 0};

	if (stage->task.n_threads > 1) {
		(void)via__proc_each_thread(dir, thread, &l);
	} else {
		of_task(&l, dir, stage->task.state, stage);
		stage->splices |= moves_pages(stage->nr);
		children(&l, dir, stage->task.pid);
	}
}
