/* SPDX-License-Identifier: MIT */
/*
 * unix_dgram_client PATH TEXT...: send each text as a datagram and print what
 * comes back.
 *
 * To be answered a client needs a name as well. Binding no name at all gives
 * it one that is in no directory: an abstract one (unix(7), autobind).
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static char buf[65536];

	if (argc < 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2, "usage: unix_dgram_client PATH TEXT...");
	if (fd < 0 || bind(fd, (void *)&address, sizeof(sa_family_t)) < 0)
		err(1, "bind");
	strcpy(address.sun_path, argv[1]);
	/* Only this server's datagrams reach us now. */
	if (connect(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[1]);

	for (int i = 2; i < argc; i++) {
		if (send(fd, argv[i], strlen(argv[i]), 0) < 0)
			err(1, "send");

		/* A server that dies now is not noticed: no connection. */
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0)
			err(1, "recv");
		printf("%.*s\n", (int)n, buf);
	}
	return 0;
}
