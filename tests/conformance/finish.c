/* SPDX-License-Identifier: MIT */
/* The end of a stream whose sender stays: it has finished, not gone. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <poll.h>

static void send_three(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(ch, sender, seq, 1000 * seq);
}

static void recv_three(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		recv_one(ch, sender, seq, 1000 * seq);
}

/* Whatever it is asked to send. */
static void sends_no_more(struct via_channel *ch)
{
	struct iovec batch[2] = {{0}};
	struct via_msg msg = {0};
	void *at;

	must_eq(via_commit(ch, 0, patience()), -EINVAL);
	must_eq(via_send(ch, "", 1, VIA_NO_WAIT), -EPIPE);
	must_eq(via_sendmsg(ch, &msg, patience()), -EPIPE);
	must_eq(via_send_batch(ch, batch, 2, patience()), -EPIPE);
	must_eq(via_loan(ch, 1, &at, patience()), -EPIPE);
	must_ok(via_flush(ch, patience()));
}

static void is_the_end(void)
{
	struct link l;
	char buf[1];
	void *at;

	link_both(&l, NULL);
	send_three(l.send, 1);
	must_ok(via_loan(l.send, 1, &at, patience()));
	must_ok(via_finish(l.send, VIA_NO_WAIT));
	sends_no_more(l.send);
	recv_three(l.recv, 1);
	recv_end(l.recv);
	if (can(VIA_HAS_ADDRESS))
		must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
	must_ok(via_finish(l.send, patience()));
	must_ok(via_finish(l.send, VIA_NO_WAIT));
	sends_no_more(l.send);
	must_ok(via_close(l.send, patience()));
	l.send = NULL;
	link_close(&l);
}

/* An event loop that looks after the sender is told to call, not to wait. */
static void is_polled(bool before)
{
	struct pollfd pfd;
	struct link l;

	link_both(&l, NULL);
	if (before)
		must_ok(via_pollfd(l.send, VIA_SEND, &pfd));
	must_ok(via_finish(l.send, VIA_NO_WAIT));
	for (int i = 0; i < 3; i++) {
		must_ok(via_pollfd(l.send, VIA_SEND, &pfd));
		must_eq(poll(&pfd, 1, 120 * 1000), 1);
		must_eq(via_send(l.send, "", 1, VIA_NO_WAIT), -EPIPE);
	}
	recv_end(l.recv);
	link_close(&l);
}

static void is_polled_since_before(void)
{
	is_polled(true);
}

static void is_polled_from_then_on(void)
{
	is_polled(false);
}

static void finish_and_stay(struct via_channel *ch, unsigned int sender)
{
	send_three(ch, sender);
	hear(&parent);
	must_ok(via_finish(ch, VIA_NO_WAIT));
	tell(&parent);
	hear(&parent);
}

/* Of several senders, the last to finish. */
static void is_the_last_ones(void)
{
	enum {
		N = 3
	};
	struct child c[N];
	struct link l;
	char buf[1];

	link_recv(&l, NULL);
	for (unsigned int i = 0; i < N; i++) {
		c[i] = link_sender(&l, finish_and_stay, i);
		recv_three(l.recv, i);
	}
	link_no_more_senders(&l);
	for (unsigned int i = 0; i < N; i++) {
		must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
		tell(&c[i]);
		hear(&c[i]);
	}
	recv_end(l.recv);
	for (unsigned int i = 0; i < N; i++) {
		tell(&c[i]);
		child_wait(&c[i]);
	}
	link_close(&l);
}

static void send_from_a_fork(void *arg)
{
	struct link *l = arg;

	(void)via_close(l->recv, VIA_NO_WAIT);
	hear(&parent);
	send_three(l->send, 2);
	must_ok(via_finish(l->send, VIA_NO_WAIT));
	tell(&parent);
	hear(&parent);
}

/* A child has the same end, and is another sender. */
static void is_not_the_forked_childs(void)
{
	struct pollfd pfd;
	struct link l;
	char buf[1];

	link_both(&l, NULL);
	must_ok(via_pollfd(l.send, VIA_SEND, &pfd));
	struct child c = child_start(send_from_a_fork, &l);

	send_three(l.send, 1);
	must_ok(via_finish(l.send, VIA_NO_WAIT));
	recv_three(l.recv, 1);
	must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
	tell(&c);
	hear(&c);
	recv_three(l.recv, 2);
	recv_end(l.recv);
	must_eq(via_send(l.send, "", 1, VIA_NO_WAIT), -EPIPE);
	tell(&c);
	child_wait(&c);
	link_close(&l);
}

/* It comes behind a message that was accepted but could not leave at once. */
static void waits_for_the_rest(void)
{
	struct link l;
	size_t len = 16 * MiB;
	char *buf = scratch(1, len);
	ssize_t got;

	link_both(&l, NULL);
	send_half(l.send, 1, 0, len);
	must_eq(via_finish(l.send, VIA_NO_WAIT), -EAGAIN);
	while ((got = via_recv(l.recv, buf, len, VIA_NO_WAIT)) == -EAGAIN)
		(void)via_finish(l.send, VIA_NO_WAIT);
	must_eq(got, len);
	must(intact(buf, len, 1, 0));
	must_ok(via_finish(l.send, VIA_NO_WAIT));
	recv_end(l.recv);
	link_close(&l);
}

const struct test finish_tests[] = {
	TEST(is_the_end, 0),
	TEST(is_polled_since_before, 0),
	TEST(is_polled_from_then_on, 0),
	TEST(is_the_last_ones, 0),
	TEST(is_not_the_forked_childs, VIA_CAN_FORK),
	TEST(waits_for_the_rest, 0),
	{0},
};
