/* SPDX-License-Identifier: MIT */
/*
 * periodic_timer [COUNT]: a tick every 100 ms.
 *
 * setitimer sends SIGALRM again and again. Blocked and waited for, it needs no
 * handler. Ticks nobody has waited for merge into one; a timerfd counts them.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 10;
	struct itimerval every = {
		.it_value.tv_usec = 100000, /* the first */
		.it_interval.tv_usec = 100000,
	};
	sigset_t alarms;
	int sig;

	/* Blocked before the timer starts, or the first tick would kill us. */
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	if (sigprocmask(SIG_BLOCK, &alarms, NULL) < 0)
		err(1, "sigprocmask");

	double start = now();

	if (setitimer(ITIMER_REAL, &every, NULL) < 0)
		err(1, "setitimer");
	for (int i = 1; i <= count; i++) {
		sigwait(&alarms, &sig);
		printf("tick %d at %.3f s\n", i, now() - start);
		fflush(stdout);
	}
	return 0;
}
