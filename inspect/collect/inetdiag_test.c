/* SPDX-License-Identifier: MIT */
/* Internet sockets that are made here, and what a snapshot says of them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "inspect/collect/inet.h"
#include "inspect/collect/netfile.h"
#include "inspect/collect/snapshot_test.h"

/* --- Making them --- */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static struct address address(const char *ip, uint16_t port)
{
	struct address a = {.len = sizeof(a.v4)};

	if (inet_pton(AF_INET, ip, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = port;
		return a;
	}
	a = (struct address){.len = sizeof(a.v6)};
	a.v6.sin6_family = AF_INET6;
	a.v6.sin6_port = port;
	assert_int_equal(inet_pton(AF_INET6, ip, &a.v6.sin6_addr), 1);
	return a;
}

/* Network order, as v4 and v6 have it at the same place. */
static uint16_t port_of(int fd)
{
	struct address a = {.len = sizeof(a.v6)};

	assert_int_equal(getsockname(fd, &a.any, &a.len), 0);
	return a.v4.sin_port;
}

static int bound(int type, const char *ip)
{
	struct address a = address(ip, 0);
	int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &a.any, a.len), 0);
	return fd;
}

static void join(int fd, const char *ip, uint16_t port)
{
	struct address a = address(ip, port);

	assert_int_equal(connect(fd, &a.any, a.len), 0);
}

static int joined(int type, const char *ip, uint16_t port)
{
	struct address a = address(ip, port);
	int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	join(fd, ip, port);
	return fd;
}

static const struct via_socket *detail(const struct via_snapshot *s,
				       uint32_t object)
{
	return &s->sockets[s->objects[object].detail];
}

/* --- What is said of them --- */

/* From one address to another that mean the same machine. */
static void tcp_pair(const char *to, const char *local)
{
	int listener = bound(SOCK_STREAM, local);

	assert_int_equal(listen(listener, 3), 0);
	int client = joined(SOCK_STREAM, to, port_of(listener));
	int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_int_equal(write(client, "12345678", 8), 8);
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t c = object_of(s, VIA_KIND_TCP, client);
	uint32_t a = object_of(s, VIA_KIND_TCP, server);
	uint32_t l = object_of(s, VIA_KIND_TCP, listener);
	char text[64];

	assert_int_equal(s->objects[c].peer, a);
	assert_int_equal(s->objects[a].peer, c);
	assert_int_equal(s->objects[a].flags, 0);
	assert_int_equal(s->objects[a].level, 8);
	assert_int_equal(s->objects[c].level, 0);
	assert_int_equal(detail(s, a)->received, 8);
	/* The kernel counts the SYN, too. */
	assert_true(detail(s, c)->sent - 8 <= 1);
	assert_int_equal(detail(s, c)->state, 1);
	assert_true(detail(s, c)->send_max > 0);
	assert_int_equal(s->objects[l].flags, VIA_OBJECT_LISTENS);
	assert_int_equal(s->objects[l].level, 0);
	assert_int_equal(s->objects[l].capacity, 3);
	snprintf(text, sizeof(text), strchr(local, ':') ? "[%s]:%u" : "%s:%u",
		 local, ntohs(port_of(listener)));
	assert_string_equal(via_snapshot_text(s, s->objects[l].name, NULL),
			    text);
	via_snapshot_free(s);
	close(client);
	close(server);
	close(listener);
}

static void tcp_peers_find_each_other(void **state)
{
	(void)state;
	tcp_pair("127.0.0.1", "127.0.0.1");
	tcp_pair("127.0.0.9", "0.0.0.0");
	tcp_pair("::1", "::1");
	tcp_pair("::1", "::");
	tcp_pair("127.0.0.1", "::"); /* mapped on one side alone */
}

static void who_waits_is_linked_to_the_listener(void **state)
{
	int listener = bound(SOCK_STREAM, "127.0.0.1");

	(void)state;
	assert_int_equal(listen(listener, 3), 0);
	int client = joined(SOCK_STREAM, "127.0.0.1", port_of(listener));
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t c = object_of(s, VIA_KIND_TCP, client);
	uint32_t l = object_of(s, VIA_KIND_TCP, listener);

	assert_int_equal(s->objects[l].level, 1);
	assert_int_equal(n_links(s, c, l, VIA_LINK_CONNECTING), 1);
	assert_int_equal(s->objects[c].peer, VIA_NONE);
	assert_int_equal(s->objects[c].flags & VIA_OBJECT_REMOTE, 0);
	via_snapshot_free(s);
	close(client);
	close(listener);
}

static void udp_peers_find_each_other(void **state)
{
	int a = bound(SOCK_DGRAM, "127.0.0.1"), b = bound(SOCK_DGRAM, "::");
	int server = bound(SOCK_DGRAM, "0.0.0.0");
	int client = joined(SOCK_DGRAM, "127.0.0.1", port_of(server));

	(void)state;
	join(a, "127.0.0.1", port_of(b));
	join(b, "::ffff:127.0.0.1", port_of(a));
	assert_int_equal(write(a, "1", 1), 1);
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t oa = object_of(s, VIA_KIND_UDP, a);
	uint32_t ob = object_of(s, VIA_KIND_UDP, b);
	uint32_t os = object_of(s, VIA_KIND_UDP, server);
	uint32_t oc = object_of(s, VIA_KIND_UDP, client);

	assert_int_equal(s->objects[oa].peer, ob);
	assert_int_equal(s->objects[ob].peer, oa);
	assert_int_equal(s->objects[oc].peer, os);
	assert_int_equal(s->objects[os].peer, VIA_NONE);
	assert_int_equal(s->objects[oa].flags, VIA_OBJECT_PACKETS);
	assert_true(s->objects[ob].level >= 1 &&
		    s->objects[ob].level <= s->objects[ob].capacity);
	assert_int_equal(s->objects[oa].level, 0);
	via_snapshot_free(s);
	close(a);
	close(b);
	close(server);
	close(client);
}

static void what_did_not_fit_is_counted(void **state)
{
	int to = bound(SOCK_DGRAM, "127.0.0.1"), small = 1;
	int from = joined(SOCK_DGRAM, "127.0.0.1", port_of(to));
	char packet[1000] = "";

	(void)state;
	assert_int_equal(
		setsockopt(to, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(write(from, packet, sizeof(packet)),
				 sizeof(packet));
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t o = object_of(s, VIA_KIND_UDP, to);
	unsigned int n = 0;

	while (recv(to, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		n++;
	assert_in_range(n, 1, 49);
	assert_int_equal(detail(s, o)->dropped, 50 - n);
	via_snapshot_free(s);
	close(to);
	close(from);
}

static void other_families_have_a_name(void **state)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	int listener = bound(SOCK_STREAM, "127.0.0.1");

	(void)state;
	if (raw >= 0) {
		struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
		uint32_t o = object_of(s, VIA_KIND_SOCKET, raw);

		assert_int_equal(detail(s, o)->family, AF_INET);
		assert_int_equal(detail(s, o)->type, SOCK_RAW);
		assert_true(s->objects[o].flags & VIA_OBJECT_REMOTE);
		via_snapshot_free(s);
		close(raw);
	}
	close(listener);
	if (raw < 0)
		check_skip("needs CAP_NET_RAW");
}

/* --- Addresses alone: who fits whom --- */

static struct via__inet inet(struct via_snapshot *s, uint32_t ns,
			     const char *local, uint16_t local_port,
			     const char *remote, uint16_t remote_port)
{
	struct via__inet i = {
		.net_ns = ns,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.state = 1,
		.object = via__object(s, VIA_KIND_TCP, 0, s->n_objects + 1U, 0),
		.local.port = local_port,
		.remote.port = remote_port,
	};
	struct in_addr ip;

	assert_int_equal(inet_pton(AF_INET, local, &ip), 1);
	via__inet_map(&ip, i.local.ip);
	assert_int_equal(inet_pton(AF_INET, remote, &ip), 1);
	via__inet_map(&ip, i.remote.ip);
	return i;
}

struct way {
	uint32_t ns;
	const char *local, *remote;
	uint16_t local_port, remote_port;
	uint32_t peer; /* index, or VIA_NONE */
	bool remote_flag;
};

static void namespaces_are_crossed_with_care(void **state)
{
	static const struct way ways[] = {
		/* Through a pair of veth. */
		{1, "10.0.0.1", "10.0.0.2", 5000, 80, 1, false},
		{2, "10.0.0.2", "10.0.0.1", 80, 5000, 0, false},
		/* Loopback is each namespace's own. */
		{1, "127.0.0.1", "127.0.0.1", 6000, 81, VIA_NONE, false},
		{2, "127.0.0.1", "127.0.0.1", 81, 6000, VIA_NONE, false},
		/* Two fit: then it is not known which. */
		{1, "10.0.0.3", "10.0.0.4", 7000, 82, VIA_NONE, true},
		{2, "10.0.0.4", "10.0.0.3", 82, 7000, 4, false},
		{3, "10.0.0.4", "10.0.0.3", 82, 7000, 4, false},
		/* Its own namespace goes first. */
		{1, "10.0.0.5", "10.0.0.6", 8000, 83, 8, false},
		{1, "10.0.0.6", "10.0.0.5", 83, 8000, 7, false},
		{2, "10.0.0.6", "10.0.0.5", 83, 8000, 7, false},
		/* Another machine's. */
		{1, "10.0.0.1", "192.0.2.1", 9000, 84, VIA_NONE, true},
	};
	struct via_snapshot *s = via__snapshot_new();
	struct via__inets all = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *w = &ways[i];
		struct via__inet one = inet(s, w->ns, w->local, w->local_port,
					    w->remote, w->remote_port);

		via__inet_add(&all, &one);
	}
	via__inet_join(s, &all);
	for (uint32_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		assert_int_equal(s->objects[i].peer, ways[i].peer);
		assert_int_equal(s->objects[i].flags,
				 ways[i].remote_flag ? VIA_OBJECT_REMOTE : 0);
	}
	free(all.at);
	via_snapshot_free(s);
}

/* As the kernel does: who is bound to the address itself goes first. */
static void the_best_fit_is_the_peer(void **state)
{
	static const char *const local[] = {"0.0.0.0", "127.0.0.9", "127.0.0.8",
					    "127.0.0.1"};
	struct via_snapshot *s = via__snapshot_new();
	struct via__inets all = {0};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct via__inet one = inet(s, 1, local[i], i < 3 ? 53 : 4000,
					    i < 3 ? "0.0.0.0" : "127.0.0.9",
					    i < 3 ? 0 : 53);

		one.protocol = IPPROTO_UDP;
		one.state = i < 3 ? 7 : 1;
		via__inet_add(&all, &one);
	}
	via__inet_join(s, &all);
	assert_int_equal(s->objects[3].peer, 1);
	free(all.at);
	via_snapshot_free(s);
}

static void lines_of_the_tables_are_read(void **state)
{
	static const char v4[] =
		"   0: 0100007F:1F90 0201000A:0050 0A 00000003:00000005 "
		"00:00000000 00000000  1000        0 4711 1 0000000000000000 7 "
		"100 0 0 10 0";
	static const char v6[] =
		"   1: 00000000000000000000000001000000:0016 "
		"0000000000000000FFFF00000100007F:A0F1 01 00000000:00000000 "
		"02:000A7214 00000000     0        0 12 2 0";
	struct via__net_inet n;
	struct via__net_plain p;
	struct in6_addr ip;

	(void)state;
	assert_int_equal(via__net_parse_inet(v4, &n), 0);
	assert_memory_equal(n.local, "\x7f\0\0\1", 4);
	assert_memory_equal(n.remote, "\x0a\0\1\2", 4);
	assert_int_equal(n.local_port, 8080);
	assert_int_equal(n.remote_port, 80);
	assert_int_equal(n.state, 10);
	assert_int_equal(n.send, 3);
	assert_int_equal(n.receive, 5);
	assert_int_equal(n.uid, 1000);
	assert_int_equal(n.ino, 4711);
	assert_int_equal(n.dropped, 7);
	assert_int_equal(via__net_parse_inet(v6, &n), 0);
	assert_int_equal(inet_pton(AF_INET6, "::1", &ip), 1);
	assert_memory_equal(n.local, &ip, 16);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &ip), 1);
	assert_memory_equal(n.remote, &ip, 16);
	for (size_t len = 0; len < sizeof(v4) - 30; len++) {
		char cut[sizeof(v4)];

		memcpy(cut, v4, len);
		cut[len] = '\0';
		(void)via__net_parse_inet(cut, &n);
	}
	assert_int_equal(via__net_parse_inet("0: 7F:1 7F:2 1 0:0", &n),
			 -EPROTO);
	assert_int_equal(
		via__net_parse_netlink("0000000000000000 15  4242       "
				       "00000001 12        0        0     2    "
				       "    0        99      ",
				       &p),
		0);
	assert_int_equal(p.ino, 99);
	assert_int_equal(p.protocol, 15);
	assert_int_equal(p.receive, 12);
	assert_int_equal(via__net_parse_packet("0000000000000000 3      3    "
					       "0003   2     1 768       0     "
					       " 1234",
					       &p),
			 0);
	assert_int_equal(p.ino, 1234);
	assert_int_equal(p.type, 3);
	assert_int_equal(p.receive, 768);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(tcp_peers_find_each_other),
	CHECK_TEST(who_waits_is_linked_to_the_listener),
	CHECK_TEST(udp_peers_find_each_other),
	CHECK_TEST(what_did_not_fit_is_counted),
	CHECK_TEST(other_families_have_a_name),
	CHECK_TEST(namespaces_are_crossed_with_care),
	CHECK_TEST(the_best_fit_is_the_peer),
	CHECK_TEST(lines_of_the_tables_are_read),
};
CHECK_MAIN(tests)
