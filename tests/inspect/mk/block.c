/* SPDX-License-Identifier: MIT */
/* What the children of many situations do. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <sys/socket.h>

void mk_read(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	mk_die("read() from %d came back with %zd", fd, n);
}

void mk_fill(int fd)
{
	static const char page[4096];

	while (write(fd, page, sizeof(page)) > 0)
		;
	mk_die("write() to %d came back", fd);
}

void mk_recv(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	mk_die("recv() from %d came back with %zd", fd, n);
}

void mk_accept(int fd)
{
	int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	mk_die("accept4() from %d came back with %d", fd, got);
}

void mk_echo(int from, int to)
{
	char text[8];

	for (;;) {
		ssize_t n = read(from, text, sizeof(text));

		if (n <= 0 || write(to, text, (size_t)n) != n)
			mk_die("echo from %d to %d", from, to);
	}
}

void mk_serve(int from, int to)
{
	static const char first[8] = "\1\0\0\0\0\0\0";

	if (write(to, first, sizeof(first)) < 0)
		mk_die("first write to %d", to);
	mk_echo(from, to);
}
