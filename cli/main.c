/* SPDX-License-Identifier: MIT */
/*
 * What starts commands by the thousand, `via run` where nobody looks on, needs
 * no library and is done here. All else does via-verbs, which takes its place.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/run/become.h"

/* run LINE, run -- COMMAND...: what else there may be is for verbs/run.c. */
static void run_unseen(int argc, char **argv)
{
	bool direct = argc > 1 && strcmp(argv[0], "--") == 0;
	char *words[4];

	if (direct)
		run_become(run_command(argv + 1, true, words));
	else if (argc == 1 && argv[0][0] != '-')
		run_become(run_command(argv, false, words));
}

/* Beside this program, as it was built, or where it is installed. */
static int become_verbs(char **argv)
{
	static const char *const places[] = {"via-verbs", VIA_VERBS};
	char path[PATH_MAX + 64] = VIA_VERBS_INSTALLED;
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);

	if (len <= 0)
		(void)execv(path, argv);
	else
		path[len] = '\0';
	char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; len > 0 && i < 2; i++) {
		snprintf(name, sizeof(path) - (size_t)(name - path), "%s",
			 places[i]);
		(void)execv(path, argv);
	}
	fprintf(stderr, "via: the verbs are missing: %s: %s\n", path,
		strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "run") == 0 && !isatty(STDERR_FILENO))
		run_unseen(argc - 2, argv + 2);
	return become_verbs(argv);
}
