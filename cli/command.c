/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* 0 or an errno value; exec's too. */
static int start(char **command, int fd, const sigset_t *mask, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return err;
	err = posix_spawnattr_init(&attr);
	if (!err) {
		(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
		(void)posix_spawnattr_setsigmask(&attr, mask);
		/* Onto itself: no longer close-on-exec. */
		if (fd >= 0)
			err = posix_spawn_file_actions_adddup2(&actions, fd,
							       fd);
		if (!err)
			err = posix_spawnp(ret, command[0], &actions, &attr,
					   command, environ);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return err;
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

	int err = start(command, fd, &before, &pid);

	if (!err)
		return follow(pid, &signals);
	(void)cli_error("%s: %s", command[0], strerror(err));
	return err == ENOENT ? 127 : 126;
}
