/* SPDX-License-Identifier: MIT */
/*
 * Reap children when SIGCHLD says so.
 *
 * Children that end together may raise one SIGCHLD between them, so each one
 * is answered with waitpid until nobody is left: one waitpid per signal leaves
 * zombies.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 5

static int reap(void)
{
	int n = 0, status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; n++)
		printf("child ended with %d\n", WEXITSTATUS(status));
	return n;
}

int main(void)
{
	int gate[2], sig, signals = 0, reaped = 0;
	sigset_t child;
	char byte;

	/* Blocked and waited for: no handler, nothing to interrupt. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 || pipe(gate) < 0)
		err(1, "setup");

	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			close(gate[1]);
			/* The end of the file opens the gate for all. */
			_exit(read(gate[0], &byte, 1) < 0 ? 100 : i);
		}
	}
	close(gate[1]);

	while (reaped < CHILDREN) {
		sigwait(&child, &sig);
		signals++;
		reaped += reap();
	}
	printf("%d children, %d signals\n", reaped, signals);
	return 0;
}
