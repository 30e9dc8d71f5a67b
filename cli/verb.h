/* SPDX-License-Identifier: MIT */
/*
 * What a verb is to `via`: one row of data and a function.
 *
 * The row is all there is to know: the parser, -h, the man page via-VERB(1)
 * and the completions are made from it, so they cannot differ. A new verb is
 * one file in verbs/ with its row last, and one line in verbs.def.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a verb returns: the exit status of via. */
enum cli_status {
	CLI_YES = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

/* How an option is read, and the type of the member it is stored in. */
enum cli_value {
	CLI_FLAG,     /* bool: becomes true */
	CLI_CHOICE,   /* int: becomes .choice; two choices for the same member
			 exclude each other */
	CLI_NUMBER,   /* uint64_t: 1000 */
	CLI_SIZE,     /* uint64_t, bytes: 4096, 64K, 1M, 2G (powers of 1024) */
	CLI_DURATION, /* int64_t, ns: 5s, 100ms, 10us, 3ns, 2m, 1h, a bare
			 number of seconds */
	CLI_TEXT,     /* const char * */
	CLI_LIST,     /* struct cli_list: may be given again and again */
};

#define CLI_LIST_MAX 64
struct cli_list {
	unsigned int n;
	const char *item[CLI_LIST_MAX];
};

struct verb_option {
	char letter;	      /* -l, 0: none */
	const char *name;     /* --name */
	const char *argument; /* how help calls it ("N"), NULL without */
	const char *help;     /* a few words or lines, no final full stop */
	enum cli_value value;
	size_t offset; /* of the member in the verb's own struct */
	int choice;    /* for CLI_CHOICE */
	uint64_t min;  /* for CLI_NUMBER and CLI_SIZE */
};

struct via__view;

struct verb_example {
	const char *command;
	const char *what; /* one line */
};

struct verb {
	const char *name;
	const char *summary; /* a few words, no full stop: "send messages" */
	/* What follows "via NAME": "[OPTION]... URL [FILE]...", where the
	 * words are what a missing operand is called. */
	const char *synopsis;
	const char *description; /* paragraphs, split by an empty line */
	const struct verb_option *options;   /* ends with a NULL name */
	const struct verb_example *examples; /* ends with a NULL command */
	int operands_min, operands_max;	     /* max -1: any number */
	/* Whose columns -o can choose; ends with NULL. NULL: none. */
	const struct via__view *const *views;
	/* argv[0] is the verb's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

/* The rows, verb_NAME, and all of them in the order of verbs.def. */
#define VERB(name) extern const struct verb verb_##name;
#include "verbs.def"
#undef VERB
extern const struct verb *const verbs[]; /* ends with NULL */

/* The verb of this name, or NULL. */
const struct verb *verb_find(const char *name);

/*
 * Read the options of a command line into out, the struct that the table's
 * offsets are in; what is not given keeps its value. Options may stand behind
 * operands. Returns the index in argv of the first operand (argc: none). -h
 * prints the help and exits, as does a mistake, with status CLI_USAGE.
 */
int cli_options(const struct verb *verb, int argc, char **argv, void *out);

/* Read one value alone. 0 or -EINVAL. */
int cli_parse_size(const char *text, uint64_t *ret);
int cli_parse_duration(const char *text, int64_t *ret_ns);

/*
 * One line on standard error, "via VERB: " before it. cli_error() returns
 * CLI_FAILED; cli_usage() is for a wrong command line and exits.
 */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void cli_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* The same for something that does not stop the verb. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From now on say so and exit when the memory that a file of this name backs
 * is cut off under us: whoever can write a lock's file can do that, and the
 * kernel then sends SIGBUS. What we start does not inherit it.
 */
void cli_expect_cut(const char *name);

#endif
