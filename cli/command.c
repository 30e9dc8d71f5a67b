/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/signal.h>

#include "cli/verb.h"

char **cli_cut_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		if (i + 1 == *argc)
			cli_usage("a command is missing behind --");
		*argc = i;
		argv[i] = NULL;
		return argv + i + 1;
	}
	return NULL;
}

static uint64_t bits(const sigset_t *set)
{
	uint64_t all = 0;

	for (int sig = 1; sig <= VIA_SIGNAL_MAX; sig++)
		if (sigismember(set, sig) == 1)
			all |= VIA_SIGNAL_BIT(sig);
	return all;
}

int cli_start(char **command, const struct via_program_fd *fd,
	      const sigset_t *mask, pid_t *ret_pid)
{
	const struct via_program program = {
		.argv = (const char *const *)command,
		.fds = fd,
		.n_fds = fd ? 1 : 0,
		.flags = VIA_PROGRAM_KEEP_FDS | VIA_PROGRAM_KEEP_IGNORED,
		.blocked = bits(mask),
	};
	struct via_error err;
	int r = via_spawn(&program, ret_pid, &err);

	if (r < 0)
		(void)cli_error("%s", err.text);
	return r;
}

int cli_start_status(int err)
{
	return err == -ENOENT ? 127 : 126;
}

static int follow(pid_t pid, const sigset_t *signals)
{
	for (;;) {
		siginfo_t info;
		int status, sig = sigwaitinfo(signals, &info);

		/* What the kernel sends for a terminal, it sends to all in
		 * the foreground: si_code is above 0 then. */
		if (sig > 0 && sig != SIGCHLD && info.si_code <= 0)
			(void)kill(pid, sig);
		if (waitpid(pid, &status, WNOHANG) != pid)
			continue;
		return WIFEXITED(status) ? WEXITSTATUS(status)
					 : 128 + WTERMSIG(status);
	}
}

int cli_run_command(char **command, int fd)
{
	static const int passed_on[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM,
					SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
	sigset_t signals, before;
	pid_t pid;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		(void)sigaddset(&signals, passed_on[i]);
	/* If its parent ignored it, waitpid() would never find the child. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_BLOCK, &signals, &before);

	/* Onto itself: no longer close-on-exec. */
	const struct via_program_fd kept = {fd, fd};
	int pidfd = cli_start(command, fd >= 0 ? &kept : NULL, &before, &pid);

	if (pidfd < 0)
		return cli_start_status(pidfd);
	close(pidfd);
	return follow(pid, &signals);
}
