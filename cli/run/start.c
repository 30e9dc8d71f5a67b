/* SPDX-License-Identifier: MIT */
#include "cli/run/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/command.h"

/* The user's shell, if the line may be in its language. */
static char *shell(void)
{
	static const char *const posix[] = {"sh",   "bash", "dash", "ksh",
					    "mksh", "zsh",  "ash",  "yash"};
	static char fallback[] = "/bin/sh";
	char *path = getenv("SHELL");
	const char *slash = path ? strrchr(path, '/') : NULL;

	for (size_t i = 0; slash && i < sizeof(posix) / sizeof(*posix); i++)
		if (strcmp(slash + 1, posix[i]) == 0 && access(path, X_OK) == 0)
			return path;
	return fallback;
}

char **run_command(char **operands, bool direct, char *words[4])
{
	static char option[] = "-c";

	if (direct)
		return operands;
	words[0] = shell();
	words[1] = option;
	words[2] = operands[0];
	words[3] = NULL;
	return words;
}

int run_start(char **argv, int stdin_fd, const sigset_t *mask, pid_t *ret_pid)
{
	const struct via_program_fd input = {STDIN_FILENO, stdin_fd};

	/* A closed one stays closed. */
	return cli_start(argv, stdin_fd == STDIN_FILENO ? NULL : &input, mask,
			 ret_pid);
}

int run_end_as(const struct run_end *end)
{
	sigset_t set;

	if (!end->signalled)
		return end->status;
	/* One core dump, the command's, is enough. */
	prctl(PR_SET_DUMPABLE, 0);
	signal(end->status, SIG_DFL);
	raise(end->status);
	sigemptyset(&set);
	sigaddset(&set, end->status);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + end->status;
}
