/* SPDX-License-Identifier: MIT */
/* unix: datagrams. */
#include "transport/unix_test.h"

static void dgram_senders_come_and_go(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);

	(void)state;
	assert_int_equal(rx->transport->greet(rx), -EAGAIN);
	for (int round = 0; round < 2; round++) {
		struct via__end *a = end_sender(url), *b = end_sender(url);

		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(end_send_text(a, "a"), 0);
		assert_int_equal(end_send_text(b, "b"), 0);
		assert_int_equal(end_finish(a), 0);
		end_expect(rx, "a");
		end_expect(rx, "b");
		end_expect_quiet(rx);
		assert_int_equal(end_finish(b), 0);
		end_expect_code(rx, -EPIPE);
		end_expect_quiet(rx);
		end_close(a);
		end_close(b);
	}
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
	TEST(dgram_messages_may_be_long_and_interleave),
	TEST(a_wrong_datagram_harms_nobody),
	TEST(dgram_receiver_gone),
	TEST(dgram_refuses_what_it_cannot),
};
CHECK_MAIN(tests)
