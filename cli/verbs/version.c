/* SPDX-License-Identifier: MIT */
/* via version */
#include <stdio.h>
#include <string.h>

#include <via/via.h>

#include "cli/verb.h"

static const struct verb_option options[] = {{0}};

static const struct verb_example examples[] = {
	{"via version",
	 "the program's version, and the library's if it differs"},
	{0},
};

static int version_run(int argc, char **argv)
{
	(void)cli_options(&verb_version, argc, argv, NULL);
	printf("via %s", VIA_VERSION);
	if (strcmp(via_version(), VIA_VERSION) != 0)
		printf(" (library %s)", via_version());
	putchar('\n');
	return CLI_YES;
}

const struct verb verb_version = {
	.name = "version",
	.summary = "show the version",
	.synopsis = "",
	.description = "Show the version of via.",
	.options = options,
	.examples = examples,
	.run = version_run,
};
