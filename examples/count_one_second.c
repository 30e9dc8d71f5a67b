/* SPDX-License-Identifier: MIT */
/*
 * How far can it count in one second? Silently, and writing each number out.
 *
 * alarm() sends SIGALRM after the second; until then the loop just counts.
 * Output costs a system call each time: most of the second goes there.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* What a handler may write: volatile, or the loop need never look again. */
static volatile sig_atomic_t over;

static void stop(int sig)
{
	(void)sig;
	over = 1;
}

static unsigned long count(int out)
{
	unsigned long n = 0;

	over = 0;
	alarm(1);
	while (!over) {
		n++;
		if (out >= 0 && dprintf(out, "%lu\n", n) < 0)
			err(1, "dprintf");
	}
	return n;
}

int main(void)
{
	/* SA_RESTART: a write the alarm interrupts goes on. */
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || sigaction(SIGALRM, &action, NULL) < 0)
		err(1, "setup");

	unsigned long silent = count(-1), writing = count(null);

	printf("silently to %lu, writing to %lu\n", silent, writing);
	return 0;
}
