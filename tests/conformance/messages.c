/* SPDX-License-Identifier: MIT */
/* Messages arrive whole, in order and once, whatever call moves them. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

/*
 * Around every limit a message can meet: nothing, a word, a frame cut to
 * PIPE_BUF, the read-ahead buffer and a pipe (64 KiB), a socket buffer and
 * via's pipe (256 KiB), the ring of shm: (1 MiB) and a quarter of it.
 */
#define AROUND(n) (n) - 1, (n), (n) + 1
/* clang-format off */
static const size_t lengths[] = {
	0, 1, 2,
	AROUND(8),
	AROUND(PIPE_BUF - 32),
	AROUND(PIPE_BUF),
	AROUND(2 * PIPE_BUF),
	AROUND(64 * KiB - 32),
	AROUND(64 * KiB),
	AROUND(256 * KiB),
	AROUND(MiB),
	3,
};
/* clang-format on */
#define N_LENGTHS (sizeof(lengths) / sizeof(*lengths))

static void send_lengths(struct via_channel *ch, unsigned int sender)
{
	for (size_t i = 0; i < N_LENGTHS; i++)
		send_one(ch, sender, i, lengths[i]);
	finish(ch);
}

static void every_length(void)
{
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_lengths, 1);

	link_no_more_senders(&l);
	for (size_t i = 0; i < N_LENGTHS; i++)
		recv_one(l.recv, 1, i, lengths[i]);
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void recv_lengths(struct via_channel *ch, unsigned int sender)
{
	for (size_t i = 0; i < N_LENGTHS; i++)
		recv_one(ch, sender, i, lengths[i]);
	recv_end(ch);
	finish(ch);
}

static void every_length_to_a_child(void)
{
	struct link l;
	struct child c = link_receiver(&l, NULL, recv_lengths, 2);

	send_lengths(l.send, 2);
	l.send = NULL;
	child_wait(&c);
	link_close(&l);
}

static void send_huge(struct via_channel *ch, unsigned int sender)
{
	for (unsigned int seq = 0; seq < 3; seq++)
		send_one(ch, sender, seq, 64 * MiB);
	finish(ch);
}

static void huge(void)
{
	struct link l;
	struct via_msg m = {0};

	link_recv(&l, "max=64M");
	struct child c = link_sender(&l, send_huge, 1);

	link_no_more_senders(&l);
	recv_one(l.recv, 1, 0, 64 * MiB);
	must_ok(via_take(l.recv, &m, patience()));
	must_eq(m.len, 64 * MiB);
	must(intact(m.data, m.len, 1, 1));
	must_eq(via_recv(l.recv, NULL, 0, patience()), -EMSGSIZE);
	must_eq(via_next_len(l.recv), 64 * MiB);
	recv_one(l.recv, 1, 2, 64 * MiB);
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

/* Every way to send and every way to receive, chosen at random. */
#define MIXED_MAX (200 * KiB)

static unsigned int send_by_batch(struct via_channel *ch, unsigned int sender,
				  uint64_t seq, unsigned int n)
{
	struct iovec msgs[16];
	char *at = scratch(0, 16 * MIXED_MAX);
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		msgs[i] = (struct iovec){at, len_of(seq + i, MIXED_MAX)};
		fill(at, msgs[i].iov_len, sender, seq + i);
		at += msgs[i].iov_len;
	}
	while (sent < n) {
		ssize_t r = via_send_batch(ch, msgs + sent, n - sent,
					   patience());

		must(r > 0);
		sent += (unsigned int)r;
	}
	return n;
}

static void send_by_loan(struct via_channel *ch, unsigned int sender,
			 uint64_t seq)
{
	size_t len = len_of(seq, MIXED_MAX);
	void *at;

	must_ok(via_loan(ch, len + 10, &at, patience()));
	fill(at, len, sender, seq);
	must_ok(via_commit(ch, len, patience()));
}

static void send_mixed(struct via_channel *ch, unsigned int sender)
{
	uint64_t n = rounds(5000);

	for (uint64_t seq = 0; seq < n;) {
		uint64_t h = hashed(seq ^ 0x5e4d);
		unsigned int batch = 1 + (h >> 8) % 16;

		if (h % 8 == 0 && seq + batch <= n)
			seq += send_by_batch(ch, sender, seq, batch);
		else if (h % 8 == 1)
			send_by_loan(ch, sender, seq++);
		else {
			send_one(ch, sender, seq, len_of(seq, MIXED_MAX));
			seq++;
		}
	}
	finish(ch);
}

static unsigned int recv_by_batch(struct via_channel *ch, unsigned int sender,
				  uint64_t seq)
{
	struct via_msg msgs[16] = {{0}};
	ssize_t n = via_take_batch(ch, msgs, 16, patience());

	must(n > 0 && n <= 16);
	for (ssize_t i = 0; i < n; i++, seq++) {
		must_eq(msgs[i].len, len_of(seq, MIXED_MAX));
		must(intact(msgs[i].data, msgs[i].len, sender, seq));
		must_eq(msgs[i].seq, seq);
	}
	return (unsigned int)n;
}

static void recv_by_take(struct via_channel *ch, unsigned int sender,
			 uint64_t seq)
{
	struct via_msg m = {0};

	must_ok(via_take(ch, &m, patience()));
	must_eq(m.len, len_of(seq, MIXED_MAX));
	must(intact(m.data, m.len, sender, seq));
}

static void every_call_mixed(void)
{
	struct link l;
	uint64_t n = rounds(5000);

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_mixed, 3);

	link_no_more_senders(&l);
	for (uint64_t seq = 0; seq < n;) {
		uint64_t h = hashed(seq ^ 0x4ec4);

		if (h % 4 == 0) {
			seq += recv_by_batch(l.recv, 3, seq);
		} else if (h % 4 == 1) {
			recv_by_take(l.recv, 3, seq++);
			if (h & 64)
				via_release(l.recv);
		} else {
			recv_one(l.recv, 3, seq, len_of(seq, MIXED_MAX));
			seq++;
		}
	}
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void too_long_for_the_buffer(void)
{
	static const size_t longer[] = {100, 5000, 300 * KiB};
	struct link l;
	char buf[10];

	link_both(&l, NULL);
	for (unsigned int i = 0; i < 3; i++) {
		struct via_msg m = {.data = buf, .size = sizeof(buf)};
		char topic[] = "sized";

		fill(scratch(0, longer[i]), longer[i], 1, i);
		must_ok(via_sendmsg(l.send,
				    &(struct via_msg){.data = scratch(0, 0),
						      .len = longer[i],
						      .topic = topic,
						      .topic_len = 5},
				    VIA_NO_WAIT));
		must_eq(via_next_len(l.recv), 0);
		for (int r; (r = via_recv(l.recv, buf, 10, VIA_NO_WAIT)) !=
			    -EMSGSIZE;) {
			must_eq(r, -EAGAIN);
			(void)via_flush(l.send, VIA_NO_WAIT);
		}
		must_eq(via_next_len(l.recv), longer[i]);
		must_eq(via_recvmsg(l.recv, &m, VIA_NO_WAIT), -EMSGSIZE);
		must_eq(via_next_len(l.recv), longer[i]);
		m.data = scratch(1, longer[i]);
		m.size = longer[i];
		must_eq(via_recvmsg(l.recv, &m, VIA_NO_WAIT), longer[i]);
		must(intact(m.data, m.len, 1, i));
		must_eq(m.seq, i);
		must_eq(m.topic_len, 5);
		must(m.topic && !memcmp(m.topic, topic, 5));
		must_eq(via_next_len(l.recv), 0);
	}
	link_close(&l);
}

static void longer_than_max(void)
{
	struct link l;
	char buf[1001] = {0};
	void *at;

	link_both(&l, "max=1000");
	must_eq(via_send(l.send, buf, 1001, VIA_NO_WAIT), -EMSGSIZE);
	must_eq(via_loan(l.send, 1001, &at, VIA_NO_WAIT), -EMSGSIZE);
	must_eq(via_recv(l.recv, buf, 1001, VIA_NO_WAIT), -EAGAIN);
	send_one(l.send, 1, 0, 1000);
	recv_one(l.recv, 1, 0, 1000);
	link_close(&l);
}

static void loan_and_commit(void)
{
	static const size_t asked[] = {1, 100, 5000, 100 * KiB};
	struct link l;
	void *at;

	link_both(&l, NULL);
	must_eq(via_commit(l.send, 0, VIA_NO_WAIT), -EINVAL);
	must_ok(via_loan(l.send, 50, &at, VIA_NO_WAIT));
	for (unsigned int i = 0; i < 4; i++) {
		must_ok(via_loan(l.send, asked[i], &at, VIA_NO_WAIT));
		fill(at, asked[i], 1, i);
		must_eq(via_commit(l.send, asked[i] + 1, VIA_NO_WAIT), -EINVAL);
		fill(at, asked[i] - 1, 1, i);
		must_ok(via_commit(l.send, asked[i] - 1, VIA_NO_WAIT));
		must_eq(via_commit(l.send, 0, VIA_NO_WAIT), -EINVAL);
		recv_one(l.recv, 1, i, asked[i] - 1);
	}
	link_close(&l);
}

/* What a loan was used for and did not send is nobody's message. */
static void loan_is_scribbled_on(void)
{
	struct link l;
	uint32_t seq = 0;
	char buf[1];
	void *at;

	link_both(&l, NULL);
	for (size_t len = 40; len <= 100; len++) {
		send_one(l.send, 1, seq++, len);
		must_ok(via_loan(l.send, 1000, &at, patience()));
		memset(at, 0xff, 1000);
		send_one(l.send, 1, seq++, len);
		recv_one(l.recv, 1, seq - 2, len);
		recv_one(l.recv, 1, seq - 1, len);
		must_eq(via_recv(l.recv, buf, sizeof(buf), VIA_NO_WAIT),
			-EAGAIN);
	}
	link_close(&l);
}

/* Views stay as they are until they are given back. */
static void take_and_release(void)
{
	enum {
		N = 10
	};
	struct via_msg m[N + 1] = {{0}};
	struct link l;
	unsigned int got = 0;

	link_both(&l, NULL);
	for (unsigned int i = 0; i < N; i++)
		send_one(l.send, 1, i, 100 + i);
	while (got < N) {
		ssize_t n = via_take_batch(l.recv, m, N + 1, patience());

		must(n > 0);
		send_one(l.send, 1, N + got, 4000);
		for (unsigned int i = 0; i < n && got + i < N; i++) {
			must_eq(m[i].len, 100 + got + i);
			must_eq(m[i].seq, got + i);
			must(intact(m[i].data, m[i].len, 1, got + i));
		}
		got += (unsigned int)n;
	}
	via_release(l.recv);
	via_release(l.recv);
	link_close(&l);
}

static void statistics(void)
{
	struct link l;
	struct via_stats s, r;

	link_both(&l, NULL);
	for (unsigned int i = 0; i < 10; i++) {
		send_one(l.send, 1, i, i * 100);
		recv_one(l.recv, 1, i, i * 100);
	}
	via_stats(l.send, &s);
	via_stats(l.recv, &r);
	must_eq(s.sent, 10);
	must_eq(s.sent_bytes, 4500);
	must_eq(s.received, 0);
	must_eq(r.received, 10);
	must_eq(r.received_bytes, 4500);
	must_eq(r.sent, 0);
	must_eq(r.joined, 1);
	must_eq(r.left, 0);
	(void)via_close(l.send, VIA_NO_WAIT);
	l.send = NULL;
	recv_end(l.recv);
	via_stats(l.recv, &r);
	must_eq(r.left, 1);
	must_eq(r.dropped, 0);
	must_eq(r.rejected, 0);
	link_close(&l);
}

/* Bytes as they are; whether in the same portions is the mechanism's. */
static void send_raw(struct via_channel *ch, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		send_one(ch, 1, i, 1000);
	finish(ch);
}

static void raw_bytes(void)
{
	enum {
		N = 500
	};
	struct link l;
	char *all = scratch(2, N * 1000);
	size_t len = 0;

	link_recv(&l, "raw");
	struct child c = link_sender(&l, send_raw, N);

	link_no_more_senders(&l);
	while (len < N * 1000) {
		ssize_t r = via_recv(l.recv, all + len, N * 1000 - len,
				     patience());

		must(r > 0);
		if (can(VIA_KEEPS_BOUNDARIES))
			must_eq(r, 1000);
		len += (size_t)r;
	}
	for (unsigned int i = 0; i < N; i++)
		must(intact(all + i * 1000, 1000, 1, i));
	if (can(IS_STREAM))
		recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void echo(struct via_channel *ch, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		recv_one(ch, 1, i, len_of(i, 20000));
		send_one(ch, 2, i, len_of(i, 30000));
	}
	finish(ch);
}

static void duplex_sender(void *arg)
{
	struct link *l = arg;

	(void)via_close(l->recv, VIA_NO_WAIT);
	must_ok(via_open(l->url, VIA_SEND | VIA_DUPLEX, patience(), &l->send,
			 NULL));
	for (unsigned int i = 0; i < 1000; i++) {
		send_one(l->send, 1, i, len_of(i, 20000));
		recv_one(l->send, 2, i, len_of(i, 30000));
	}
	recv_end(l->send);
	finish(l->send);
}

static void both_directions(void)
{
	struct link l = {0};

	must_ok(via_open(fresh_url(NULL), VIA_RECV | VIA_DUPLEX, VIA_NO_WAIT,
			 &l.recv, NULL));
	strncpy(l.url, via_url(l.recv), sizeof(l.url) - 1);
	struct child c = child_start(duplex_sender, &l);

	echo(l.recv, 1000);
	child_wait(&c);
}

const struct test messages_tests[] = {
	TEST(every_length, 0),
	TEST(every_length_to_a_child, 0),
	TEST(huge, 0),
	TEST(every_call_mixed, 0),
	TEST(too_long_for_the_buffer, 0),
	TEST(longer_than_max, 0),
	TEST(loan_and_commit, 0),
	TEST(loan_is_scribbled_on, 0),
	TEST(take_and_release, 0),
	TEST(statistics, 0),
	TEST(raw_bytes, VIA_CAN_RAW),
	TEST(both_directions, VIA_CAN_DUPLEX),
	{0},
};
