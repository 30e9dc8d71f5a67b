/* SPDX-License-Identifier: MIT */
/*
 * fork_exec_via COMMAND [ARG...]: run a command and say how it ended, with
 * libvia; after two seconds it is stopped.
 *
 * Simpler: no process is in two halves, what keeps the command from starting
 * is an error here, and a wait can end. The process is a descriptor: it cannot
 * be mistaken for another, as a pid can.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <via/via.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: fork_exec_via COMMAND [ARG...]");

	const struct via_program program = {
		.argv = (const char *const *)argv + 1,
	};
	struct via_error error;
	struct via_exit ended;
	int pidfd = via_spawn(&program, NULL, &error);

	if (pidfd < 0) {
		printf("%s\n", error.text);
		return pidfd == -ENOENT ? 127 : 126; /* as shells do */
	}

	int64_t deadline = via_deadline(INT64_C(2000000000));
	int r = via_process_wait(pidfd, deadline, &ended, &error);

	if (r == -ETIMEDOUT) {
		via_signal_send_pidfd(pidfd, SIGTERM, NULL);
		r = via_process_wait(pidfd, VIA_NEVER, &ended, &error);
	}
	close(pidfd);
	if (r < 0)
		errx(1, "%s", error.text);
	if (ended.how == VIA_EXITED)
		printf("%s: exit status %d\n", argv[1], ended.status);
	else
		printf("%s: signal %d, %s\n", argv[1], ended.status,
		       strsignal(ended.status));
	return 0;
}
