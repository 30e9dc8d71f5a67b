/* SPDX-License-Identifier: MIT */
/*
 * Makes the completion of a shell from the tables that the program itself
 * uses: generate SHELL TEMPLATE. What the shell does with them is in the
 * template, via.SHELL.in, where the line @tables@ stands for them.
 */
#include <stdio.h>
#include <string.h>

#include <via/via.h>

#include "cli/verb.h"

/* What operands of a verb can be, by the words of its synopsis. */
static const struct {
	const char *word, *kind;
} kinds[] = {
	{"URL", "url"},	      {"A B", "url"},	{"FILE", "file"},
	{"SCHEME", "scheme"}, {"VERB", "verb"}, {"SECTION", "rule"},
};

/* --- All shells --- */

/* Text within single quotes, with these characters behind a backslash. */
static void put_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else if (strchr(special, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void put_kinds(const struct verb *verb)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strstr(verb->synopsis, kinds[i].word))
			printf(" %s", kinds[i].kind);
}

/* "type=stream type=dgram" of a choice, "raw" of yes|no, "max=" of others. */
static void put_url_option(const struct via_option *o)
{
	const char *value = o->value;

	if (strcmp(value, "yes|no") == 0) {
		printf(" %s", o->name);
		return;
	}
	if (!strchr(value, '|')) {
		printf(" %s=", o->name);
		return;
	}
	for (;; value++) {
		size_t len = strcspn(value, "|");

		printf(" %s=", o->name);
		/* A word in capitals stands for something. */
		if (*value < 'A' || *value > 'Z')
			printf("%.*s", (int)len, value);
		value += len;
		if (!*value)
			break;
	}
}

static void put_url_options(const struct via_mechanism *m)
{
	for (const struct via_option *o = m->options; o->name; o++)
		put_url_option(o);
	for (const struct via_option *o = via_common_options(); o->name; o++)
		put_url_option(o);
}

/* --- Each --- */

static void put_bash(void)
{
	const struct via_mechanism *m;

	printf("declare -gA _via_kinds=(\n");
	for (size_t i = 0; verbs[i]; i++) {
		printf("\t[%s]='", verbs[i]->name);
		put_kinds(verbs[i]);
		printf("'\n");
	}
	printf(")\ndeclare -gA _via_options=(\n");
	for (size_t i = 0; verbs[i]; i++) {
		printf("\t[%s]='", verbs[i]->name);
		for (const struct verb_option *o = verbs[i]->options; o->name;
		     o++)
			printf("--%s ", o->name);
		printf("--help'\n");
	}
	printf(")\ndeclare -gA _via_url_options=(\n");
	for (size_t i = 0; (m = via_mechanism_at(i)); i++) {
		printf("\t[%s]='", m->scheme);
		put_url_options(m);
		printf("'\n");
	}
	printf(")\n");
}

static void put_zsh_option(const struct verb_option *o)
{
	if (o->letter && o->argument)
		printf("\t\t\t'*'{-%c+,--%s=}'[", o->letter, o->name);
	else if (o->letter)
		printf("\t\t\t'*'{-%c,--%s}'[", o->letter, o->name);
	else
		printf("\t\t\t'*--%s%s[", o->name, o->argument ? "=" : "");
	put_quoted(o->help, "[]:\\");
	putchar(']');
	if (o->argument)
		printf(":%s:%s", o->argument,
		       strcmp(o->argument, "FILE") == 0 ? "_files" : "");
	printf("' \\\n");
}

static void put_zsh(void)
{
	const struct via_mechanism *m;

	printf("_via_verbs=(\n");
	for (size_t i = 0; verbs[i]; i++) {
		printf("\t'%s:", verbs[i]->name);
		put_quoted(verbs[i]->summary, ":\\");
		printf("'\n");
	}
	printf(")\ntypeset -gA _via_url_options=(\n");
	for (size_t i = 0; (m = via_mechanism_at(i)); i++) {
		printf("\t%s '", m->scheme);
		put_url_options(m);
		printf("'\n");
	}
	printf(")\n\n_via_verb() {\n\tcase $1 in\n");
	for (size_t i = 0; verbs[i]; i++) {
		printf("\t%s)\n\t\t_arguments -s \\\n", verbs[i]->name);
		for (const struct verb_option *o = verbs[i]->options; o->name;
		     o++)
			put_zsh_option(o);
		printf("\t\t\t'(- *)'{-h,--help}'[show this help]' \\\n"
		       "\t\t\t'*:argument: _via_operand");
		put_kinds(verbs[i]);
		printf("'\n\t\t;;\n");
	}
	printf("\tesac\n}\n");
}

static void put_fish_verb(const struct verb *verb)
{
	printf("complete -c via -n __fish_use_subcommand -a %s -d '",
	       verb->name);
	put_quoted(verb->summary, "\\");
	printf("'\n");
	for (const struct verb_option *o = verb->options; o->name; o++) {
		printf("complete -c via -n '__fish_seen_subcommand_from %s'",
		       verb->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		printf(" -l %s%s -d '", o->name, o->argument ? " -r" : "");
		put_quoted(o->help, "\\");
		printf("'\n");
	}
	printf("complete -c via -n '__fish_seen_subcommand_from %s' "
	       "-a '(__via_operands",
	       verb->name);
	put_kinds(verb);
	printf(")'\n");
}

static void put_fish(void)
{
	const struct via_mechanism *m;

	printf("function __via_url_options\n\tswitch $argv[1]\n");
	for (size_t i = 0; (m = via_mechanism_at(i)); i++) {
		printf("\tcase %s\n\t\tstring split ' ' '", m->scheme);
		put_url_options(m);
		printf("'\n");
	}
	printf("\tend\nend\n\n"
	       "set -g __via_schemes");
	for (size_t i = 0; (m = via_mechanism_at(i)); i++)
		printf(" %s", m->scheme);
	printf("\nset -g __via_verbs");
	for (size_t i = 0; verbs[i]; i++)
		printf(" %s", verbs[i]->name);
	printf("\n");
	for (size_t i = 0; verbs[i]; i++)
		put_fish_verb(verbs[i]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*put)(void);
		const char *first; /* line */
	} shells[] = {
		{"bash", put_bash, ""},
		{"zsh", put_zsh, "#compdef via\n"},
		{"fish", put_fish, ""},
	};
	char line[256];

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (argc != 3 || strcmp(argv[1], shells[i].shell) != 0)
			continue;
		FILE *f = fopen(argv[2], "re");

		fputs(shells[i].first, stdout);
		while (f && fgets(line, sizeof(line), f)) {
			if (strcmp(line, "@tables@\n") == 0)
				shells[i].put();
			else
				fputs(line, stdout);
		}
		return !f || fclose(f) || fflush(stdout);
	}
	return 1;
}
