/* SPDX-License-Identifier: MIT */
/*
 * tcp_server: an echo server on TCP, a process for each client.
 *
 * Port 0 lets the kernel choose a free one, which is printed. Bound to the
 * loopback address, it can be reached from this machine alone.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

int main(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&address, len) < 0 ||
	    listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (void *)&address, &len) < 0)
		err(1, "setup");
	signal(SIGCHLD, SIG_IGN); /* no zombies, nobody to wait for */
	printf("listening on 127.0.0.1 %d\n", ntohs(address.sin_port));
	fflush(stdout);

	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0 && errno == ECONNABORTED)
			continue; /* left before its turn came */
		if (client < 0)
			err(1, "accept");
		if (fork() == 0) {
			close(fd);
			echo(client);
			_exit(0);
		}
		close(client); /* the child, if there is one, has a copy */
	}
}
