/* SPDX-License-Identifier: MIT */
/*
 * signal_pending [SECONDS]: print the pending signals each second.
 *
 * All signals are blocked: what is sent (Ctrl-C, kill) stays pending, however
 * often just once. SIGKILL and SIGSTOP cannot be blocked.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_pending(void)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		err(1, "sigpending");
	printf("pending:");
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sigismember(&pending, sig) == 1) {
			const char *name = sigabbrev_np(sig); /* glibc 2.32 */

			printf(name ? " %s" : " %s%d", name ? name : "", sig);
		}
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5;
	struct timespec next;
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		err(1, "sigprocmask");
	printf("process %d\n", getpid());

	/* Until a point in time, not for a while: so errors do not add up. */
	clock_gettime(CLOCK_MONOTONIC, &next);
	print_pending();
	for (int i = 0; i < seconds; i++) {
		next.tv_sec++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		print_pending();
	}
	return 0;
}
