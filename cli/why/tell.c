/* SPDX-License-Identifier: MIT */
#include "cli/why/tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/numbers.h"
#include "inspect/view/format.h"

/* Of more things that one thread waits for only the number is told. */
#define WAITS_MAX 4

/* --- What is waited for --- */

/* Bytes are what is meant without a unit. */
static void tell_amount(FILE *f, const struct via_object *o)
{
	const char *unit = via_kind_unit((enum via_kind)o->kind);
	char level[CLI_NUMBER_MAX], capacity[CLI_NUMBER_MAX];
	bool bytes = strcmp(unit, "B") == 0;

	fprintf(f, "%s%s",
		o->capacity > 0 && o->level >= o->capacity ? "full, " : "",
		cli_binary((uint64_t)o->level, level));
	if (o->capacity > 0)
		fprintf(f, " of %s",
			cli_binary((uint64_t)o->capacity, capacity));
	fprintf(f, " %s",
		!bytes				    ? unit
		: o->level == 1 && o->capacity <= 0 ? "byte"
						    : "bytes");
}

/* How full the object is: of a socket that is written to, what the peer has
 * not read. */
static void tell_level(FILE *f, const struct why_case *c,
		       const struct via_wait *w)
{
	const struct via_object *o = &c->s->objects[w->object];

	if (w->op == VIA_OP_WRITE && o->peer != VIA_NONE)
		o = &c->s->objects[o->peer];
	if (o->level < 0 || w->op == VIA_OP_LOCK || w->op == VIA_OP_WAKE)
		return;
	if (o->flags & VIA_OBJECT_LISTENS)
		fprintf(f, "%" PRId64 " wait, room for %" PRId64, o->level,
			o->capacity);
	else if (o->level == 0 && w->op == VIA_OP_READ)
		fprintf(f, "empty");
	else
		tell_amount(f, o);
}

/* before: the wait that was told first, or NULL: this one is it. */
static void tell_details(FILE *f, const struct why_case *c,
			 const struct via_wait *w,
			 const struct via_wait *before)
{
	char *text = NULL;
	size_t len = 0;
	FILE *inside = open_memstream(&text, &len);

	if (!inside)
		return;
	/* Of an epoll set all have the same. */
	if (w->fd >= 0 && (!before || before->fd != w->fd))
		fprintf(inside, "descriptor %d, ", w->fd);
	if (w->object != VIA_NONE)
		tell_level(inside, c, w);
	fclose(inside);
	if (len > 2 && strcmp(text + len - 2, ", ") == 0)
		text[len -= 2] = '\0';
	if (len)
		fprintf(f, " (%s)", text);
	free(text);
}

static void tell_task(FILE *f, const struct why_case *c,
		      const struct via_wait *w)
{
	char who[VIA__WHO_MAX];

	fprintf(f, w->op == VIA_OP_ANSWER ? "for an answer of "
					  : "for the end of ");
	if (w->on_thread != VIA_NONE)
		fprintf(f, "thread %s",
			via__who_thread(c->s, w->on_thread, who));
	else if (w->on_process != VIA_NONE)
		fprintf(f, "%s", via__who_process(c->s, w->on_process, who));
	else
		fprintf(f, "a child that was not seen");
}

/* Behind "waits". */
static const char *aim_of(const struct via_wait *w)
{
	static const char *const words[VIA_N_OPS] = {
		[VIA_OP_READ] = "to read",
		[VIA_OP_WRITE] = "to write to",
		[VIA_OP_ACCEPT] = "for connections at",
		[VIA_OP_CONNECT] = "to connect to",
		[VIA_OP_LOCK] = "for",
		[VIA_OP_WAKE] = "to be woken at",
		[VIA_OP_EVENT] = "for an event of",
	};

	if (w->op == VIA_OP_OPEN)
		return w->index ? "for a reader of" : "for a writer of";
	return words[w->op] ? words[w->op] : "for";
}

static void tell_wait(FILE *f, const struct why_case *c,
		      const struct via_wait *w, const struct via_wait *before)
{
	char name[VIA__TEXT_MAX];

	if (!before && w->op == VIA_OP_TIME) {
		fprintf(f, "sleeps");
		return;
	}
	if (!before)
		fprintf(f, "waits ");
	if (w->op == VIA_OP_CHILD || w->op == VIA_OP_JOIN ||
	    w->op == VIA_OP_ANSWER) {
		tell_task(f, c, w);
		return;
	}
	if (w->op == VIA_OP_TIME || w->op == VIA_OP_SIGNAL) {
		fprintf(f,
			w->op == VIA_OP_TIME ? "for a time" : "for a signal");
		return;
	}
	if (w->object == VIA_NONE) {
		fprintf(f, "%s something that was not seen", aim_of(w));
		tell_details(f, c, w, before);
		return;
	}
	fprintf(f, "%s %s", aim_of(w),
		via__object_text(c->s, w->object, name, sizeof(name)));
	if (c->s->objects[w->object].kind == VIA_KIND_SYSVSEM)
		fprintf(f, ", semaphore %u", w->index);
	tell_details(f, c, w, before);
}

/* The one that explains most, then the others. */
static void tell_waits(FILE *f, const struct why_case *c, uint32_t thread)
{
	const struct via_thread *t = &c->s->threads[thread];
	uint32_t first = c->d->verdicts[thread].wait, told = 1;

	first = first == VIA_NONE ? t->first_wait : first;
	tell_wait(f, c, &c->s->waits[first], NULL);
	for (uint32_t i = 0; i < t->n_waits && told < WAITS_MAX; i++) {
		uint32_t w = t->first_wait + i;
		bool also = c->s->waits[w].group &&
			    c->s->waits[w].group == c->s->waits[first].group;

		if (w == first)
			continue;
		fprintf(f, also ? " and " : " or ");
		tell_wait(f, c, &c->s->waits[w], &c->s->waits[first]);
		told++;
	}
	if (t->n_waits > told)
		fprintf(f, " or %u more", t->n_waits - told);
}

/* --- What a thread does --- */

static const char *halted(const struct via_process *p,
			  const struct via_thread *t)
{
	switch (t->state) {
	case 'Z':
	case 'X':
		return "has ended, and its parent has not asked for its status";
	case 'T':
		return "is stopped by a signal";
	case 't':
		return "is held by its tracer";
	}
	return p->flags & VIA_PROCESS_FROZEN
		       ? "is frozen with its control group"
		       : NULL;
}

static void tell_doing(FILE *f, const struct why_case *c, uint32_t thread)
{
	const struct via_thread *t = &c->s->threads[thread];
	const char *word = halted(&c->s->processes[t->process], t);
	char where[VIA__TEXT_MAX];

	if (word)
		fprintf(f, "%s", word);
	else if (t->state == 'R')
		fprintf(f, "runs");
	else if (t->n_waits)
		tell_waits(f, c, thread);
	else if (t->state == 'D' && t->wchan)
		fprintf(f, "is in the kernel, in %s",
			via__text_text(c->s, t->wchan, where, sizeof(where)));
	else
		fprintf(f, "sleeps, it was not to be seen over what");
}

static void tell_time(FILE *f, const char *words, int64_t ns)
{
	char text[32];
	struct via__out out = via__out(text, sizeof(text));

	via__put_duration(&out, ns, false);
	fprintf(f, ", %s %s", words, text);
}

static void tell_times(FILE *f, const struct why_case *c, uint32_t thread)
{
	const struct via_thread *t = &c->s->threads[thread];
	uint32_t wait = c->d->verdicts[thread].wait;
	int64_t left = wait == VIA_NONE ? -1 : c->s->waits[wait].left_ns;

	if (t->state != 'R' && t->since_ns >= 0)
		tell_time(f, "for", t->since_ns);
	if (left >= 0)
		tell_time(f, "at most", left);
}

void tell_thread(FILE *f, const struct why_case *c, uint32_t thread)
{
	char who[VIA__WHO_MAX];

	fprintf(f, "%s ", via__who_thread(c->s, thread, who));
	tell_doing(f, c, thread);
	tell_times(f, c, thread);
}

/* How the next in a chain comes in; false: it is clear. */
static bool tell_relation(FILE *f, const struct why_case *c, uint32_t thread)
{
	static const char *const words[VIA_N_OPS] = {
		[VIA_OP_READ] = "to be written by ",
		[VIA_OP_WRITE] = "to be read by ",
		[VIA_OP_CONNECT] = "to be accepted by ",
		[VIA_OP_LOCK] = "held by ",
		[VIA_OP_WAKE] = "to be woken by ",
	};
	uint32_t wait = c->d->verdicts[thread].wait, n;

	if (wait == VIA_NONE || !words[c->s->waits[wait].op])
		return false;
	fprintf(f, "%s", words[c->s->waits[wait].op]);
	n = why_n_enders(c, wait);
	if (n > 1)
		fprintf(f, "any of %u, as ", n);
	return true;
}

void tell_back(FILE *f, const struct why_case *c, uint32_t before,
	       uint32_t thread)
{
	char who[VIA__WHO_MAX];

	(void)tell_relation(f, c, before);
	fprintf(f, "%s", via__who_thread(c->s, thread, who));
}

void tell_next(FILE *f, const struct why_case *c, uint32_t before,
	       uint32_t thread)
{
	char who[VIA__WHO_MAX];

	if (tell_relation(f, c, before))
		fprintf(f, "%s, which ", via__who_thread(c->s, thread, who));
	else
		fprintf(f, "%s ", via__who_thread(c->s, thread, who));
	tell_doing(f, c, thread);
	tell_times(f, c, thread);
}
