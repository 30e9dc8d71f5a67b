/* SPDX-License-Identifier: MIT */
/* -h, from the table that the man page is made from too. */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"
#include "cli/wrap.h"
#include "inspect/view/view.h"

#define WIDTH 79
/* Where the options' explanations start. */
#define COLUMN 26

/* Paragraphs: split by an empty line, each one line in the source. */
static void print_paragraphs(const char *text)
{
	while (*text) {
		char paragraph[2048];
		size_t len = strcspn(text, "\n");

		snprintf(paragraph, sizeof(paragraph), "%.*s", (int)len, text);
		wrap_print(stdout, paragraph, 0, 0, WIDTH);
		text += len;
		text += strspn(text, "\n");
		if (*text)
			putchar('\n');
	}
}

static void print_option(char letter, const char *name, const char *argument,
			 const char *help)
{
	int at = letter ? printf("  -%c, ", letter) : printf("      ");

	at += printf("--%s%s%s", name, argument ? " " : "",
		     argument ? argument : "");
	if (at > COLUMN - 2) {
		putchar('\n');
		at = 0;
	}
	printf("%*s", COLUMN - at, "");
	wrap_print(stdout, help, COLUMN, COLUMN, WIDTH);
}

/* What -o can choose. */
static void print_columns(const struct verb *verb)
{
	for (size_t i = 0; verb->views && verb->views[i]; i++) {
		const struct via__view *view = verb->views[i];

		printf("\nColumns of %s:\n", view->name);
		for (const struct via__column *c = view->columns; c->name;
		     c++) {
			printf("  %-12s", c->name);
			wrap_print(stdout, c->help, 14, 14, WIDTH);
		}
	}
}

void cli_help(const struct verb *verb)
{
	printf("Usage: via %s%s%s\n\n", verb->name, *verb->synopsis ? " " : "",
	       verb->synopsis);
	print_paragraphs(verb->description);
	printf("\nOptions:\n");
	for (const struct verb_option *o = verb->options; o->name; o++)
		print_option(o->letter, o->name, o->argument, o->help);
	print_option('h', "help", NULL, "show this help");
	print_columns(verb);
	printf("\nExamples:\n");
	for (const struct verb_example *e = verb->examples; e->command; e++)
		printf("  %s\n      %s\n", e->command, e->what);
}

void cli_help_all(void)
{
	printf("Usage: via VERB [ARGUMENT]...\n\n"
	       "Messages between processes over any mechanism.\n\n"
	       "Verbs:\n");
	for (size_t i = 0; verbs[i]; i++)
		printf("  %-12s%s\n", verbs[i]->name, verbs[i]->summary);
	printf("\nvia VERB -h explains a verb, via(7) URLs and messages.\n");
}

int cli_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return CLI_YES;
	return cli_error("standard output: %s", strerror(errno));
}
