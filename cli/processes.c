/* SPDX-License-Identifier: MIT */
#include "cli/processes.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"
#include "inspect/collect/proc.h"
#include "inspect/view/escape.h"

/* TASK_COMM_LEN without its NUL; of kernel threads more is shown. */
#define NAME_LEN_MAX 15

int process_choice_parse(const char *word, struct process_choice *ret)
{
	const char *digits = word + (*word == '-');
	char *end;
	long n = strtol(digits, &end, 10);

	*ret = (struct process_choice){0};
	if (!isdigit((unsigned char)*digits) || *end) {
		ret->name = word;
		return 0;
	}
	if (n <= 0 || n > INT_MAX)
		return -EINVAL;
	*(*word == '-' ? &ret->group : &ret->pid) = (pid_t)n;
	return 0;
}

int processes_missing(const struct process_choice *choice, const char *word)
{
	if (choice->pid)
		return cli_error("there is no process %d", choice->pid);
	if (choice->group)
		return cli_error("there is no process group %d", choice->group);
	if (choice->pattern)
		return cli_error("no process has a name like '%s'", word);
	return cli_error("no process has the name '%s'%s", word,
			 strlen(word) > NAME_LEN_MAX
				 ? ", of which the kernel keeps 15 bytes"
				 : "");
}

struct walk {
	const struct process_choice *choice;
	int (*f)(int dir, const struct via_task *task, void *arg);
	void *arg;
	int n;
};

static bool fits(const struct process_choice *choice,
		 const struct via_task *task)
{
	if (choice->group && task->pgid != choice->group)
		return false;
	if (choice->name && strcmp(task->comm, choice->name) != 0)
		return false;
	return !choice->pattern ||
	       regexec(choice->pattern, task->comm, 0, NULL, 0) == 0;
}

static int look(pid_t pid, void *arg)
{
	struct walk *walk = arg;
	struct via_task task;
	int dir = via__proc_open(pid), r = 0;

	if (dir < 0)
		return dir == -ESRCH ? 0 : dir;
	if (via__proc_task(dir, pid, &task) == 0 && fits(walk->choice, &task))
		r = walk->f(dir, &task, walk->arg);
	close(dir);
	walk->n += r > 0;
	return r < 0 ? r : 0;
}

int processes_each(const struct process_choice *choice,
		   int (*f)(int dir, const struct via_task *task, void *arg),
		   void *arg)
{
	struct walk walk = {.choice = choice, .f = f, .arg = arg};
	int err = choice->pid ? look(choice->pid, &walk)
			      : via__proc_each(look, &walk);

	return err < 0 ? err : walk.n;
}

const char *process_name(const struct via_task *task,
			 char name[PROCESS_NAME_MAX])
{
	return via__escape(task->comm, strlen(task->comm), name,
			   PROCESS_NAME_MAX);
}
