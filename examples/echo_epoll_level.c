/* SPDX-License-Identifier: MIT */
/*
 * echo_epoll_level: many clients in one thread, with level-triggered epoll.
 *
 * The kernel keeps the set and hands out only who is ready. As long as
 * something is there it says so again: one read per turn is enough.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"

static void watch(int epoll, int how, struct conn *c)
{
	struct epoll_event event = {.events = conn_wants(c), .data.ptr = c};

	if (epoll_ctl(epoll, how, c->fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void add(int epoll, int fd)
{
	if (fd >= 0)
		watch(epoll, EPOLL_CTL_ADD, conn_new(fd));
}

static void move(int epoll, struct conn *c)
{
	short wanted = conn_wants(c);

	if (conn_move(c) < 0) {
		close(c->fd); /* leaves the set: it has no other copy */
		free(c);
	} else if (conn_wants(c) != wanted) {
		watch(epoll, EPOLL_CTL_MOD, c);
	}
}

int main(void)
{
	struct conn listener = {.fd = listen_on_loopback()};
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, EPOLL_CTL_ADD, &listener);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, -1);

		if (n < 0 && errno != EINTR) /* stopped and continued */
			err(1, "epoll_wait");
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == &listener)
				add(epoll, accept_one(listener.fd));
			else
				move(epoll, events[i].data.ptr);
	}
}
