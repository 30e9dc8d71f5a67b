/* SPDX-License-Identifier: MIT */
/*
 * unix_dgram_server PATH: an echo server on a Unix datagram socket.
 *
 * No connections, no bytes that run together: each datagram comes whole, with
 * the address of its sender. Unlike UDP none is lost or overtaken.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void end(int sig)
{
	(void)sig;
	unlink(address.sun_path); /* safe in a handler, as is _exit */
	_exit(0);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static char buf[65536];

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2, "usage: unix_dgram_server PATH (of at most 107 bytes)");
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[1]);
	signal(SIGINT, end); /* until here they would leave the name */
	signal(SIGTERM, end);
	printf("bound to %s\n", argv[1]);
	fflush(stdout);

	for (;;) {
		struct sockaddr_un from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (void *)&from,
				     &len);

		if (n < 0)
			err(1, "recvfrom");
		/* Nobody waits for a client that does not read. */
		if (sendto(fd, buf, n, MSG_DONTWAIT, (void *)&from, len) < 0)
			warn("sendto");
	}
}
