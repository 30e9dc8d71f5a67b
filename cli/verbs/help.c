/* SPDX-License-Identifier: MIT */
/* via help [VERB] */
#include "cli/help.h"
#include "cli/verb.h"

static const struct verb_option options[] = {{0}};

static const struct verb_example examples[] = {
	{"via help", "list the verbs"},
	{"via help send", "the same as via send -h"},
	{0},
};

static int help_run(int argc, char **argv)
{
	int first = cli_options(&verb_help, argc, argv, NULL);

	if (first == argc) {
		cli_help_all();
		return CLI_YES;
	}
	const struct verb *verb = verb_find(argv[first]);

	if (!verb)
		cli_usage("there is no verb '%s'; via help lists them",
			  argv[first]);
	cli_help(verb);
	return CLI_YES;
}

const struct verb verb_help = {
	.name = "help",
	.summary = "explain a verb",
	.synopsis = "[VERB]",
	.description = "Explain a verb, or list them all.",
	.options = options,
	.examples = examples,
	.operands_max = 1,
	.run = help_run,
};
