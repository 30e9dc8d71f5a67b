/* SPDX-License-Identifier: MIT */
/*
 * TCP and UDP sockets, and those of other protocols on top of IP: addresses,
 * states, queues, peers on this machine. From NETLINK_SOCK_DIAG for each
 * network namespace, or /proc/PID/net where that is not to be had.
 *
 * What nobody has a descriptor of has an inode number of 0: connections that
 * wait to be accepted, and those that were closed and still have to say so.
 * They are told apart by the kernel's cookie.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/inet.h"
#include "inspect/collect/netfile.h"

#define STATE_ESTABLISHED 1
#define STATE_SYN_RECV	  3
#define STATE_CLOSE_WAIT  8
#define STATE_LISTEN	  10
#define STATE_NEW_SYN	  12 /* TCP_NEW_SYN_RECV of the kernel */

/* What is asked for: a kind of socket and its table in /proc. TCP first. */
static const struct table {
	enum via_kind kind;
	uint8_t family, protocol, type;
	const char *file;
} tables[] = {
	{VIA_KIND_TCP, AF_INET, IPPROTO_TCP, SOCK_STREAM, "net/tcp"},
	{VIA_KIND_TCP, AF_INET6, IPPROTO_TCP, SOCK_STREAM, "net/tcp6"},
	{VIA_KIND_UDP, AF_INET, IPPROTO_UDP, SOCK_DGRAM, "net/udp"},
	{VIA_KIND_UDP, AF_INET6, IPPROTO_UDP, SOCK_DGRAM, "net/udp6"},
	{VIA_KIND_SOCKET, AF_INET, IPPROTO_UDPLITE, SOCK_DGRAM, "net/udplite"},
	{VIA_KIND_SOCKET, AF_INET6, IPPROTO_UDPLITE, SOCK_DGRAM,
	 "net/udplite6"},
	{VIA_KIND_SOCKET, AF_INET, IPPROTO_RAW, SOCK_RAW, "net/raw"},
	{VIA_KIND_SOCKET, AF_INET6, IPPROTO_RAW, SOCK_RAW, "net/raw6"},
	{VIA_KIND_SOCKET, AF_INET, IPPROTO_ICMP, SOCK_DGRAM, "net/icmp"},
	{VIA_KIND_SOCKET, AF_INET6, IPPROTO_ICMPV6, SOCK_DGRAM, "net/icmp6"},
};

struct look {
	struct via__scene *scene;
	const struct via__space *space;
	const struct table *table;
	struct via__inets *all;
};

/* --- What both say --- */

/* One socket as either of them tells it. */
struct told {
	uint64_t ino, cookie;
	struct via__inet inet;
	uint32_t receive, send;
	uid_t uid;
};

static void name_it(struct via_snapshot *s, const struct told *t,
		    uint32_t family, struct via_object *o,
		    struct via_socket *socket)
{
	char text[2 * VIA__INET_TEXT_MAX + 2], remote[VIA__INET_TEXT_MAX];
	size_t len;

	via__inet_format(&t->inet.local, family, text);
	socket->local = o->name = via__text_of(s, text);
	if (!t->inet.remote.port && via__inet_is_any(&t->inet.remote))
		return;
	via__inet_format(&t->inet.remote, family, remote);
	socket->remote = via__text_of(s, remote);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "->%s", remote);
	o->name = via__text_of(s, text);
}

/* Whether it is in a listener's queue: it talks and nobody has it. */
static bool is_unborn(const struct told *t)
{
	return !t->ino && t->inet.protocol == IPPROTO_TCP &&
	       (t->inet.state == STATE_ESTABLISHED ||
		t->inet.state == STATE_CLOSE_WAIT);
}

static uint32_t add(const struct look *l, struct told *t)
{
	struct via_snapshot *s = l->scene->s;
	const struct via__socket_id id = {
		.kind = l->table->kind,
		.family = t->inet.family,
		.type = l->table->type,
		.protocol = l->table->protocol,
		.net_ns = l->space->ns,
		.ino = t->ino,
		.sub = t->ino ? 0 : t->cookie,
	};

	if (!t->ino && !t->cookie)
		return VIA_NONE;
	uint32_t object = via__socket_object(s, &id);
	struct via_object *o = via__object_at(s, object);
	struct via_socket *socket = via__socket(s, object);

	/* A request that is being answered is not a state of tcp(7). */
	if (t->inet.state == STATE_NEW_SYN)
		t->inet.state = STATE_SYN_RECV;
	socket->state = t->inet.state;
	socket->uid = t->uid;
	socket->receive = o->level = t->receive;
	socket->send = t->send;
	if (id.kind == VIA_KIND_TCP && socket->state == STATE_LISTEN) {
		o->flags |= VIA_OBJECT_LISTENS;
		o->capacity = t->send;
	}
	if (id.type != SOCK_STREAM)
		o->flags |= VIA_OBJECT_PACKETS;
	if (id.type == SOCK_RAW)
		o->flags |= VIA_OBJECT_REMOTE;
	name_it(s, t, id.family, o, socket);
	t->inet.object = object;
	t->inet.net_ns = id.net_ns;
	t->inet.unborn = is_unborn(t);
	via__inet_add(l->all, &t->inet);
	return object;
}

/* --- NETLINK_SOCK_DIAG --- */

static void read_info(const void *message, size_t len,
		      struct via_socket *socket)
{
	struct tcp_info info;
	int n = via__diag_attribute(message, len, sizeof(struct inet_diag_msg),
				    INET_DIAG_INFO, &info, sizeof(info));

	if (n < (int)(offsetof(struct tcp_info, tcpi_bytes_received) +
		      sizeof(info.tcpi_bytes_received)))
		return;
	socket->sent = info.tcpi_bytes_acked;
	socket->received = info.tcpi_bytes_received;
}

static void read_memory(const void *message, size_t len, struct via_object *o,
			struct via_socket *socket)
{
	uint32_t memory[SK_MEMINFO_VARS];
	int n = via__diag_attribute(message, len, sizeof(struct inet_diag_msg),
				    INET_DIAG_SKMEMINFO, memory,
				    sizeof(memory));

	if (n < (int)((SK_MEMINFO_SNDBUF + 1) * sizeof(*memory)))
		return;
	if (o->flags & VIA_OBJECT_LISTENS)
		return;
	socket->receive_max = memory[SK_MEMINFO_RCVBUF];
	socket->send_max = memory[SK_MEMINFO_SNDBUF];
	if (o->kind != VIA_KIND_UDP)
		return;
	/* Both count memory: there is no more room when they are equal. */
	o->capacity = socket->receive_max;
	if (n >= (int)((SK_MEMINFO_DROPS + 1) * sizeof(*memory)))
		socket->dropped = memory[SK_MEMINFO_DROPS];
}

static void read_more(struct via_snapshot *s, uint32_t object,
		      const void *message, size_t len)
{
	struct via_object *o = via__object_at(s, object);
	struct via_socket *socket = via__socket(s, object);
	uint8_t shut = 0;

	(void)via__diag_attribute(message, len, sizeof(struct inet_diag_msg),
				  INET_DIAG_SHUTDOWN, &shut, sizeof(shut));
	if (shut & 1)
		o->flags |= VIA_OBJECT_SHUT_READ;
	if (shut & 2)
		o->flags |= VIA_OBJECT_SHUT_WRITE;
	read_info(message, len, socket);
	read_memory(message, len, o, socket);
}

static void read_address(uint8_t family, const void *ip, uint16_t port,
			 struct via__inet_address *ret)
{
	if (family == AF_INET)
		via__inet_map(ip, ret->ip);
	else
		memcpy(ret->ip, ip, sizeof(ret->ip));
	ret->port = ntohs(port);
}

static void take(const void *message, size_t len, void *arg)
{
	const struct look *l = arg;
	const struct inet_diag_msg *m = message;
	struct told t = {
		.ino = m->idiag_inode,
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 |
			  m->id.idiag_cookie[0],
		.inet = {.protocol = l->table->protocol,
			 .family = m->idiag_family,
			 .state = m->idiag_state},
		.receive = m->idiag_rqueue,
		.send = m->idiag_wqueue,
		.uid = m->idiag_uid,
	};

	read_address(m->idiag_family, m->id.idiag_src, m->id.idiag_sport,
		     &t.inet.local);
	read_address(m->idiag_family, m->id.idiag_dst, m->id.idiag_dport,
		     &t.inet.remote);
	uint32_t object = add(l, &t);

	if (object != VIA_NONE)
		read_more(l->scene->s, object, message, len);
}

#define MORE (1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1))

/* Of TCP at once, by the older request, which has no family: the kernel goes
 * through one table for both, which is large. */
#define N_TCP_TABLES 2

static int ask_tcp(int fd, struct look *l)
{
	const struct inet_diag_req request = {
		.idiag_ext = MORE,
		.idiag_states = UINT32_MAX,
	};

	l->table = tables;
	return via__diag_dump(fd, TCPDIAG_GETSOCK, &request, sizeof(request),
			      sizeof(struct inet_diag_msg), take, l);
}

static int ask(int fd, struct look *l)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = l->table->family,
		.sdiag_protocol = l->table->protocol,
		.idiag_ext = MORE,
		.idiag_states = UINT32_MAX,
	};

	if (l->table->protocol == IPPROTO_ICMP ||
	    l->table->protocol == IPPROTO_ICMPV6)
		return -ENOENT; /* only as a table */
	return via__diag_dump(fd, SOCK_DIAG_BY_FAMILY, &request,
			      sizeof(request), sizeof(struct inet_diag_msg),
			      take, l);
}

/* --- /proc --- */

static void take_line(const char *line, void *arg)
{
	const struct look *l = arg;
	struct via__net_inet n;
	struct told t = {.inet = {.protocol = l->table->protocol,
				  .family = l->table->family}};

	/* There they have no cookie: without a number they are left out. */
	if (via__net_parse_inet(line, &n) < 0 || !n.ino)
		return;
	t.ino = n.ino;
	t.inet.state = n.state;
	t.receive = n.receive;
	t.send = n.send;
	t.uid = n.uid;
	read_address(l->table->family, n.local, htons(n.local_port),
		     &t.inet.local);
	read_address(l->table->family, n.remote, htons(n.remote_port),
		     &t.inet.remote);
	uint32_t object = add(l, &t);

	via__socket(l->scene->s, object)->dropped = n.dropped;
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	struct look l = {scene, space, NULL, arg};
	int fd = via__diag_open(space);

	if (fd == -ESRCH)
		return fd;
	bool both = fd >= 0 && ask_tcp(fd, &l) == 0;

	for (size_t i = both ? N_TCP_TABLES : 0;
	     i < sizeof(tables) / sizeof(*tables); i++) {
		l.table = &tables[i];
		if (fd < 0 || ask(fd, &l) < 0)
			(void)via__net_each(space->dir, l.table->file,
					    take_line, &l);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

static void inetdiag_all(struct via__scene *scene)
{
	struct via__inets all = {0};

	via__each_space(scene, offsetof(struct via_process, net_ns), "ns/net",
			look_in, &all);
	via__inet_join(scene->s, &all);
	free(all.at);
}

const struct via__collector via__collector_inetdiag = {
	.name = "inetdiag",
	.summary = "TCP, UDP and raw sockets: addresses, peers, queues",
	.want = VIA_WANT_SOCKETS,
	.all = inetdiag_all,
};
