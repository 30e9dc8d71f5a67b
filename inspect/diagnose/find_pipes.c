/* SPDX-License-Identifier: MIT */
/* Findings on pipes: ends that should not be there, and data nobody takes. */
#include "inspect/diagnose/findings.h"

static bool is_pipe(const struct via__finder *f, const struct via_wait *w)
{
	return w->object != VIA_NONE &&
	       f->s->objects[w->object].kind == VIA_KIND_PIPE;
}

/* --- One's own end --- */

/* Who waits for one side of a pipe, having the other one, and nobody else has. */
struct own_end {
	enum via_op op;
	enum via__side other;
	const char *does, *whose, *so; /* "A does PIPE, whose N, so" */
	const char *advice, *why;      /* "advice N why" */
};

static const struct own_end own_write_end = {
	.op = VIA_OP_READ,
	.other = VIA__WRITERS,
	.does = "reads",
	.whose = "whose only write end it holds itself, as descriptor",
	.so = ": no data and no end will come",
	.advice = "close descriptor",
	.why = " in the reader, before it reads: the end of the data is seen "
	       "when the last write end is closed",
};

static const struct own_end own_pipe_full = {
	.op = VIA_OP_WRITE,
	.other = VIA__READERS,
	.does = "writes to",
	.whose = "which is full and which it alone could read, from descriptor",
	.so = "",
	.advice = "if nobody else is to read it, close descriptor",
	.why = ": the writer then gets SIGPIPE; else do not write more than "
	       "the pipe holds before reading",
};

/*
 * The hold of the other side of a pipe that a thread waits for, if it is the
 * only one in its process, and that the only one that has it.
 */
static const struct via_holding *
own_end(const struct via__finder *f, uint32_t thread, const struct own_end *end)
{
	const struct via_wait *w = via__reason(f, thread, end->op);
	uint32_t process = f->s->threads[thread].process;

	if (!w || !is_pipe(f, w) || !via__is_stuck(f, thread) ||
	    f->s->processes[process].n_threads != 1 ||
	    via__hold_of(f, process, true, w->object, end->other))
		return NULL;
	return via__hold_of(f, process, false, w->object, end->other);
}

static void find_own_end(struct via__finder *f, const struct own_end *end)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_holding *h = own_end(f, t, end);
		char who[VIA__WHO_MAX], pipe[VIA__TEXT_MAX];

		if (!h)
			continue;
		struct via_finding *found =
			via__report(f, f->d->verdicts[t].certainty, h->process,
				    t, h->object);

		via__say(f, &found->what, "%s %s %s, %s %d%s",
			 via__who_thread(f->s, t, who), end->does,
			 via__object_text(f->s, h->object, pipe, sizeof(pipe)),
			 end->whose, h->id, end->so);
		via__say(f, &found->advice, "%s %d%s", end->advice, h->id,
			 end->why);
	}
}

void via__find_own_write_end(struct via__finder *f)
{
	find_own_end(f, &own_write_end);
}

void via__find_own_pipe_full(struct via__finder *f)
{
	find_own_end(f, &own_pipe_full);
}

/* --- Waiting for a child --- */

/* Who waits for the end of a child has first to do something with a pipe. */
struct before {
	enum via_op op; /* of the child */
	enum via__side side;
	const char *does, *more;   /* "does PIPE more" */
	const char *advice, *then; /* "advice (descriptor N) then" */
};

static const struct before drain = {
	.op = VIA_OP_WRITE,
	.side = VIA__READERS,
	.does = "read from",
	.more = ", which is full",
	.advice = "read all output",
	.then = " to its end, then wait for the child",
};

static const struct before close_end = {
	.op = VIA_OP_READ,
	.side = VIA__WRITERS,
	.does = "write to",
	.more = ", or to close it",
	.advice = "write what is to be written, close the write end",
	.then = ", then wait for the child",
};

/*
 * From a thread that waits for a child, down the chain of children that wait
 * for theirs, to one that waits for a pipe whose other side the first one's
 * process has: its wait, or NULL.
 */
static const struct via_wait *neglected(const struct via__finder *f,
					uint32_t thread, const struct before *b)
{
	uint32_t process = f->s->threads[thread].process, t = thread;

	for (uint32_t n = 0; n < f->d->n_verdicts; n++) {
		const struct via_wait *w;

		if (!via__reason(f, t, VIA_OP_CHILD) ||
		    f->d->verdicts[t].next == VIA_NONE)
			return NULL;
		t = f->d->verdicts[t].next;
		w = via__reason(f, t, b->op);
		if (w && is_pipe(f, w))
			return via__hold_of(f, process, false, w->object,
					    b->side)
				       ? w
				       : NULL;
	}
	return NULL;
}

static void find_neglected(struct via__finder *f, const struct before *b)
{
	for (uint32_t t = 0; t < f->s->n_threads; t++) {
		const struct via_wait *w = via__is_stuck(f, t)
						   ? neglected(f, t, b)
						   : NULL;
		uint32_t process = f->s->threads[t].process;
		char who[VIA__WHO_MAX], child[VIA__WHO_MAX],
			pipe[VIA__TEXT_MAX];

		if (!w)
			continue;
		struct via_finding *found = via__report(
			f, f->d->verdicts[t].certainty, process, t, w->object);

		via__say(f, &found->what,
			 "%s waits for the end of a child, while %s waits for "
			 "it to %s %s%s",
			 via__who_thread(f->s, t, who),
			 via__who_thread(f->s, w->thread, child), b->does,
			 via__object_text(f->s, w->object, pipe, sizeof(pipe)),
			 b->more);
		via__say(
			f, &found->advice, "%s (descriptor %d)%s", b->advice,
			via__hold_of(f, process, false, w->object, b->side)->id,
			b->then);
	}
}

void via__find_wait_before_drain(struct via__finder *f)
{
	find_neglected(f, &drain);
}

void via__find_wait_before_close(struct via__finder *f)
{
	find_neglected(f, &close_end);
}
