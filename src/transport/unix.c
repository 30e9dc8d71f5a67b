/* SPDX-License-Identifier: MIT */
/*
 * unix: Unix domain sockets. A stream or sequenced-packet end is connections
 * (socket.h); a datagram receiver has none (dgram.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/dgram.h"
#include "transport/socket.h"
#include "transport/transport.h"
#include "transport/unix_name.h"

extern const struct via__transport via__transport_unix;

struct unix_options {
	uint32_t type; /* index into types */
	bool raw;
	uint64_t buffer;
	int64_t fd;
	struct via__access access;
};

static const struct {
	const char *name;
	int type;
	unsigned int kind;
} types[] = {
	{"stream", SOCK_STREAM, 0},
	{"seqpacket", SOCK_SEQPACKET, VIA__LINK_PACKETS},
	{"dgram", SOCK_DGRAM, VIA__LINK_PACKETS | VIA__LINK_DGRAM},
};

struct unix_end {
	struct via__socket socket;
	struct via__unix_name name;
	uint32_t type;
	struct via__dgram dgram; /* a datagram receiver's, on socket.fd */
};

static struct unix_end *unix_of(struct via__end *end)
{
	return (struct unix_end *)end;
}

/* Whether it receives datagrams. */
static bool is_dgram_receiver(const struct unix_end *u)
{
	return u->dgram.end;
}

static void unix_options_init(void *options)
{
	struct unix_options *o = options;

	o->fd = -1;
	via__access_init(&o->access);
}

static void unix_close(struct via__end *end, bool forked)
{
	struct unix_end *u = unix_of(end);

	if (!forked)
		via__unix_name_remove(&u->name);
	via__dgram_fini(&u->dgram, forked);
	via__socket_fini(&u->socket, forked);
	free(u);
}

static struct unix_end *unix_new(const struct unix_options *o,
				 unsigned int role, unsigned int kind,
				 const struct via__common *common)
{
	struct unix_end *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	kind |= types[o->type].kind;
	kind |= o->raw ? VIA__LINK_RAW : 0;
	via__socket_init(&u->socket, &via__transport_unix, role, common, kind,
			 o->buffer);
	u->socket.access = o->access;
	u->type = o->type;
	return u;
}

/* A socket for this end, with its options. */
static int unix_socket(const struct unix_end *u, struct via_error *err)
{
	int fd = socket(AF_UNIX,
			types[u->type].type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return via__fail_errno(err, -errno, "cannot make a socket");
	r = u->socket.buffer ? via__socket_set_buffer(fd, u->socket.buffer, err)
			     : 0;
	if (r) {
		via__close(&fd);
		return r;
	}
	return fd;
}

/*
 * With SO_PASSCRED an empty packet can be told from the end of file. Set on a
 * listener it is set on its connections: unix_accept() in net/unix/af_unix.c.
 * Datagrams without credentials are refused: it is set before there is a name
 * that somebody could send to.
 */
static int pass_creds(const struct unix_end *u, int fd, struct via_error *err)
{
	unsigned int raw_packets = VIA__LINK_RAW | VIA__LINK_PACKETS;
	bool asked_for = types[u->type].type == SOCK_DGRAM ||
			 (u->socket.kind & raw_packets) == raw_packets;
	int on = 1;

	if (asked_for &&
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return via__fail_errno(err, -errno, "SO_PASSCRED");
	return 0;
}

static int unix_bind(struct unix_end *u, struct via_error *err)
{
	bool has_mode = via__unix_name_is_path(&u->name);
	struct via__socket *s = &u->socket;
	VIA__CLEANUP_FD int fd = unix_socket(u, err);
	int r;

	if (fd < 0)
		return fd;
	r = pass_creds(u, fd, err);
	if (!r)
		r = via__unix_name_bind(&u->name, fd, &s->access, err);
	if (r)
		return r;
	if (types[u->type].type == SOCK_DGRAM) {
		s->fd = via__take_fd(&fd);
		return via__dgram_init(&u->dgram, &s->end, s->fd, &s->access,
				       has_mode, s->kind & VIA__LINK_RAW, err);
	}
	if (listen(fd, SOMAXCONN))
		return via__fail_errno(err, -errno, "cannot listen");
	return via__socket_receive(s, via__take_fd(&fd), true, has_mode, err);
}

static int unix_connect(struct via__end *end)
{
	struct unix_end *u = unix_of(end);
	VIA__CLEANUP_FD int fd = -1;
	int r;

	if (u->socket.fd >= 0)
		return 0; /* an adopted descriptor */
	fd = unix_socket(u, &end->error);
	if (fd < 0)
		return fd;
	r = via__unix_name_connect(&u->name, fd, &u->socket.access,
				   &end->error);
	return r ? r : via__socket_connected(&u->socket, via__take_fd(&fd));
}

/* Be an end of a pair. Takes fd, also on failure. */
static int unix_use(struct unix_end *u, int fd, struct via_error *err)
{
	struct via__socket *s = &u->socket;
	int r;

	if ((s->end.role & ~VIA_DUPLEX) == VIA_SEND) {
		r = via__socket_connected(s, fd);
		return r ? via__fail(err, r, "%s", s->end.error.text) : 0;
	}
	r = pass_creds(u, fd, err);
	if (!r)
		r = via__socket_receive(s, -1, false, false, err);
	if (r) {
		via__close(&fd);
		return r;
	}
	r = via__hub_add(&s->hub, fd, NULL);
	return r ? via__fail_errno(err, r, "unix:") : 0;
}

static int get_option(int fd, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) ? -errno
								: value;
}

/* Take over a connected socket, closing the descriptor named by the user (but
 * not a standard one) when all has gone well. */
static int unix_adopt(struct unix_end *u, int fd, struct via_error *err)
{
	int named = fd;
	int r;

	if (get_option(fd, SO_DOMAIN) != AF_UNIX ||
	    get_option(fd, SO_TYPE) != types[u->type].type)
		return via__fail(err, -EINVAL, "fd=%d is no Unix %s socket", fd,
				 types[u->type].name);
	fd = fcntl(named, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return via__fail_errno(err, -errno, "fd=%d", named);
	r = unix_use(u, fd, err);
	if (!r && named > STDERR_FILENO)
		(void)close(named);
	return r;
}

static int check_url(const struct via__url *url, const struct unix_options *o,
		     bool named, unsigned int role, struct via_error *err)
{
	bool dgram = types[o->type].type == SOCK_DGRAM;

	if (!named && *url->rest)
		return via__fail(err, -EINVAL,
				 "a pair, or fd=, goes without a name");
	if (dgram && !named)
		return via__fail(err, -EOPNOTSUPP,
				 "type=dgram does not come in pairs: use "
				 "type=seqpacket");
	if (dgram && (role & VIA_DUPLEX))
		return via__fail(err, -EOPNOTSUPP,
				 "type=dgram carries one direction only: use "
				 "type=seqpacket");
	return 0;
}

static int unix_open(const struct via__url *url, const void *options,
		     unsigned int role, const struct via__common *common,
		     struct via__end **ret, struct via_error *err)
{
	const struct unix_options *o = options;
	bool named = o->fd < 0;
	struct unix_end *u;
	int r = check_url(url, o, named, role, err);

	if (r)
		return r;
	u = unix_new(o, role, named ? 0 : VIA__LINK_PAIR, common);
	if (!u)
		return via__fail_errno(err, -ENOMEM, "unix:");
	if (!named)
		r = unix_adopt(u, (int)o->fd, err);
	else
		r = via__unix_name_parse(&u->name, url->rest, err);
	if (!r && named && (role & ~VIA_DUPLEX) == VIA_RECV)
		r = unix_bind(u, err);
	if (r) {
		unix_close(&u->socket.end, false);
		return r;
	}
	*ret = &u->socket.end;
	return 0;
}

static int unix_pair(const struct via__url *url, const void *options,
		     const struct via__common *common, struct via__end *ret[2],
		     struct via_error *err)
{
	static const unsigned int roles[] = {VIA_RECV, VIA_SEND};
	const struct unix_options *o = options;
	struct unix_end *ends[2] = {NULL, NULL};
	int fds[2];
	int r = check_url(url, o, false, 0, err);

	if (!r &&
	    socketpair(AF_UNIX, types[o->type].type | SOCK_CLOEXEC, 0, fds))
		r = via__fail_errno(err, -errno, "socketpair");
	if (r)
		return r;
	for (int i = 0; i < 2; i++) {
		if (!r)
			ends[i] = unix_new(o, roles[i], VIA__LINK_PAIR, common);
		if (!ends[i] && !r)
			r = via__fail_errno(err, -ENOMEM, "unix:");
		if (!r && o->buffer)
			r = via__socket_set_buffer(fds[i], o->buffer, err);
		if (!r)
			r = unix_use(ends[i], via__take_fd(&fds[i]), err);
		via__close(&fds[i]);
	}
	for (int i = 0; i < 2; i++) {
		if (r && ends[i])
			unix_close(&ends[i]->socket.end, false);
		else if (!r)
			ret[i] = &ends[i]->socket.end;
	}
	return r;
}

/* Only an end of a pair: over a named connection the next program would have
 * to know what has been said already. */
static int unix_export(struct via__end *end, char *buf, size_t size)
{
	struct unix_end *u = unix_of(end);
	struct via__socket *s = &u->socket;
	bool raw = s->kind & VIA__LINK_RAW;
	struct via__peer *peer = s->hub.ops ? TAILQ_FIRST(&s->hub.peers) : NULL;
	int fd = peer ? peer->fd : s->fd;
	int len, r;

	if (!(s->kind & VIA__LINK_PAIR) || fd < 0)
		return via__fail(&end->error, -EOPNOTSUPP,
				 "only an end made by via_pair() passes over "
				 "exec");
	len = snprintf(buf, size, "unix:?fd=%d&type=%s%s", fd,
		       types[u->type].name, raw ? "&raw" : "");
	if ((size_t)len >= size)
		return via__fail(&end->error, -ENOSPC,
				 "the URL of the end needs %d bytes", len + 1);
	r = via__set_cloexec(fd, 0);
	return r ? via__fail_errno(&end->error, r, "fd=%d", fd) : len;
}

/* --- Slots where datagrams differ --- */

static int unix_recv(struct via__end *end, struct via__in *in)
{
	struct unix_end *u = unix_of(end);

	return is_dgram_receiver(u) ? via__dgram_recv(&u->dgram, in)
				    : via__socket_recv(end, in);
}

static void unix_release(struct via__end *end)
{
	struct unix_end *u = unix_of(end);

	if (is_dgram_receiver(u))
		via__dgram_release(&u->dgram);
	else
		via__socket_release(end);
}

static int unix_park(struct via__end *end)
{
	struct unix_end *u = unix_of(end);

	return is_dgram_receiver(u) ? via__dgram_park(&u->dgram)
				    : via__socket_park(end);
}

static int unix_pollfd(struct via__end *end, enum via_role role,
		       struct pollfd *ret)
{
	struct unix_end *u = unix_of(end);

	if (!is_dgram_receiver(u))
		return via__socket_pollfd(end, role, ret);
	*ret = (struct pollfd){.fd = u->dgram.epoll, .events = POLLIN};
	return 0;
}

static int unix_greet(struct via__end *end)
{
	struct unix_end *u = unix_of(end);

	return is_dgram_receiver(u) ? via__dgram_greet(&u->dgram)
				    : via__socket_greet(end);
}

static const struct via_option unix_option_docs[] = {
	{"type", "stream|seqpacket|dgram", "stream", "kind of socket"},
	{"raw", "yes|no", "no",
	 "no frames: bytes as they come, or a packet for a message"},
	{"buffer", "BYTES", "the kernel's",
	 "SO_SNDBUF and SO_RCVBUF; more than the limits allow fails"},
	{"fd", "N", "",
	 "adopt this connected socket, which the end then closes (not 0, 1 "
	 "and 2)"},
	VIA__ACCESS_NAME_OPTIONS,
	VIA__ACCESS_PEER_OPTIONS,
	{0},
};

static const struct via__option_rule unix_rules[] = {
	{"type", VIA__CHOICE, offsetof(struct unix_options, type),
	 .choices = "stream|seqpacket|dgram"},
	{"raw", VIA__FLAG, offsetof(struct unix_options, raw)},
	{"buffer", VIA__SIZE, offsetof(struct unix_options, buffer), 1,
	 INT_MAX / 2},
	{"fd", VIA__INTEGER, offsetof(struct unix_options, fd), 0, INT_MAX},
	VIA__ACCESS_NAME_RULES(struct unix_options, access),
	VIA__ACCESS_PEER_RULES(struct unix_options, access),
	{0},
};

const struct via__transport via__transport_unix = {
	.info =
		{
			.scheme = "unix",
			.rest = "/path or @abstract",
			.summary = "Unix domain socket",
			.example = "unix:/run/user/1000/jobs.sock",
			.trust = "file mode, peer credentials",
			.life = "name removed at close",
			.needs = "",
			.abilities = VIA_CAN_SEND_RECV | VIA_CAN_DUPLEX |
				     VIA_CAN_PAIR | VIA_CAN_EXPORT |
				     VIA_CAN_RAW | VIA_CAN_FDS | VIA_CAN_CREDS |
				     VIA_CAN_CONFIRM | VIA_DISTRUSTS |
				     VIA_HAS_ADDRESS,
			.message_max = VIA__FRAME_PAYLOAD_MAX,
			.options = unix_option_docs,
		},
	.rules = unix_rules,
	.options_size = sizeof(struct unix_options),
	.options_init = unix_options_init,
	.open = unix_open,
	.connect = unix_connect,
	.pair = unix_pair,
	.export_end = unix_export,
	.send = via__socket_send,
	.send_batch = via__socket_send_batch,
	.flush = via__socket_flush,
	.recv = unix_recv,
	.release = unix_release,
	.park = unix_park,
	.pollfd = unix_pollfd,
	.greet = unix_greet,
	.half_close = via__socket_half_close,
	.finish = via__socket_finish,
	.close = unix_close,
};
