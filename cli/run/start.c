/* SPDX-License-Identifier: MIT */
#include "cli/run/run.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/verb.h"

extern char **environ;

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

pid_t run_start(char **argv, int stdin_fd, const sigset_t *mask)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	/* A closed one stays closed. */
	if (stdin_fd != STDIN_FILENO)
		posix_spawn_file_actions_adddup2(&actions, stdin_fd,
						 STDIN_FILENO);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	int err = posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (!err)
		return pid;
	(void)cli_error("%s: %s", argv[0],
			err == ENOENT ? "not found" : strerror(err));
	return -err;
}

int run_start_status(pid_t err)
{
	return err == -ENOENT ? 127 : 126;
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
