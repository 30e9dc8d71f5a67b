/* SPDX-License-Identifier: MIT */
/*
 * udp_client HOST PORT TEXT: send a datagram to an echo server and print the
 * answer.
 *
 * Question and answer may both be lost, so it waits for a while and asks again.
 */
#include <err.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TRIES	    3
#define PATIENCE_MS 1000

int main(int argc, char **argv)
{
	struct addrinfo *a, hints = {.ai_socktype = SOCK_DGRAM};
	static char buf[65536];

	if (argc != 4)
		errx(2, "usage: udp_client HOST PORT TEXT");

	int error = getaddrinfo(argv[1], argv[2], &hints, &a);

	if (error)
		errx(1, "%s %s: %s", argv[1], argv[2], gai_strerror(error));

	struct pollfd p = {.events = POLLIN};

	p.fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	/* Sends nothing, but makes a port where nobody is ECONNREFUSED. */
	if (p.fd < 0 || connect(p.fd, a->ai_addr, a->ai_addrlen) < 0)
		err(1, "%s %s", argv[1], argv[2]);
	freeaddrinfo(a);

	for (int i = 0; i < TRIES; i++) {
		if (send(p.fd, argv[3], strlen(argv[3]), 0) < 0)
			err(1, "send");

		int ready = poll(&p, 1, PATIENCE_MS);

		if (ready < 0)
			err(1, "poll");
		if (ready == 0)
			continue;

		ssize_t n = recv(p.fd, buf, sizeof(buf), 0);

		if (n < 0)
			err(1, "recv");
		return printf("%.*s\n", (int)n, buf) < 0;
	}
	errx(1, "no answer");
}
