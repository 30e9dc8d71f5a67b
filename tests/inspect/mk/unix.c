/* SPDX-License-Identifier: MIT */
/* Unix sockets of every type and kind of name. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static void receives(struct mk *m, int type)
{
	int s[2];

	mk_pair(m, type, s);
	CHILD(m, "receiver", s[0], -1)
		mk_recv(s[0]);
	mk_in(m, "receiver", SYS_recvfrom, "read", s[0]);
	mk_keeper(m, "sender", s[1]);
	mk_verdict(m, "receiver", "waiting", NULL);
}

void make_unix_stream(struct mk *m)
{
	receives(m, SOCK_STREAM);
}

void make_unix_dgram(struct mk *m)
{
	receives(m, SOCK_DGRAM);
}

void make_unix_seqpacket(struct mk *m)
{
	receives(m, SOCK_SEQPACKET);
}

void make_unix_recvmsg(struct mk *m)
{
	int s[2];
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	mk_pair(m, SOCK_STREAM, s);
	CHILD(m, "receiver", s[0], -1)
		(void)recvmsg(s[0], &msg, 0);
	mk_in(m, "receiver", SYS_recvmsg, "read", s[0]);
	mk_keeper(m, "sender", s[1]);
	mk_verdict(m, "receiver", "waiting", NULL);
}

static void sends(struct mk *m, int type)
{
	int s[2];

	mk_pair(m, type, s);
	mk_filler(m, "sender", s[0]);
	mk_keeper(m, "receiver", s[1]);
	mk_verdict(m, "sender", "waiting", NULL);
}

void make_unix_stream_full(struct mk *m)
{
	sends(m, SOCK_STREAM);
}

void make_unix_dgram_full(struct mk *m)
{
	sends(m, SOCK_DGRAM);
}

/* No peer: what it waits for is the queue of who is bound there. */
static void sends_to(struct mk *m, const char *name, bool by_sendmsg)
{
	int to = mk_unix_listen(m, SOCK_DGRAM, name, 0);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	char text[] = "hello";
	struct iovec iov = {text, sizeof(text)};

	MUST(getsockname(to, (struct sockaddr *)&a, &len));

	struct msghdr msg = {
		.msg_name = &a,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	mk_object_of(m, "unix", fd);
	CHILD(m, "sender", fd, -1)
		while ((by_sendmsg ? sendmsg(fd, &msg, 0)
				   : sendto(fd, text, sizeof(text), 0,
					    (struct sockaddr *)&a, len)) > 0)
			;
	mk_blocks(m, "sender", by_sendmsg ? SYS_sendmsg : SYS_sendto, fd);
	mk_waits(m, "sender", "write", mk_of(m, to), fd);
	mk_keeper(m, "receiver", to);
	mk_verdict(m, "sender", "waiting", NULL);
}

void make_unix_dgram_sendto(struct mk *m)
{
	sends_to(m, "socket", false);
}

void make_unix_dgram_sendmsg(struct mk *m)
{
	sends_to(m, "@via-mk", true);
}

void make_unix_seqpacket_full(struct mk *m)
{
	sends(m, SOCK_SEQPACKET);
}

static void accepts(struct mk *m, int type, const char *name)
{
	int fd = mk_unix_listen(m, type, name, 5);

	CHILD(m, "server", fd, -1)
		mk_accept(fd);
	mk_in(m, "server", SYS_accept4, "accept", fd);
	mk_level(m, mk_of(m, fd), 0, 5);
	mk_verdict(m, "server", "idle", NULL);
}

void make_unix_accept(struct mk *m)
{
	accepts(m, SOCK_STREAM, "socket");
}

void make_unix_accept_abstract(struct mk *m)
{
	accepts(m, SOCK_SEQPACKET, "@via-mk");
}

void make_unix_dgram_bound(struct mk *m)
{
	int fd = mk_unix_listen(m, SOCK_DGRAM, "socket", 0);

	CHILD(m, "server", fd, -1)
		mk_recv(fd);
	mk_in(m, "server", SYS_recvfrom, "read", fd);
	mk_verdict(m, "server", "idle|waiting|unknown", NULL);
}

/* A client's socket: connected, or about to be where the queue is full. */
static int client(struct mk *m, int listener, bool nonblock)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(getsockname(listener, (struct sockaddr *)&a, &len));
	if (nonblock)
		MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
	mk_object_of(m, "unix", fd);
	(void)connect(fd, (struct sockaddr *)&a, len);
	MUST(fcntl(fd, F_SETFL, 0));
	return fd;
}

/* Connected as far as the client can tell, but the server has yet to accept it:
 * there is no socket on the other side. */
void make_unix_pending(struct mk *m)
{
	int listener = mk_unix_listen(m, SOCK_STREAM, "socket", 5);
	int fd = client(m, listener, true);

	CHILD(m, "client", fd, -1)
		mk_recv(fd);
	mk_in(m, "client", SYS_recvfrom, "read", fd);
	mk_keeper(m, "server", listener);
	mk_level(m, mk_of(m, listener), 1, 5);
	mk_verdict(m, "client", "waiting", NULL);
}

static void queue_full(struct mk *m, int listener)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	MUST(getsockname(listener, (struct sockaddr *)&a, &len));

	/* One more than the backlog gets in. */
	int first = client(m, listener, true), more = client(m, listener, true);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	mk_object_of(m, "unix", fd);
	CHILD(m, "queued", first, more, -1)
		mk_pause();
	mk_idle(m, "queued");
	CHILD(m, "client", fd, -1)
		(void)connect(fd, (struct sockaddr *)&a, len);
	mk_blocks(m, "client", SYS_connect, fd);
	mk_waits(m, "client", "connect", mk_of(m, listener), fd);
	mk_level(m, mk_of(m, listener), 2, 1);
}

void make_unix_backlog(struct mk *m)
{
	int listener = mk_unix_listen(m, SOCK_STREAM, "socket", 1);

	queue_full(m, listener);
	mk_keeper(m, "server", listener);
	mk_verdict(m, "client", "waiting", NULL);
	mk_finding(m, "backlog-full", "server", mk_of(m, listener));
}

/* The server would accept, but first wants something of the client. */
void make_unix_backlog_cycle(struct mk *m)
{
	int listener = mk_unix_listen(m, SOCK_STREAM, "socket", 0);
	int queued = client(m, listener, true), p[2];
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(getsockname(listener, (struct sockaddr *)&a, &len));
	mk_pipe(m, p);
	mk_object_of(m, "unix", fd);
	CHILD(m, "client", fd, queued, p[1], -1)
		(void)connect(fd, (struct sockaddr *)&a, len);
	CHILD(m, "server", listener, p[0], -1)
		mk_read(p[0]);
	mk_blocks(m, "client", SYS_connect, fd);
	mk_waits(m, "client", "connect", mk_of(m, listener), fd);
	mk_in(m, "server", SYS_read, "read", p[0]);
	mk_cycle(m, NULL, "client", "server", NULL);
}

void make_unix_cycle(struct mk *m)
{
	int s[2];

	mk_pair(m, SOCK_STREAM, s);
	mk_reader(m, "one", s[0]);
	mk_reader(m, "two", s[1]);
	mk_cycle(m, "exact", "one", "two", NULL);
}

static void ring(struct mk *m, int type, int n)
{
	static const char *const roles[] = {"one", "two", "three"};
	int s[3][2];

	for (int i = 0; i < n; i++)
		mk_pair(m, type, s[i]);
	for (int i = 0; i < n; i++) {
		int in = s[i][0], out = s[(i + 1) % n][1];

		CHILD(m, roles[i], in, out, -1)
			mk_recv(in);
		mk_in(m, roles[i], SYS_recvfrom, "read", in);
	}
	mk_cycle(m, "exact", "one", "three", "two", NULL);
}

void make_unix_cycle_3(struct mk *m)
{
	ring(m, SOCK_STREAM, 3);
}

void make_unix_seqpacket_cycle_3(struct mk *m)
{
	ring(m, SOCK_SEQPACKET, 3);
}

void make_unix_both_full(struct mk *m)
{
	int s[2];

	mk_pair(m, SOCK_STREAM, s);
	mk_filler(m, "one", s[0]);
	mk_filler(m, "two", s[1]);
	mk_cycle(m, "exact", "one", "two", NULL);
	mk_finding(m, "both-full", "one", -1);
}

void make_unix_poll_cycle(struct mk *m)
{
	int s[2];

	mk_pair(m, SOCK_STREAM, s);

	struct pollfd a = {s[0], POLLIN, 0}, b = {s[1], POLLIN, 0};

	CHILD(m, "one", s[0], -1)
		(void)poll(&a, 1, -1);
	CHILD(m, "two", s[1], -1)
		(void)poll(&b, 1, -1);
	mk_blocks(m, "one", MK_SYS_POLL, -1);
	mk_blocks(m, "two", MK_SYS_POLL, -1);
	mk_waits(m, "one", "read", mk_of(m, s[0]), s[0]);
	mk_waits(m, "two", "read", mk_of(m, s[1]), s[1]);
	mk_cycle(m, "exact", "one", "two", NULL);
}

static void pass(int through, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	MUST(sendmsg(through, &msg, 0));
}

/* The only write end of a pipe is in a message that nobody has taken: whoever
 * takes it can go on writing, so its reader is in no deadlock. */
void make_scm_in_flight(struct mk *m)
{
	int s[2], p[2];

	mk_pair(m, SOCK_STREAM, s);
	mk_pipe(m, p);
	pass(s[0], p[1]);
	mk_reader(m, "reader", p[0]);
	mk_keeper(m, "sender", s[0]);
	mk_keeper(m, "receiver", s[1]);
	mk_verdict(m, "reader", "waiting|unknown", NULL);
}

/* The same before the connection is accepted: whoever accepts it is the one. */
void make_scm_pending(struct mk *m)
{
	int listener = mk_unix_listen(m, SOCK_STREAM, "socket", 5);
	int fd = client(m, listener, true), p[2];

	mk_pipe(m, p);
	pass(fd, p[1]);
	mk_reader(m, "reader", p[0]);
	mk_keeper(m, "sender", fd);
	mk_keeper(m, "server", listener);
	mk_verdict(m, "reader", "waiting|unknown", NULL);
}

/* Two wait for each other, and what is in a message could help neither. */
void make_scm_read_end(struct mk *m)
{
	int s[2], a[2], b[2];

	mk_pair(m, SOCK_STREAM, s);
	mk_pipe(m, a);
	mk_pipe(m, b);
	pass(s[0], a[0]);
	CHILD(m, "one", a[0], b[1], -1)
		mk_read(a[0]);
	CHILD(m, "two", b[0], a[1], -1)
		mk_read(b[0]);
	mk_in(m, "one", SYS_read, "read", a[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	mk_keeper(m, "sender", s[0]);
	mk_keeper(m, "receiver", s[1]);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* A pipe whose ends a process holds in its own socket's queue. */
void make_scm_to_self(struct mk *m)
{
	int s[2], p[2];

	mk_pair(m, SOCK_STREAM, s);
	mk_pipe(m, p);
	pass(s[0], p[1]);
	CHILD(m, "reader", s[0], s[1], p[0], -1)
		mk_read(p[0]);
	mk_in(m, "reader", SYS_read, "read", p[0]);
	mk_verdict(m, "reader", "stuck|deadlock|unknown|waiting", NULL);
}

void make_unix_half_closed(struct mk *m)
{
	int s[2];

	mk_pair(m, SOCK_STREAM, s);
	MUST(shutdown(s[0], SHUT_WR));
	mk_reader(m, "one", s[0]);
	mk_keeper(m, "two", s[1]);
	mk_verdict(m, "one", "waiting", NULL);
}
