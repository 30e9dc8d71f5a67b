/* SPDX-License-Identifier: MIT */
/*
 * Two siblings joined by a pipe, as the shell does for: ps aux | grep bash
 *
 * dup2 puts an end of the pipe where the command expects its input or output.
 * O_CLOEXEC closes every other copy on exec; the parent closes its own, or
 * grep would wait for ever for the end of its input.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start a command with our descriptor fd as its descriptor target. */
static pid_t start(const char *const *argv, int fd, int target)
{
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child > 0)
		return child;
	/* The copy is open across exec: dup2 does not copy FD_CLOEXEC. */
	if (dup2(fd, target) < 0)
		err(126, "dup2");
	execvp(argv[0], (char **)argv); /* which does not write there */
	warn("%s", argv[0]);
	_exit(127);
}

static int wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	const char *ps[] = {"ps", "aux", NULL};
	const char *grep[] = {"grep", "bash", NULL};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(1, "pipe2");

	/* Both run at once: ps alone could fill the pipe and wait. */
	pid_t left = start(ps, fds[1], STDOUT_FILENO);
	pid_t right = start(grep, fds[0], STDIN_FILENO);

	close(fds[0]);
	close(fds[1]);
	wait_for(left);
	return wait_for(right); /* the shell, too, takes the last one's */
}
