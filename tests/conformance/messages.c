/* SPDX-License-Identifier: MIT */
/* Messages arrive whole, in order and once, whatever call moves them. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

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
	for (unsigned int n = 0; left || (r >= 0 && can(SEES_DEATH)); n++) {
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

static void send_with_metadata(struct via_channel *ch, unsigned int n)
{
	char topic[VIA_TOPIC_MAX + 1];
	struct via_msg m = {.topic = topic};

	memset(topic, 't', sizeof(topic));
	m.topic_len = sizeof(topic);
	must_eq(via_sendmsg(ch, &m, patience()), -EINVAL);
	for (unsigned int i = 0; i < n; i++) {
		m.len = i % 2 ? 0 : 1000 * i;
		m.data = scratch(0, m.len + 1);
		fill(m.data, m.len, 1, i);
		m.topic_len = i * VIA_TOPIC_MAX / (n - 1);
		m.has_correlation = i % 3 != 0;
		m.correlation = hashed(i);
		must_ok(via_sendmsg(ch, &m, patience()));
	}
	send_one(ch, 1, n, 10);
	finish(ch);
}

static void check_creds(const struct via_msg *m, pid_t pid)
{
	bool known = can(VIA_CAN_CREDS);

	must_eq(m->pid, known ? pid : -1);
	must_eq(m->uid, known ? getuid() : (uid_t)-1);
	must_eq(m->gid, known ? getgid() : (gid_t)-1);
}

static void metadata(void)
{
	enum {
		N = 20
	};
	struct link l;
	uint64_t id = 0;
	char topic[VIA_TOPIC_MAX];

	memset(topic, 't', sizeof(topic));
	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_with_metadata, N);

	link_no_more_senders(&l);
	for (unsigned int i = 0; i < N; i++) {
		struct via_msg m = {
			.data = scratch(1, 64 * KiB),
			.size = 64 * KiB,
		};

		must_eq(via_recvmsg(l.recv, &m, patience()),
			i % 2 ? 0 : 1000 * i);
		must(intact(m.data, m.len, 1, i));
		must(m.sender != 0 && (!id || m.sender == id));
		id = m.sender;
		must_eq(m.seq, i);
		must_eq(m.gap, 0);
		must_eq(m.n_fds, 0);
		must_eq(m.topic_len, i * VIA_TOPIC_MAX / (N - 1));
		must(m.topic_len ? !memcmp(m.topic, topic, m.topic_len)
				 : !m.topic);
		must_eq(m.has_correlation, i % 3 != 0);
		must_eq(m.correlation, m.has_correlation ? hashed(i) : 0);
		check_creds(&m, c.pid);
	}
	recv_one(l.recv, 1, N, 10);
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void send_pipes(struct via_channel *ch, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		int fds[2];
		struct via_msg m = {.fds = fds, .n_fds = 2};

		must_ok(pipe2(fds, O_CLOEXEC));
		m.len = len_of(i, MiB);
		m.data = scratch(0, m.len + 1);
		fill(m.data, m.len, 1, i);
		must_ok(via_sendmsg(ch, &m, patience()));
		must_eq(write(fds[1], &i, sizeof(i)), sizeof(i));
		close(fds[0]);
		close(fds[1]);
	}
	finish(ch);
}

static void check_pipe(const struct via_msg *m, unsigned int i)
{
	unsigned int got = 0;

	must_eq(m->n_fds, 2);
	for (int k = 0; k < 2; k++)
		must(fcntl(m->fds[k], F_GETFD) & FD_CLOEXEC);
	must_eq(read(m->fds[0], &got, sizeof(got)), sizeof(got));
	must_eq(got, i);
	close(m->fds[0]);
	close(m->fds[1]);
}

/* Every third message is received by a call that cannot give them out. */
static void descriptors(void)
{
	enum {
		N = 60
	};
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_pipes, N);

	link_no_more_senders(&l);
	for (unsigned int i = 0; i < N; i++) {
		struct via_msg m = {
			.data = scratch(1, MiB),
			.size = MiB,
		};

		if (i % 3 == 0) {
			recv_one(l.recv, 1, i, len_of(i, MiB));
			continue;
		}
		if (i % 3 == 1)
			must_ok(via_take(l.recv, &m, patience()));
		else
			must(via_recvmsg(l.recv, &m, patience()) >= 0);
		must_eq(m.len, len_of(i, MiB));
		must(intact(m.data, m.len, 1, i));
		check_pipe(&m, i);
	}
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

static void send_half_with_descriptors(struct via_channel *ch, unsigned int i)
{
	int fds[] = {0, 1, 2};
	struct via_msg m = {
		.data = scratch(0, 64 * MiB),
		.len = 64 * MiB,
		.fds = fds,
		.n_fds = 3,
	};

	send_one(ch, 1, i, 10);
	must_ok(via_sendmsg(ch, &m, via_deadline(MS)));
	must_eq(via_flush(ch, VIA_NO_WAIT), -EAGAIN);
	tell(&parent);
	hear(&parent);
}

/* That they are closed again is what every test ends with. */
static void descriptors_of_a_half_message(void)
{
	struct link l;

	link_recv(&l, NULL);
	struct child c = link_sender(&l, send_half_with_descriptors, 0);

	hear(&c);
	recv_one(l.recv, 1, 0, 10);
	must_eq(via_recv(l.recv, NULL, 0, VIA_NO_WAIT), -EAGAIN);
	child_kill(&c);
	recv_end(l.recv);
	link_close(&l);
}

static void descriptors_refused(void)
{
	int fds[VIA_FDS_MAX + 1] = {0};
	struct via_msg m = {.fds = fds, .n_fds = VIA_FDS_MAX + 1};
	struct link l;
	char buf[1];

	link_both(&l, NULL);
	must_eq(via_sendmsg(l.send, &m, VIA_NO_WAIT),
		can(VIA_CAN_FDS) ? -EINVAL : -EOPNOTSUPP);
	must_eq(via_recv(l.recv, buf, 1, VIA_NO_WAIT), -EAGAIN);
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
	if (can(SEES_DEATH))
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
	TEST(many_senders, 0),
	TEST(some_of_many_killed, 0),
	TEST(too_long_for_the_buffer, 0),
	TEST(longer_than_max, 0),
	TEST(metadata, 0),
	TEST(descriptors, VIA_CAN_FDS),
	TEST(descriptors_of_a_half_message, VIA_CAN_FDS | SEES_DEATH),
	TEST(descriptors_refused, 0),
	TEST(loan_and_commit, 0),
	TEST(take_and_release, 0),
	TEST(statistics, 0),
	TEST(raw_bytes, VIA_CAN_RAW),
	TEST(both_directions, VIA_CAN_DUPLEX),
	{0},
};
