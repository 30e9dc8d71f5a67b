/* SPDX-License-Identifier: MIT */
/*
 * The tables of sockets in /proc/PID/net, which are those of the process'
 * network namespace and may be read by everybody: less than NETLINK_SOCK_DIAG
 * says, where that may not be asked.
 */
#ifndef INSPECT_COLLECT_NETFILE_H
#define INSPECT_COLLECT_NETFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of "unix". The name may have been cut, or made up, by somebody who
 * named a socket with newlines: they are not escaped there. */
struct via__net_unix {
	uint32_t ino, type, state; /* as in struct via_socket */
	const char *name;	   /* with @ for NUL */
	size_t name_len;
};

/* 0 or -EPROTO: no such line. name points into it. */
int via__net_parse_unix(const char *line, struct via__net_unix *ret);

/* A line of "tcp", "udp6", "raw" ... */
struct via__net_inet {
	uint32_t ino, state;
	uint8_t local[16], remote[16]; /* network order, IPv4: the first 4 */
	uint16_t local_port, remote_port;
	uint32_t send, receive;
	uid_t uid;
	uint64_t dropped; /* UDP, raw */
};
int via__net_parse_inet(const char *line, struct via__net_inet *ret);

/* A line of "netlink" or "packet": those have numbers at fixed places alone. */
struct via__net_plain {
	uint32_t ino, protocol, type;
	uint32_t port; /* netlink */
	int64_t receive;
};
int via__net_parse_netlink(const char *line, struct via__net_plain *ret);
int via__net_parse_packet(const char *line, struct via__net_plain *ret);

/* Call f for each line but the heading of a table ("net/tcp") below dir.
 * 0 or -errno. */
int via__net_each(int dir, const char *name,
		  void (*f)(const char *line, void *arg), void *arg);

int via__net_unix_each(int dir,
		       void (*f)(const struct via__net_unix *u, void *arg),
		       void *arg);

#endif
