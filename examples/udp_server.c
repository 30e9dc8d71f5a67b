/* SPDX-License-Identifier: MIT */
/*
 * udp_server: an echo server on UDP.
 *
 * Each datagram comes whole or not at all; it may be lost, doubled or
 * overtaken. The kernel chooses the port, which is printed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static char buf[65536]; /* over the longest: what does not fit is cut */

	if (fd < 0 || bind(fd, (void *)&address, len) < 0 ||
	    getsockname(fd, (void *)&address, &len) < 0)
		err(1, "setup");
	printf("bound to 127.0.0.1 %d\n", ntohs(address.sin_port));
	fflush(stdout);

	for (;;) {
		struct sockaddr_in from;
		ssize_t n;

		len = sizeof(from);
		n = recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len);
		if (n < 0)
			err(1, "recvfrom");
		if (sendto(fd, buf, n, 0, (void *)&from, len) < 0)
			warn("sendto");
	}
}
