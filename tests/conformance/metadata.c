/* SPDX-License-Identifier: MIT */
/* What comes with a message: topic, correlation, who sent it, descriptors. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

const struct test metadata_tests[] = {
	TEST(metadata, 0),
	TEST(descriptors, VIA_CAN_FDS),
	TEST(descriptors_of_a_half_message, VIA_CAN_FDS),
	TEST(descriptors_refused, 0),
	{0},
};
