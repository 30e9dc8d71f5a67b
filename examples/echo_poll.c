/* SPDX-License-Identifier: MIT */
/*
 * echo_poll: many clients in one thread, with poll().
 *
 * One entry per descriptor, whatever its number. The kernel still looks at all
 * of them at each call.
 */
#include <unistd.h>

#include "echo.h"

#define CONNS_MAX 1000

static struct conn conns[CONNS_MAX];
static struct pollfd polled[CONNS_MAX + 1]; /* the last is the listener */
static int n;

static void add(int fd)
{
	if (fd < 0)
		return;
	conns[n] = (struct conn){.fd = fd};
	polled[n + 1] = polled[n];
	n++;
}

static void drop(int i)
{
	close(conns[i].fd);
	conns[i] = conns[--n];
	polled[i] = polled[n];
	polled[n] = polled[n + 1];
}

int main(void)
{
	polled[0].fd = listen_on_loopback();
	for (;;) {
		for (int i = 0; i < n; i++) {
			polled[i].fd = conns[i].fd;
			polled[i].events = conn_wants(&conns[i]);
		}
		/* Full: later clients wait until one of these has left. */
		polled[n].events = n < CONNS_MAX ? POLLIN : 0;

		if (poll(polled, n + 1, -1) < 0)
			err(1, "poll");

		int accepts = polled[n].revents & POLLIN;

		/* Backwards: the one that fills a gap has had its turn. */
		for (int i = n - 1; i >= 0; i--)
			if (polled[i].revents && conn_move(&conns[i]) < 0)
				drop(i);
		if (accepts)
			add(accept_one(polled[n].fd));
	}
}
