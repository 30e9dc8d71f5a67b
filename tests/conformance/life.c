/* SPDX-License-Identifier: MIT */
/* Ends come, go, are killed and forked; the others are told and lose nothing. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void send_three(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(ch, sender, seq, 1000 * seq);
	finish(ch);
}

static void recv_three(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		recv_one(ch, sender, seq, 1000 * seq);
}

static void end_of_stream_is_told_once(void)
{
	struct link l;
	char buf[1];

	link_recv(&l, NULL);
	for (unsigned int sender = 0; sender < 3; sender++) {
		struct child c = link_sender(&l, send_three, sender);

		link_no_more_senders(&l);
		recv_three(l.recv, sender);
		recv_end(l.recv);
		child_wait(&c);
		if (!can(VIA_HAS_ADDRESS))
			break;
		must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
	}
	if (!can(VIA_HAS_ADDRESS))
		recv_end(l.recv);
	link_close(&l);
}

static void nothing_is_lost_by_closing(void)
{
	struct link l;

	link_both(&l, NULL);
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(l.send, 1, seq, 1000 * seq);
	must_ok(via_close(l.send, VIA_NO_WAIT));
	l.send = NULL;
	recv_three(l.recv, 1);
	recv_end(l.recv);
	link_close(&l);
}

static void both_ends_by_via_pair(void)
{
	struct link l = {0};
	char url[16];

	snprintf(url, sizeof(url), "%s:", variant_mechanism()->scheme);
	must_ok(via_pair(url, &l.recv, &l.send, NULL));
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(l.send, 1, seq, 1000 * seq);
	recv_three(l.recv, 1);
	must_ok(via_close(l.send, VIA_NO_WAIT));
	recv_end(l.recv);
	recv_end(l.recv);
	must_ok(via_close(l.recv, VIA_NO_WAIT));
}

/* ---- killed senders */

static void say_hello(struct via_channel *ch, unsigned int i)
{
	(void)i;
	must_ok(via_wait_peer(ch, patience(), NULL));
	tell(&parent);
	hear(&parent);
}

static void sender_killed_before_a_message(void)
{
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, say_hello, 0);

	link_no_more_senders(&l);
	must_ok(via_wait_peer(l.recv, patience(), NULL));
	hear(&c);
	child_kill(&c);
	recv_end(l.recv);
	link_close(&l);
}

static void send_one_and_a_half(struct via_channel *ch, unsigned int sender)
{
	send_one(ch, sender, 0, 1000);
	send_half(ch, sender, 1, 64 * MiB);
	tell(&parent);
	hear(&parent);
}

static void send_three_when_told(struct via_channel *ch, unsigned int sender)
{
	tell(&parent);
	hear(&parent);
	send_three(ch, sender);
}

/* Its half is dropped; another sender is not disturbed. */
static void sender_killed_in_a_message(void)
{
	struct link l;
	struct via_stats s;

	link_recv(&l, NULL);
	struct child victim = link_sender(&l, send_one_and_a_half, 1);
	struct child other = link_sender(&l, send_three_when_told, 2);

	link_no_more_senders(&l);
	hear(&victim);
	hear(&other);
	child_kill(&victim);
	recv_one(l.recv, 1, 0, 1000);
	tell(&other);
	recv_three(l.recv, 2);
	recv_end(l.recv);
	via_stats(l.recv, &s);
	must_eq(s.dropped, 1);
	child_wait(&other);
	link_close(&l);
}

static void send_and_stay(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(ch, sender, seq, 1000 * seq);
	tell(&parent);
	hear(&parent);
}

static void sender_killed_after_its_messages(void)
{
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_and_stay, 1);

	link_no_more_senders(&l);
	hear(&c);
	child_kill(&c);
	recv_three(l.recv, 1);
	recv_end(l.recv);
	link_close(&l);
}

#define ANY_MAX (200 * KiB)

static void send_for_ever(struct via_channel *ch, unsigned int sender)
{
	for (uint64_t seq = 0;; seq++)
		send_one(ch, sender, seq, len_of(seq, ANY_MAX));
}

/* Whole messages in sequence and then the end, wherever the kill strikes. */
static void sender_killed_anywhere(void)
{
	for (unsigned int round = 0; round < rounds(20); round++) {
		struct link l;
		uint64_t seq = 0;
		ssize_t len;

		link_recv(&l, NULL);
		struct child c = link_sender(&l, send_for_ever, 1);

		link_no_more_senders(&l);
		for (; seq < hashed(round) % 50; seq++)
			recv_one(l.recv, 1, seq, len_of(seq, ANY_MAX));
		must_ok(via_wait_peer(l.recv, patience(), NULL));
		child_kill(&c);
		while ((len = via_recv(l.recv, scratch(1, ANY_MAX), ANY_MAX,
				       patience())) >= 0) {
			must_eq(len, len_of(seq, ANY_MAX));
			must(intact(scratch(1, 0), (size_t)len, 1, seq++));
		}
		must_eq(len, -EPIPE);
		link_close(&l);
	}
}

/* ---- killed and leaving receivers; SIGPIPE would end this process too */

static void recv_until_killed(struct via_channel *ch, unsigned int n)
{
	for (unsigned int seq = 0; seq < n; seq++)
		recv_one(ch, 1, seq, 1000);
	tell(&parent);
	hear(&parent);
}

/* Send until it fails, which must be soon. */
static void send_until_broken(struct via_channel *ch)
{
	int r = 0;

	for (unsigned int i = 0; i < 1000000 && r == 0; i++)
		r = via_send(ch, scratch(0, 1000), 1000, patience());
	must_eq(r, -EPIPE);
	must_eq(via_send(ch, "", 1, VIA_NO_WAIT), -EPIPE);
	must_eq(via_flush(ch, VIA_NO_WAIT), -EPIPE);
}

static void receiver_killed(void)
{
	for (unsigned int n = 0; n < 4; n++) {
		struct link l;
		struct child c = link_receiver(&l, NULL, recv_until_killed, n);

		for (unsigned int seq = 0; seq < n; seq++)
			send_one(l.send, 1, seq, 1000);
		hear(&c);
		child_kill(&c);
		send_until_broken(l.send);
		link_close(&l);
	}
}

static void receiver_killed_in_a_message(void)
{
	struct link l;
	struct child c = link_receiver(&l, NULL, recv_until_killed, 0);

	hear(&c);
	send_half(l.send, 1, 0, 64 * MiB);
	child_kill(&c);
	must_eq(via_flush(l.send, patience()), -EPIPE);
	must_eq(via_close(l.send, patience()), -EPIPE);
}

static void recv_and_leave(struct via_channel *ch, unsigned int n)
{
	for (unsigned int seq = 0; seq < n; seq++)
		recv_one(ch, 1, seq, 1000);
	finish(ch);
}

static void receiver_leaves(void)
{
	struct link l;
	struct child c = link_receiver(&l, NULL, recv_and_leave, 3);

	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(l.send, 1, seq, 1000);
	child_wait(&c);
	send_until_broken(l.send);
	link_close(&l);
}

static void fill_and_block(struct via_channel *ch, unsigned int i)
{
	int r;

	do
		r = via_send(ch, scratch(0, 1000), 1000, VIA_NO_WAIT);
	while (r == 0);
	must_eq(r, -EAGAIN);
	tell(&parent);
	do
		r = via_send(ch, scratch(0, 1000), 1000, patience());
	while (r == 0);
	must_eq(r, -EPIPE);
	(void)via_close(ch, VIA_NO_WAIT);
	(void)i;
}

static void a_blocked_sender_is_told(void)
{
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, fill_and_block, 0);

	link_no_more_senders(&l);
	hear(&c);
	must_ok(via_close(l.recv, VIA_NO_WAIT));
	child_wait(&c);
}

static void recv_when_told(struct via_channel *ch, unsigned int n)
{
	hear(&parent);
	recv_and_leave(ch, n);
}

static void close_knows_what_was_taken(void)
{
	for (unsigned int taken = 8; taken <= 10; taken++) {
		struct link l;
		struct child c = link_receiver(&l, NULL, recv_when_told, taken);

		for (unsigned int seq = 0; seq < 10; seq++)
			send_one(l.send, 1, seq, 1000);
		tell(&c);
		must_eq(via_close(l.send, patience()), taken < 10 ? -EPIPE : 0);
		child_wait(&c);
	}
}

static void close_waits_no_longer_than_told(void)
{
	struct link l;
	struct child c = link_receiver(&l, NULL, recv_when_told, 1);
	int64_t deadline = via_deadline(20 * MS);

	send_one(l.send, 1, 0, 1000);
	must_eq(via_close(l.send, deadline), -ETIMEDOUT);
	must(via_now() >= deadline);
	tell(&c);
	child_wait(&c);
}

/* ---- names */

static void name_is_taken(void)
{
	struct via_channel *second = NULL;
	struct via_error err = {0};
	struct link l;

	link_both(&l, NULL);
	must_eq(via_open(l.url, VIA_RECV, VIA_NO_WAIT, &second, &err),
		-EADDRINUSE);
	must_eq(err.code, -EADDRINUSE);
	must(*err.text && !second);
	send_one(l.send, 1, 0, 10);
	recv_one(l.recv, 1, 0, 10);
	link_close(&l);
}

static void name_serves_again(void)
{
	struct link l;
	struct via_channel *again;

	link_both(&l, NULL);
	must_ok(via_close(l.send, VIA_NO_WAIT));
	must_ok(via_close(l.recv, VIA_NO_WAIT));
	must_ok(via_open(l.url, VIA_RECV, VIA_NO_WAIT, &again, NULL));
	must_ok(via_close(again, VIA_NO_WAIT));
}

static void name_of_the_killed_serves_again(void)
{
	struct link l;
	struct child c = link_receiver(&l, NULL, recv_until_killed, 0);
	struct via_channel *again;

	hear(&c);
	child_kill(&c);
	must_ok(via_open(l.url, VIA_RECV, patience(), &again, NULL));
	(void)via_close(l.send, VIA_NO_WAIT);
	must_ok(via_open(l.url, VIA_SEND, patience(), &l.send, NULL));
	send_one(l.send, 1, 0, 10);
	recv_one(again, 1, 0, 10);
	(void)via_close(l.send, VIA_NO_WAIT);
	must_ok(via_close(again, VIA_NO_WAIT));
}

/* A URL that a receiver could have but none has. */
static void free_url(struct link *l)
{
	link_recv(l, NULL);
	must_ok(via_close(l->recv, VIA_NO_WAIT));
}

static void nobody_there(void)
{
	struct link l;
	struct via_channel *ch = NULL;
	struct via_error err = {0};

	free_url(&l);
	must_eq(via_open(l.url, VIA_SEND, VIA_NO_WAIT, &ch, &err),
		-ECONNREFUSED);
	must(*err.text && !ch);
	must_eq(via_open(with_option(l.url, "wait=0"), VIA_SEND, VIA_NEVER, &ch,
			 NULL),
		-ECONNREFUSED);

	int64_t deadline = via_deadline(20 * MS);

	must_eq(via_open(l.url, VIA_SEND, deadline, &ch, NULL), -ETIMEDOUT);
	must(via_now() >= deadline);
}

static void open_and_send_three(void *arg)
{
	struct link *l = arg;

	must_eq(via_open(l->url, VIA_SEND, VIA_NO_WAIT, &l->send, NULL),
		-ECONNREFUSED);
	tell(&parent);
	must_ok(via_open(l->url, VIA_SEND, patience(), &l->send, NULL));
	send_three(l->send, 1);
}

static void sender_comes_first(void)
{
	struct link l;

	free_url(&l);
	struct child c = child_start(open_and_send_three, &l);

	hear(&c);
	must_ok(via_open(l.url, VIA_RECV, patience(), &l.recv, NULL));
	l.send = NULL;
	recv_three(l.recv, 1);
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void unknown_option(void)
{
	struct via_channel *ch = NULL;
	struct via_error err = {0};
	const char *url = fresh_url("colour=blue");

	must_eq(via_open(url, VIA_RECV, VIA_NO_WAIT, &ch, &err), -EINVAL);
	must(!ch);
	must(strstr(err.text, "colour") && strstr(err.text, "max"));
}

/* ---- descriptors, fork and exec */

static int count_fds(bool inherited)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && (!inherited || !(flags & FD_CLOEXEC));
	}
	return n;
}

static void all_close_on_exec(void)
{
	struct link l;
	struct pollfd pfd;
	int before = count_fds(true);

	link_both(&l, NULL);
	must_ok(via_pollfd(l.recv, VIA_RECV, &pfd));
	must_ok(via_pollfd(l.send, VIA_SEND, &pfd));
	send_one(l.send, 1, 0, 100);
	recv_one(l.recv, 1, 0, 100);
	must_eq(count_fds(true), before);
	link_close(&l);
}

/* Let open() have only so many descriptors, one more each time. */
static void open_with_few(const char *url, unsigned int role,
			  struct via_channel **ret)
{
	struct rlimit all, few;
	int before = count_fds(false), r = -EMFILE;

	must_ok(getrlimit(RLIMIT_NOFILE, &all));
	few = all;
	for (few.rlim_cur = 0; r < 0; few.rlim_cur++) {
		must(few.rlim_cur < 256);
		must_eq(count_fds(false), before);
		must_ok(setrlimit(RLIMIT_NOFILE, &few));
		r = via_open(url, role, VIA_NO_WAIT, ret, NULL);
		must_ok(setrlimit(RLIMIT_NOFILE, &all));
		if (r)
			must_eq(r, -EMFILE);
	}
}

static void descriptors_run_out(void)
{
	struct link l = {0};

	open_with_few(fresh_url(NULL), VIA_RECV, &l.recv);
	strcpy(l.url, via_url(l.recv));
	open_with_few(l.url, VIA_SEND, &l.send);
	send_one(l.send, 1, 0, 100);
	recv_one(l.recv, 1, 0, 100);
	link_close(&l);
}

static void use_inherited(void *arg)
{
	struct link *l = arg;
	char buf[100];

	if (can(VIA_CAN_FORK)) {
		send_one(l->send, 2, 0, 100);
	} else {
		must_eq(via_send(l->send, "", 1, VIA_NO_WAIT), -EPERM);
		must_eq(via_recv(l->recv, buf, 100, VIA_NO_WAIT), -EPERM);
	}
	(void)via_close(l->send, VIA_NO_WAIT);
	(void)via_close(l->recv, VIA_NO_WAIT);
}

static void a_forked_child_does_not_disturb(void)
{
	struct via_msg m = {0};
	struct link l;
	uint64_t id;

	link_both(&l, NULL);
	send_one(l.send, 1, 0, 100);
	must_ok(via_take(l.recv, &m, patience()));
	id = m.sender;
	send_one(l.send, 1, 1, 100);

	struct child c = child_start(use_inherited, &l);

	child_wait(&c);
	recv_one(l.recv, 1, 1, 100);
	if (can(VIA_CAN_FORK)) {
		must_ok(via_take(l.recv, &m, patience()));
		must(intact(m.data, m.len, 2, 0));
		must(m.sender != id);
	}
	send_one(l.send, 1, 2, 100);
	recv_one(l.recv, 1, 2, 100);
	if (can(VIA_HAS_ADDRESS)) {
		must_ok(via_open(l.url, VIA_SEND, patience(), &l.spare, NULL));
		send_one(l.spare, 3, 0, 100);
		recv_one(l.recv, 3, 0, 100);
	}
	link_close(&l);
}

static void exec_sender(void *arg)
{
	struct link *l = arg;
	char url[128];

	must(via_export(l->send, url, sizeof(url)) > 0);
	execl("/proc/self/exe", "conformance", "--send", url, NULL);
	_exit(127);
}

static void an_end_passes_over_exec(void)
{
	struct link l = {0};
	char url[16];

	snprintf(url, sizeof(url), "%s:", variant_mechanism()->scheme);
	must_ok(via_pair(url, &l.recv, &l.send, NULL));
	must_eq(via_export(l.send, url, 1), -ENOSPC);

	struct child c = child_start(exec_sender, &l);

	must_ok(via_close(l.send, VIA_NO_WAIT));
	l.send = NULL;
	must_eq(via_recv(l.recv, scratch(1, 10), 10, patience()), 5);
	must(!memcmp(scratch(1, 0), "hello", 5));
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void what_did_not_fit_was_not_delivered(void)
{
	struct link l;
	char buf[10];

	link_both(&l, NULL);
	send_one(l.send, 1, 0, 10);
	recv_one(l.recv, 1, 0, 10);
	send_one(l.send, 1, 1, 100);
	must_eq(via_recv(l.recv, buf, sizeof(buf), patience()), -EMSGSIZE);
	must_ok(via_close(l.recv, VIA_NEVER));
	must_eq(via_close(l.send, patience()), -EPIPE);
}

const struct test life_tests[] = {
	TEST(end_of_stream_is_told_once, 0),
	TEST(nothing_is_lost_by_closing, 0),
	TEST(both_ends_by_via_pair, VIA_CAN_PAIR),
	TEST(sender_killed_before_a_message, 0),
	TEST(sender_killed_in_a_message, 0),
	TEST(sender_killed_after_its_messages, 0),
	TEST(sender_killed_anywhere, 0),
	TEST(receiver_killed, 0),
	TEST(receiver_killed_in_a_message, 0),
	TEST(receiver_leaves, 0),
	TEST(a_blocked_sender_is_told, 0),
	TEST(close_knows_what_was_taken, VIA_CAN_CONFIRM),
	TEST(close_waits_no_longer_than_told, VIA_CAN_CONFIRM),
	TEST(name_is_taken, VIA_HAS_ADDRESS),
	TEST(name_serves_again, VIA_HAS_ADDRESS),
	TEST(name_of_the_killed_serves_again, VIA_HAS_ADDRESS),
	TEST(nobody_there, VIA_HAS_ADDRESS),
	TEST(sender_comes_first, VIA_HAS_ADDRESS),
	TEST(unknown_option, 0),
	TEST(all_close_on_exec, 0),
	TEST(descriptors_run_out, VIA_HAS_ADDRESS),
	TEST(a_forked_child_does_not_disturb, 0),
	TEST(an_end_passes_over_exec, VIA_CAN_EXPORT),
	TEST(what_did_not_fit_was_not_delivered, VIA_CAN_CONFIRM),
	{0},
};
