/* SPDX-License-Identifier: MIT */
/*
 * echo_epoll_edge: many clients in one thread, with edge-triggered epoll.
 *
 * The kernel says once that something has come. Who stops before EAGAIN is not
 * told again, so each turn goes on until nothing moves, however long that is.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"

static void watch(int epoll, struct conn *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c,
	};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void add_all(int epoll, int listener)
{
	for (int fd; (fd = accept_one(listener)) >= 0;)
		watch(epoll, conn_new(fd));
}

static void move_all(struct conn *c)
{
	int moved;

	while ((moved = conn_move(c)) > 0)
		;
	if (moved < 0) {
		close(c->fd);
		free(c);
	}
}

int main(void)
{
	struct conn listener = {.fd = listen_on_loopback()};
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, &listener);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, -1);

		if (n < 0 && errno != EINTR) /* stopped and continued */
			err(1, "epoll_wait");
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == &listener)
				add_all(epoll, listener.fd);
			else
				move_all(events[i].data.ptr);
	}
}
