/* SPDX-License-Identifier: MIT */
#include "cli/run/run.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "cli/command.h"

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
