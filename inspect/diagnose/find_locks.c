/* SPDX-License-Identifier: MIT */
/* Findings on locks: that nobody can let go any more, or not the one who seems
 * to have them. */
#include "inspect/diagnose/findings.h"

/* The wait of a thread that waits for what a dead one has, of this kind. */
static const struct via_wait *orphaned(const struct via__finder *f,
				       uint32_t thread, enum via_kind kind)
{
	const struct via_verdict_of *v = &f->d->verdicts[thread];
	const struct via_wait *w = via__reason(f, thread, VIA_OP_LOCK);

	return w && v->verdict == VIA_VERDICT_ORPHANED &&
			       f->s->objects[w->object].kind == kind
		       ? w
		       : NULL;
}

void via__find_dead_mutex_owner(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = orphaned(f, t, VIA_KIND_FUTEX);
		char who[VIA__WHO_MAX], name[VIA__TEXT_MAX];

		if (!w)
			continue;
		struct via_finding *found =
			via__report(f, f->d->verdicts[t].certainty,
				    f->s->threads[t].process, t, w->object);
		const struct via_object *o = &f->s->objects[w->object];

		via__say(f, &found->what,
			 "%s waits for a mutex (%s) whose owner, thread %d, "
			 "has died without unlocking it",
			 via__who_thread(f->s, t, who),
			 via__object_text(f->s, w->object, name, sizeof(name)),
			 o->detail == VIA_NONE
				 ? 0
				 : f->s->futexes[o->detail].owner);
		via__say(f, &found->advice,
			 "make the mutex robust "
			 "(pthread_mutexattr_setrobust), so that the next one "
			 "gets EOWNERDEAD; now, end all who use this memory "
			 "and make it anew");
	}
}

void via__find_dead_sem_holder(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = orphaned(f, t, VIA_KIND_SYSVSEM);
		char who[VIA__WHO_MAX], name[VIA__TEXT_MAX];

		if (!w)
			continue;
		struct via_finding *found =
			via__report(f, f->d->verdicts[t].certainty,
				    f->s->threads[t].process, t, w->object);

		via__say(f, &found->what,
			 "%s waits for semaphore %u of %s, which was last "
			 "used by a process that has died",
			 via__who_thread(f->s, t, who), w->index,
			 via__object_text(f->s, w->object, name, sizeof(name)));
		via__say(f, &found->advice,
			 "use SEM_UNDO, so that the kernel gives back what a "
			 "dead process held; now, add what it held (semctl "
			 "SETVAL, or via sem)");
	}
}

/* --- Heirs --- */

/*
 * Locks of flock(2) go over to children, and stay as long as one of them has
 * the descriptor. As long as who took one lives, that may be on purpose.
 */
void via__find_lock_heir(struct via__finder *f)
{
	for (uint32_t i = 0; i < f->s->n_locks; i++) {
		const struct via_file_lock *l = &f->s->locks[i];
		const struct via_holding *h =
			via__hold_of(f, VIA_NONE, true, l->object, VIA__OWNERS);
		char who[VIA__WHO_MAX], name[VIA__TEXT_MAX];

		if (l->type != VIA_FILE_FLOCK || l->pid <= 0 || !h ||
		    !f->s->objects[l->object].n_waiters ||
		    via_snapshot_process(f->s, l->pid) != VIA_NONE)
			continue;
		struct via_finding *found = via__report(
			f, h->certainty, h->process, VIA_NONE, l->object);

		via__say(f, &found->what,
			 "%s is held by %s, which has inherited it from "
			 "process %d, now dead",
			 via__object_text(f->s, l->object, name, sizeof(name)),
			 via__who_process(f->s, h->process, who), l->pid);
		via__say(f, &found->advice,
			 "open the lock file with O_CLOEXEC, or close it in "
			 "what is started; now, end process %d",
			 f->s->processes[h->process].task.pid);
	}
}

/* --- Words --- */

void via__find_lone_futex(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = via__reason(f, t, VIA_OP_WAKE);
		uint32_t process = f->s->threads[t].process;
		char who[VIA__WHO_MAX];

		if (!w || !via__is_stuck(f, t) || w->object == VIA_NONE ||
		    !(f->s->objects[w->object].flags & VIA_OBJECT_PRIVATE) ||
		    f->s->processes[process].task.n_threads != 1)
			continue;
		struct via_finding *found = via__report(
			f, f->d->verdicts[t].certainty, process, t, w->object);

		via__say(f, &found->what,
			 "%s waits to be woken at an address of its own "
			 "memory, and has no other thread that could",
			 via__who_thread(f->s, t, who));
		via__say(f, &found->advice,
			 "after fork(2) only one thread is left, and the locks "
			 "of the others stay locked: fork before starting "
			 "threads, or call only async-signal-safe functions "
			 "until exec; if the memory is shared, say so "
			 "(PTHREAD_PROCESS_SHARED)");
	}
}
