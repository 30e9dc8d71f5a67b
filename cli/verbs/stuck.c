/* SPDX-License-Identifier: MIT */
/* via stuck: all deadlocks, and all who wait behind them. */
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "cli/json.h"
#include "cli/verb.h"
#include "cli/why/chain.h"
#include "cli/why/json.h"

struct stuck_options {
	struct look_options look;
	int64_t min_age_ns;
	bool all;
};

/* What there is. */
struct report {
	struct why_case c;
	struct stuck_options o;
	uint32_t certainty; /* of what is reported, at most */
	bool *finding;	    /* by finding: was told */
	bool any;
};

/* --- What counts --- */

/* What is not known is as old as can be. */
static bool is_old(const struct report *r, uint32_t thread)
{
	int64_t since = r->c.s->threads[thread].since_ns;

	return since == VIA_UNKNOWN || since >= r->o.min_age_ns;
}

static bool cycle_counts(const struct report *r, uint32_t cycle)
{
	const struct via_cycle *ring = &r->c.d->cycles[cycle];

	if (ring->certainty > r->certainty)
		return false;
	for (uint32_t i = 0; i < ring->n; i++)
		if (!is_old(r, r->c.d->cycle_threads[ring->first + i]))
			return false;
	return true;
}

static bool is_in_ring(const struct report *r, uint32_t thread)
{
	uint32_t cycle = r->c.d->verdicts[thread].cycle;

	if (cycle == VIA_NONE)
		return false;
	const struct via_cycle *ring = &r->c.d->cycles[cycle];

	for (uint32_t i = 0; i < ring->n; i++)
		if (r->c.d->cycle_threads[ring->first + i] == thread)
			return true;
	return false;
}

/* Outside of the rings. */
static bool thread_counts(const struct report *r, uint32_t thread)
{
	return why_is_stuck(&r->c, thread, r->certainty) && is_old(r, thread) &&
	       !is_in_ring(r, thread);
}

/* The ring that a chain leads into, or VIA_NONE. */
static uint32_t ring_behind(const struct report *r, uint32_t thread)
{
	for (uint32_t n = 0; n < r->c.s->n_threads && thread != VIA_NONE; n++) {
		if (r->c.d->verdicts[thread].cycle != VIA_NONE)
			return r->c.d->verdicts[thread].cycle;
		thread = r->c.d->verdicts[thread].next;
	}
	return VIA_NONE;
}

/* --- For a person --- */

static bool print_findings(struct report *r, const struct chain *chain)
{
	bool any = false;

	for (uint32_t i = 0; i < r->c.d->n_findings; i++) {
		const struct via_finding *f = &r->c.d->findings[i];

		if (r->finding[i] || !chain_concerns(&r->c, chain, f))
			continue;
		r->finding[i] = any = true;
		finding_print(stdout, &r->c, f);
	}
	return any;
}

static void begin(struct report *r)
{
	if (r->any)
		putchar('\n');
	r->any = true;
}

/* Who waits for one of the ring, but is not in it. */
static void print_behind(const struct report *r, uint32_t cycle)
{
	for (uint32_t t = 0; t < r->c.s->n_threads; t++) {
		if (thread_counts(r, t) && ring_behind(r, t) == cycle)
			chain_print_behind(stdout, &r->c, t);
	}
}

static int print_cycle(struct report *r, uint32_t cycle)
{
	uint32_t first = r->c.d->cycle_threads[r->c.d->cycles[cycle].first];
	struct chain chain;
	int status = chain_follow(&r->c, first, &chain);

	if (status)
		return status;
	begin(r);
	chain_conclude(stdout, &r->c, &chain);
	chain_print(stdout, &r->c, &chain, 2);
	print_behind(r, cycle);
	if (!print_findings(r, &chain))
		ring_advise(stdout, &r->c, cycle);
	free(chain.threads);
	return CLI_YES;
}

/* One whose chain ends without a ring. */
static int print_thread(struct report *r, uint32_t thread)
{
	struct chain chain;
	int status = chain_follow(&r->c, thread, &chain);

	if (status)
		return status;
	begin(r);
	chain_conclude(stdout, &r->c, &chain);
	chain_print(stdout, &r->c, &chain, 2);
	(void)print_findings(r, &chain);
	free(chain.threads);
	return CLI_YES;
}

static int print_all(struct report *r)
{
	int err = CLI_YES;

	for (uint32_t i = 0; i < r->c.d->n_cycles && !err; i++)
		if (cycle_counts(r, i))
			err = print_cycle(r, i);
	for (uint32_t t = 0; t < r->c.s->n_threads && !err; t++) {
		uint32_t ring = ring_behind(r, t);

		if (thread_counts(r, t) &&
		    (ring == VIA_NONE || !cycle_counts(r, ring)))
			err = print_thread(r, t);
	}
	return err;
}

/* --- JSON --- */

static json_t *findings_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->c.d->n_findings; i++) {
		const struct via_finding *f = &r->c.d->findings[i];

		if (f->thread != VIA_NONE && f->certainty <= r->certainty &&
		    why_is_stuck(&r->c, f->thread, r->certainty))
			json_array_append_new(list, why_finding_json(&r->c, f));
	}
	return list;
}

static int print_json(struct report *r)
{
	json_t *cycles = json_array(), *stuck = json_array();

	for (uint32_t i = 0; i < r->c.d->n_cycles; i++) {
		if (!cycle_counts(r, i))
			continue;
		json_array_append_new(cycles, why_cycle_json(&r->c, i));
		r->any = true;
	}
	for (uint32_t t = 0; t < r->c.s->n_threads; t++) {
		if (!thread_counts(r, t))
			continue;
		json_array_append_new(stuck, why_task_json(&r->c, t));
		r->any = true;
	}
	json_t *all = json_pack("{so so so}", "cycles", cycles, "stuck", stuck,
				"findings", findings_json(r));

	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

/* --- The verb --- */

static int stuck_run(int argc, char **argv)
{
	struct report r = {0};

	(void)cli_options(&verb_stuck, argc, argv, &r.o);
	r.certainty = r.o.all ? VIA_GUESS : VIA_LIKELY;
	int status = why_open(&r.o.look, &r.c);

	if (status)
		return status;
	r.finding = calloc(r.c.d->n_findings + (size_t)1, sizeof(*r.finding));
	if (!r.finding)
		status = cli_error("out of memory");
	else
		status = r.o.look.json ? print_json(&r) : print_all(&r);
	look_footer(r.c.s);
	free(r.finding);
	why_close(&r.c);
	return status || r.any ? CLI_FAILED : CLI_YES;
}

static const struct verb_option options[] = {
	{'m', "min-age", "DURATION", "only what has lasted for so long",
	 CLI_DURATION, offsetof(struct stuck_options, min_age_ns)},
	{'a', "all", NULL, "guesses too", CLI_FLAG,
	 offsetof(struct stuck_options, all)},
	LOOK_OPTIONS(struct stuck_options, look),
	{0},
};

static const struct verb_example examples[] = {
	{"via stuck", "is there a deadlock on this machine?"},
	{"via stuck --min-age 1m || mail -s stuck root",
	 "tell somebody, from cron"},
	{"via stuck --json | jq '.cycles[].tasks[].pid'", "who is part of one"},
	{0},
};

const struct verb verb_stuck = {
	.name = "stuck",
	.summary = "find deadlocks and processes that cannot go on",
	.synopsis = "[OPTION]...",
	.description =
		"Find all processes and threads whose wait nobody can end: "
		"those that wait for each other, over whatever mechanisms, "
		"those behind them, and those that wait for what a dead one "
		"has taken with it. Looks twice: who has run in between is "
		"not stuck. Where only one who runs at the moment could end "
		"the wait, as another via does who asks how full a pipe is, "
		"all is looked at once more.\n\n"
		"\"Proven\" says that the kernel itself names everybody who "
		"could end the wait, and none of them goes on; a signal "
		"aside, that is how it stays. \"Probably\" says that "
		"somebody may not have been seen: from inside of a "
		"container, or as a user without rights. What rests on "
		"custom only (who used a semaphore last, who could wake a "
		"futex) is a guess, \"perhaps\", and shown with --all.\n\n"
		"The exit status is 1 if something was found, else 0.",
	.options = options,
	.examples = examples,
	.run = stuck_run,
};
