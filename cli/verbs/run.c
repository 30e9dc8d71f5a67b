/* SPDX-License-Identifier: MIT */
/* via run: a command line watched; the work is done in cli/run/. */
#include <errno.h>
#include <string.h>

#include "cli/run/run.h"
#include "cli/verb.h"

static int run_main(int argc, char **argv)
{
	struct run_options o = {.jobs = 1};
	char *words[4];
	FILE *json = NULL;
	int first = cli_options(&verb_run, argc, argv, &o);
	bool direct = strcmp(argv[first - 1], "--") == 0;
	char **command = run_command(argv + first, direct, words);

	if (!direct && argc - first > 1)
		cli_usage("one line for the shell, or -- before a program "
			  "and its arguments");
	if (o.each && (o.json || o.pipe_size || o.pv || o.summary || o.quiet))
		cli_usage("--each watches nothing: only --jobs goes with it");
	if (!o.each && o.jobs != 1)
		cli_usage("--jobs goes with --each");
	if (o.each)
		return run_each(command, &o);
	if (o.json && !(json = fopen(o.json, "we")))
		return cli_error("%s: %s", o.json, strerror(errno));
	struct run_end end = run_watched(command, &o, json);

	if (json && (ferror(json) | fclose(json)))
		cli_warn("%s: %s", o.json, strerror(errno));
	return run_end_as(&end);
}

#define MEMBER(name) offsetof(struct run_options, name)

static const struct verb_option options[] = {
	{'s', "summary", NULL,
	 "show the summary though standard error is no terminal", CLI_FLAG,
	 MEMBER(summary)},
	{'q', "quiet", NULL, "show nothing", CLI_FLAG, MEMBER(quiet)},
	{'p', "pv", NULL, "show only the bytes and the rate of the last pipe",
	 CLI_FLAG, MEMBER(pv)},
	{'j', "json", "FILE", "write the summary to FILE as JSON", CLI_TEXT,
	 MEMBER(json)},
	{0, "pipe-size", "SIZE", "let the pipes of the command hold SIZE bytes",
	 CLI_SIZE, MEMBER(pipe_size), .min = 1},
	{'e', "each", "URL",
	 "run the command for each message that arrives at URL, with the "
	 "message as its standard input",
	 CLI_TEXT, MEMBER(each)},
	{'J', "jobs", "N", "with --each, up to N commands at a time (1)",
	 CLI_NUMBER, MEMBER(jobs), .min = 1},
	{0},
};

static const struct verb_example examples[] = {
	{"via run 'zcat big.gz | grep foo | sort | uniq -c'",
	 "which of the four do the others wait for?"},
	{"via run --json stats.json 'make -j4'", "who used what, for a script"},
	{"via run --pipe-size 1M 'tar c . | ssh host tar x'",
	 "with room for more in each pipe"},
	{"via run -- ./server --port 80", "one program, no shell"},
	{"via run --each unix:@jobs --jobs 4 ./work",
	 "four messages at a time, each to a ./work of its own"},
	{0},
};

const struct verb verb_run = {
	.name = "run",
	.summary = "run a pipeline and see what it waits for",
	.synopsis = "[OPTION]... LINE | -- COMMAND [ARGUMENT]...",
	.description =
		"Let the user's shell run LINE, or run COMMAND itself, and "
		"watch its processes and the pipes between them: who runs, "
		"who waits for whom, how full and how fast each pipe is, and "
		"which process is the bottleneck.\n\n"
		"The command has the descriptors, the terminal and the "
		"signals that it would have without via, no byte of its data "
		"passes through via, and via ends as it ends: with its exit "
		"status, or by the signal that killed it.\n\n"
		"On a terminal the picture is drawn ten times a second on "
		"standard error, and a summary follows at the end. Where "
		"standard error is no terminal nothing is shown, and unless "
		"an option asks for more, the command takes the place of via.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = -1,
	.run = run_main,
};
