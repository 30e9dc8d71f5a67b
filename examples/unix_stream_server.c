/* SPDX-License-Identifier: MIT */
/*
 * unix_stream_server PATH: an echo server on a Unix stream socket, for one
 * client after another.
 *
 * The name is a file: the server removes it when told to end. One that was
 * killed leaves it behind, and binding it again fails with EADDRINUSE.
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

static void echo(int fd)
{
	char buf[4096];
	ssize_t n, sent;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		/* A client that has left is EPIPE, with SIGPIPE unasked. */
		for (ssize_t done = 0; done < n; done += sent)
			if ((sent = send(fd, buf + done, n - done,
					 MSG_NOSIGNAL)) < 0)
				return;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(2,
		     "usage: unix_stream_server PATH (of at most 107 bytes)");
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) < 0)
		err(1, "%s", argv[1]);
	signal(SIGINT, end); /* until here they would leave the name */
	signal(SIGTERM, end);
	if (listen(fd, SOMAXCONN) < 0)
		err(1, "listen");
	printf("listening on %s\n", argv[1]);
	fflush(stdout);

	for (int client; (client = accept(fd, NULL, NULL)) >= 0; close(client))
		echo(client);
	err(1, "accept");
}
