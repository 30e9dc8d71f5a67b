/* SPDX-License-Identifier: MIT */
/* Findings on processes that do not run though nothing keeps them: stopped,
 * frozen, traced, dead; and on file systems that are processes. */
#include <string.h>

#include "inspect/diagnose/findings.h"

/* A thread that waits for a process, but not of the one with that pid. */
static uint32_t waiter_for(const struct via__finder *f, uint32_t process,
			   pid_t except)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		uint32_t next = f->d->verdicts[t].next;
		uint32_t own = f->s->threads[t].process;

		if (next != VIA_NONE &&
		    f->s->threads[next].process == process && own != process &&
		    f->s->processes[own].task.pid != except &&
		    !via__has_ended(&f->s->threads[t]) &&
		    !(f->s->threads[t].flags & VIA_THREAD_MOVED))
			return t;
	}
	return VIA_NONE;
}

static bool is_halted(const struct via__finder *f, uint32_t process, char state)
{
	const struct via_process *p = &f->s->processes[process];

	return p->n_threads && f->s->threads[p->first_thread].state == state;
}

void via__find_stopped(struct via__finder *f)
{
	for (uint32_t p = 0; p < f->s->n_processes; p++) {
		uint32_t waiter;
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX];

		if (!is_halted(f, p, 'T') ||
		    (waiter = waiter_for(f, p, 0)) == VIA_NONE)
			continue;
		struct via_finding *found =
			via__report(f, VIA_EXACT, p,
				    f->s->processes[p].first_thread, VIA_NONE);

		via__say(f, &found->what,
			 "%s is stopped by a signal, and %s waits for it",
			 via__who_process(f->s, p, who),
			 via__who_thread(f->s, waiter, other));
		via__say(f, &found->advice,
			 "let it go on: kill -CONT %d (fg, in its shell)",
			 f->s->processes[p].task.pid);
	}
}

void via__find_frozen(struct via__finder *f)
{
	for (uint32_t p = 0; p < f->s->n_processes; p++) {
		uint32_t waiter;
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX];

		if (!(f->s->processes[p].flags & VIA_PROCESS_FROZEN) ||
		    (waiter = waiter_for(f, p, 0)) == VIA_NONE ||
		    f->s->processes[f->s->threads[waiter].process].flags &
			    VIA_PROCESS_FROZEN)
			continue;
		struct via_finding *found = via__report(f, VIA_EXACT, p,
							VIA_NONE, VIA_NONE);

		via__say(f, &found->what,
			 "%s is frozen with its control group, and %s waits "
			 "for it",
			 via__who_process(f->s, p, who),
			 via__who_thread(f->s, waiter, other));
		via__say(f, &found->advice,
			 "thaw the group: write 0 to its cgroup.freeze (see "
			 "/proc/%d/cgroup), or docker unpause",
			 f->s->processes[p].task.pid);
	}
}

void via__find_traced(struct via__finder *f)
{
	for (uint32_t p = 0; p < f->s->n_processes; p++) {
		pid_t tracer = f->s->processes[p].tracer;
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX];
		uint32_t waiter;

		if (!is_halted(f, p, 't') ||
		    (waiter = waiter_for(f, p, tracer)) == VIA_NONE)
			continue;
		struct via_finding *found =
			via__report(f, VIA_EXACT, p,
				    f->s->processes[p].first_thread, VIA_NONE);

		via__say(f, &found->what,
			 "%s is held by its tracer, process %d, and %s waits "
			 "for it",
			 via__who_process(f->s, p, who), tracer,
			 via__who_thread(f->s, waiter, other));
		via__say(f, &found->advice,
			 "let it go on there (continue, detach), or end the "
			 "tracer: kill %d",
			 tracer);
	}
}

/* --- Zombies --- */

/* Its parent sleeps over something else than its end. Who was not seen to wait
 * was not looked at again either, and may be about to ask. */
static bool neglects(const struct via__finder *f, uint32_t parent,
		     uint32_t child)
{
	const struct via_process *p = &f->s->processes[parent];

	for (uint32_t i = 0; i < p->n_threads; i++) {
		uint32_t t = p->first_thread + i;
		const struct via_thread *thread = &f->s->threads[t];

		if (thread->state == 'R' || !thread->n_waits ||
		    thread->flags & VIA_THREAD_MOVED)
			return false;
		for (uint32_t w = 0; w < thread->n_waits; w++)
			if (f->s->waits[thread->first_wait + w].on_process ==
			    child)
				return false;
	}
	return p->n_threads > 0;
}

void via__find_zombie(struct via__finder *f)
{
	for (uint32_t p = 0; p < f->s->n_processes; p++) {
		const struct via_task *task = &f->s->processes[p].task;
		uint32_t parent = via_snapshot_process(f->s, task->ppid);
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX];

		if (!via__process_ended(f->s, p) || parent == VIA_NONE ||
		    !neglects(f, parent, p))
			continue;
		struct via_finding *found = via__report(f, VIA_EXACT, p,
							VIA_NONE, VIA_NONE);

		via__say(f, &found->what,
			 "%s has ended, and its parent %s sleeps without "
			 "having asked for its status: a zombie",
			 via__who_process(f->s, p, who),
			 via__who_process(f->s, parent, other));
		via__say(f, &found->advice,
			 "it holds nothing but its number; the parent has to "
			 "call wait(2), or to ignore SIGCHLD; it goes when "
			 "process %d ends",
			 task->ppid);
	}
}

/* --- File systems --- */

/* Where in the kernel one waits for the answer of such a daemon. */
static bool asks_fuse(const struct via_snapshot *s, const struct via_thread *t)
{
	const char *where = via_snapshot_text(s, t->wchan, NULL);

	return !strcmp(where, "request_wait_answer") ||
	       !strcmp(where, "fuse_simple_request");
}

/* Which daemon it is, or all that is known of it. */
static const char *daemon_of(const struct via__finder *f,
			     const struct via_wait *w, char who[VIA__WHO_MAX])
{
	if (!w)
		return "a process that was not seen";
	return w->on_process == f->s->threads[w->thread].process
		       ? "itself"
		       : via__who_process(f->s, w->on_process, who);
}

void via__find_fuse(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = via__reason(f, t, VIA_OP_ANSWER);
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX];

		if (f->s->threads[t].flags & VIA_THREAD_MOVED ||
		    !asks_fuse(f->s, &f->s->threads[t]))
			continue;
		struct via_finding *found = via__report(
			f, VIA_LIKELY, f->s->threads[t].process, t, VIA_NONE);

		via__say(f, &found->what,
			 "%s waits for an answer of a FUSE file system, that "
			 "is of %s",
			 via__who_thread(f->s, t, who), daemon_of(f, w, other));
		via__say(f, &found->advice,
			 "see what that does (via why, or who has /dev/fuse "
			 "open); to end it, umount -f or the connection's "
			 "abort in /sys/fs/fuse/connections let go of who "
			 "waits");
	}
}
