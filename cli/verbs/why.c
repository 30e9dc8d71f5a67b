/* SPDX-License-Identifier: MIT */
/* via why: what a process waits for, and what that waits for, to the end. */
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "cli/json.h"
#include "cli/processes.h"
#include "cli/verb.h"
#include "cli/why/chain.h"
#include "cli/why/json.h"

struct why_options {
	struct look_options look;
	bool threads;
};

/* What is asked for. */
struct question {
	struct why_case c;
	struct why_options o;
	uint32_t *threads, n; /* that a chain begins at */
	bool *finding;	      /* by finding: it concerns one of them */
	json_t *chains;
};

/* --- Who is meant --- */

static void ask(struct question *q, uint32_t thread)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (q->threads[i] == thread)
			return;
	q->threads[q->n++] = thread;
}

/* All threads of a process, or those that cannot go on, or else the first. */
static void ask_process(struct question *q, uint32_t process)
{
	const struct via_process *p = &q->c.s->processes[process];
	uint32_t before = q->n;

	for (uint32_t i = 0; i < p->n_threads; i++)
		if (q->o.threads ||
		    why_is_stuck(&q->c, p->first_thread + i, VIA_GUESS))
			ask(q, p->first_thread + i);
	if (q->n == before && p->n_threads)
		ask(q, p->first_thread);
}

static int ask_number(struct question *q, const struct process_choice *choice)
{
	uint32_t process = via_snapshot_process(q->c.s, choice->pid);
	uint32_t thread = via_snapshot_thread(q->c.s, choice->pid);

	if (process == VIA_NONE && thread == VIA_NONE)
		return processes_missing(choice, "");
	if (process != VIA_NONE && !q->c.s->processes[process].n_threads)
		return cli_error("process %d is a kernel thread, or has ended",
				 choice->pid);
	if (process != VIA_NONE)
		ask_process(q, process);
	else
		ask(q, thread);
	return CLI_YES;
}

static int ask_name(struct question *q, const struct process_choice *choice)
{
	bool any = false;

	for (uint32_t p = 0; p < q->c.s->n_processes; p++) {
		if (strcmp(q->c.s->processes[p].task.comm, choice->name) != 0)
			continue;
		ask_process(q, p);
		any = true;
	}
	return any ? CLI_YES : processes_missing(choice, choice->name);
}

static int ask_word(struct question *q, const char *word)
{
	struct process_choice choice;

	if (process_choice_parse(word, &choice) < 0)
		cli_usage("%s: not a process id", word);
	if (choice.group)
		choice = (struct process_choice){.name = word};
	return choice.pid ? ask_number(q, &choice) : ask_name(q, &choice);
}

/* --- Answers --- */

static void mark_findings(struct question *q, const struct chain *chain)
{
	for (uint32_t i = 0; i < q->c.d->n_findings; i++)
		if (chain_concerns(&q->c, chain, &q->c.d->findings[i]))
			q->finding[i] = true;
}

static int answer(struct question *q, uint32_t thread, bool first)
{
	struct chain chain;
	int status = chain_follow(&q->c, thread, &chain);

	if (status)
		return status;
	mark_findings(q, &chain);
	if (q->chains) {
		json_array_append_new(q->chains, why_chain_json(&q->c, &chain));
	} else {
		if (!first)
			putchar('\n');
		chain_print(stdout, &q->c, &chain, 0);
		chain_conclude(stdout, &q->c, &chain);
	}
	free(chain.threads);
	return CLI_YES;
}

static bool has_findings(const struct question *q)
{
	for (uint32_t i = 0; i < q->c.d->n_findings; i++)
		if (q->finding[i])
			return true;
	return false;
}

static void advise(const struct question *q)
{
	if (has_findings(q))
		putchar('\n');
	for (uint32_t i = 0; i < q->c.d->n_findings; i++)
		if (q->finding[i])
			finding_print(stdout, &q->c, &q->c.d->findings[i]);
	for (uint32_t i = 0; i < q->n && !has_findings(q); i++) {
		uint32_t cycle = q->c.d->verdicts[q->threads[i]].cycle;

		if (cycle == VIA_NONE)
			continue;
		ring_advise(stdout, &q->c, cycle);
		return;
	}
}

static int print_json(struct question *q)
{
	json_t *findings = json_array();

	for (uint32_t i = 0; i < q->c.d->n_findings; i++)
		if (q->finding[i])
			json_array_append_new(
				findings,
				why_finding_json(&q->c, &q->c.d->findings[i]));
	json_t *all = json_pack("{so so}", "chains", q->chains, "findings",
				findings);

	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

static int answer_all(struct question *q, char **words)
{
	int status = CLI_YES, err = CLI_YES;

	for (; *words; words++)
		status |= ask_word(q, *words);
	if (q->o.look.json)
		q->chains = json_array();
	for (uint32_t i = 0; i < q->n && !err; i++)
		err = answer(q, q->threads[i], i == 0);
	if (q->chains)
		err |= print_json(q);
	else if (!err && q->n)
		advise(q);
	return status | err;
}

static int why_run(int argc, char **argv)
{
	struct question q = {0};
	int first = cli_options(&verb_why, argc, argv, &q.o);
	int status = why_open(&q.o.look, &q.c);

	if (status)
		return status;
	q.threads = calloc(q.c.s->n_threads + (size_t)1, sizeof(*q.threads));
	q.finding = calloc(q.c.d->n_findings + (size_t)1, sizeof(*q.finding));
	status = q.threads && q.finding ? answer_all(&q, argv + first)
					: cli_error("out of memory");
	look_footer(q.c.s);
	free(q.threads);
	free(q.finding);
	why_close(&q.c);
	return status;
}

static const struct verb_option options[] = {
	{'T', "threads", NULL, "each thread, not only those that are stuck",
	 CLI_FLAG, offsetof(struct why_options, threads)},
	LOOK_OPTIONS(struct why_options, look),
	{0},
};

static const struct verb_example examples[] = {
	{"via why 4242", "what process 4242 waits for"},
	{"via why postgres", "the same of all processes of that name"},
	{"via why --json $$ | jq '.chains[].tasks[-1]'",
	 "what this shell waits for in the end"},
	{0},
};

const struct verb verb_why = {
	.name = "why",
	.summary = "say why a process does not go on",
	.synopsis = "[OPTION]... PROCESS...",
	.description =
		"Say what a process waits for, over what, how full that is "
		"and since when; then who could end the wait and what that "
		"one waits for, down to a cause or round in a ring. A process "
		"is named by its pid, the id of one of its threads, or its "
		"exact name, as ps -o comm shows it. Of a process with "
		"several threads those that are stuck are shown, or else its "
		"first one.\n\n"
		"Nothing is disturbed: no pipe is opened, no process "
		"stopped. What is known to go wrong in such a way is named "
		"below, with what to do.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = -1,
	.run = why_run,
};
