/* SPDX-License-Identifier: MIT */
/*
 * What the four servers echo_*.c have in common: a TCP listener, and a
 * connection that is moved on whenever it can be. What they differ in, how to
 * learn that it can be, is in them.
 *
 * A connection has one buffer. Filled, it wants to write, and reads no more
 * until all is written: so a client that does not read makes only itself wait.
 */
#ifndef ECHO_H
#define ECHO_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct conn {
	int fd;
	size_t len, sent; /* in buf */
	char buf[4096];
};

/* Neither the listener nor a connection may ever make the server wait. */
static inline int listen_on_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (void *)&address, len) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (void *)&address, &len) < 0)
		err(1, "setup");
	printf("listening on 127.0.0.1 %d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

/* The next client, or -1: none is there (any more). */
static inline int accept_one(int listener)
{
	int fd;

	do /* over those who have left before their turn came */
		fd = accept4(listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && errno == ECONNABORTED);
	if (fd < 0 && errno != EAGAIN)
		err(1, "accept4"); /* EMFILE would be reported for ever */
	return fd;
}

static inline struct conn *conn_new(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		err(1, "calloc");
	c->fd = fd;
	return c;
}

/* POLLIN or POLLOUT, which EPOLLIN and EPOLLOUT are equal to. */
static inline short conn_wants(const struct conn *c)
{
	return c->sent < c->len ? POLLOUT : POLLIN;
}

/* One read or one write. 1 something moved, 0 nothing can, -1 it is over. */
static inline int conn_move(struct conn *c)
{
	ssize_t n;

	if (conn_wants(c) == POLLOUT) {
		n = send(c->fd, c->buf + c->sent, c->len - c->sent,
			 MSG_NOSIGNAL);
		c->sent += n > 0 ? n : 0;
	} else {
		n = recv(c->fd, c->buf, sizeof(c->buf), 0);
		c->len = n > 0 ? n : 0;
		c->sent = 0;
	}
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n > 0 ? 1 : -1;
}

#endif
