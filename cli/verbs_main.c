/* SPDX-License-Identifier: MIT */
/* via VERB: find the verb, run it, see that its output has arrived. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/verb.h"

/*
 * Keep a channel from getting descriptor 0, 1 or 2 when one of them was closed
 * by the caller. Opened the wrong way round, each still fails with EBADF; a
 * program that a verb starts finds it closed again.
 */
static void fill_standard_fds(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", flags[fd] | O_CLOEXEC) != fd)
			exit(CLI_FAILED);
}

int main(int argc, char **argv)
{
	static char name[64] = "via";

	fill_standard_fds();
	(void)prctl(PR_SET_NAME, "via");
	/* Names and drawn lines are UTF-8, wherever they are shown. */
	setlocale(LC_CTYPE, "C.UTF-8");
	program_invocation_short_name = name;
	if (argc < 2)
		cli_usage("which verb? via help lists them");
	const char *word = argv[1];

	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		word = "help";
	else if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
		word = "version";
	const struct verb *verb = verb_find(word);

	if (!verb)
		cli_usage("there is no verb '%s'; via help lists them", word);
	snprintf(name, sizeof(name), "via %s", verb->name);
	int status = verb->run(argc - 1, argv + 1);
	int flushed = cli_flush();

	return status ? status : flushed;
}
