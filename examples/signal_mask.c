/* SPDX-License-Identifier: MIT */
/*
 * sa_mask: what else is blocked while a handler runs.
 *
 * The handler of SIGUSR1 sends itself SIGUSR1 and SIGUSR2. The first is blocked
 * in any case, the second if sa_mask says so.
 */
#include <err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* printf is not safe in a handler; write is. */
static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

static void on_usr1(int sig)
{
	static volatile sig_atomic_t calls;

	if (calls++ % 2) {
		say("  USR1 once more\n");
		return;
	}
	say("  USR1 begins\n");
	raise(sig);
	raise(SIGUSR2);
	say("  USR1 ends\n");
}

static void on_usr2(int sig)
{
	(void)sig;
	say("  USR2\n");
}

static void run(const char *title, const sigset_t *mask)
{
	struct sigaction usr1 = {.sa_handler = on_usr1, .sa_mask = *mask};

	if (sigaction(SIGUSR1, &usr1, NULL) < 0)
		err(1, "sigaction");
	say(title);
	raise(SIGUSR1);
}

int main(void)
{
	sigset_t mask;

	signal(SIGUSR2, on_usr2);
	sigemptyset(&mask);
	run("sa_mask is empty:\n", &mask);
	sigaddset(&mask, SIGUSR2);
	run("sa_mask has USR2:\n", &mask);
	return 0;
}
