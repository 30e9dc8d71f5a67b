/* SPDX-License-Identifier: MIT */
#include "inspect/collect/doing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/call.h"
#include "inspect/collect/pipe.h"
#include "inspect/collect/polled.h"
#include "inspect/collect/proc.h"

#define THREADS_MAX 32

struct looker {
	int dir;
	struct via_stage *stage;
	void (*child)(pid_t pid, void *arg);
	void *arg;
	unsigned int n_threads;
};

static bool moves_pages(long nr)
{
	return nr == SYS_splice || nr == SYS_tee || nr == SYS_vmsplice;
}

/* --- What a system call waits for, as far as it is pipes --- */

/* The pipe of a descriptor: whether it is one. */
static bool on_pipe(const struct looker *l, int fd, enum via_op op,
		    struct via_stage *ret)
{
	if (via__pipe_of(l->dir, fd, &ret->pipe) < 0)
		return false;
	ret->doing = op == VIA_OP_READ ? VIA_READING : VIA_WRITING;
	ret->fd = fd;
	return true;
}

/* From one side to another, of which only one is a pipe; if both are, which of
 * them it waits for cannot be seen. */
static void on_flow(const struct looker *l, const struct via_syscall *s,
		    const struct via__call *row, struct via_stage *ret)
{
	int from = (int)s->args[row->from], to = (int)s->args[row->fd];
	struct via_pipe_id id;

	if (via__pipe_of(l->dir, from, &id) < 0)
		(void)on_pipe(l, to, VIA_OP_WRITE, ret);
	else if (via__pipe_of(l->dir, to, &id) < 0)
		(void)on_pipe(l, from, VIA_OP_READ, ret);
}

struct polled {
	const struct looker *l;
	struct via_stage *ret;
	unsigned int n;
};

/* Of several pipes it is said to wait for the first. */
static void polled(int fd, uint32_t events, void *arg)
{
	struct polled *p = arg;

	p->n++;
	if (p->ret->doing == VIA_WAITING && events & (POLLIN | POLLOUT))
		(void)on_pipe(p->l, fd,
			      events & POLLIN ? VIA_OP_READ : VIA_OP_WRITE,
			      p->ret);
}

/* Whether poll() and its like end by themselves. */
static bool is_timed(const struct via_syscall *s, const struct via__call *row)
{
	return row->until == VIA__UNTIL_MS ? (int)s->args[row->time] >= 0
					   : s->args[row->time] != 0;
}

static void on_polled(const struct looker *l, const struct via_syscall *s,
		      const struct via__call *row, struct via_stage *ret)
{
	struct polled p = {l, ret, 0};
	pid_t pid = l->stage->task.pid;
	int err;

	if (row->what == VIA__CALL_POLL)
		err = via__polled_poll(pid, s, polled, &p);
	else if (row->what == VIA__CALL_SELECT)
		err = via__polled_select(pid, s, polled, &p);
	else
		err = via__polled_epoll(l->dir, (int)s->args[row->fd], polled,
					&p);
	ret->elsewhere = err < 0 || p.n != 1 || is_timed(s, row);
}

static const struct via__call *row_of(int dir, const struct via_syscall *s)
{
	const struct via__call *row = via__call_of(s->nr);
	char wchan[128];

	if (!row || row->what != VIA__CALL_RESTART)
		return row;
	return via__proc_read_once(dir, "wchan", wchan, sizeof(wchan)) < 0
		       ? NULL
		       : via__call_restarted(wchan);
}

/* dir: of the thread. */
static void in_call(struct looker *l, int dir, const struct via_syscall *s,
		    struct via_stage *ret)
{
	const struct via__call *row = row_of(dir, s);

	ret->doing = VIA_WAITING;
	ret->nr = s->nr;
	if (!row)
		return;
	switch ((enum via__waits_for)row->what) {
	case VIA__CALL_FD:
	case VIA__CALL_VMSPLICE:
		ret->fd = (int)s->args[row->fd];
		(void)on_pipe(l, ret->fd, row->op, ret);
		break;
	case VIA__CALL_FLOW:
		on_flow(l, s, row, ret);
		break;
	case VIA__CALL_POLL:
	case VIA__CALL_SELECT:
	case VIA__CALL_EPOLL:
		on_polled(l, s, row, ret);
		break;
	case VIA__CALL_WAIT4:
	case VIA__CALL_WAITID:
		ret->doing = VIA_CHILD;
		break;
	default:
		break;
	}
}

static void of_task(struct looker *l, int dir, char state,
		    struct via_stage *ret)
{
	struct via_syscall s = {.nr = VIA_SYSCALL_UNKNOWN};

	ret->nr = VIA_SYSCALL_UNKNOWN;
	ret->fd = -1;
	ret->elsewhere = false;
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
		in_call(l, dir, &s, ret);
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
			stage->elsewhere = seen.elsewhere;
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
