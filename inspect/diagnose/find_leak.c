/* SPDX-License-Identifier: MIT */
/*
 * A write end that went, unnoticed, to who never writes: as long as that one
 * lives, who reads the pipe does not see its end. Nothing tells a descriptor
 * that was inherited by accident from one that was meant, so this goes by
 * custom, and is never proven:
 *
 * - No relative of the reader has it but those who do not write, of another
 *   session, say a daemon.
 * - Or, of the same family, nobody has it as standard input, output or error,
 *   under which a program knows its pipes; and the reader either is stuck, or
 *   its parent waits for it alone: that would be the wrong order if others had
 *   yet to write to it.
 *
 * A reader with a single thread may have inherited the end itself: as long as it
 * reads, it does not write.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "inspect/diagnose/findings.h"

/* A reader, and what may count as a leak. */
struct reader {
	const struct via__finder *f;
	const struct via_wait *wait;
	uint32_t process, parent; /* or VIA_NONE */
	/* By number: with this certainty at most, or VIA__BEYOND. */
	unsigned int limit;
	bool strict;  /* only of programs that cannot know it */
	bool several; /* have it, */
	bool self;    /* the reader as well */
};

/* --- The reader --- */

/* Whether its parent waits for its end, and no other's if alone. */
static bool is_awaited(const struct reader *r, bool alone)
{
	const struct via_snapshot *s = r->f->s;
	const struct via_process *p;

	if (r->parent == VIA_NONE)
		return false;
	p = &s->processes[r->parent];
	for (uint32_t i = 0; i < p->n_threads; i++) {
		const struct via_thread *t = &s->threads[p->first_thread + i];

		for (uint32_t k = 0; k < t->n_waits; k++) {
			const struct via_wait *w = &s->waits[t->first_wait + k];

			if (w->op == VIA_OP_CHILD &&
			    w->on_process == r->process &&
			    (t->n_waits == 1 || !alone))
				return true;
		}
	}
	return false;
}

static unsigned int limit_of(const struct reader *r)
{
	bool input = r->wait->fd == 0;

	if (r->strict)
		return input && is_awaited(r, true) ? VIA_GUESS : VIA__BEYOND;
	if (input)
		return VIA_LIKELY;
	return is_awaited(r, false) ? VIA_GUESS : VIA__BEYOND;
}

static struct reader reader_of(const struct via__finder *f,
			       const struct via_wait *w)
{
	uint32_t process = f->s->threads[w->thread].process;
	pid_t parent = f->s->processes[process].task.ppid;
	struct reader r = {
		.f = f,
		.wait = w,
		.process = process,
		.parent = parent > 1 ? via_snapshot_process(f->s, parent)
				     : VIA_NONE,
		.strict = !via__is_stuck(f, w->thread),
	};

	r.limit = limit_of(&r);
	return r;
}

/* --- Who has the write end --- */

/* Whether one process is an ancestor of another. */
static bool is_above(const struct via_snapshot *s, uint32_t process,
		     uint32_t other)
{
	for (uint32_t n = 0; n < s->n_processes && other != VIA_NONE; n++) {
		if (other == process)
			return true;
		pid_t parent = s->processes[other].task.ppid;

		other = parent > 0 ? via_snapshot_process(s, parent) : VIA_NONE;
	}
	return false;
}

static bool writes(const struct via_snapshot *s, uint32_t process,
		   uint32_t object)
{
	const struct via_object *o = &s->objects[object];

	for (uint32_t i = 0; i < o->n_waiters; i++) {
		const struct via_wait *w =
			&s->waits[s->waiters[o->first_waiter + i]];

		if (w->op == VIA_OP_WRITE &&
		    s->threads[w->thread].process == process)
			return true;
	}
	return false;
}

/* It has nothing to do with the reader. */
static bool is_stranger(const struct reader *r, const struct via_holding *h)
{
	const struct via_process *p = r->f->s->processes;

	return p[h->process].task.sid != p[r->process].task.sid;
}

/* Whether a number is among a program's arguments: --status-fd 5, /dev/fd/63.
 */
static bool is_told(const struct via_snapshot *s, uint32_t process, int number)
{
	size_t len;
	const char *text = via_snapshot_text(s, s->processes[process].command,
					     &len);
	char digits[16];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%d", number);

	for (size_t i = 0; i + n <= len; i++)
		if (!memcmp(text + i, digits, n) &&
		    !(i && isdigit((unsigned char)text[i - 1])) &&
		    !isdigit((unsigned char)text[i + n]))
			return true;
	return false;
}

/* Another program than started it, to which nobody has said the number. */
static bool cannot_know(const struct reader *r, const struct via_holding *h)
{
	const struct via_process *p = r->f->s->processes;

	return p[h->process].command &&
	       strcmp(p[h->process].task.comm, p[r->parent].task.comm) != 0 &&
	       !is_told(r->f->s, h->process, h->id);
}

static bool is_inherited(const struct reader *r, const struct via_holding *h)
{
	return r->limit != VIA__BEYOND && h->id > 2 &&
	       (!r->strict || cannot_know(r, h));
}

/* The first of those who have it, if it looks like a leak with all of them. */
static const struct via_holding *leak(struct reader *r)
{
	const struct via_snapshot *s = r->f->s;
	const struct via_object *o = &s->objects[r->wait->object];
	const struct via_holding *first = NULL;
	bool strangers = true;

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (!(via__sides(h) & 1u << VIA__WRITERS))
			continue;
		if (h->process == r->process &&
		    s->processes[r->process].task.n_threads == 1) {
			r->self = true;
			continue;
		}
		if (is_above(s, h->process, r->process) ||
		    is_above(s, r->process, h->process) ||
		    writes(s, h->process, h->object) ||
		    !(is_stranger(r, h) || is_inherited(r, h)))
			return NULL;
		strangers = strangers && is_stranger(r, h);
		r->several = r->several ||
			     (first && first->process != h->process);
		first = first ? first : h;
	}
	if (strangers)
		r->limit = VIA_GUESS;
	return first;
}

/* --- The finding --- */

/* What a thread waits for, if that is data of a pipe and nothing else. */
static const struct via_wait *reads_pipe(const struct via__finder *f,
					 uint32_t thread)
{
	const struct via_wait *w = via__reason(f, thread, VIA_OP_READ);

	return w && w->object != VIA_NONE &&
			       f->s->objects[w->object].kind == VIA_KIND_PIPE &&
			       f->s->threads[thread].n_waits == 1 &&
			       !(f->s->threads[thread].flags & VIA_THREAD_MOVED)
		       ? w
		       : NULL;
}

void via__find_leaked_write_end(struct via__finder *f)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = reads_pipe(f, t);
		struct reader r = w ? reader_of(f, w) : (struct reader){0};
		const struct via_holding *h = w ? leak(&r) : NULL;
		char who[VIA__WHO_MAX], other[VIA__WHO_MAX],
			pipe[VIA__TEXT_MAX];

		if (!h)
			continue;
		struct via_finding *found = via__report(f, r.limit, h->process,
							t, h->object);

		via__say(
			f, &found->what,
			"%s waits for data or the end of %s, whose write end "
			"is left with nobody but %s, as descriptor %d,%s%s and "
			"is not used there",
			via__who_thread(f->s, t, who),
			via__object_text(f->s, h->object, pipe, sizeof(pipe)),
			via__who_process(f->s, h->process, other), h->id,
			r.several ? " and others that inherited it," : "",
			r.self ? " and the reader itself," : "");
		via__say(f, &found->advice,
			 "if it has inherited it by accident: open it with "
			 "O_CLOEXEC, or close descriptor %d when it starts; "
			 "now, end process %d",
			 h->id, f->s->processes[h->process].task.pid);
	}
}
