/* SPDX-License-Identifier: MIT */
/*
 * tcp: connections (socket.h) between machines, or over loopback. Whoever can
 * reach the port can speak: the network is what keeps strangers out.
 */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/socket.h"
#include "transport/transport.h"

#define HOST_MAX 256

extern const struct via__transport via__transport_tcp;

struct tcp_options {
	bool raw;
	uint64_t buffer;
	int64_t keepalive_ns;
	int64_t timeout_ns;
};

struct tcp_end {
	struct via__socket socket;
	struct tcp_options options;
	char host[HOST_MAX]; /* as in the URL, without brackets */
	char port[HOST_MAX];
	struct addrinfo *addresses; /* of a sender, to be tried in turn */
	struct addrinfo *next;
};

static struct tcp_end *tcp_of(struct via__end *end)
{
	return (struct tcp_end *)end;
}

/* "host:port", "[::1]:port", ":port" (loopback), "*:port" (everywhere). */
static int tcp_parse(struct tcp_end *t, const char *rest, struct via_error *err)
{
	const char *colon = strrchr(rest, ':');
	const char *host = rest;
	size_t len = colon ? (size_t)(colon - rest) : 0;

	if (!colon || !colon[1])
		return via__fail(err, -EINVAL,
				 "a port is missing: host:port, [::1]:port, "
				 ":port for loopback or *:port for all");
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return via__fail(err, -EINVAL,
				 "an IPv6 address goes in brackets: [%.*s]:%s",
				 (int)len, host, colon + 1);
	}
	if (len >= sizeof(t->host) || strlen(colon + 1) >= sizeof(t->port))
		return via__fail(err, -ENAMETOOLONG,
				 "a host name has at most %d characters",
				 HOST_MAX - 1);
	memcpy(t->host, host, len);
	strcpy(t->port, colon + 1);
	return 0;
}

static int tcp_resolve(const struct tcp_end *t, bool passive,
		       struct addrinfo **ret, struct via_error *err)
{
	bool any = !strcmp(t->host, "*");
	/* "localhost" is this machine also where no hosts file says so:
	 * RFC 6761, section 6.3. */
	bool here = !*t->host || !strcmp(t->host, "localhost");
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = passive && any ? AI_PASSIVE : 0,
	};
	int r;

	if (any && !passive)
		return via__fail(err, -EINVAL,
				 "'*' is where to receive; a sender needs a "
				 "host");
	r = getaddrinfo(any || here ? NULL : t->host, t->port, &hints, ret);
	if (!r)
		return 0;
	return via__fail(err, r == EAI_SYSTEM ? -errno : -EADDRNOTAVAIL,
			 "%s:%s: %s", t->host, t->port, gai_strerror(r));
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno
								    : 0;
}

/* A duration in the kernel's unit, at least 1. */
static int units(int64_t ns, int64_t unit_ns)
{
	int64_t n = ns / unit_ns;

	return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (int)n;
}

/* Accepted connections have what their listener had: tcp(7). */
static int tcp_set_options(const struct tcp_end *t, int fd,
			   struct via_error *err)
{
	const struct tcp_options *o = &t->options;
	int r = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (!r && o->keepalive_ns > 0) {
		int seconds = units(o->keepalive_ns, 1000000000);

		r = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		if (!r)
			r = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
		if (!r)
			r = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
		if (!r)
			r = set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	}
	if (!r && o->timeout_ns > 0)
		r = set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
			units(o->timeout_ns, 1000000));
	if (r)
		return via__fail_errno(err, r, "cannot set up a socket");
	return o->buffer ? via__socket_set_buffer(fd, o->buffer, err) : 0;
}

static int tcp_socket(const struct tcp_end *t, int family,
		      struct via_error *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return via__fail_errno(err, -errno, "cannot make a socket");
	r = tcp_set_options(t, fd, err);
	if (r)
		via__close(&fd);
	return r ? r : fd;
}

static int listen_at(const struct tcp_end *t, const struct addrinfo *a,
		     struct via_error *err)
{
	VIA__CLEANUP_FD int fd = tcp_socket(t, a->ai_family, err);

	if (fd < 0)
		return fd;
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    (a->ai_family == AF_INET6 &&
	     set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) ||
	    bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, SOMAXCONN)) {
		if (errno == EADDRINUSE)
			return via__fail(err, -EADDRINUSE,
					 "%s:%s: another receiver is using "
					 "this port",
					 t->host, t->port);
		return via__fail_errno(err, -errno, "%s:%s", t->host, t->port);
	}
	return via__take_fd(&fd);
}

/* At the first address that works: IPv6 ones of "*" first, because they take
 * IPv4 connections too; of loopback IPv4 ones, which every machine has. */
static int tcp_bind(struct tcp_end *t, struct via_error *err)
{
	int preferred = *t->host ? AF_INET6 : AF_INET;
	struct addrinfo *all;
	int fd = tcp_resolve(t, true, &all, err);

	if (fd)
		return fd;
	fd = -1;
	for (int pass = 0; pass < 2; pass++)
		for (struct addrinfo *a = all; a; a = a->ai_next)
			if (fd < 0 && fd != -EADDRINUSE &&
			    (a->ai_family == preferred) == !pass)
				fd = listen_at(t, a, err);
	freeaddrinfo(all);
	if (fd < 0)
		return fd;
	return via__socket_receive(&t->socket, fd, false, false, err);
}

/* Trying a port of our own machine again and again, the kernel one day picks
 * that very port for our side, and connects us with ourselves. */
static bool is_self(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return !getsockname(fd, (struct sockaddr *)&here, &here_len) &&
	       !getpeername(fd, (struct sockaddr *)&there, &there_len) &&
	       here_len == there_len && !memcmp(&here, &there, here_len);
}

/* How the attempt that was in progress came out. */
static int attempt_result(int fd)
{
	int r;
	socklen_t len = sizeof(r);
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	if (!via__poll(&pfd, 1, VIA_NO_WAIT))
		return -EINPROGRESS;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &len))
		return -errno;
	return r ? -r : is_self(fd) ? -ECONNREFUSED : 0;
}

static int attempt(struct tcp_end *t, const struct addrinfo *a)
{
	struct via_error *err = &t->socket.end.error;
	int fd = tcp_socket(t, a->ai_family, err);

	if (fd < 0)
		return fd;
	t->socket.fd = fd;
	if (!connect(fd, a->ai_addr, a->ai_addrlen))
		return is_self(fd) ? -ECONNREFUSED : 0;
	return -errno;
}

/*
 * One address after the other; when all have failed, the channel waits a
 * little and the round starts again.
 */
static int tcp_connect(struct via__end *end)
{
	struct tcp_end *t = tcp_of(end);
	int r = -ECONNREFUSED;

	for (;;) {
		r = t->socket.fd < 0 ? attempt(t, t->next)
				     : attempt_result(t->socket.fd);
		if (r == -EINPROGRESS)
			return r;
		if (!r)
			return via__socket_connected(
				&t->socket, via__take_fd(&t->socket.fd));
		via__close(&t->socket.fd);
		if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
			return via__fail_errno(&end->error, r, "%s:%s", t->host,
					       t->port);
		t->next = t->next->ai_next;
		if (!t->next)
			break;
	}
	t->next = t->addresses;
	return via__fail(&end->error, -EAGAIN,
			 "%s:%s: nobody can be reached there: %s", t->host,
			 t->port, via_strerror(r));
}

static int tcp_address(const struct via__end *end, char *buf, size_t size)
{
	const struct tcp_end *t = (const struct tcp_end *)end;
	struct sockaddr_storage here;
	socklen_t len = sizeof(here);
	char number[NI_MAXSERV];
	const char *port = t->port;
	bool v6 = strchr(t->host, ':');
	int n;

	if (t->socket.hub.ops &&
	    !getsockname(t->socket.hub.listener, (struct sockaddr *)&here,
			 &len) &&
	    !getnameinfo((struct sockaddr *)&here, len, NULL, 0, number,
			 sizeof(number), NI_NUMERICSERV))
		port = number;
	n = snprintf(buf, size, "tcp:%s%s%s:%s", v6 ? "[" : "", t->host,
		     v6 ? "]" : "", port);
	return (size_t)n < size ? n : -ENOSPC;
}

static void tcp_close(struct via__end *end, bool forked)
{
	struct tcp_end *t = tcp_of(end);

	via__socket_fini(&t->socket, forked);
	if (t->addresses)
		freeaddrinfo(t->addresses);
	free(t);
}

static int tcp_open(const struct via__url *url, const void *options,
		    unsigned int role, const struct via__common *common,
		    struct via__end **ret, struct via_error *err)
{
	const struct tcp_options *o = options;
	struct tcp_end *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return via__fail_errno(err, -ENOMEM, "tcp:");
	t->options = *o;
	via__socket_init(&t->socket, &via__transport_tcp, role, common,
			 o->raw ? VIA__LINK_RAW : 0, o->buffer);
	r = tcp_parse(t, url->rest, err);
	if (!r && (role & ~VIA_DUPLEX) == VIA_RECV)
		r = tcp_bind(t, err);
	else if (!r)
		r = tcp_resolve(t, false, &t->addresses, err);
	if (r) {
		tcp_close(&t->socket.end, false);
		return r;
	}
	t->next = t->addresses;
	*ret = &t->socket.end;
	return 0;
}

static void tcp_options_init(void *options)
{
	struct tcp_options *o = options;

	o->keepalive_ns = -1;
	o->timeout_ns = -1;
}

static const struct via_option tcp_option_docs[] = {
	{"raw", "yes|no", "no", "bytes as they come, no frames"},
	{"buffer", "BYTES", "the kernel's",
	 "SO_SNDBUF and SO_RCVBUF; more than the limits allow fails"},
	{"keepalive", "DURATION|never", "never",
	 "ask a silent peer whether it lives; three times no answer: it is "
	 "gone"},
	{"timeout", "DURATION|never", "the kernel's",
	 "how long what was sent may stay unacknowledged (TCP_USER_TIMEOUT)"},
	{0},
};

static const struct via__option_rule tcp_rules[] = {
	{"raw", VIA__FLAG, offsetof(struct tcp_options, raw)},
	{"buffer", VIA__SIZE, offsetof(struct tcp_options, buffer), 1,
	 INT_MAX / 2},
	{"keepalive", VIA__DURATION,
	 offsetof(struct tcp_options, keepalive_ns)},
	{"timeout", VIA__DURATION, offsetof(struct tcp_options, timeout_ns)},
	{0},
};

const struct via__transport via__transport_tcp = {
	.info =
		{
			.scheme = "tcp",
			.rest = "host:port, :port (loopback), *:port (all)",
			.summary = "TCP connection, IPv4 or IPv6",
			.example = "tcp:localhost:9000",
			.trust = "network",
			.life = "last close",
			.needs = "",
			.abilities = VIA_CAN_SEND_RECV | VIA_CAN_DUPLEX |
				     VIA_CAN_RAW | VIA_CAN_CONFIRM |
				     VIA_DISTRUSTS | VIA_HAS_ADDRESS,
			.message_max = VIA__FRAME_PAYLOAD_MAX,
			.options = tcp_option_docs,
		},
	.rules = tcp_rules,
	.options_size = sizeof(struct tcp_options),
	.options_init = tcp_options_init,
	.open = tcp_open,
	.connect = tcp_connect,
	.address = tcp_address,
	.send = via__socket_send,
	.send_batch = via__socket_send_batch,
	.flush = via__socket_flush,
	.recv = via__socket_recv,
	.release = via__socket_release,
	.park = via__socket_park,
	.pollfd = via__socket_pollfd,
	.greet = via__socket_greet,
	.half_close = via__socket_half_close,
	.finish = via__socket_finish,
	.close = tcp_close,
};
