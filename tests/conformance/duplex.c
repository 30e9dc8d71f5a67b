/* SPDX-License-Identifier: MIT */
/* Ends that carry both directions: each ends by itself, in either order, and
 * death ends both. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum {
	N = 100
};
#define LONG (4 * MiB) /* more than is under way at once */

static struct via_channel *open_end(const char *url, unsigned int role)
{
	struct via_channel *ch = NULL;

	must_ok(via_open(url, role | VIA_DUPLEX, patience(), &ch, NULL));
	return ch;
}

/* --- The end of one direction --- */

static void finish_first(struct via_channel *ch)
{
	for (unsigned int i = 0; i < N; i++)
		send_one(ch, 1, i, len_of(i, 5000));
	must_ok(via_finish(ch, patience()));
	for (unsigned int i = 0; i < N; i++)
		recv_one(ch, 2, i, len_of(i, 100000));
	recv_end(ch);
	finish(ch);
}

static void finish_second(struct via_channel *ch)
{
	for (unsigned int i = 0; i < N; i++)
		recv_one(ch, 1, i, len_of(i, 5000));
	recv_end(ch);
	for (unsigned int i = 0; i < N; i++)
		send_one(ch, 2, i, len_of(i, 100000));
	finish(ch);
}

/* What the one who finishes does not take is under way in its direction. */
static void finish_into_a_message(struct via_channel *ch)
{
	send_one(ch, 1, 0, 10);
	must_ok(via_finish(ch, patience()));
	for (unsigned int i = 0; i < 3; i++)
		recv_one(ch, 2, i, LONG);
	recv_end(ch);
	finish(ch);
}

static void talk_into_a_finish(struct via_channel *ch)
{
	for (unsigned int i = 0; i < 3; i++)
		send_one(ch, 2, i, LONG);
	recv_one(ch, 1, 0, 10);
	recv_end(ch);
	finish(ch);
}

/* What the other process does, over a connection to the receiver here. */
struct other {
	struct via_channel *receiver;
	char url[512];
	void (*run)(struct via_channel *ch);
};

static void be_other(void *arg)
{
	const struct other *o = arg;

	(void)via_close(o->receiver, VIA_NO_WAIT);
	o->run(open_end(o->url, VIA_SEND));
}

static struct child start_other(struct via_channel *ch,
				void (*run)(struct via_channel *ch))
{
	struct other other = {.receiver = ch, .run = run};

	snprintf(other.url, sizeof(other.url), "%s", via_url(ch));
	return child_start(be_other, &other);
}

/* Run both, one here with the end that binds, one in a child that connects. */
static void run_both(void (*here)(struct via_channel *ch),
		     void (*there)(struct via_channel *ch))
{
	struct via_channel *ch = open_end(fresh_url(NULL), VIA_RECV);
	struct child c = start_other(ch, there);

	here(ch);
	child_wait(&c);
}

static void who_connects_may_finish_first(void)
{
	run_both(finish_second, finish_first);
}

static void who_binds_may_finish_first(void)
{
	run_both(finish_first, finish_second);
}

static void finish_by_who_connects_takes_in_what_comes(void)
{
	run_both(talk_into_a_finish, finish_into_a_message);
}

static void finish_by_who_binds_takes_in_what_comes(void)
{
	run_both(finish_into_a_message, talk_into_a_finish);
}

/* --- Death --- */

static void finish_and_die(struct via_channel *ch)
{
	send_one(ch, 1, 0, 10);
	(void)via_finish(ch, VIA_NO_WAIT);
	hear(&parent);
	(void)raise(SIGKILL);
}

static void killed_after_its_end(void)
{
	struct via_channel *ch = open_end(fresh_url(NULL), VIA_RECV);
	struct child c = start_other(ch, finish_and_die);
	unsigned int i = 0;
	int r;

	recv_one(ch, 1, 0, 10);
	recv_end(ch);
	send_one(ch, 2, i++, 10); /* it could still take that */
	tell(&c);
	child_kill(&c);
	do
		r = via_send(ch, "x", 1, patience());
	while (r == 0);
	must_eq(r, -EPIPE);
	must_eq(via_close(ch, patience()), -EPIPE);
}

static void die_of_the_first(struct via_channel *ch)
{
	recv_one(ch, 1, 0, 10);
	(void)raise(SIGKILL);
}

static void killed_while_the_other_finishes(void)
{
	struct via_channel *ch = open_end(fresh_url(NULL), VIA_RECV);
	struct child c = start_other(ch, die_of_the_first);

	must_ok(via_wait_peer(ch, patience(), NULL));
	send_one(ch, 1, 0, 10);
	(void)via_send(ch, "x", 1, patience()); /* or it is dead by now */
	must_eq(via_finish(ch, patience()), -EPIPE);
	recv_end(ch);
	child_kill(&c);
	(void)via_close(ch, VIA_NO_WAIT);
}

const struct test duplex_tests[] = {
	TEST(who_connects_may_finish_first, VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	TEST(who_binds_may_finish_first, VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	TEST(finish_by_who_connects_takes_in_what_comes, VIA_CAN_DUPLEX),
	TEST(finish_by_who_binds_takes_in_what_comes, VIA_CAN_DUPLEX),
	TEST(killed_after_its_end, VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	TEST(killed_while_the_other_finishes, VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	{0},
};
