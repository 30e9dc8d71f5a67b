/* SPDX-License-Identifier: MIT */
/* unix: datagrams. */
#include <sys/un.h>

#include "core/frame.h"
#include "transport/ancillary.h"
#include "transport/unix_test.h"

static void dgram_senders_come_and_go(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);

	(void)state;
	assert_int_equal(rx->transport->greet(rx), -EAGAIN);
	for (int round = 0; round < 2; round++) {
		struct via__end *a = end_sender(url), *b = end_sender(url);

		assert_int_equal(a->transport->greet(a), -EAGAIN);
		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(end_greet(a), 0);
		assert_int_equal(end_send_text(a, "a"), 0);
		assert_int_equal(end_send_text(b, "b"), 0);
		assert_int_equal(a->transport->finish(a), -EAGAIN);
		end_expect(rx, "a");
		end_expect(rx, "b");
		end_expect_quiet(rx);
		assert_int_equal(end_finish(a), 0);
		assert_int_equal(b->transport->finish(b), -EAGAIN);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(b), 0);
		end_expect_quiet(rx);
		end_close(a);
		end_close(b);
	}
	assert_int_equal(rx->stats.left, 4);
	end_close(rx);
}

/* Closed as in a forked child: nothing is said, as when it is killed. */
static void a_dead_dgram_sender_is_missed(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx = end_sender(url);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(end_send_text(tx, "before"), 0);
	tx->transport->close(tx, true);
	for (int i = 0; i < 3; i++)
		end_expect(rx, "before");
	end_expect_code(rx, -EPIPE);
	end_expect_quiet(rx);
	end_close(rx);
}

static void dgram_receivers_tell_how_far_they_got(void **state)
{
	const char *url = url_of("type=dgram");

	(void)state;
	for (int n = 0; n <= 2; n++) {
		struct via__end *rx = end_open(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		char far[32];

		(void)snprintf(far, sizeof(far), "%d of 2", n);
		assert_int_equal(end_send_text(tx, "x"), 0);
		assert_int_equal(end_send_text(tx, "x"), 0);
		for (int i = 0; i < n; i++)
			end_expect(rx, "x");
		end_close(rx);
		assert_int_equal(end_finish(tx), n == 2 ? 0 : -EPIPE);
		if (n == 1 && !strstr(tx->error.text, far))
			fail_msg("%s", tx->error.text);
		end_close(tx);
	}
}

/* A control frame of sender 7, by hand, with n descriptors. */
static void say(int to, uint8_t flag, const int *fds, unsigned int n)
{
	struct via__frame f = {.flags = flag, .sender = 7};
	uint8_t buf[VIA__FRAME_LEN];
	struct iovec iov = {buf, sizeof(buf)};

	via__frame_put(&f, buf);
	assert_int_equal(via__ancillary_send(to, &iov, 1, fds, n), sizeof(buf));
}

static int stranger(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(name.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)),
			 0);
	return fd;
}

static void a_sender_may_do_without_a_line(void **state)
{
	struct via__end *rx = end_open(url_of("type=dgram"), VIA_RECV);
	int fd = stranger();

	(void)state;
	say(fd, VIA__FRAME_HELLO, NULL, 0);
	assert_int_equal(end_greet(rx), 0);
	end_expect_quiet(rx);
	say(fd, VIA__FRAME_END, NULL, 0);
	end_expect_code(rx, -EPIPE);
	close(fd);
	end_close(rx);
}

static void not_everything_is_a_line(void **state)
{
	struct via__end *rx = end_open(url_of("type=dgram"), VIA_RECV);
	int fd = stranger(), line[2], stream[2], pipes[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	assert_int_equal(pipe(pipes), 0);
	say(fd, VIA__FRAME_HELLO, pipes, 1);
	end_expect_code(rx, -EPROTO);
	say(fd, VIA__FRAME_HELLO, stream, 1);
	end_expect_code(rx, -EPROTO);
	say(fd, VIA__FRAME_HELLO, line, 2);
	end_expect_code(rx, -EPROTO);
	say(fd, VIA__FRAME_HELLO, line, 1);
	end_expect_quiet(rx);
	say(fd, VIA__FRAME_HELLO, line, 1); /* the same sender again */
	end_expect_code(rx, -EPROTO);
	assert_int_equal(rx->stats.rejected, 4);
	for (int i = 0; i < 2; i++) {
		close(line[i]);
		close(stream[i]);
		close(pipes[i]);
	}
	end_expect_code(rx, -EPIPE);
	close(fd);
	end_close(rx);
}

/* What the sender keeps of the receiver's end does not keep the line. */
static void a_copy_of_the_line_is_harmless(void **state)
{
	struct via__end *rx = end_open(url_of("type=dgram"), VIA_RECV);
	int fd = stranger(), line[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line), 0);
	say(fd, VIA__FRAME_HELLO, &line[1], 1);
	end_expect_quiet(rx);
	close(line[0]);
	end_expect_code(rx, -EPIPE);
	end_expect_quiet(rx);
	close(line[1]);
	close(fd);
	end_close(rx);
}

static void dgram_messages_may_be_long_and_interleave(void **state)
{
	enum {
		LEN = 300000
	};
	static char text[2][LEN];
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx[2] = {end_sender(url), end_sender(url)};
	int r[2] = {-EAGAIN, -EAGAIN}, got = 0;
	struct via__out out[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(text[i], 'a' + i, LEN);
		out[i] = (struct via__out){.data = text[i], .len = LEN};
	}
	while (got < 2) {
		struct via__in in = {0};

		for (int i = 0; i < 2; i++)
			if (r[i])
				r[i] = tx[i]->transport->send(tx[i], &out[i]);
		rx->transport->release(rx);
		if (rx->transport->recv(rx, &in))
			continue;
		assert_int_equal(in.len, LEN);
		assert_memory_equal(in.data, text[((char *)in.data)[0] - 'a'],
				    LEN);
		got++;
	}
	end_close(tx[0]);
	end_close(tx[1]);
	end_close(rx);
}

static void a_wrong_datagram_harms_nobody(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx = end_sender(url);
	struct via__end *bad = end_sender(url_of("type=dgram&raw"));

	(void)state;
	assert_int_equal(end_send_text(tx, "one"), 0);
	assert_int_equal(end_send_text(bad, "short"), 0);
	assert_int_equal(end_send_text(bad, "quite long enough for a frame, but"
					    "none at all"),
			 0);
	assert_int_equal(end_send_text(tx, "two"), 0);
	end_expect(rx, "one");
	end_expect_code(rx, -EPROTO);
	end_expect_code(rx, -EPROTO);
	end_expect(rx, "two");
	assert_int_equal(rx->stats.rejected, 2);
	end_close(bad);
	end_close(tx);
	end_close(rx);
}

static void dgram_receiver_gone(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx = end_sender(url);

	(void)state;
	end_close(rx);
	assert_int_equal(end_send_text(tx, "x"), -EPIPE);
	end_close(tx);
}

static void dgram_refuses_what_it_cannot(void **state)
{
	struct via__end *end, *ends[2];
	struct via_error err;
	struct end_args a;

	(void)state;
	assert_int_equal(end_try(url_of("type=dgram"), VIA_RECV | VIA_DUPLEX,
				 &end, &err),
			 -EOPNOTSUPP);
	end_args(&a, "unix:?type=dgram");
	assert_int_equal(
		a.transport->pair(&a.url, a.options, &a.common, ends, &err),
		-EOPNOTSUPP);
	free(a.options);
}

static const struct CMUnitTest tests[] = {
	TEST(dgram_senders_come_and_go),
	TEST(a_dead_dgram_sender_is_missed),
	TEST(dgram_receivers_tell_how_far_they_got),
	TEST(a_sender_may_do_without_a_line),
	TEST(not_everything_is_a_line),
	TEST(a_copy_of_the_line_is_harmless),
	TEST(dgram_messages_may_be_long_and_interleave),
	TEST(a_wrong_datagram_harms_nobody),
	TEST(dgram_receiver_gone),
	TEST(dgram_refuses_what_it_cannot),
};
CHECK_MAIN(tests)
