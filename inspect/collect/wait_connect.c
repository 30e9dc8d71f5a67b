/* SPDX-License-Identifier: MIT */
/* Waits for room in the queue of a socket that is known by the address in the
 * process' memory: of a listener, connect(2); or, of datagrams, of who is to
 * receive them, sendto(2). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		/* With a NUL, which sun_path need not have. */
		char bytes[sizeof(struct sockaddr_un) + 1];
	};
	size_t len;
};

static bool read_address(const struct via__blocked *b, uint64_t at, int len,
			 struct address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (len < (int)sizeof(sa_family_t))
		return false;
	ret->len = (size_t)len < sizeof(ret->un) ? (size_t)len
						 : sizeof(ret->un);
	return via__memory_all(b->pid, at, &ret->sa, ret->len);
}

/* The socket of that kind that listens (of datagrams: is bound) there; more
 * than one may, in other namespaces. */
struct found {
	uint32_t object, n;
};

static void consider(struct found *f, uint32_t object)
{
	if (!f->n++)
		f->object = object;
}

/* --- Unix --- */

/* As text, the way the kernel's own lists show it: @ for the NUL of an abstract
 * name. */
static size_t unix_name(struct address *a, const char **ret)
{
	size_t len = a->len - offsetof(struct sockaddr_un, sun_path);

	*ret = a->un.sun_path;
	if (len && !a->un.sun_path[0])
		a->un.sun_path[0] = '@';
	else
		len = strnlen(a->un.sun_path, len);
	return len;
}

static bool is_named(const struct via_snapshot *s, const struct via_object *o,
		     const char *name, size_t len)
{
	size_t its_len;
	const char *its = via_snapshot_text(s, o->name, &its_len);

	return its_len == len && memcmp(its, name, len) == 0;
}

/* Whether it takes what comes to its address: connections, or datagrams. */
static bool takes(const struct via__blocked *b, const struct via_socket *socket)
{
	return socket->type == SOCK_DGRAM
		       ? b->row->op == VIA_OP_WRITE
		       : via__object_at(b->s, socket->object)->flags &
				 VIA_OBJECT_LISTENS;
}

/* A path says where the socket is by more names than the one that it was bound
 * to, so it is known by its file. */
static struct found find_file(const struct via__blocked *b, const char *path)
{
	struct found f = {VIA_NONE, 0};
	struct statx st;

	if (via__wait_find(b, AT_FDCWD, path, &st) < 0)
		return f;
	uint64_t dev = makedev(st.stx_dev_major, st.stx_dev_minor);

	for (uint32_t i = 0; i < b->s->n_sockets; i++) {
		const struct via_socket *socket = &b->s->sockets[i];

		if (socket->file_ino == st.stx_ino && socket->file_dev == dev &&
		    takes(b, socket))
			consider(&f, socket->object);
	}
	return f;
}

/* Abstract names are those of a network namespace. */
static struct found find_unix(const struct via__blocked *b, struct address *a)
{
	struct found f = {VIA_NONE, 0};
	const char *name;
	bool path = a->un.sun_path[0];
	size_t len = unix_name(a, &name);

	if (len && path)
		f = find_file(b, a->un.sun_path);
	for (uint32_t i = 0; len && !f.n && i < b->s->n_sockets; i++) {
		const struct via_socket *socket = &b->s->sockets[i];
		const struct via_object *o = via__object_at(b->s,
							    socket->object);

		if (o->kind == VIA_KIND_UNIX && takes(b, socket) &&
		    (path ||
		     socket->net_ns == b->s->processes[b->process].net_ns) &&
		    is_named(b->s, o, name, len))
			consider(&f, socket->object);
	}
	return f;
}

/* --- TCP --- */

static bool is_at(const struct via_snapshot *s, const struct via_socket *socket,
		  const char *const *names, size_t n)
{
	const char *local = via_snapshot_text(s, socket->local, NULL);

	for (size_t i = 0; i < n; i++)
		if (strcmp(local, names[i]) == 0)
			return true;
	return false;
}

static struct found find_tcp(const struct via__blocked *b,
			     const struct address *a)
{
	char at[80], any[16], any6[16], ip[INET6_ADDRSTRLEN] = "";
	const char *const names[] = {at, any, any6};
	struct found f = {VIA_NONE, 0};
	unsigned int port = ntohs(a->in.sin_port);
	bool six = a->sa.sa_family == AF_INET6;

	inet_ntop(a->sa.sa_family,
		  six ? (const void *)&a->in6.sin6_addr : &a->in.sin_addr, ip,
		  sizeof(ip));
	snprintf(at, sizeof(at), six ? "[%s]:%u" : "%s:%u", ip, port);
	snprintf(any, sizeof(any), "0.0.0.0:%u", port);
	snprintf(any6, sizeof(any6), "[::]:%u", port);
	for (uint32_t i = 0; i < b->s->n_sockets; i++) {
		const struct via_socket *socket = &b->s->sockets[i];
		const struct via_object *o = via__object_at(b->s,
							    socket->object);

		if (o->kind == VIA_KIND_TCP && o->flags & VIA_OBJECT_LISTENS &&
		    socket->net_ns == b->s->processes[b->process].net_ns &&
		    is_at(b->s, socket, names, 3))
			consider(&f, socket->object);
	}
	return f;
}

static bool is_here(const struct address *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* --- Both --- */

void via__wait_connect(struct via__blocked *b)
{
	int fd = via__call_fd(b);
	uint32_t own = via__fd_object(b, fd);
	struct found f = {VIA_NONE, 0};
	struct address a;

	b->left_ns = via__socket_left(b, own, fd, VIA_OP_CONNECT);
	if (read_address(b, b->call.args[1], (int)b->call.args[2], &a)) {
		if (a.sa.sa_family == AF_UNIX)
			f = find_unix(b, &a);
		else if ((a.sa.sa_family == AF_INET ||
			  a.sa.sa_family == AF_INET6) &&
			 is_here(&a))
			f = find_tcp(b, &a);
	}
	/* Without a listener that is known it waits for an answer from far
	 * away, or from where we cannot see. */
	if (!f.n && own != VIA_NONE &&
	    via__object_at(b->s, own)->flags & VIA_OBJECT_REMOTE)
		f.object = own;
	/* The kernel tries no longer than tcp_syn_retries: tcp(7). */
	if (b->left_ns == -1 && a.sa.sa_family != AF_UNIX)
		b->left_ns = VIA_UNKNOWN;
	struct via_wait *w = via__wait(b, VIA_OP_CONNECT, f.object);

	w->fd = fd;
	w->source = VIA_SOURCE_MEMORY;
	if (f.n > 1)
		w->certainty = VIA_GUESS;
}

/* --- Datagrams --- */

/* Where a message is to go, as the call says it. */
static bool read_receiver(const struct via__blocked *b, struct address *ret)
{
	struct msghdr msg;

	if (b->call.nr == SYS_sendto)
		return read_address(b, b->call.args[4], (int)b->call.args[5],
				    ret);
	return via__memory_all(b->pid, b->call.args[1], &msg, sizeof(msg)) &&
	       read_address(b, (uintptr_t)msg.msg_name, (int)msg.msg_namelen,
			    ret);
}

/* Of a socket without a peer, the Unix socket at the address of the message. */
static struct found find_receiver(const struct via__blocked *b, uint32_t own)
{
	const struct via_object *o = via__object_at(b->s, own);
	struct address a;

	if (own == VIA_NONE || o->kind != VIA_KIND_UNIX ||
	    !(o->flags & VIA_OBJECT_PACKETS) || o->peer != VIA_NONE ||
	    !read_receiver(b, &a) || a.sa.sa_family != AF_UNIX)
		return (struct found){VIA_NONE, 0};
	return find_unix(b, &a);
}

void via__wait_send(struct via__blocked *b)
{
	int fd = via__call_fd(b);
	uint32_t own = via__fd_object(b, fd);
	struct found f = find_receiver(b, own);

	if (!f.n) {
		via__wait_fd(b);
		return;
	}
	b->left_ns = via__socket_left(b, own, fd, VIA_OP_WRITE);
	struct via_wait *w = via__wait(b, VIA_OP_WRITE, f.object);

	w->fd = fd;
	w->source = VIA_SOURCE_MEMORY;
	w->certainty = f.n > 1 ? VIA_GUESS : VIA_EXACT;
}
