/* SPDX-License-Identifier: MIT */
/*
 * fork_exec COMMAND [ARG...]: run a command and say how it ended.
 *
 * fork returns twice, exec only if it failed. The child then leaves by _exit:
 * exit would write what the parent's stdio had buffered a second time.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int status;

	if (argc < 2)
		errx(2, "usage: fork_exec COMMAND [ARG...]");

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		execvp(argv[1], argv + 1);

		int error = errno;

		warn("%s", argv[1]);
		_exit(error == ENOENT ? 127 : 126); /* as shells do */
	}

	/* Until its parent has waited for it, an ended child is a zombie. */
	if (waitpid(child, &status, 0) < 0)
		err(1, "waitpid");
	if (WIFEXITED(status))
		printf("%s: exit status %d\n", argv[1], WEXITSTATUS(status));
	else
		printf("%s: signal %d, %s\n", argv[1], WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	return 0;
}
