/* SPDX-License-Identifier: MIT */
/* One parser for every verb: getopt_long(3) driven by the verb's table. */
#include "cli/verb.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/help.h"

#define OPTIONS_MAX 40
/* What getopt returns for table entry i is FIRST + i: no letter. */
#define FIRST 256

static int parse_number(const char *text, uint64_t *ret, char **end)
{
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	unsigned long long n = strtoull(text, end, 10);
	if (errno)
		return -EINVAL;
	*ret = n;
	return 0;
}

int cli_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t n;
	unsigned int shift = 0;

	if (parse_number(text, &n, &end) < 0)
		return -EINVAL;
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = n << shift;
	return 0;
}

int cli_parse_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{"", 1e9}, {"s", 1e9},	{"ms", 1e6},   {"us", 1e3},
		{"ns", 1}, {"m", 60e9}, {"h", 3600e9},
	};
	char *end;

	if (strcmp(text, "never") == 0) {
		*ret_ns = -1;
		return 0;
	}
	/* strtod() also knows hex, inf, nan and signs; a person does not. */
	if (text[strspn(text, "0123456789.")] == 'x' ||
	    !isdigit((unsigned char)*text))
		return -EINVAL;
	double n = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (n * units[i].ns >= 0x1p62)
			return -EINVAL;
		*ret_ns = (int64_t)(n * units[i].ns);
		return 0;
	}
	return -EINVAL;
}

static void bad_value(const struct verb_option *opt, const char *text,
		      const char *wanted)
{
	cli_usage("--%s=%s: %s", opt->name, text, wanted);
}

static void set_choice(const struct verb *verb, const struct verb_option *opt,
		       int *member)
{
	for (const struct verb_option *o = verb->options; o->name; o++)
		if (o->value == CLI_CHOICE && o->offset == opt->offset &&
		    o->choice == *member && o != opt)
			cli_usage("--%s and --%s exclude each other", o->name,
				  opt->name);
	*member = opt->choice;
}

static void set_number(const struct verb_option *opt, const char *text,
		       uint64_t *member)
{
	char *end = NULL;

	if (opt->value == CLI_SIZE) {
		if (cli_parse_size(text, member) < 0)
			bad_value(opt, text,
				  "not a number of bytes such as 4096 or 64K");
	} else if (parse_number(text, member, &end) < 0 || *end) {
		bad_value(opt, text, "not a number");
	}
	if (*member < opt->min)
		cli_usage("--%s=%s: at least %llu is needed", opt->name, text,
			  (unsigned long long)opt->min);
}

static void set_list(const struct verb_option *opt, const char *text,
		     struct cli_list *list)
{
	if (list->n == CLI_LIST_MAX)
		cli_usage("--%s: more than %d of them", opt->name,
			  CLI_LIST_MAX);
	list->item[list->n++] = text;
}

static void set_option(const struct verb *verb, const struct verb_option *opt,
		       const char *text, void *out)
{
	void *member = (char *)out + opt->offset;

	switch (opt->value) {
	case CLI_FLAG:
		*(bool *)member = true;
		break;
	case CLI_CHOICE:
		set_choice(verb, opt, member);
		break;
	case CLI_NUMBER:
	case CLI_SIZE:
		set_number(opt, text, member);
		break;
	case CLI_DURATION:
		if (cli_parse_duration(text, member) < 0)
			bad_value(opt, text,
				  "not a duration such as 5s or 100ms");
		break;
	case CLI_TEXT:
		*(const char **)member = text;
		break;
	case CLI_LIST:
		set_list(opt, text, member);
		break;
	}
}

/* The table in getopt's two forms. */
static void make_getopt(const struct verb *verb, struct option *longs,
			char *letters)
{
	int i = 0;

	for (const struct verb_option *o = verb->options; o->name; o++, i++) {
		longs[i] = (struct option){
			.name = o->name,
			.has_arg = o->argument ? required_argument
					       : no_argument,
			.val = FIRST + i,
		};
		if (!o->letter)
			continue;
		*letters++ = o->letter;
		if (o->argument)
			*letters++ = ':';
	}
	longs[i++] = (struct option){.name = "help", .val = 'h'};
	longs[i] = (struct option){0};
	*letters++ = 'h';
	*letters = '\0';
}

static const struct verb_option *option_of(const struct verb *verb, int got)
{
	if (got >= FIRST)
		return &verb->options[got - FIRST];
	const struct verb_option *opt = verb->options;
	while (opt->letter != got)
		opt++;
	return opt;
}

static void check_operands(const struct verb *verb, int n)
{
	if (n < verb->operands_min)
		cli_usage("too few arguments; usage: via %s %s", verb->name,
			  verb->synopsis);
	if (verb->operands_max >= 0 && n > verb->operands_max)
		cli_usage("too many arguments; usage: via %s %s", verb->name,
			  verb->synopsis);
}

int cli_options(const struct verb *verb, int argc, char **argv, void *out)
{
	struct option longs[OPTIONS_MAX];
	char letters[2 * OPTIONS_MAX];
	int got;

	make_getopt(verb, longs, letters);
	/* getopt's own messages begin with argv[0]. */
	argv[0] = program_invocation_short_name;
	while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (got == '?')
			exit(CLI_USAGE);
		if (got == 'h') {
			cli_help(verb);
			exit(cli_flush());
		}
		set_option(verb, option_of(verb, got), optarg, out);
	}
	check_operands(verb, argc - optind);
	return optind;
}
