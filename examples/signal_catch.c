/* SPDX-License-Identifier: MIT */
/*
 * Catch SIGINT (Ctrl-C) until SIGTERM comes.
 *
 * The handler only takes a note: nearly nothing else is safe there, since it
 * may interrupt anything, malloc and printf too. Outside of sigsuspend both
 * signals are blocked, so none arrives between the look and the wait, where
 * pause() would miss it.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void note(int sig)
{
	caught = sig;
}

int main(void)
{
	struct sigaction action = {.sa_handler = note};
	sigset_t both, before;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	/* Each is blocked while the handler of the other runs. */
	action.sa_mask = both;
	if (sigprocmask(SIG_BLOCK, &both, &before) < 0 ||
	    sigaction(SIGINT, &action, NULL) < 0 ||
	    sigaction(SIGTERM, &action, NULL) < 0)
		err(1, "setup");
	printf("process %d\n", getpid());

	while (caught != SIGTERM) {
		fflush(stdout);
		sigsuspend(&before); /* returns after a handler, with EINTR */
		printf("caught %d, %s\n", caught, strsignal(caught));
	}
	return 0;
}
