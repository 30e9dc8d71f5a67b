/* SPDX-License-Identifier: MIT */
/*
 * The program: via-verbs.so has the verbs, and the libraries that they need.
 * What starts commands by the thousand, `via run` where nobody looks on, needs
 * none of that and is done before.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/run/become.h"
#include "cli/via.h"

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

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "run") == 0 && !isatty(STDERR_FILENO))
		run_unseen(argc - 2, argv + 2);

	/* Found by the path that was linked into this program. */
	void *verbs = dlopen("via-verbs.so", RTLD_LAZY);
	via_main_fn *via_main = NULL;

	if (verbs)
		*(void **)&via_main = dlsym(verbs, VIA_MAIN);
	if (!via_main) {
		fprintf(stderr, "via: the verbs are missing: %s\n", dlerror());
		return 1;
	}
	return via_main(argc, argv);
}
