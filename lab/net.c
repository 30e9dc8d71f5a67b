/* SPDX-License-Identifier: MIT */
#include "lab/net.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/lab.h"

struct sockaddr_in lab_loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int lab_bound(int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int s = MUST(socket, AF_INET, type, 0);

	*at = lab_loopback(0);
	MUST(bind, s, at, len);
	MUST(getsockname, s, at, &len);
	return s;
}

void lab_tcp_pair(int s[2])
{
	struct sockaddr_in at;
	int listener = lab_bound(SOCK_STREAM, &at);

	MUST(listen, listener, 1);
	s[0] = MUST(socket, AF_INET, SOCK_STREAM, 0);
	MUST(connect, s[0], &at, sizeof(at));
	s[1] = MUST(accept, listener, NULL, NULL);
	MUST(close, listener);
}

uint16_t lab_checksum(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint16_t word;
	uint32_t sum = 0;

	for (; len > 1; len -= 2, bytes += 2) {
		memcpy(&word, bytes, 2);
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, bytes, 1);
		sum += word;
	}
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}
