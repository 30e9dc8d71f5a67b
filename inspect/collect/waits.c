/* SPDX-License-Identifier: MIT */
/* What each blocked thread waits for: its system call, taken apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/proc.h"
#include "inspect/collect/wait.h"

/* --- What is the same for all --- */

struct via_wait *via__wait(struct via__blocked *b, enum via_op op,
			   uint32_t object)
{
	bool room = b->s->n_waits - b->first < VIA__WAITS_MAX;
	struct via_wait *w = room ? via__add_wait(b->s, b->thread, op)
				  : &b->pass->spare;

	b->cut = b->cut || !room;
	w->object = object;
	w->left_ns = b->left_ns;
	return w;
}

struct via_wait *via__wait_for(struct via__blocked *b, enum via_op op,
			       uint32_t process)
{
	struct via_wait *w = via__wait(b, op, VIA_NONE);

	w->on_process = process;
	return w;
}

void via__wait_doubt(struct via__blocked *b, uint32_t first,
		     enum via_certainty certainty)
{
	for (uint32_t i = first; i < b->s->n_waits; i++)
		if (b->s->waits[i].certainty < certainty)
			b->s->waits[i].certainty = (uint8_t)certainty;
}

static int by_fd(const void *a, const void *b)
{
	const struct via__fd_of *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static void list_fds(struct via__blocked *b)
{
	struct via__waiting *w = b->pass;
	const struct via_process *p = &b->s->processes[b->process];

	w->fds_of = b->process;
	w->n_fds = 0;
	if (p->n_holds > w->max_fds) {
		void *more = reallocarray(w->fds, p->n_holds, sizeof(*w->fds));

		if (!more)
			return;
		w->fds = more;
		w->max_fds = p->n_holds;
	}
	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		if (b->s->holds[i].how == VIA_HOLDS_FD)
			w->fds[w->n_fds++] =
				(struct via__fd_of){b->s->holds[i].id, i};
	if (w->n_fds)
		qsort(w->fds, w->n_fds, sizeof(*w->fds), by_fd);
}

uint32_t via__fd_hold(struct via__blocked *b, int fd)
{
	struct via__fd_of key = {fd, 0}, *found;

	if (b->pass->fds_of != b->process)
		list_fds(b);
	found = b->pass->n_fds ? bsearch(&key, b->pass->fds, b->pass->n_fds,
					 sizeof(key), by_fd)
			       : NULL;
	return found ? found->hold : VIA_NONE;
}

uint32_t via__fd_object(struct via__blocked *b, int fd)
{
	uint32_t hold = via__fd_hold(b, fd);

	return hold == VIA_NONE ? VIA_NONE : b->s->holds[hold].object;
}

/* --- Calls --- */

static void wait_uring(struct via__blocked *b)
{
	int fd = via__call_fd(b);

	via__wait(b, b->row->op, via__fd_object(b, fd))->fd = fd;
}

static void wait_plain(struct via__blocked *b)
{
	via__wait(b, b->row->op, VIA_NONE);
}

static void (*const waits_for[])(struct via__blocked *b) = {
	[VIA__CALL_FD] = via__wait_fd,
	[VIA__CALL_FLOW] = via__wait_flow,
	[VIA__CALL_VMSPLICE] = via__wait_vmsplice,
	[VIA__CALL_SEND] = via__wait_send,
	[VIA__CALL_CONNECT] = via__wait_connect,
	[VIA__CALL_OPEN] = via__wait_open,
	[VIA__CALL_POLL] = via__wait_poll,
	[VIA__CALL_SELECT] = via__wait_select,
	[VIA__CALL_EPOLL] = via__wait_epoll,
	[VIA__CALL_WAIT4] = via__wait_wait4,
	[VIA__CALL_WAITID] = via__wait_waitid,
	[VIA__CALL_CLONE] = via__wait_clone,
	[VIA__CALL_FLOCK] = via__wait_flock,
	[VIA__CALL_FCNTL] = via__wait_fcntl,
	[VIA__CALL_FUTEX] = via__wait_futex,
	[VIA__CALL_FUTEX_ONE] = via__wait_futex_one,
	[VIA__CALL_FUTEX_ANY] = via__wait_futex_any,
	[VIA__CALL_MSG] = via__wait_msg,
	[VIA__CALL_SEM] = via__wait_sem,
	[VIA__CALL_URING] = wait_uring,
	[VIA__CALL_PLAIN] = wait_plain,
};

/* The row of the call that it is in, also of one that goes on. */
static const struct via__call *row_of(const struct via__blocked *b)
{
	const struct via__call *row = via__call_of(b->call.nr);

	return row && row->what == VIA__CALL_RESTART
		       ? via__call_restarted(b->wchan)
		       : row;
}

/* --- Where it is not the call that it waits in --- */

/*
 * Parts of the names of functions in the kernel where a thread can be held up
 * in any system call, or outside of one, by others than that call is about: a
 * supervisor of its system calls, of its memory, of its files.
 */
static const struct elsewhere {
	const char *part;
	enum via__answer answer; /* that it waits for there */
} elsewhere[] = {
	{"seccomp", VIA__ANSWER_CALL},
	{"userfault", VIA__ANSWER_FAULT},
	{"request_wait_answer", VIA__ANSWER_FILE},
	{"freez", VIA__ANSWER_NONE},
	{"refrigerator", VIA__ANSWER_NONE},
};

static const struct elsewhere *elsewhere_of(const struct via__blocked *b)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (strstr(b->wchan, elsewhere[i].part))
			return &elsewhere[i];
	return NULL;
}

/* Stopped by a signal, a debugger or the control group: true. */
static bool is_stopped(struct via__blocked *b)
{
	const struct via_process *p = &b->s->processes[b->process];

	if (p->flags & VIA_PROCESS_FROZEN)
		via__wait(b, VIA_OP_EVENT, VIA_NONE);
	else if (b->state == 't')
		via__wait_for(b, VIA_OP_EVENT,
			      via_snapshot_process(b->s, p->tracer));
	else if (b->state == 'T')
		via__wait(b, VIA_OP_SIGNAL, VIA_NONE);
	else
		return false;
	return true;
}

/* Uninterruptible sleep is the kernel's own, but for a parent's in vfork(). */
static bool can_tell(const struct via__blocked *b)
{
	if (!b->row || b->foreign)
		return false;
	return b->state == 'S' ||
	       (b->state == 'D' && b->row->what == VIA__CALL_CLONE);
}

/* --- The collector --- */

static void add_unknown(struct via__blocked *b)
{
	struct via_wait *w = via__add_wait(b->s, b->thread, VIA_OP_UNKNOWN);

	w->left_ns = VIA_UNKNOWN;
	w->certainty = VIA_GUESS;
}

static void look_at(struct via__blocked *b)
{
	b->left_ns = -1;
	b->first = b->s->n_waits;
	b->steps = 0;
	b->cut = false;
	if (is_stopped(b))
		return;
	b->row = row_of(b);
	const struct elsewhere *other = elsewhere_of(b);

	if (other && other->answer) {
		via__wait_answer(b, other->answer);
	} else if (!other && can_tell(b)) {
		b->left_ns = via__call_left(b);
		waits_for[b->row->what](b);
	}
	if (b->cut || b->s->n_waits == b->first)
		add_unknown(b);
}

static bool blocked(const struct via_thread *t)
{
	return strchr("SDTt", t->state) && t->call.nr != VIA_SYSCALL_RUNNING;
}

/* Its directory and memory, if it still is the same process. */
static void open_process(struct via__blocked *b)
{
	const struct via_task *was = &b->s->processes[b->process].task;
	struct via_task now;

	b->pid = was->pid;
	b->dir = via__proc_open(b->pid);
	if (b->dir >= 0 && via__proc_task(b->dir, b->pid, &now) == 0 &&
	    now.start == was->start) {
		char auxv[16];
		ssize_t len = via__proc_read_once(b->dir, "auxv", auxv,
						  sizeof(auxv));

		b->foreign = len > 0 && !via__call_native(auxv, (size_t)len);
		return;
	}
	if (b->dir >= 0)
		close(b->dir);
	b->dir = -1;
	b->pid = -1;
}

static void look_at_process(struct via__waiting *w, uint32_t process)
{
	struct via_snapshot *s = w->scene->s;
	const struct via_process *p = &s->processes[process];
	struct via__blocked b = {
		.pass = w, .s = s, .process = process, .dir = -1};

	uint32_t first = s->n_waits;

	for (uint32_t i = 0; i < p->n_threads; i++) {
		const struct via_thread *t = &s->threads[p->first_thread + i];

		if (!blocked(t))
			continue;
		b.thread = p->first_thread + i;
		if (s->n_waits - first > VIA__PROCESS_WAITS_MAX) {
			add_unknown(&b);
			continue;
		}
		if (!b.pid)
			open_process(&b);
		b.state = t->state;
		b.call = t->call;
		/* Not a pointer: texts move when one is added. */
		snprintf(b.wchan, sizeof(b.wchan), "%s",
			 via_snapshot_text(s, t->wchan, NULL));
		look_at(&b);
	}
	if (b.dir >= 0)
		close(b.dir);
}

static void waits_all(struct via__scene *scene)
{
	struct via__waiting w = {.scene = scene, .fds_of = VIA_NONE};

	for (uint32_t i = 0; i < scene->s->n_processes; i++)
		if (!(scene->s->processes[i].flags & VIA_PROCESS_KERNEL))
			look_at_process(&w, i);
	free(w.fds);
	free(w.answerers);
}

const struct via__collector via__collector_waits = {
	.name = "waits",
	.summary = "what blocked threads wait for: arguments and memory",
	.want = VIA_WANT_WAITS,
	.all = waits_all,
};
