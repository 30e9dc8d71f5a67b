/* SPDX-License-Identifier: MIT */
/* shm: messages among peers who behave, and waiting for them. */
#include "transport/shm_test.h"

/* Carry a message over by turns, since one thread has both ends. */
static void carry(struct via__end *from, struct via__end *to, const char *data,
		  size_t len, struct via__in *in)
{
	struct via__out out = {.data = data, .len = len};
	int s, r;

	to->transport->release(to);
	do {
		s = from->transport->send(from, &out);
		assert_true(s == 0 || s == -EAGAIN);
		r = to->transport->recv(to, in);
		assert_true(r == 0 || r == -EAGAIN);
	} while (r == -EAGAIN);
	assert_int_equal(s, 0);
}

static void speaks_before_it_is_heard(void **state)
{
	struct via__end *ends[2];

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	assert_int_equal(end_send_text(ends[1], ""), 0);
	assert_int_equal(end_send_text(ends[1], "three"), 0);
	end_expect(ends[0], "one");
	end_expect(ends[0], "");
	end_expect(ends[0], "three");
	assert_int_equal(end_greet(ends[1]), 0);
	assert_int_equal(end_greet(ends[0]), 0);
	close_both(ends);
}

static void carries_every_size(void **state)
{
	static const size_t base[] = {0,	 1,	    4096,
				      16 * KIB,	 64 * KIB,  128 * KIB,
				      192 * KIB, 1024 * KIB};
	struct via__end *ends[2];

	(void)state;
	open_both("?ring=64K", ends);
	for (size_t i = 0; i < sizeof(base) / sizeof(*base); i++) {
		for (size_t len = base[i] < 20 ? 0 : base[i] - 20;
		     len <= base[i] + 20; len++) {
			char *data = pattern(len, (unsigned int)len);
			char *buf = malloc(len + 1);
			struct via__in anywhere = {0};
			struct via__in there = {.buf = buf, .size = len};

			carry(ends[1], ends[0], data, len, &anywhere);
			assert_int_equal(anywhere.len, len);
			assert_memory_equal(anywhere.data, data, len);
			carry(ends[1], ends[0], data, len, &there);
			assert_int_equal(there.len, len);
			assert_memory_equal(buf, data, len);
			assert_ptr_equal(there.data, buf);
			free(data);
			free(buf);
		}
	}
	close_both(ends);
}

static void tells_who_sends(void **state)
{
	struct via__end *ends[2], *other;
	const char *url = fresh("");
	struct via_msg msg[3];

	(void)state;
	ends[0] = end_open(url, VIA_RECV);
	ends[1] = end_sender(url);
	other = end_sender(url);
	for (int i = 0; i < 3; i++) {
		struct via__in in = {.info = &msg[i]};

		assert_int_equal(end_send_text(i == 1 ? other : ends[1], "m"),
				 0);
		assert_int_equal(end_recv(ends[0], &in), 0);
		assert_int_equal(msg[i].pid, getpid());
		assert_int_equal(msg[i].uid, getuid());
		assert_int_equal(msg[i].gid, getgid());
		assert_int_equal(msg[i].gap, 0);
		assert_int_equal(msg[i].n_fds, 0);
	}
	assert_true(msg[0].sender == msg[2].sender);
	assert_true(msg[0].sender != msg[1].sender && msg[1].sender);
	assert_int_equal(msg[0].seq, 0);
	assert_int_equal(msg[1].seq, 0);
	assert_int_equal(msg[2].seq, 1);
	assert_int_equal(ends[0]->stats.joined, 2);
	end_close(other);
	close_both(ends);
}

static void marks_meta(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(100 * KIB, 1);
	struct via__in in = {0};

	(void)state;
	open_both("?ring=64K", ends);
	for (size_t len = 10; len <= 100 * KIB; len += 100 * KIB - 10) {
		struct via__out out = {
			.data = data,
			.len = len,
			.prefix = "0123456789abcdef",
			.prefix_len = 16,
		};
		int r;

		do {
			(void)ends[1]->transport->send(ends[1], &out);
			r = ends[0]->transport->recv(ends[0], &in);
		} while (r == -EAGAIN);
		assert_int_equal(r, 0);
		assert_true(in.meta);
		assert_int_equal(in.len, len + 16);
		assert_memory_equal(in.data, "0123456789abcdef", 16);
		assert_memory_equal((char *)in.data + 16, data, len);
		ends[0]->transport->release(ends[0]);
	}
	assert_int_equal(end_send_text(ends[1], "plain"), 0);
	assert_int_equal(end_recv(ends[0], &in), 0);
	assert_false(in.meta);
	free(data);
	close_both(ends);
}

/* Views stay while others are taken and the ring fills up behind them. */
static void keeps_what_is_taken(void **state)
{
	struct via__end *ends[2];
	struct via__in view[4] = {0};
	char *data = pattern(10 * KIB, 0);
	struct via__out out = {.data = data, .len = 10 * KIB};
	unsigned int n = 0;

	(void)state;
	open_both("?ring=64K", ends);
	for (int i = 0; i < 4; i++) {
		data[0] = (char)i;
		assert_int_equal(end_send(ends[1], data, 10 * KIB), 0);
		assert_int_equal(ends[0]->transport->recv(ends[0], &view[i]),
				 0);
	}
	while (ends[1]->transport->send(ends[1], &out) == 0)
		n++;
	assert_int_equal(n, 2);
	for (int i = 0; i < 4; i++) {
		data[0] = (char)i;
		assert_memory_equal(view[i].data, data, 10 * KIB);
	}
	ends[0]->transport->release(ends[0]);
	assert_int_equal(ends[1]->transport->send(ends[1], &out), 0);
	free(data);
	close_both(ends);
}

static void builds_in_place(void **state)
{
	struct via__end *ends[2];
	void *at = NULL;

	(void)state;
	open_both("?ring=64K", ends);
	assert_int_equal(ends[1]->transport->loan(ends[1], 16 * KIB, &at),
			 -EMSGSIZE);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(
			ends[1]->transport->loan(ends[1], 9 * KIB, &at), 0);
		memcpy(at, "built", 5);
		assert_int_equal(ends[1]->transport->commit(ends[1], 5), 0);
		end_expect(ends[0], "built");
	}
	close_both(ends);
}

/* Half a message of one sender does not stand in another's way. */
static void puts_senders_apart(void **state)
{
	const char *url = fresh("?ring=64K");
	struct via__end *r = end_open(url, VIA_RECV);
	struct via__end *a = end_sender(url), *b = end_sender(url);
	size_t len = 300 * KIB;
	char *data = pattern(len, 3), *buf = malloc(len);
	struct via__out out = {.data = data, .len = len};
	struct via__in in = {.buf = buf, .size = len};
	int rc;

	(void)state;
	assert_int_equal(a->transport->send(a, &out), -EAGAIN);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	assert_int_equal(end_send_text(b, "small"), 0);
	assert_int_equal(end_recv(r, &in), 0);
	assert_int_equal(in.len, 5);
	assert_memory_equal(in.data, "small", 5);
	memset(buf, 0, len);
	do {
		assert_int_not_equal(a->transport->send(a, &out), -EPIPE);
		rc = r->transport->recv(r, &in);
		if (rc == -EAGAIN && out.done < len / 2)
			assert_int_equal(r->transport->park(r), 0);
	} while (rc == -EAGAIN);
	assert_int_equal(rc, 0);
	assert_int_equal(in.len, len);
	assert_memory_equal(in.data, data, len);
	free(data);
	free(buf);
	end_close(a);
	end_close(b);
	end_close(r);
}

static void refuses_more_than_max(void **state)
{
	const char *url = fresh("?ring=64K");
	struct via__end *r = end_open(url, VIA_RECV), *s = end_sender(url);
	char *data = pattern(50 * KIB, 0);

	(void)state;
	r->max = 1000;
	assert_int_equal(end_send(s, data, 1000), 0);
	assert_int_equal(end_send(s, data, 1001), 0);
	struct via__in in = {0};

	assert_int_equal(end_recv(r, &in), 0);
	end_expect_code(r, -EPROTO);
	assert_int_equal(end_finish(s), -EPROTO);
	end_close(s);

	s = end_sender(url);
	assert_int_equal(end_send(s, data, 50 * KIB), 0);
	end_expect_code(r, -EPROTO);
	assert_int_equal(r->stats.rejected, 2);
	end_expect_code(r, -EPIPE);
	free(data);
	end_close(s);
	end_close(r);
}

/* --- Waiting --- */

static void wakes_the_receiver(void **state)
{
	struct via__end *ends[2];
	struct via__in in = {0};

	(void)state;
	open_both("", ends);
	assert_true(readable(ends[0], VIA_RECV));
	assert_int_equal(end_greet(ends[0]), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ends[0]->transport->recv(ends[0], &in),
				 -EAGAIN);
		while (ends[0]->transport->arm(ends[0], VIA_RECV))
			assert_int_equal(ends[0]->transport->recv(ends[0], &in),
					 -EAGAIN);
		assert_false(readable(ends[0], VIA_RECV));
		assert_int_equal(end_send_text(ends[1], "a"), 0);
		assert_true(readable(ends[0], VIA_RECV));
		assert_int_equal(end_send_text(ends[1], "b"), 0);
		end_expect(ends[0], "a");
		end_expect(ends[0], "b");
	}
	close_both(ends);
}

/* What comes between the last look and arming is not slept over. */
static void does_not_sleep_over_a_message(void **state)
{
	struct via__end *ends[2];
	struct via__in in = {0};

	(void)state;
	open_both("", ends);
	assert_int_equal(end_greet(ends[0]), 0);
	assert_int_equal(ends[0]->transport->recv(ends[0], &in), -EAGAIN);
	assert_int_equal(end_send_text(ends[1], "a"), 0);
	assert_int_equal(ends[0]->transport->arm(ends[0], VIA_RECV), 1);
	end_expect(ends[0], "a");
	close_both(ends);
}

static void wakes_the_sender(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(10 * KIB, 0);
	struct via__out out = {.data = data, .len = 10 * KIB};
	struct via__in in = {0};

	(void)state;
	open_both("?ring=64K", ends);
	for (int i = 0; i < 10; i++) {
		while (ends[1]->transport->send(ends[1], &out) == 0)
			out = (struct via__out){.data = data, .len = 10 * KIB};
		assert_int_equal(end_greet(ends[0]), 0);
		while (ends[1]->transport->arm(ends[1], VIA_SEND))
			assert_int_equal(
				ends[1]->transport->send(ends[1], &out),
				-EAGAIN);
		assert_false(readable(ends[1], VIA_SEND));
		assert_int_equal(end_recv(ends[0], &in), 0);
		ends[0]->transport->release(ends[0]);
		assert_true(readable(ends[1], VIA_SEND));
		assert_int_equal(ends[1]->transport->send(ends[1], &out), 0);
	}
	free(data);
	close_both(ends);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(speaks_before_it_is_heard),
	CHECK_TEST(carries_every_size),
	CHECK_TEST(tells_who_sends),
	CHECK_TEST(marks_meta),
	CHECK_TEST(keeps_what_is_taken),
	CHECK_TEST(builds_in_place),
	CHECK_TEST(puts_senders_apart),
	CHECK_TEST(refuses_more_than_max),
	CHECK_TEST(wakes_the_receiver),
	CHECK_TEST(does_not_sleep_over_a_message),
	CHECK_TEST(wakes_the_sender),
};
CHECK_MAIN(tests)
