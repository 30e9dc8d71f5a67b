/* SPDX-License-Identifier: MIT */
/* Sockets: socket(7), unix(7), tcp(7), udp(7), raw(7). */
#include <linux/capability.h>
#include <linux/sock_diag.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/net.h"

/* The value of an option that is an int. */
static int option(int s, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt, s, level, name, &value, &len);
	return value;
}

/* Whether both are ends of one connection. */
static bool socket_01_joined(int client, int accepted)
{
	struct sockaddr_in own, peer;
	socklen_t len = sizeof(own);

	MUST(getsockname, client, &own, &len);
	MUST(getpeername, accepted, &peer, &len);
	return own.sin_port == peer.sin_port;
}

static void socket_01(void)
{
	struct sockaddr_in at;
	char bytes[8];
	int listener = lab_bound(SOCK_STREAM, &at);
	int early = MUST(socket, AF_INET, SOCK_STREAM, 0);
	int first = MUST(socket, AF_INET, SOCK_STREAM, 0);
	int second = MUST(socket, AF_INET, SOCK_STREAM, 0);
	int late = MUST(socket, AF_INET, SOCK_STREAM, 0);

	/* A name alone is not enough. */
	FAILS(ECONNREFUSED, connect, early, &at, sizeof(at));
	MUST(listen, listener, 2);
	/* The kernel connects: nobody has called accept yet. */
	GIVES(0, connect, first, &at, sizeof(at));
	GIVES(0, connect, second, &at, sizeof(at));

	int one = MUST(accept, listener, NULL, NULL);
	int other = MUST(accept, listener, NULL, NULL);
	/* Two CPUs may take their last packets, and queue them as they like. */
	bool in_order = socket_01_joined(first, one);
	int a = in_order ? one : other, b = in_order ? other : one;

	EXPECT(a, !=, listener);
	EXPECT(b, !=, a);
	EXPECT(option(listener, SOL_SOCKET, SO_ACCEPTCONN), ==, 1);
	EXPECT(option(a, SOL_SOCKET, SO_ACCEPTCONN), ==, 0);
	FAILS(ENOTCONN, recv, listener, bytes, 1, 0);

	MUST(close, listener);
	FAILS(ECONNREFUSED, connect, late, &at, sizeof(at));
	GIVES(3, send, first, "one", 3, 0);
	GIVES(3, send, b, "two", 3, 0);
	GIVES(3, recv, a, bytes, 3, MSG_WAITALL);
	EXPECT_TEXT(bytes, 3, "one");
	GIVES(3, recv, second, bytes, 3, MSG_WAITALL);
	EXPECT_TEXT(bytes, 3, "two");
}

/* --- Unix sockets --- */

/* Two messages in; how many bytes the first read gives, into bytes. */
static ssize_t two_in_one_out(const int s[2], char bytes[static 8])
{
	MUST(send, s[0], "ab", 2, 0);
	MUST(send, s[0], "cd", 2, 0);
	return CALL(recv, s[1], bytes, 8, 0);
}

/* A datagram socket that is full makes the sender wait; none is lost, and they
 * come in order. */
static void datagrams_wait(const int s[2])
{
	const int n = 2000;
	int in_order = 0;

	CHILD(sender) {
		for (int i = 0; i < n; i++)
			send(s[0], &i, sizeof(i), 0);
	}
	EXPECT(lab_blocked(sender, SYS_sendto), ==, true);
	for (int i = 0, got = -1; i < n; i++)
		if (recv(s[1], &got, sizeof(got), 0) > 0)
			in_order += got == i;
	EXPECT(in_order, ==, n);
	EXPECT(lab_wait(sender), ==, 0);
}

/* Path names stay, abstract ones go with the socket, a pair has none. */
static void unix_names(int unnamed)
{
	struct sockaddr_un at = {AF_UNIX, "name"}, other;
	socklen_t family = sizeof(at.sun_family), len = sizeof(other);
	int s = MUST(socket, AF_UNIX, SOCK_STREAM, 0);

	MUST(bind, s, &at, sizeof(at));
	MUST(close, s);
	GIVES(0, access, "name", F_OK);
	s = MUST(socket, AF_UNIX, SOCK_STREAM, 0);
	FAILS(ECONNREFUSED, connect, s, &at, sizeof(at));
	FAILS(EADDRINUSE, bind, s, &at, sizeof(at));
	MUST(unlink, "name");
	GIVES(0, bind, s, &at, sizeof(at));

	MUST(getsockname, unnamed, &other, &len);
	EXPECT(len, ==, family);
	/* No name given: unix(7) has the kernel choose an abstract one. */
	s = MUST(socket, AF_UNIX, SOCK_STREAM, 0);
	MUST(bind, s, &at, family);
	len = sizeof(other);
	MUST(getsockname, s, &other, &len);
	EXPECT(len, >, family);
	EXPECT(other.sun_path[0], ==, '\0');
	MUST(close, s);
	s = MUST(socket, AF_UNIX, SOCK_STREAM, 0);
	GIVES(0, bind, s, &other, len);
}

static void socket_02(void)
{
	int stream[2], datagram[2], packet[2];
	char bytes[8];

	MUST(socketpair, AF_UNIX, SOCK_STREAM, 0, stream);
	MUST(socketpair, AF_UNIX, SOCK_DGRAM, 0, datagram);
	MUST(socketpair, AF_UNIX, SOCK_SEQPACKET, 0, packet);

	EXPECT(two_in_one_out(stream, bytes), ==, 4);
	EXPECT(two_in_one_out(datagram, bytes), ==, 2);
	GIVES(2, recv, datagram[1], bytes, sizeof(bytes), 0);
	EXPECT(two_in_one_out(packet, bytes), ==, 2);
	GIVES(2, recv, packet[1], bytes, sizeof(bytes), 0);
	datagrams_wait(datagram);

	/* Where there is a connection, its end is seen. */
	MUST(close, stream[0]);
	MUST(close, datagram[0]);
	MUST(close, packet[0]);
	GIVES(0, recv, stream[1], bytes, 1, MSG_DONTWAIT);
	FAILS(EAGAIN, recv, datagram[1], bytes, 1, MSG_DONTWAIT);
	GIVES(0, recv, packet[1], bytes, 1, MSG_DONTWAIT);

	unix_names(packet[1]);
}

/* --- TCP and UDP --- */

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i ^ i >> 8 ^ i >> 16);
}

/* Bytes that are not the pattern, or do not come, of total. */
static size_t wrong_bytes(int s, size_t total)
{
	unsigned char bytes[4096];
	size_t wrong = 0, at = 0;

	for (ssize_t n;
	     at < total && (n = recv(s, bytes, sizeof(bytes), 0)) > 0;)
		for (ssize_t i = 0; i < n; i++)
			wrong += bytes[i] != pattern(at++);
	return wrong + total - at;
}

/* How many datagrams the kernel has thrown away for want of room. */
static unsigned int dropped(int s)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	getsockopt(s, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[SK_MEMINFO_DROPS];
}

static void udp_drops(int out, int in)
{
	const int little = 4096;
	const unsigned int n = 200;
	char bytes[1000] = {0};
	unsigned int sent = 0, received = 0;
	int64_t give_up = lab_now_ns() + 1000000000;

	MUST(setsockopt, in, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	for (unsigned int i = 0; i < n; i++)
		sent += send(out, bytes, sizeof(bytes), 0) == 1000;
	EXPECT(sent, ==, n);
	while (received + dropped(in) < n && lab_now_ns() < give_up)
		received += recv(in, bytes, 1000, MSG_DONTWAIT) == 1000;
	EXPECT(received, >, 0);
	EXPECT(dropped(in), >, 0);
	EXPECT(received + dropped(in), ==, n);
}

static void socket_03(void)
{
	static char bytes[65508];
	unsigned char out[777];
	const size_t n = 1500, len = sizeof(out);
	struct sockaddr_in at;
	int tcp[2];

	lab_tcp_pair(tcp);
	GIVES(2, send, tcp[0], "ab", 2, 0);
	GIVES(2, send, tcp[0], "cd", 2, 0);
	GIVES(4, recv, tcp[1], bytes, 4, MSG_WAITALL);
	CHILD(sender) {
		for (size_t i = 0; i < n * len; i++) {
			out[i % len] = pattern(i);
			if (i % len == len - 1)
				send(tcp[0], out, len, 0);
		}
	}
	EXPECT(wrong_bytes(tcp[1], n * len), ==, 0);

	int in = lab_bound(SOCK_DGRAM, &at);
	int udp = MUST(socket, AF_INET, SOCK_DGRAM, 0);

	MUST(connect, udp, &at, sizeof(at));
	EXPECT(two_in_one_out((int[]){udp, in}, bytes), ==, 2);
	GIVES(2, recv, in, bytes, sizeof(bytes), 0);
	GIVES(65507, send, udp, bytes, 65507, 0);
	GIVES(65507, recv, in, bytes, sizeof(bytes), 0);
	FAILS(EMSGSIZE, send, udp, bytes, 65508, 0);
	udp_drops(udp, in);
}

/* --- Privileges --- */

static bool capable(int capability)
{
	return lab_proc("/proc/self/status", "CapEff", 16) >> capability & 1;
}

/* An address of 127/8 that hardly anyone uses. */
static struct sockaddr_in own_address(uint16_t port)
{
	struct sockaddr_in at = lab_loopback(port);

	at.sin_addr.s_addr ^= htonl((uint32_t)getpid() << 8 & 0xffff00);
	return at;
}

/* Bind a new socket to this port; what bind says. */
static int bind_to(long long port)
{
	struct sockaddr_in at = own_address((uint16_t)port);
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	int result = bind(s, (struct sockaddr *)&at, sizeof(at));
	int error = errno;

	close(s);
	errno = error;
	return result;
}

static void socket_04(void)
{
	struct sockaddr_in at = own_address(65535);
	socklen_t len = sizeof(at);
	long long start =
		lab_number("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	int s = MUST(socket, AF_INET, SOCK_DGRAM, 0);

	/* One more than 65535 is 0 again: the kernel chooses. */
	GIVES(0, bind_to, 65535);
	at.sin_port++;
	MUST(bind, s, &at, len);
	MUST(getsockname, s, &at, &len);
	EXPECT(ntohs(at.sin_port), >=, start);

	if (start < 512)
		SKIP("needs net.ipv4.ip_unprivileged_port_start above 512");
	if (capable(CAP_NET_BIND_SERVICE))
		GIVES(0, bind_to, start - 1);
	CHILD(ordinary) {
		lab_drop();
		FAILS(EACCES, bind_to, 255);
		FAILS(EACCES, bind_to, 256);
		FAILS(EACCES, bind_to, start - 1);
		GIVES(0, bind_to, start);
	}
	EXPECT(lab_wait(ordinary), ==, 0);
}

/* Send an echo request; the type of the first answer with its id. */
static int echo(int raw, const struct sockaddr_in *to, uint16_t id)
{
	struct icmphdr request = {.type = ICMP_ECHO, .un.echo.id = id};
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} in;

	request.checksum = lab_checksum(&request, sizeof(request));
	MUST(sendto, raw, &request, sizeof(request), 0, to, sizeof(*to));
	/* On loopback, a raw socket sees the request as well. */
	do {
		if (CALL(recv, raw, &in, sizeof(in), 0) < 0)
			return -1;
	} while (in.icmp.un.echo.id != id || in.icmp.type == ICMP_ECHO);
	return in.icmp.type;
}

static void socket_05(void)
{
	const struct timeval patience = {.tv_sec = 1};
	struct sockaddr_in to = lab_loopback(0);
	int raw = MUST(socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);

	MUST(setsockopt, raw, SOL_SOCKET, SO_RCVTIMEO, &patience,
	     sizeof(patience));
	CHILD(ordinary) {
		lab_drop();
		FAILS(EPERM, socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
		/* Only making one is guarded, not using one. */
		EXPECT(echo(raw, &to, (uint16_t)getpid()), ==, ICMP_ECHOREPLY);
	}
	EXPECT(lab_wait(ordinary), ==, 0);
}

/* --- What goes along --- */

/* A byte with a control message; and out of the one that came, the data of
 * this type. */
union control {
	struct cmsghdr head;
	char room[256];
};

static ssize_t send_with(int s, int type, const void *data, size_t len)
{
	union control control = {.head = {CMSG_LEN(len), SOL_SOCKET, type}};
	char mark = '!';
	struct iovec byte = {&mark, 1};
	struct msghdr m = {.msg_iov = &byte,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_SPACE(len)};

	memcpy(CMSG_DATA(&control.head), data, len);
	return sendmsg(s, &m, 0);
}

static ssize_t recv_with(int s, int type, void *data, size_t len)
{
	union control control;
	char room;
	struct iovec byte = {&room, 1};
	struct msghdr m = {.msg_iov = &byte,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(s, &m, 0);

	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c;
	     c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_type == type)
			memcpy(data, CMSG_DATA(c), len);
	return n;
}

static void socket_06(void)
{
	struct sockaddr_un at = {AF_UNIX, "meeting"};
	struct ucred peer = {0}, said = {0};
	socklen_t len = sizeof(peer);
	int listener = MUST(socket, AF_UNIX, SOCK_STREAM, 0), fd = -1, yes = 1;
	char byte;

	MUST(bind, listener, &at, sizeof(at));
	MUST(listen, listener, 1);
	CHILD(client) {
		int p[2], s = MUST(socket, AF_UNIX, SOCK_STREAM, 0);

		MUST(connect, s, &at, sizeof(at));
		MUST(pipe, p);
		MUST(write, p[1], "x", 1);
		GIVES(1, send_with, s, SCM_RIGHTS, &p[0], sizeof(p[0]));
		lab_await(&lab_cell[0], 1);
		lab_drop();
		lab_cell[1] = getuid();
		lab_cell[2] = getgid();
		struct ucred own = {getpid(), getuid(), getgid()};
		struct ucred forged = {getppid(), getuid(), getgid()};

		FAILS(EPERM, send_with, s, SCM_CREDENTIALS, &forged, len);
		GIVES(1, send_with, s, SCM_CREDENTIALS, &own, len);
	}
	int s = MUST(accept, listener, NULL, NULL);

	GIVES(1, recv_with, s, SCM_RIGHTS, &fd, sizeof(fd));
	GIVES(1, read, fd, &byte, 1);
	MUST(setsockopt, s, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
	lab_post(&lab_cell[0], 1);
	GIVES(1, recv_with, s, SCM_CREDENTIALS, &said, sizeof(said));
	EXPECT(said.pid, ==, client);
	EXPECT(said.uid, ==, lab_cell[1]);
	EXPECT(said.gid, ==, lab_cell[2]);
	/* Now it may be another; the connection still says who made it. */
	MUST(getsockopt, s, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	EXPECT(peer.pid, ==, client);
	EXPECT(peer.uid, ==, getuid());
	EXPECT(peer.gid, ==, getgid());
	EXPECT(lab_wait(client), ==, 0);
}

/* --- Waiting lines and ends --- */

static void tcp_backlog(void)
{
	struct sockaddr_in at;
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int listener = lab_bound(SOCK_STREAM, &at);
	int first = MUST(socket, AF_INET, SOCK_STREAM, 0);

	MUST(listen, listener, 0);
	MUST(connect, first, &at, sizeof(at));
	CHILD(retrying) {
		int s = MUST(socket, AF_INET, SOCK_STREAM, 0);
		int64_t start = lab_now_ns();

		GIVES(0, connect, s, &at, sizeof(at));
		FIGURE("connect took", "s",
		       (double)(lab_now_ns() - start) / 1e9);
		MUST(getsockopt, s, IPPROTO_TCP, TCP_INFO, &info, &len);
		EXPECT(info.tcpi_total_retrans, >, 0);
	}
	EXPECT(lab_blocked(retrying, SYS_connect), ==, true);
	MUST(accept, listener, NULL, NULL);
	/* The free place is found by the next try only. */
	EXPECT(lab_wait(retrying), ==, 0);
}

static void socket_07(void)
{
	struct sockaddr_un at = {AF_UNIX, "listener"};
	int listener = MUST(socket, AF_UNIX, SOCK_STREAM, 0);
	int first = MUST(socket, AF_UNIX, SOCK_STREAM, 0);
	int hasty = MUST(socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int patient = MUST(socket, AF_UNIX, SOCK_STREAM, 0);

	MUST(bind, listener, &at, sizeof(at));
	/* One more than the backlog may wait. */
	MUST(listen, listener, 0);
	GIVES(0, connect, first, &at, sizeof(at));
	FAILS(EAGAIN, connect, hasty, &at, sizeof(at));
	CHILD(waiting) {
		GIVES(0, connect, patient, &at, sizeof(at));
	}
	EXPECT(lab_blocked(waiting, SYS_connect), ==, true);
	MUST(accept, listener, NULL, NULL);
	EXPECT(lab_wait(waiting), ==, 0);

	tcp_backlog();
}

/* Wait until the peer's end has come here. */
static void await_end(int s)
{
	struct pollfd end = {s, 0, 0};

	MUST(poll, &end, 1, 2000);
}

static void socket_08(void)
{
	int talk[2], gone[2], reset[2];
	char bytes[16];

	lab_tcp_pair(talk);
	MUST(send, talk[0], "question", 8, 0);
	MUST(shutdown, talk[0], SHUT_WR);
	GIVES(8, recv, talk[1], bytes, 8, MSG_WAITALL);
	GIVES(0, recv, talk[1], bytes, sizeof(bytes), 0);
	GIVES(6, send, talk[1], "answer", 6, 0);
	GIVES(6, recv, talk[0], bytes, 6, MSG_WAITALL);
	FAILS(EPIPE, send, talk[0], "more", 4, MSG_NOSIGNAL);
	CHILD(loud) {
		CALL(send, talk[0], "more", 4, 0);
	}
	EXPECT(WTERMSIG(lab_wait(loud)), ==, SIGPIPE);

	/* Closed: an end at first, and an error once the peer has said so. */
	lab_tcp_pair(gone);
	MUST(close, gone[1]);
	GIVES(0, recv, gone[0], bytes, sizeof(bytes), 0);
	GIVES(1, send, gone[0], "x", 1, MSG_NOSIGNAL);
	await_end(gone[0]);
	FAILS(EPIPE, send, gone[0], "x", 1, MSG_NOSIGNAL);

	/* Closed with something unread: what was sent is lost. */
	lab_tcp_pair(reset);
	MUST(send, reset[0], "x", 1, 0);
	GIVES(1, recv, reset[1], bytes, 1, MSG_PEEK);
	MUST(close, reset[1]);
	await_end(reset[0]);
	FAILS(ECONNRESET, recv, reset[0], bytes, sizeof(bytes), 0);
	FAILS(EPIPE, send, reset[0], "x", 1, MSG_NOSIGNAL);
}

/* --- Costs --- */

struct trip {
	int s[2];
	size_t len;
};

static void there(void *arg)
{
	const struct trip *t = arg;
	static char bytes[8192];

	send(t->s[0], bytes, t->len, 0);
	recv(t->s[1], bytes, t->len, MSG_WAITALL);
}

static void socket_09(void)
{
	struct trip trips[4] = {
		{.len = 1}, {.len = 1}, {.len = 8192}, {.len = 8192}};
	struct lab_work works[4] = {{"TCP, 1 byte", there, &trips[0], 50, 0},
				    {"Unix, 1 byte", there, &trips[1], 50, 0},
				    {"TCP, 8 KiB", there, &trips[2], 50, 0},
				    {"Unix, 8 KiB", there, &trips[3], 50, 0}};

	for (int i = 0; i < 4; i += 2) {
		lab_tcp_pair(trips[i].s);
		MUST(socketpair, AF_UNIX, SOCK_STREAM, 0, trips[i + 1].s);
	}
	lab_measure(works, 4, 99);
	FIGURE("TCP / Unix, 1 byte", "x", works[0].ns / works[1].ns);
	FIGURE("TCP / Unix, 8 KiB", "x", works[2].ns / works[3].ns);
	EXPECT(works[0].ns, >, 1.2 * works[1].ns);
}

static const struct lab_experiment experiments[] = {
	{"socket.01", "accept gives a new socket; the listener stays",
	 "socket(2), bind(2), listen(2), accept(2)", socket_01,
	 LAB_NEEDS(loopback)},
	{"socket.02", "Unix sockets: three types, three kinds of names",
	 "unix(7), socketpair(2)", socket_02},
	{"socket.03", "TCP is a stream; UDP keeps messages, and may drop them",
	 "tcp(7), udp(7)", socket_03, LAB_NEEDS(loopback)},
	{"socket.04", "low ports need a privilege", "ip(7), capabilities(7)",
	 socket_04, LAB_NEEDS(loopback)},
	{"socket.05", "raw sockets need a capability; the kernel answers pings",
	 "raw(7), icmp(7)", socket_05,
	 LAB_NEEDS(loopback) | LAB_NEEDS(net_raw)},
	{"socket.06", "Unix sockets carry descriptors and credentials",
	 "unix(7), cmsg(3)", socket_06},
	{"socket.07", "a full backlog makes connect wait",
	 "listen(2), connect(2), unix(7)", socket_07, LAB_NEEDS(loopback)},
	{"socket.08", "half a close, and a peer that is gone",
	 "shutdown(2), send(2), recv(2)", socket_08, LAB_NEEDS(loopback)},
	{"socket.09", "what loopback TCP costs beside a Unix socket",
	 "unix(7), tcp(7)", socket_09, LAB_NEEDS(loopback)},
	{0},
};

const struct lab_section lab_socket = {
	.name = "socket",
	.title = "sockets",
	.experiments = experiments,
};
