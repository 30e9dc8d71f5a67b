/* SPDX-License-Identifier: MIT */
/* Which internet sockets talk to each other: by their addresses and ports. */
#ifndef INSPECT_COLLECT_INET_H
#define INSPECT_COLLECT_INET_H

#include "inspect/model/build.h"

struct via__inet_address {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
};

/* One socket. */
struct via__inet {
	struct via__inet_address local, remote;
	uint32_t net_ns, family, protocol, state;
	uint32_t object;
	bool unborn; /* it waits to be accepted */
};

struct via__inets {
	struct via__inet *at;
	size_t n, max;
};

/* IPv4's four bytes as sixteen. */
void via__inet_map(const void *ipv4, uint8_t ret[16]);

/* "127.0.0.1:80", "[::1]:80"; family as the socket's: of IPv6 also
 * "[::ffff:127.0.0.1]:80". */
#define VIA__INET_TEXT_MAX 64
const char *via__inet_format(const struct via__inet_address *a, uint32_t family,
			     char text[VIA__INET_TEXT_MAX]);

bool via__inet_is_any(const struct via__inet_address *a);
bool via__inet_is_loopback(const struct via__inet_address *a);

void via__inet_add(struct via__inets *all, const struct via__inet *one);

/*
 * Find peers, in the same namespace or, but for loopback addresses, the one in
 * any that fits. Who has none and talks to another address than its machine's
 * gets VIA_OBJECT_REMOTE. Who waits to be accepted is nobody's peer: the other
 * one gets a link to the listener instead.
 */
void via__inet_join(struct via_snapshot *s, struct via__inets *all);

#endif
