/* SPDX-License-Identifier: MIT */
/* Many senders to one receiver: none loses anything by the others. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <string.h>

/* Several senders whose pieces interleave. The first word says who it is. */
#define MANY	 8
#define MANY_MAX (20 * KiB)

static void send_as_one_of_many(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < rounds(500); seq++) {
		size_t len = 4 + len_of(seq * MANY + sender, MANY_MAX);
		char *buf = scratch(0, len);

		memcpy(buf, &sender, 4);
		fill(buf + 4, len - 4, sender, seq);
		must_ok(via_send(ch, buf, len, patience()));
	}
	finish(ch);
}

static void recv_from_many(struct via_channel *ch)
{
	struct {
		uint64_t id, next;
	} from[MANY] = {{0}};

	for (unsigned int n = 0; n < MANY * rounds(500);) {
		struct via_msg m = {
			.data = scratch(1, 4 + MANY_MAX),
			.size = 4 + MANY_MAX,
		};
		ssize_t r = via_recvmsg(ch, &m, patience());
		unsigned int sender;

		/* Those that have come so far may all have left again. */
		if (r == -EPIPE && can(VIA_HAS_ADDRESS))
			continue;
		must(r >= 4);
		n++;
		memcpy(&sender, m.data, 4);
		must(sender < MANY);
		if (!from[sender].id)
			from[sender].id = m.sender;
		must_eq(m.sender, from[sender].id);
		must_eq(m.seq, from[sender].next++);
		must_eq(m.gap, 0);
		must_eq(m.len, 4 + len_of(m.seq * MANY + sender, MANY_MAX));
		must(intact((char *)m.data + 4, m.len - 4, sender, m.seq));
	}
	for (unsigned int a = 0; a < MANY; a++)
		for (unsigned int b = 0; b < a; b++)
			must(from[a].id != from[b].id);
}

static void many_senders(void)
{
	struct link l;
	struct via_stats s;
	struct child c[MANY];

	link_recv(&l, NULL);
	for (unsigned int i = 0; i < MANY; i++)
		c[i] = link_sender(&l, send_as_one_of_many, i);
	link_no_more_senders(&l);
	recv_from_many(l.recv);
	recv_end(l.recv);
	for (unsigned int i = 0; i < MANY; i++)
		child_wait(&c[i]);
	via_stats(l.recv, &s);
	must_eq(s.received, MANY * rounds(500));
	must_eq(s.dropped, 0);
	must_eq(s.rejected, 0);
	link_close(&l);
}

/* Killed ones among the many: what the others send arrives all the same. */
static void some_of_many_killed(void)
{
	uint64_t next[MANY] = {0};
	unsigned int left = MANY / 2 * rounds(500);
	struct child c[MANY];
	struct link l;
	ssize_t r = 0;

	link_recv(&l, NULL);
	for (unsigned int i = 0; i < MANY; i++)
		c[i] = link_sender(&l, send_as_one_of_many, i);
	link_no_more_senders(&l);
	for (unsigned int n = 0; left || r >= 0; n++) {
		char *buf = scratch(1, 4 + MANY_MAX);
		unsigned int sender;

		r = via_recv(l.recv, buf, 4 + MANY_MAX, patience());
		if (n % 50 == 0 && n / 50 < MANY / 2)
			child_kill(&c[n / 50]);
		if (r == -EPIPE && (!left || can(VIA_HAS_ADDRESS)))
			continue;
		must(r >= 4);
		memcpy(&sender, buf, 4);
		must(sender < MANY);
		must(intact(buf + 4, (size_t)r - 4, sender, next[sender]++));
		left -= sender >= MANY / 2;
	}
	for (unsigned int i = MANY / 2; i < MANY; i++)
		child_wait(&c[i]);
	link_close(&l);
}

const struct test senders_tests[] = {
	TEST(many_senders, 0),
	TEST(some_of_many_killed, 0),
	{0},
};
