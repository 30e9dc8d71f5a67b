/* SPDX-License-Identifier: MIT */
#include "cli/run/become.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* As via_spawn() looks for it; execvp(3) would give a file that is no program
 * to the shell. */
void run_become(char **argv)
{
	const char *dir = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(argv[0], '/'))
		(void)execv(argv[0], argv);
	else
		for (; dir;
		     dir = strchr(dir, ':') ? strchr(dir, ':') + 1 : NULL) {
			int len = (int)strcspn(dir, ":");

			if (snprintf(file, sizeof(file), "%.*s%s%s", len, dir,
				     len ? "/" : "", argv[0]) >= PATH_MAX)
				continue;
			(void)execv(file, argv);
			if (errno != EACCES && access(file, F_OK) == 0)
				return;
		}
}
