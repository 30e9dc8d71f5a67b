/* SPDX-License-Identifier: MIT */
/*
 * echo_select: many clients in one thread, with select().
 *
 * The sets are bit maps of descriptors, made anew for each call, and end at
 * FD_SETSIZE, 1024: a higher descriptor would be written beyond them.
 */
#include <sys/select.h>
#include <unistd.h>

#include "echo.h"

static struct conn conns[FD_SETSIZE]; /* by descriptor; 0: no connection */

static void add(int fd)
{
	if (fd >= FD_SETSIZE)
		close(fd);
	else if (fd >= 0)
		conns[fd] = (struct conn){.fd = fd};
}

int main(void)
{
	int listener = listen_on_loopback();

	for (;;) {
		fd_set readable, writable;
		int last = listener;

		FD_ZERO(&readable);
		FD_ZERO(&writable);
		FD_SET(listener, &readable);
		for (int fd = 0; fd < FD_SETSIZE; fd++)
			if (conns[fd].fd) {
				FD_SET(fd, conn_wants(&conns[fd]) == POLLIN
						   ? &readable
						   : &writable);
				last = fd > last ? fd : last;
			}

		if (select(last + 1, &readable, &writable, NULL, NULL) < 0)
			err(1, "select");

		for (int fd = 0; fd <= last; fd++)
			if (conns[fd].fd &&
			    (FD_ISSET(fd, &readable) ||
			     FD_ISSET(fd, &writable)) &&
			    conn_move(&conns[fd]) < 0) {
				close(fd);
				conns[fd].fd = 0;
			}
		if (FD_ISSET(listener, &readable))
			add(accept_one(listener));
	}
}
