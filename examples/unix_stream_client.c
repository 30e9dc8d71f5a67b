/* SPDX-License-Identifier: MIT */
/*
 * unix_stream_client PATH TEXT: send a text to an echo server and print what
 * comes back.
 *
 * Closing one direction tells the server that this is all; the other stays
 * open for the answer. (Sending a lot before reading would deadlock: both
 * sides would wait for room.)
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[4096];
	ssize_t n;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2, "usage: unix_stream_client PATH TEXT");
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[1]);

	/* A blocking send takes it all, or fails. */
	if (send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL) < 0 ||
	    shutdown(fd, SHUT_WR) < 0)
		err(1, "send");
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		fwrite(buf, 1, n, stdout);
	if (n < 0)
		err(1, "recv");
	return putchar('\n') < 0;
}
