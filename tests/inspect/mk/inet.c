/* SPDX-License-Identifier: MIT */
/* TCP, UDP and VSOCK over loopback. */
#include "tests/inspect/mk/mk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void receives(struct mk *m, int family)
{
	int s[2];

	mk_tcp(m, family, s);
	CHILD(m, "client", s[0], -1)
		mk_recv(s[0]);
	mk_in(m, "client", SYS_recvfrom, "read", s[0]);
	mk_keeper(m, "server", s[1]);
	mk_verdict(m, "client", "waiting", NULL);
}

void make_tcp4(struct mk *m)
{
	receives(m, AF_INET);
}

void make_tcp6(struct mk *m)
{
	receives(m, AF_INET6);
}

/* A socket whose buffers do not grow, so that it is full soon and stays so. */
static void tcp_small(struct mk *m, int s[2])
{
	int size = 8192;

	/* Longer than acknowledgements are delayed and probes repeated. */
	m->calm_ms = 250;
	mk_tcp(m, AF_INET, s);
	for (int i = 0; i < 2; i++) {
		MUST(setsockopt(s[i], SOL_SOCKET, SO_SNDBUF, &size,
				sizeof(size)));
		MUST(setsockopt(s[i], SOL_SOCKET, SO_RCVBUF, &size,
				sizeof(size)));
	}
}

void make_tcp_full(struct mk *m)
{
	int s[2];

	tcp_small(m, s);
	mk_filler(m, "client", s[0]);
	mk_keeper(m, "server", s[1]);
	mk_verdict(m, "client", "waiting", NULL);
}

void make_tcp_both_full(struct mk *m)
{
	int s[2];

	tcp_small(m, s);
	mk_filler(m, "client", s[0]);
	mk_filler(m, "server", s[1]);
	mk_cycle(m, "exact", "client", "server", NULL);
	mk_finding(m, "both-full", "client", -1);
}

void make_tcp_cycle(struct mk *m)
{
	int s[2];

	mk_tcp(m, AF_INET, s);
	mk_reader(m, "client", s[0]);
	mk_reader(m, "server", s[1]);
	mk_cycle(m, "exact", "client", "server", NULL);
}

void make_tcp6_cycle(struct mk *m)
{
	int s[2];

	mk_tcp(m, AF_INET6, s);
	mk_reader(m, "client", s[0]);
	mk_reader(m, "server", s[1]);
	mk_cycle(m, "exact", "client", "server", NULL);
}

void make_tcp_cycle_3(struct mk *m)
{
	static const char *const roles[] = {"one", "two", "three"};
	int s[3][2];

	for (int i = 0; i < 3; i++)
		mk_tcp(m, AF_INET, s[i]);
	for (int i = 0; i < 3; i++) {
		int in = s[i][0], out = s[(i + 1) % 3][1];

		CHILD(m, roles[i], in, out, -1)
			mk_read(in);
		mk_in(m, roles[i], SYS_read, "read", in);
	}
	mk_cycle(m, "exact", "one", "three", "two", NULL);
}

static void accepts(struct mk *m, int family)
{
	int fd = mk_tcp_listen(m, family, 7);

	CHILD(m, "server", fd, -1)
		mk_accept(fd);
	mk_in(m, "server", SYS_accept4, "accept", fd);
	mk_level(m, mk_of(m, fd), 0, 7);
	mk_verdict(m, "server", "idle", NULL);
}

void make_tcp_accept4(struct mk *m)
{
	accepts(m, AF_INET);
}

void make_tcp_accept6(struct mk *m)
{
	accepts(m, AF_INET6);
}

static int dial(struct mk *m, int listener)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(getsockname(listener, (struct sockaddr *)&a, &len));
	mk_object_of(m, "tcp", fd);
	MUST(connect(fd, (struct sockaddr *)&a, len));
	return fd;
}

/* Established, but not accepted: nobody has the other side yet. */
void make_tcp_pending(struct mk *m)
{
	int listener = mk_tcp_listen(m, AF_INET, 5);
	int fd = dial(m, listener);

	CHILD(m, "client", fd, -1)
		mk_recv(fd);
	mk_in(m, "client", SYS_recvfrom, "read", fd);
	mk_keeper(m, "server", listener);
	mk_level(m, mk_of(m, listener), 1, 5);
	mk_verdict(m, "client", "waiting|unknown", NULL);
}

/* SYNs are dropped when the queue is full; the client tries again for about
 * two minutes. */
void make_tcp_backlog(struct mk *m)
{
	int listener = mk_tcp_listen(m, AF_INET, 0);
	int queued = dial(m, listener);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));

	MUST(getsockname(listener, (struct sockaddr *)&a, &len));
	mk_object_of(m, "tcp", fd);
	mk_keeper(m, "queued", queued);
	CHILD(m, "client", fd, -1)
		(void)connect(fd, (struct sockaddr *)&a, len);
	mk_in(m, "client", SYS_connect, "connect", fd);
	/* The socket it waits at is the listener. */
	m->waits[m->n_waits - 1].object = mk_of(m, listener);
	mk_keeper(m, "server", listener);
	mk_level(m, mk_of(m, listener), 1, 0);
	mk_verdict(m, "client", "waiting|idle|unknown", NULL);
	mk_finding(m, "backlog-full", "server", mk_of(m, listener));
}

static int udp(struct mk *m, int family, struct sockaddr_in6 *ret, socklen_t *n)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	if (fd < 0 || bind(fd,
			   family == AF_INET ? (struct sockaddr *)&v4
					     : (struct sockaddr *)&v6,
			   family == AF_INET ? sizeof(v4) : sizeof(v6)) < 0)
		mk_skip("UDP on loopback");
	*n = sizeof(*ret);
	MUST(getsockname(fd, (struct sockaddr *)ret, n));
	mk_object_of(m, "udp", fd);
	return fd;
}

static void udp_waits(struct mk *m, int family)
{
	struct sockaddr_in6 a;
	socklen_t n;
	int fd = udp(m, family, &a, &n);

	CHILD(m, "receiver", fd, -1)
		mk_recv(fd);
	mk_in(m, "receiver", SYS_recvfrom, "read", fd);
	/* Anybody may send to it. */
	mk_verdict(m, "receiver", "idle", NULL);
}

void make_udp4(struct mk *m)
{
	udp_waits(m, AF_INET);
}

void make_udp6(struct mk *m)
{
	udp_waits(m, AF_INET6);
}

void make_udp_connected(struct mk *m)
{
	struct sockaddr_in6 a, b;
	socklen_t n_a, n_b;
	int one = udp(m, AF_INET, &a, &n_a), two = udp(m, AF_INET, &b, &n_b);

	MUST(connect(one, (struct sockaddr *)&b, n_b));
	MUST(connect(two, (struct sockaddr *)&a, n_a));
	mk_peers(m, mk_of(m, one), mk_of(m, two));
	CHILD(m, "one", one, -1)
		mk_recv(one);
	mk_in(m, "one", SYS_recvfrom, "read", one);
	mk_keeper(m, "two", two);
	mk_verdict(m, "one", "waiting|idle", NULL);
}

/* --- VSOCK --- */

static int vsock_listen(struct sockaddr_vm *a)
{
	socklen_t n = sizeof(*a);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	*a = (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_LOCAL,
		.svm_port = VMADDR_PORT_ANY,
	};
	if (fd < 0 || bind(fd, (struct sockaddr *)a, n) < 0)
		mk_skip("AF_VSOCK on loopback (vsock_loopback, Linux 5.6)");
	MUST(listen(fd, 1));
	MUST(getsockname(fd, (struct sockaddr *)a, &n));
	return fd;
}

static int vsock_dial(struct mk *m, const struct sockaddr_vm *a)
{
	int fd = (int)MUST(socket(AF_VSOCK, SOCK_STREAM, 0));

	MUST(connect(fd, (const struct sockaddr *)a, sizeof(*a)));
	mk_object_of(m, "socket", fd);
	return fd;
}

/* Both ends of a connection. */
static void vsock_pair(struct mk *m, int s[2])
{
	struct sockaddr_vm a;
	int listener = vsock_listen(&a);

	s[0] = vsock_dial(m, &a);
	s[1] = (int)MUST(accept4(listener, NULL, NULL, 0));
	MUST(close(listener));
	mk_object_of(m, "socket", s[1]);
	mk_peers(m, mk_of(m, s[0]), mk_of(m, s[1]));
}

void make_vsock(struct mk *m)
{
	int s[2];

	vsock_pair(m, s);
	CHILD(m, "receiver", s[0], -1)
		mk_recv(s[0]);
	mk_in(m, "receiver", SYS_recvfrom, "read", s[0]);
	mk_keeper(m, "sender", s[1]);
	mk_verdict(m, "receiver", "waiting|idle", NULL);
}

void make_vsock_accept(struct mk *m)
{
	struct sockaddr_vm a;
	int fd = vsock_listen(&a);

	mk_object_of(m, "socket", fd);
	CHILD(m, "server", fd, -1)
		mk_accept(fd);
	mk_in(m, "server", SYS_accept4, "accept", fd);
	mk_verdict(m, "server", "idle", NULL);
}

/* Nobody has the other side yet, and no table says who will. */
void make_vsock_pending(struct mk *m)
{
	struct sockaddr_vm a;
	int listener = vsock_listen(&a), fd = vsock_dial(m, &a);

	mk_object_of(m, "socket", listener);
	CHILD(m, "client", fd, -1)
		mk_recv(fd);
	mk_in(m, "client", SYS_recvfrom, "read", fd);
	mk_keeper(m, "server", listener);
	mk_verdict(m, "client", "waiting|idle|unknown", NULL);
}

void make_vsock_cycle(struct mk *m)
{
	int s[2];

	vsock_pair(m, s);
	mk_reader(m, "client", s[0]);
	mk_reader(m, "server", s[1]);
	mk_cycle(m, "exact", "client", "server", NULL);
}
