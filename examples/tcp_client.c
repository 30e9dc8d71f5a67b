/* SPDX-License-Identifier: MIT */
/*
 * tcp_client HOST PORT TEXT: send a text to an echo server and print what
 * comes back.
 *
 * A name may have many addresses, IPv6 and IPv4: the first that answers is it.
 */
#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port)
{
	struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};
	int fd = -1, error = getaddrinfo(host, port, &hints, &list);

	if (error)
		errx(1, "%s %s: %s", host, port, gai_strerror(error));
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
			    a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			warn("%s %s", host, port);
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;

	if (argc != 4)
		errx(2, "usage: tcp_client HOST PORT TEXT");

	int fd = connect_to(argv[1], argv[2]);

	if (fd < 0)
		return 1;
	/* The server sees the end, and can still answer. */
	if (send(fd, argv[3], strlen(argv[3]), MSG_NOSIGNAL) < 0 ||
	    shutdown(fd, SHUT_WR) < 0)
		err(1, "send");
	/* TCP has no messages either: the answer may come in pieces. */
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		fwrite(buf, 1, n, stdout);
	if (n < 0)
		err(1, "recv");
	return putchar('\n') < 0;
}
