/* SPDX-License-Identifier: MIT */
/* Full and empty channels: deadlines, signals, and the pollable descriptor. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define LEN ((size_t)3000)

/* Send until it is full; returns how many were accepted. */
static unsigned int send_until_full(struct via_channel *ch, unsigned int from)
{
	void *buf = scratch(0, LEN);
	int r;

	for (unsigned int n = 0; n < 1000000; n++) {
		fill(buf, LEN, 1, from + n);
		r = via_send(ch, buf, LEN, VIA_NO_WAIT);
		if (r == 0)
			continue;
		must_eq(r, -EAGAIN);
		return n;
	}
	must(!"full");
	return 0;
}

/* The next message, which the sender may have to push. */
static ssize_t recv_pushing(struct link *l, void *buf, size_t size)
{
	ssize_t len;

	while ((len = via_recv(l->recv, buf, size, VIA_NO_WAIT)) == -EAGAIN)
		(void)via_flush(l->send, VIA_NO_WAIT);
	return len;
}

static void drain(struct link *l, unsigned int n)
{
	void *buf = scratch(1, LEN);

	for (unsigned int seq = 0; seq < n; seq++) {
		must_eq(recv_pushing(l, buf, LEN), LEN);
		must(intact(buf, LEN, 1, seq));
	}
	must_ok(via_flush(l->send, patience()));
	must_eq(via_recv(l->recv, buf, LEN, VIA_NO_WAIT), -EAGAIN);
}

static void full_and_deadlines(void)
{
	struct link l;

	link_both(&l, NULL);

	unsigned int n = send_until_full(l.send, 0);
	void *buf = scratch(0, LEN);
	int64_t deadline;

	must(n > 0);
	/* TCP goes on moving bytes from the sender's buffer to the receiver's,
	 * so that full may not be full yet. */
	for (;;) {
		fill(buf, LEN, 1, n);
		deadline = via_deadline(20 * MS);
		int r = via_send(l.send, buf, LEN, deadline);

		if (r < 0) {
			must_eq(r, -ETIMEDOUT);
			break;
		}
		n++;
	}
	must(via_now() >= deadline);
	n += send_until_full(l.send, n);
	drain(&l, n);
	send_one(l.send, 1, n, LEN);
	recv_one(l.recv, 1, n, LEN);
	link_close(&l);
}

/* What a batch does not accept is not sent, what it accepts is. */
static void full_in_a_batch(void)
{
	enum {
		N = 64
	};
	struct iovec msgs[N];
	struct link l;
	unsigned int sent = 0;
	ssize_t r = 0;

	link_both(&l, NULL);
	for (;;) {
		char *at = scratch(0, N * LEN);

		for (unsigned int i = 0; i < N; i++, at += LEN) {
			fill(at, LEN, 1, sent + i);
			msgs[i] = (struct iovec){at, LEN};
		}
		r = via_send_batch(l.send, msgs, N, VIA_NO_WAIT);
		if (r < 0)
			break;
		must(r > 0 && r <= N);
		sent += (unsigned int)r;
	}
	must_eq(r, -EAGAIN);
	drain(&l, sent);
	link_close(&l);
}

static void empty_and_deadlines(void)
{
	struct link l;
	struct via_stats s;
	struct rusage before, after;
	char buf[1];

	link_both(&l, NULL);
	must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
	must_eq(via_recv(l.recv, buf, 1, via_now() - 1), -ETIMEDOUT);
	(void)getrusage(RUSAGE_SELF, &before);

	int64_t deadline = via_deadline(100 * MS);

	must_eq(via_recv(l.recv, buf, 1, deadline), -ETIMEDOUT);
	must(via_now() >= deadline);
	(void)getrusage(RUSAGE_SELF, &after);
	via_stats(l.recv, &s);
	must(s.blocked_ns >= 50 * MS);
	must(s.sleeps > 0);
	/* It slept; a receiver that spins would use all of the 100 ms. */
	timersub(&after.ru_utime, &before.ru_utime, &after.ru_utime);
	must(after.ru_utime.tv_sec == 0 && after.ru_utime.tv_usec < 50000);
	link_close(&l);
}

/* Accepted by a deadline in its middle, carried on with by the next calls. */
static void half_sent_then_flushed(void)
{
	struct link l;
	size_t len = 16 * MiB;

	link_both(&l, NULL);
	send_half(l.send, 1, 0, len);
	must_eq(via_flush(l.send, via_deadline(MS)), -ETIMEDOUT);
	must_eq(via_send(l.send, "", 1, VIA_NO_WAIT), -EAGAIN);
	/* Each time into another buffer. */
	for (unsigned int i = 0;; i++) {
		void *buf = scratch(1 + i % 2, len);
		ssize_t r = via_recv(l.recv, buf, len, VIA_NO_WAIT);

		if (r == -EAGAIN) {
			(void)via_flush(l.send, VIA_NO_WAIT);
			continue;
		}
		must_eq(r, len);
		must(intact(buf, len, 1, 0));
		break;
	}
	must_ok(via_flush(l.send, patience()));
	send_one(l.send, 1, 1, 10);
	recv_one(l.recv, 1, 1, 10);
	link_close(&l);
}

static void wait_peer_with_deadlines(void)
{
	struct link l = {0};
	struct via_error err;

	must_ok(via_open(fresh_url(NULL), VIA_RECV, VIA_NO_WAIT, &l.recv,
			 &err));
	must_eq(via_wait_peer(l.recv, VIA_NO_WAIT, &err), -EAGAIN);
	must_eq(via_wait_peer(l.recv, via_deadline(MS), &err), -ETIMEDOUT);
	must_ok(via_open(via_url(l.recv), VIA_SEND, patience(), &l.send, &err));
	must_ok(via_wait_peer(l.recv, patience(), &err));
	must_ok(via_wait_peer(l.send, patience(), &err));
	link_close(&l);
}

static void wrong_direction(void)
{
	struct link l;
	char buf[1];

	link_both(&l, NULL);
	must_eq(via_send(l.recv, "", 1, VIA_NO_WAIT), -EOPNOTSUPP);
	must_eq(via_recv(l.send, buf, 1, VIA_NO_WAIT), -EOPNOTSUPP);
	must(*via_last_error(l.send)->text);
	link_close(&l);
}

/* ---- signals */

static void ignore_it(int signal)
{
	(void)signal;
}

static void storm(long every_us)
{
	const struct sigaction sa = {.sa_handler = every_us ? ignore_it
							    : SIG_DFL};
	const struct itimerval timer = {{0, every_us}, {0, every_us}};

	if (every_us)
		must_ok(sigaction(SIGALRM, &sa, NULL));
	must_ok(setitimer(ITIMER_REAL, &timer, NULL));
	if (!every_us)
		must_ok(sigaction(SIGALRM, &sa, NULL));
}

#define STORM_MAX (100 * KiB)

static void send_in_a_storm(struct via_channel *ch, unsigned int n)
{
	storm(100);
	for (unsigned int seq = 0; seq < n; seq++)
		send_one(ch, 1, seq, len_of(seq, STORM_MAX));
	finish(ch);
	storm(0);
}

static void interrupted_by_signals(void)
{
	struct link l;
	unsigned int n = rounds(10000);

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_in_a_storm, n);

	link_no_more_senders(&l);
	storm(100);
	for (unsigned int seq = 0; seq < n; seq++)
		recv_one(l.recv, 1, seq, len_of(seq, STORM_MAX));
	recv_end(l.recv);
	storm(0);
	child_wait(&c);
	link_close(&l);
}

/* ---- poll */

static bool ready(struct via_channel *ch, enum via_role role)
{
	struct pollfd pfd;

	must_ok(via_pollfd(ch, role, &pfd));
	return poll(&pfd, 1, 0) > 0;
}

/* Wait as a program with an event loop would. */
static void wait_ready(struct via_channel *ch, enum via_role role)
{
	struct pollfd pfd;

	must_ok(via_pollfd(ch, role, &pfd));
	must_eq(poll(&pfd, 1, 120 * 1000), 1);
}

/* It may be ready for nothing, but not again and again. */
static void becomes_quiet(struct via_channel *ch)
{
	char buf[1];

	for (unsigned int i = 0; i < 10 && ready(ch, VIA_RECV); i++)
		must_eq(via_recv(ch, buf, 1, VIA_NO_WAIT), -EAGAIN);
	must(!ready(ch, VIA_RECV));
}

static void poll_says_what_recv_finds(void)
{
	struct link l;
	struct pollfd first, again;

	link_both(&l, NULL);
	must_ok(via_pollfd(l.recv, VIA_RECV, &first));
	becomes_quiet(l.recv);
	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < 5; i++)
			send_one(l.send, 1, i, 100 * i);
		wait_ready(l.recv, VIA_RECV);
		for (unsigned int i = 0; i < 5; i++) {
			must(ready(l.recv, VIA_RECV));
			recv_one(l.recv, 1, i, 100 * i);
		}
		becomes_quiet(l.recv);
	}
	(void)via_close(l.send, VIA_NO_WAIT);
	l.send = NULL;
	wait_ready(l.recv, VIA_RECV);
	recv_end(l.recv);
	if (can(VIA_HAS_ADDRESS))
		becomes_quiet(l.recv);
	else
		must(ready(l.recv, VIA_RECV));
	must_ok(via_pollfd(l.recv, VIA_RECV, &again));
	must_eq(again.fd, first.fd);
	must_eq(again.events, first.events);
	link_close(&l);
}

static void poll_says_when_there_is_room(void)
{
	struct link l;

	link_both(&l, NULL);
	wait_ready(l.send, VIA_SEND);
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int n = send_until_full(l.send, 0);

		for (unsigned int i = 0; i < 10 && ready(l.send, VIA_SEND); i++)
			n += send_until_full(l.send, n);
		must(!ready(l.send, VIA_SEND));
		drain(&l, n);
		wait_ready(l.send, VIA_SEND);
	}
	link_close(&l);
}

static void poll_through_epoll(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {0};
	struct pollfd pfd;
	struct link l;

	must(ep >= 0);
	link_both(&l, NULL);
	must_ok(via_pollfd(l.recv, VIA_RECV, &pfd));
	event.events = (uint32_t)pfd.events;
	must_ok(epoll_ctl(ep, EPOLL_CTL_ADD, pfd.fd, &event));
	becomes_quiet(l.recv);
	must_eq(epoll_wait(ep, &event, 1, 0), 0);
	for (unsigned int i = 0; i < 3; i++)
		send_one(l.send, 1, i, 10);
	for (unsigned int i = 0; i < 3; i++) {
		must_eq(epoll_wait(ep, &event, 1, 120 * 1000), 1);
		recv_one(l.recv, 1, i, 10);
	}
	becomes_quiet(l.recv);
	must_eq(epoll_wait(ep, &event, 1, 0), 0);
	close(ep);
	link_close(&l);
}

static void send_by_poll(struct via_channel *ch, unsigned int n)
{
	for (unsigned int seq = 0; seq < n; seq++) {
		size_t len = len_of(seq, STORM_MAX);
		int r;

		fill(scratch(0, STORM_MAX), len, 1, seq);
		while ((r = via_send(ch, scratch(0, 0), len, VIA_NO_WAIT))) {
			must_eq(r, -EAGAIN);
			wait_ready(ch, VIA_SEND);
		}
	}
	finish(ch);
}

/* Two event loops, neither of which ever waits inside via: no lost wake-up. */
static void only_by_poll(void)
{
	struct link l;
	unsigned int n = rounds(3000);

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_by_poll, n);

	link_no_more_senders(&l);
	for (unsigned int seq = 0; seq <= n;) {
		void *buf = scratch(1, STORM_MAX);
		ssize_t r = via_recv(l.recv, buf, STORM_MAX, VIA_NO_WAIT);

		if (r == -EAGAIN) {
			wait_ready(l.recv, VIA_RECV);
			continue;
		}
		if (seq < n) {
			must_eq(r, len_of(seq, STORM_MAX));
			must(intact(buf, (size_t)r, 1, seq));
		} else {
			must_eq(r, -EPIPE);
		}
		seq++;
	}
	child_wait(&c);
	link_close(&l);
}

const struct test waiting_tests[] = {
	TEST(full_and_deadlines, 0),
	TEST(full_in_a_batch, 0),
	TEST(empty_and_deadlines, 0),
	TEST(half_sent_then_flushed, 0),
	TEST(wait_peer_with_deadlines, VIA_HAS_ADDRESS),
	TEST(wrong_direction, 0),
	TEST(interrupted_by_signals, 0),
	TEST(poll_says_what_recv_finds, 0),
	TEST(poll_says_when_there_is_room, 0),
	TEST(poll_through_epoll, 0),
	TEST(only_by_poll, 0),
	{0},
};
