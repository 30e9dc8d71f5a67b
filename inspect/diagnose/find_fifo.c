/* SPDX-License-Identifier: MIT */
/*
 * Two that open two FIFOs, crosswise: each waits for the other side of one, and
 * would open that of the other one next. The kernel knows of what somebody has
 * begun to open, not of what comes next: by it alone, they look like two that
 * wait for their clients. So it is said only of those to whom the FIFO that the
 * other one waits for was named as well, by their arguments.
 */
#include <ctype.h>
#include <string.h>

#include "inspect/diagnose/enders.h"
#include "inspect/diagnose/findings.h"

/* A thread is the only one that wants a FIFO open, and nobody has it. */
static bool is_alone(const struct via_snapshot *s, const struct via_wait *w)
{
	return w->op == VIA_OP_OPEN && w->object != VIA_NONE &&
	       s->objects[w->object].n_users == 0 &&
	       s->objects[w->object].n_waiters == 1 &&
	       !(s->threads[w->thread].flags & VIA_THREAD_MOVED);
}

static bool is_in_name(char c)
{
	return isalnum((unsigned char)c) || strchr("._-", c);
}

/* Whether the arguments of a thread's process have the last part of a name. */
static bool was_named(const struct via_snapshot *s, uint32_t thread,
		      uint32_t object)
{
	const struct via_process *p = &s->processes[s->threads[thread].process];
	const char *name = via_snapshot_text(s, s->objects[object].name, NULL);
	const char *slash = strrchr(name, '/'), *text;
	size_t len, n;

	name = slash ? slash + 1 : name;
	n = strlen(name);
	text = via_snapshot_text(s, p->command, &len);
	for (size_t i = 0; n && i + n <= len; i++)
		if (!memcmp(text + i, name, n) &&
		    !(i && text[i - 1] && is_in_name(text[i - 1])) &&
		    !(text[i + n] && is_in_name(text[i + n])))
			return true;
	return false;
}

/* Both are of one program yet, say a shell that goes through "a <x & b <y": its
 * arguments tell nothing of one of them alone. */
static bool are_one(const struct via_snapshot *s, uint32_t thread,
		    uint32_t other)
{
	size_t len, len2;
	const struct via_process *p = s->processes;
	const char *a = via_snapshot_text(
		s, p[s->threads[thread].process].command, &len);
	const char *b = via_snapshot_text(
		s, p[s->threads[other].process].command, &len2);

	return len == len2 && !memcmp(a, b, len);
}

uint32_t via__crosswise(const struct via_snapshot *s, const struct via_wait *w)
{
	if (!is_alone(s, w))
		return VIA_NONE;
	for (uint32_t i = 0; i < s->n_waits; i++) {
		const struct via_wait *other = &s->waits[i];

		if (other->op == VIA_OP_OPEN && other->object != w->object &&
		    is_alone(s, other) &&
		    !are_one(s, w->thread, other->thread) &&
		    was_named(s, w->thread, other->object) &&
		    was_named(s, other->thread, w->object))
			return s->threads[other->thread].process;
	}
	return VIA_NONE;
}

void via__find_fifo_crosswise(struct via__finder *f)
{
	for (uint32_t i = 0; i < f->d->n_cycles; i++) {
		const struct via_cycle *c = &f->d->cycles[i];
		uint32_t t = f->d->cycle_threads[c->first];
		const struct via_wait *w = via__reason(f, t, VIA_OP_OPEN);
		const struct via_wait *other =
			w ? via__reason(f, f->d->verdicts[t].next, VIA_OP_OPEN)
			  : NULL;
		char one[VIA__WHO_MAX], two[VIA__WHO_MAX], name[VIA__TEXT_MAX],
			name2[VIA__TEXT_MAX];

		if (!other)
			continue;
		struct via_finding *found =
			via__report(f, c->certainty, f->s->threads[t].process,
				    t, w->object);

		via__say(f, &found->what,
			 "%s waits in open(2) for the other side of %s, and "
			 "%s for that of %s: each would open what the other "
			 "waits for only afterwards",
			 via__who_thread(f->s, t, one),
			 via__object_text(f->s, w->object, name, sizeof(name)),
			 via__who_thread(f->s, other->thread, two),
			 via__object_text(f->s, other->object, name2,
					  sizeof(name2)));
		via__say(f, &found->advice,
			 "open the two in the same order on both sides; or "
			 "open the reading end with O_NONBLOCK, which does "
			 "not wait");
	}
}
