/* SPDX-License-Identifier: MIT */
/*
 * echo_server_via URL: an echo server, for one client after another.
 *
 * Simpler: one program for unix:, tcp: and the like, whose messages stay whole.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <via/via.h>

static int signals; /* which end it */

static void open_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0 ||
	    (signals = signalfd(-1, &ends, SFD_CLOEXEC)) < 0)
		err(1, "signals");
}

/* Wait until there is something to receive, or room to send; not to the end. */
static bool wait_for(struct via_channel *ch, enum via_role role)
{
	struct pollfd polled[2] = {{signals, POLLIN, 0}};

	return via_pollfd(ch, role, &polled[1]) == 0 &&
	       poll(polled, 2, -1) > 0 && !polled[0].revents;
}

int main(int argc, char **argv)
{
	struct via_channel *ch;
	struct via_error error;
	struct via_msg msg;

	if (argc != 2)
		errx(2, "usage: echo_server_via URL");
	open_signals();
	if (via_open(argv[1], VIA_RECV | VIA_DUPLEX, VIA_NEVER, &ch, &error))
		errx(1, "%s", error.text);
	printf("listening on %s\n", via_url(ch));
	fflush(stdout);

	while (wait_for(ch, VIA_RECV)) {
		if (via_take(ch, &msg, VIA_NO_WAIT) < 0)
			continue; /* not yet, or this client has left */
		while (via_send(ch, msg.data, msg.len, VIA_NO_WAIT) == -EAGAIN)
			if (!wait_for(ch, VIA_SEND))
				break;
	}
	return via_close(ch, VIA_NO_WAIT) < 0;
}
