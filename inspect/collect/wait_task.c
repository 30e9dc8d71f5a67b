/* SPDX-License-Identifier: MIT */
/* Waits for the end of processes: wait4, waitid, vfork. */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

#ifndef P_PIDFD /* glibc 2.36 has it */
#define P_PIDFD 3
#endif

/* Which of its children; ids are those of the waiting process' namespace. */
struct which {
	enum {
		ALL,
		PID,
		GROUP,
	} by;
	pid_t id;
};

/* The pid that process knows another one by, or 0. */
static pid_t known_as(const struct via__blocked *b, const struct via_process *p)
{
	const struct via_process *own = &b->s->processes[b->process];

	if (own->inner_pid == own->task.pid)
		return p->task.pid;
	return p->pid_ns == own->pid_ns ? p->inner_pid : 0;
}

static bool is_child(const struct via__blocked *b, const struct via_process *p)
{
	return p->task.ppid == b->pid || p->tracer == b->pid;
}

static pid_t group_of(const struct via__blocked *b, const struct via_process *p)
{
	uint32_t leader = via_snapshot_process(b->s, p->task.pgid);

	return leader == VIA_NONE ? 0 : known_as(b, &b->s->processes[leader]);
}

static bool is_one(const struct via__blocked *b, const struct which *which,
		   const struct via_process *p)
{
	const struct via_process *own = &b->s->processes[b->process];

	switch (which->by) {
	case PID:
		return known_as(b, p) == which->id;
	case GROUP:
		return which->id ? group_of(b, p) == which->id
				 : p->task.pgid == own->task.pgid;
	default:
		return true;
	}
}

/* One wait for each child that would do. */
static void add_children(struct via__blocked *b, const struct which *which)
{
	for (uint32_t i = 0; i < b->s->n_processes; i++) {
		const struct via_process *p = &b->s->processes[i];

		if (!is_child(b, p) || !is_one(b, which, p))
			continue;
		struct via_wait *w = via__wait_for(b, VIA_OP_CHILD, i);

		/* A debugger's child need not end, but stop. */
		if (p->task.ppid != b->pid)
			w->certainty = VIA_LIKELY;
	}
}

void via__wait_any_child(struct via__blocked *b)
{
	add_children(b, &(struct which){ALL, 0});
}

static void on_children(struct via__blocked *b, const struct which *which)
{
	uint32_t first = b->s->n_waits;

	add_children(b, which);
	/* It has ended meanwhile, or is not to be told from others. */
	if (b->s->n_waits == first)
		via__wait(b, VIA_OP_CHILD, VIA_NONE)->certainty = VIA_LIKELY;
}

void via__wait_wait4(struct via__blocked *b)
{
	pid_t pid = (pid_t)b->call.args[0];
	struct which which = {ALL, 0};

	if (pid > 0)
		which = (struct which){PID, pid};
	else if (pid != -1)
		which = (struct which){GROUP, -pid};
	on_children(b, &which);
}

void via__wait_waitid(struct via__blocked *b)
{
	struct which which = {ALL, (pid_t)b->call.args[1]};

	switch (b->call.args[0]) {
	case P_PIDFD:
		via__wait_on_fd(b, (int)b->call.args[1], VIA_OP_CHILD,
				VIA_SOURCE_PROC);
		return;
	case P_PID:
		which.by = PID;
		break;
	case P_PGID:
		which.by = GROUP;
		break;
	}
	on_children(b, &which);
}

/* --- vfork --- */

static bool is_vfork(const struct via__blocked *b)
{
	uint64_t flags = b->call.args[0];

#ifdef SYS_vfork
	if (b->call.nr == SYS_vfork)
		return true;
#endif
	/* The first member of struct clone_args. */
	if (b->call.nr == SYS_clone3 &&
	    !via__memory_all(b->pid, b->call.args[0], &flags, sizeof(flags)))
		return false;
	return flags & CLONE_VFORK;
}

/* The parent goes on when its youngest child ends or runs another program. */
void via__wait_clone(struct via__blocked *b)
{
	uint32_t youngest = VIA_NONE, n = 0;

	if (!is_vfork(b))
		return;
	for (uint32_t i = 0; i < b->s->n_processes; i++) {
		const struct via_process *p = &b->s->processes[i];

		if (p->task.ppid != b->pid)
			continue;
		n++;
		if (youngest == VIA_NONE ||
		    p->task.start >= b->s->processes[youngest].task.start)
			youngest = i;
	}
	struct via_wait *w = via__wait_for(b, VIA_OP_CHILD, youngest);

	if (n != 1)
		w->certainty = VIA_LIKELY;
}
