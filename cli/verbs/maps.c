/* SPDX-License-Identifier: MIT */
/* via maps: what lies where in memory, or in a program's file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/maps/maps.h"
#include "cli/processes.h"
#include "cli/verb.h"

struct several {
	const struct maps_options *o;
	bool any;
	int status;
};

static int show_process(int dir, const struct via_task *task, void *arg)
{
	struct several *several = arg;

	(void)dir;
	if (several->any && !several->o->json)
		putchar('\n');
	several->any = true;
	several->status |= maps_process(task->pid, several->o);
	return 1;
}

/* A word with a slash is a file, digits are a pid; of the rest, a file in the
 * directory comes before a process of that name. */
static bool is_file(const char *word)
{
	struct stat st;

	return strchr(word, '/') ||
	       (word[strspn(word, "0123456789")] && stat(word, &st) == 0);
}

static void show(const char *word, struct several *several)
{
	struct process_choice choice;
	bool before = several->any;

	if (is_file(word)) {
		if (before && !several->o->json)
			putchar('\n');
		several->any = true;
		several->status |= maps_file(word, several->o);
		return;
	}
	if (process_choice_parse(word, &choice) < 0)
		cli_usage("%s: not a process id", word);
	int n = processes_each(&choice, show_process, several);

	if (n < 0)
		several->status = cli_error("/proc: %s", via_strerror(n));
	else if (n == 0)
		several->status = processes_missing(&choice, word);
}

static int maps_run(int argc, char **argv)
{
	struct maps_options o = {.symbols = 10};
	struct several several = {.o = &o};

	for (int i = cli_options(&verb_maps, argc, argv, &o); i < argc; i++)
		show(argv[i], &several);
	return several.status ? CLI_FAILED : CLI_YES;
}

static const struct verb_option options[] = {
	{'a', "all", NULL, "each mapping on a line of its own", CLI_FLAG,
	 offsetof(struct maps_options, all)},
	{0, "symbols", "N",
	 "of a file: so many of its largest functions and variables; "
	 "initially 10",
	 CLI_NUMBER, offsetof(struct maps_options, symbols)},
	{'j', "json", NULL, "print JSON", CLI_FLAG,
	 offsetof(struct maps_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via maps $$", "where this shell has what"},
	{"via maps postgres", "who shares which memory, of all of that name"},
	{"via maps /bin/ls", "what takes room in a program"},
	{"via maps --json --symbols 1000 ./server | jq '.symbols[].name'",
	 "its largest functions and variables"},
	{0},
};

const struct verb verb_maps = {
	.name = "maps",
	.summary = "show what lies where in memory, or in a program",
	.synopsis = "[OPTION]... PROCESS|FILE...",
	.description =
		"Of a process, named by its pid or exact name: its address "
		"space from low to high, from the program's text to the stack. "
		"Each line has the kind of what lies there, how much of it is "
		"in memory, and whether it is private or with whom it is "
		"shared; of private mappings of files, how much has been "
		"written to and so copied. Behind that the sums by kind.\n\n"
		"Of an ELF file (a program, library or object file): how much "
		"room text, rodata, data and bss take in the file and will "
		"take in memory, the sections in the order of the file, and "
		"the largest functions and variables.\n\n"
		"A word with a slash is a file.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = -1,
	.run = maps_run,
};
