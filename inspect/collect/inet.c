/* SPDX-License-Identifier: MIT */
#include "inspect/collect/inet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/model/array.h"

#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT	  2
#define STATE_TIME_WAIT	  6
#define STATE_CLOSE	  7
#define STATE_LISTEN	  10

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* --- Addresses --- */

void via__inet_map(const void *ipv4, uint8_t ret[16])
{
	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + sizeof(mapped), ipv4, 4);
}

static bool is_ipv4(const struct via__inet_address *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

const char *via__inet_format(const struct via__inet_address *a, uint32_t family,
			     char text[VIA__INET_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];

	if (family == AF_INET)
		inet_ntop(AF_INET, a->ip + sizeof(mapped), ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
	snprintf(text, VIA__INET_TEXT_MAX,
		 family == AF_INET ? "%s:%u" : "[%s]:%u", ip, a->port);
	return text;
}

bool via__inet_is_any(const struct via__inet_address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0 ||
	       (is_ipv4(a) && memcmp(a->ip + sizeof(mapped), zero, 4) == 0);
}

bool via__inet_is_loopback(const struct via__inet_address *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return memcmp(a->ip, one, sizeof(one)) == 0 ||
	       (is_ipv4(a) && a->ip[sizeof(mapped)] == 127);
}

/* --- Order: by protocol, where they are, where they go --- */

void via__inet_add(struct via__inets *all, const struct via__inet *one)
{
	if (via__room(&all->at, all->n, &all->max, sizeof(*all->at)))
		all->at[all->n++] = *one;
}

static int compare_address(const struct via__inet_address *a,
			   const struct via__inet_address *b)
{
	int r = (a->port > b->port) - (a->port < b->port);

	return r ? r : memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* Without the namespace, which comes last. */
static int compare_way(const struct via__inet *a, const struct via__inet *b)
{
	int r = (a->protocol > b->protocol) - (a->protocol < b->protocol);

	if (!r)
		r = compare_address(&a->local, &b->local);
	return r ? r : compare_address(&a->remote, &b->remote);
}

static int compare(const void *x, const void *y)
{
	const struct via__inet *a = x, *b = y;
	int r = compare_way(a, b);

	if (!r)
		r = (a->net_ns > b->net_ns) - (a->net_ns < b->net_ns);
	return r ? r : (a->object > b->object) - (a->object < b->object);
}

/* The first one that does not come before the key. */
static size_t find(const struct via__inets *all, const struct via__inet *key)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&all->at[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- Joining --- */

static bool is_connected(const struct via__inet *i)
{
	return i->remote.port && !via__inet_is_any(&i->remote);
}

/* Whether a socket of this state still has a stream to its peer. */
static bool talks(const struct via__inet *i)
{
	return i->protocol != IPPROTO_TCP ||
	       (i->state != STATE_TIME_WAIT && i->state != STATE_CLOSE &&
		i->state != STATE_LISTEN);
}

/* The other way round: in the same namespace, or the only one elsewhere. */
static const struct via__inet *find_peer(const struct via__inets *all,
					 const struct via__inet *one)
{
	struct via__inet key = {
		.local = one->remote,
		.remote = one->local,
		.protocol = one->protocol,
	};
	const struct via__inet *found = NULL;
	bool here = via__inet_is_loopback(&one->remote);

	for (size_t i = find(all, &key);
	     i < all->n && compare_way(&all->at[i], &key) == 0; i++) {
		const struct via__inet *other = &all->at[i];

		if (other->object == one->object || !talks(other))
			continue;
		if (other->net_ns == one->net_ns)
			return other;
		if (here)
			continue;
		if (found)
			return NULL;
		found = other;
	}
	return found;
}

/* How well a socket that is bound fits an address, as the kernel has it: none
 * is 0. */
static int fit(const struct via__inet *bound, const struct via__inet *one,
	       const struct via__inet_address *to)
{
	int points = 1 + (bound->family == one->family);

	if (bound->net_ns != one->net_ns || is_connected(bound) ||
	    (one->protocol == IPPROTO_TCP &&
	     (bound->state != STATE_LISTEN || points == 1)))
		return 0;
	if (via__inet_is_any(&bound->local))
		return points;
	return memcmp(bound->local.ip, to->ip, sizeof(to->ip)) ? 0 : points + 2;
}

/* Whoever takes what is sent to an address without being connected: a listener,
 * a UDP socket. NULL: nobody, or several share it. */
static const struct via__inet *find_bound(const struct via__inets *all,
					  const struct via__inet *one,
					  const struct via__inet_address *to)
{
	const struct via__inet *found = NULL;
	int best = 0;
	struct via__inet key = {
		.local = {.port = to->port},
		.protocol = one->protocol,
	};

	for (size_t i = find(all, &key);
	     i < all->n && all->at[i].protocol == one->protocol &&
	     all->at[i].local.port == to->port;
	     i++) {
		int points = fit(&all->at[i], one, to);

		if (points < best || !points)
			continue;
		found = points > best ? &all->at[i] : NULL;
		best = points;
	}
	return found;
}

static void connecting(struct via_snapshot *s, const struct via__inets *all,
		       const struct via__inet *one,
		       const struct via__inet *peer)
{
	const struct via__inet *listener = find_bound(all, one, &one->local);

	if (!listener)
		return;
	via__add_link(s, peer ? peer->object : one->object, listener->object,
		      VIA_LINK_CONNECTING)
		->source = VIA_SOURCE_DIAG;
}

void via__inet_join(struct via_snapshot *s, struct via__inets *all)
{
	if (all->n)
		qsort(all->at, all->n, sizeof(*all->at), compare);
	for (size_t i = 0; i < all->n; i++) {
		const struct via__inet *one = &all->at[i], *peer;
		struct via_object *o = via__object_at(s, one->object);

		if (!is_connected(one) || !talks(one))
			continue;
		peer = find_peer(all, one);
		if (one->unborn)
			connecting(s, all, one, peer);
		if (!peer && one->protocol == IPPROTO_UDP &&
		    via__inet_is_loopback(&one->remote))
			peer = find_bound(all, one, &one->remote);
		if (peer && !peer->unborn)
			o->peer = peer->object;
		else if (peer)
			continue;
		else if (!via__inet_is_loopback(&one->remote))
			o->flags |= VIA_OBJECT_REMOTE;
	}
}
