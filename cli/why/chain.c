/* SPDX-License-Identifier: MIT */
#include "cli/why/chain.h"

#include <stdlib.h>
#include <string.h>

#include "cli/why/tell.h"
#include "cli/wrap.h"
#include "inspect/view/shared.h"

#define RED    "31;1"
#define GREEN  "32"
#define YELLOW "33"

int chain_follow(const struct why_case *c, uint32_t thread, struct chain *ret)
{
	bool *seen = calloc(c->s->n_threads + (size_t)1, sizeof(*seen));

	*ret = (struct chain){.back = VIA_NONE};
	ret->threads = calloc(c->s->n_threads + (size_t)1,
			      sizeof(*ret->threads));
	if (!seen || !ret->threads) {
		free(seen);
		free(ret->threads);
		return cli_error("out of memory");
	}
	while (thread != VIA_NONE && !seen[thread]) {
		seen[thread] = true;
		ret->threads[ret->n++] = thread;
		thread = c->d->verdicts[thread].next;
	}
	ret->back = thread;
	free(seen);
	return CLI_YES;
}

/* --- Lines --- */

/* Later lines of words begin behind where those began, but before what is below
 * them. */
#define HANGING 2

/* A tree is this much deeper at each task. */
#define DEEPER 3

/* Words that are told first, and then broken where the terminal ends. */
struct line {
	FILE *words;
	char *text;
	size_t len;
};

static void line_begin(struct line *line)
{
	*line = (struct line){0};
	line->words = open_memstream(&line->text, &line->len);
	if (!line->words)
		exit(cli_error("out of memory"));
}

static void line_end(struct line *line, FILE *f, const struct why_case *c,
		     int at, int indent)
{
	fclose(line->words);
	wrap_print(f, line->text, at, indent, c->width);
	free(line->text);
}

/* Of task i, where its words begin; a deep tree leaves room for them. */
static int indent_of(const struct why_case *c, int indent, uint32_t i)
{
	int64_t column = indent + DEEPER * (int64_t)i;

	return column > c->width / 2 ? c->width / 2 : (int)column;
}

/* Whose words begin there. */
static void put_branch(FILE *f, int indent)
{
	fprintf(f, "%*s└─ ", indent - DEEPER, "");
}

void chain_print(FILE *f, const struct why_case *c, const struct chain *chain,
		 int indent)
{
	struct line line;
	int at = indent;

	for (uint32_t i = 0; i < chain->n; i++) {
		at = indent_of(c, indent, i);
		line_begin(&line);
		if (i) {
			put_branch(f, at);
			tell_next(line.words, c, chain->threads[i - 1],
				  chain->threads[i]);
		} else {
			fprintf(f, "%*s", at, "");
			tell_thread(line.words, c, chain->threads[i]);
		}
		line_end(&line, f, c, at, at + HANGING);
	}
	if (chain->back == VIA_NONE || !chain->n)
		return;
	at = indent_of(c, indent, chain->n);
	put_branch(f, at);
	line_begin(&line);
	tell_back(line.words, c, chain->threads[chain->n - 1], chain->back);
	fprintf(line.words, ": round again");
	line_end(&line, f, c, at, at + HANGING);
}

void chain_print_behind(FILE *f, const struct why_case *c, uint32_t thread)
{
	struct line line;

	line_begin(&line);
	fprintf(line.words, "behind it: ");
	tell_thread(line.words, c, thread);
	fprintf(f, "%*s", HANGING, "");
	line_end(&line, f, c, HANGING, 2 * HANGING);
}

/* --- What it comes down to --- */

/* A word in a colour, and the line that it begins, up to line_end(). */
static int begin_with(struct line *line, FILE *f, const struct why_case *c,
		      const char *colour, const char *word)
{
	if (c->colour)
		fprintf(f, "\033[%sm%s\033[0m", colour, word);
	else
		fprintf(f, "%s", word);
	line_begin(line);
	return (int)strlen(word);
}

static void conclude_cycle(FILE *f, const struct why_case *c, uint32_t cycle)
{
	const struct via_cycle *ring = &c->d->cycles[cycle];
	struct line line;
	int at = begin_with(&line, f, c, RED, "Deadlock");

	fprintf(line.words, " (%s): ", why_certainty(ring->certainty));
	if (ring->n == 1)
		fprintf(line.words, "it waits for what it alone could do.");
	else
		fprintf(line.words,
			"these %u wait for each other, and nobody else%s can "
			"end that.",
			ring->n,
			ring->certainty == VIA_EXACT ? "" : " that was seen");
	line_end(&line, f, c, at, HANGING);
}

static void conclude_stuck(FILE *f, const struct why_case *c, uint32_t last)
{
	const struct via_verdict_of *v = &c->d->verdicts[last];
	struct line line;
	int at = begin_with(&line, f, c, RED, "Stuck");

	fprintf(line.words, " (%s): %s", why_certainty(v->certainty),
		v->verdict == VIA_VERDICT_ORPHANED
			? "who could end the wait has died."
			: "nobody who could end the wait goes on.");
	line_end(&line, f, c, at, HANGING);
}

/* Words behind the name of who is last. */
static const char *cause_of(const struct why_case *c, uint32_t thread)
{
	const struct via_thread *t = &c->s->threads[thread];

	switch (t->state) {
	case 'T':
		return "is stopped, and goes on by SIGCONT.";
	case 't':
		return "is held by its tracer.";
	case 'Z':
	case 'X':
		return "has ended.";
	}
	if (c->s->processes[t->process].flags & VIA_PROCESS_FROZEN)
		return "is frozen, and goes on when its control group is "
		       "thawed.";
	switch (c->d->verdicts[thread].verdict) {
	case VIA_VERDICT_RUNNING:
		return "goes on.";
	case VIA_VERDICT_IDLE:
		return "waits for what comes from outside.";
	case VIA_VERDICT_WAITING:
		return "goes on.";
	}
	return "waits for what was not to be seen.";
}

/* The message, if any, out of which somebody could take what the last one in a
 * chain waits for: a link. */
static uint32_t flight_of(const struct why_case *c, uint32_t thread)
{
	uint32_t w = c->d->verdicts[thread].wait, link = VIA_NONE;
	uint32_t object = w == VIA_NONE ? VIA_NONE : c->s->waits[w].object;

	if (object == VIA_NONE ||
	    c->d->verdicts[thread].verdict != VIA_VERDICT_UNKNOWN)
		return VIA_NONE;
	if (c->s->objects[object].peer != VIA_NONE)
		object = c->s->objects[object].peer;
	uint32_t other_side = c->s->waits[w].op == VIA_OP_READ ? VIA_HOLD_WRITE
							       : VIA_HOLD_READ;

	do
		link = via__next_flight(c->s, object, link);
	while (link != VIA_NONE && !(c->s->links[link].events & other_side));
	return link;
}

/* Who could take it, as far as anybody was seen. */
static void tell_flight(FILE *f, const struct why_case *c, uint32_t link)
{
	uint32_t socket = c->s->links[link].to, before = VIA_NONE;
	const struct via_object *o = &c->s->objects[socket];
	char text[VIA__TEXT_MAX], who[VIA__WHO_MAX];

	fprintf(f, "waits for what is in flight in %s",
		via__object_text(c->s, socket, text, sizeof(text)));
	for (uint32_t i = 0; i < o->n_users; i++) {
		uint32_t process =
			c->s->holds[c->s->users[o->first_user + i]].process;

		if (!i || process != before)
			fprintf(f, "%s%s", i ? " or " : ", to be received by ",
				via__who_process(c->s, process, who));
		before = process;
	}
	fprintf(f, "%s.", o->n_users ? "" : ", which nobody has");
}

void chain_conclude(FILE *f, const struct why_case *c,
		    const struct chain *chain)
{
	uint32_t last = chain->threads[chain->n - 1];
	char who[VIA__WHO_MAX];
	struct line line;

	for (uint32_t i = 0; i < chain->n; i++) {
		uint32_t cycle = c->d->verdicts[chain->threads[i]].cycle;

		if (cycle == VIA_NONE)
			continue;
		conclude_cycle(f, c, cycle);
		return;
	}
	if (why_is_stuck(c, last, VIA_GUESS)) {
		conclude_stuck(f, c, last);
		return;
	}
	bool known = c->d->verdicts[last].verdict != VIA_VERDICT_UNKNOWN;
	int at = begin_with(&line, f, c, known ? GREEN : YELLOW,
			    !known	   ? "Unknown"
			    : chain->n > 1 ? "In the end"
					   : "No deadlock");

	fprintf(line.words, ": %s ", via__who_thread(c->s, last, who));
	if (flight_of(c, last) != VIA_NONE)
		tell_flight(line.words, c, flight_of(c, last));
	else
		fputs(cause_of(c, last), line.words);
	line_end(&line, f, c, at, HANGING);
}

/* --- Findings --- */

bool chain_concerns(const struct why_case *c, const struct chain *chain,
		    const struct via_finding *finding)
{
	for (uint32_t i = 0; i < chain->n; i++) {
		uint32_t t = chain->threads[i];
		uint32_t wait = c->d->verdicts[t].wait;

		if (finding->thread == t ||
		    finding->process == c->s->threads[t].process ||
		    (finding->object != VIA_NONE && wait != VIA_NONE &&
		     finding->object == c->s->waits[wait].object))
			return true;
	}
	return false;
}

/* What to do stands below what is wrong. */
#define ADVICE 4

void finding_print(FILE *f, const struct why_case *c,
		   const struct via_finding *finding)
{
	struct line line;
	int at = begin_with(&line, f, c, RED, finding->rule);

	if (finding->certainty != VIA_EXACT)
		fprintf(line.words, " (%s)", why_certainty(finding->certainty));
	fprintf(line.words, ": %s.", finding->what);
	line_end(&line, f, c, at, HANGING);
	fprintf(f, "%*s", ADVICE, "");
	line_begin(&line);
	fprintf(line.words, "%s.", finding->advice);
	line_end(&line, f, c, ADVICE, ADVICE);
}

void ring_advise(FILE *f, const struct why_case *c, uint32_t cycle)
{
	const struct via_cycle *ring = &c->d->cycles[cycle];
	uint32_t first = c->d->cycle_threads[ring->first];
	struct line line;

	fprintf(f, "%*s", ADVICE, "");
	line_begin(&line);
	fprintf(line.words,
		"Ending any one of them lets the others go on: via kill %d.",
		c->s->processes[c->s->threads[first].process].task.pid);
	line_end(&line, f, c, ADVICE, ADVICE);
}
