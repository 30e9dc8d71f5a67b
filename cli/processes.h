/* SPDX-License-Identifier: MIT */
/* Finding processes by what a user calls them. */
#ifndef CLI_PROCESSES_H
#define CLI_PROCESSES_H

#include <regex.h>

#include <via/inspect.h>

/* Which processes: each member narrows it down, zero or NULL does not. */
struct process_choice {
	pid_t pid;
	pid_t group;
	const char *name;	/* exactly */
	const regex_t *pattern; /* within the name */
};

/*
 * A word of the command line: a pid in digits, a group's behind "-", a name.
 * 0 or -EINVAL: a number that is no pid.
 */
int process_choice_parse(const char *word, struct process_choice *ret);

/* Say that there is none; word: what the user called it. CLI_FAILED. */
int processes_missing(const struct process_choice *choice, const char *word);

/*
 * Call f for each process that fits, with its directory in /proc, which is
 * open during the call only. f returns 1 if it is one of them, 0 if it has gone
 * meanwhile, -errno to stop. Returns how many there are, or -errno.
 */
int processes_each(const struct process_choice *choice,
		   int (*f)(int dir, const struct via_task *task, void *arg),
		   void *arg);

/* A process' name for a person, as inspect/view/escape.h has it. */
#define PROCESS_NAME_MAX (4 * VIA_COMM_MAX + 1)
const char *process_name(const struct via_task *task,
			 char name[PROCESS_NAME_MAX]);

#endif
