/* SPDX-License-Identifier: MIT */
/* What is said on a connection: greeting, end, confirmation. Over unix: and
 * tcp: alike. */
#include "transport/link_test.h"

static void a_message_arrives_before_any_answer(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(end_send_text(tx, "one"), 0);
		assert_int_equal(end_send_text(tx, ""), 0);
		assert_int_equal(end_send_text(tx, "three"), 0);
		end_expect(rx, "one");
		end_expect(rx, "");
		end_expect(rx, "three");
		end_expect_quiet(rx);
		assert_int_equal(rx->stats.joined, 1);
		end_close(tx);
		end_close(rx);
	}
}

static void both_sides_greet(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx;

		assert_int_equal(rx->transport->greet(rx), -EAGAIN);
		tx = end_sender(url);
		assert_int_equal(tx->transport->greet(tx), -EAGAIN);
		assert_int_equal(end_send_text(tx, "behind the greeting"), 0);
		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(end_greet(tx), 0);
		end_expect(rx, "behind the greeting");
		end_close(tx);
		end_close(rx);
	}
}

static void the_end_is_said_once_and_confirmed(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);

		for (int round = 0; round < 2; round++) {
			struct via__end *tx = end_sender(url);

			assert_int_equal(end_send_text(tx, "x"), 0);
			assert_int_equal(tx->transport->finish(tx), -EAGAIN);
			end_expect(rx, "x");
			end_expect_code(rx, -EPIPE);
			end_expect_quiet(rx);
			assert_int_equal(end_finish(tx), 0);
			end_close(tx);
		}
		assert_int_equal(rx->stats.joined, 2);
		assert_int_equal(rx->stats.left, 2);
		end_close(rx);
	}
}

static void an_empty_stream_ends_too(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(tx), 0);
		end_close(tx);
		end_close(rx);
	}
}

static void what_is_held_is_not_confirmed(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		struct via__in in = {0};

		assert_int_equal(end_send_text(tx, "view"), 0);
		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		assert_int_equal(end_recv(rx, &in), 0);
		for (int i = 0; i < 3; i++) {
			struct via__in more = {0};

			assert_int_equal(rx->transport->recv(rx, &more),
					 -EAGAIN);
			assert_memory_equal(in.data, "view", 4);
		}
		assert_int_equal(tx->transport->finish(tx), -EAGAIN);
		end_expect_code(rx, -EPIPE);
		assert_int_equal(end_finish(tx), 0);
		end_close(tx);
		end_close(rx);
	}
}

static void a_receiver_that_leaves_says_how_far_it_got(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *all = end_sender(url);
		struct via__end *some = end_sender(url);

		assert_int_equal(end_send_text(all, "a"), 0);
		end_expect(rx, "a");
		assert_int_equal(end_send_text(some, "b"), 0);
		end_expect(rx, "b");
		assert_int_equal(end_send_text(some, "c"), 0);
		end_close(rx);
		assert_int_equal(end_finish(all), 0);
		assert_int_equal(end_finish(some), -EPIPE);
		assert_non_null(strstr(some->error.text, "1 of 2"));
		end_close(all);
		end_close(some);
	}
}

static void sending_to_one_who_left_fails(void **state)
{
	(void)state;
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		int r;

		assert_int_equal(end_send_text(tx, "x"), 0);
		end_expect(rx, "x");
		end_close(rx);
		do /* TCP takes a moment to find out */
			r = end_send_text(tx, "y");
		while (!r);
		assert_int_equal(r, -EPIPE);
		end_close(tx);
	}
}

static void long_messages_come_whole(void **state)
{
	size_t sizes[] = {4096, 65503, 65504, 65505, 65536, 1 << 20, 3 << 20};
	uint8_t *sent = malloc(3 << 20), *got = malloc(3 << 20);

	(void)state;
	for (size_t i = 0; i < 3 << 20; i++)
		sent[i] = (uint8_t)(i * 7 + (i >> 8));
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes);
		     i++) {
			size_t len = sizes[i / 2];
			struct via__out out = {.data = sent, .len = len};
			/* Into the caller's buffer, and to anywhere. */
			struct via__in in = {.buf = i % 2 ? got : NULL,
					     .size = 3 << 20};
			int s = -EAGAIN, r = -EAGAIN;

			rx->transport->release(rx);
			while (s || r) {
				if (s)
					s = tx->transport->send(tx, &out);
				if (r)
					r = rx->transport->recv(rx, &in);
				assert_true(s == 0 || s == -EAGAIN);
				assert_true(r == 0 || r == -EAGAIN);
			}
			assert_int_equal(in.len, len);
			assert_memory_equal(in.data, sent, len);
		}
		end_close(tx);
		end_close(rx);
	}
	free(sent);
	free(got);
}

static void a_batch_is_its_messages(void **state)
{
	enum {
		N = 3000
	};
	static struct iovec msgs[N];
	static char text[N][8];

	(void)state;
	for (int i = 0; i < N; i++) {
		msgs[i].iov_base = text[i];
		msgs[i].iov_len = (size_t)snprintf(text[i], 8, "%d", i);
	}
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		unsigned int sent = 0;

		for (int i = 0; i < N; i++) {
			if (sent < N) {
				int r = tx->transport->send_batch(
					tx, msgs + sent, N - sent);

				assert_true(r > 0 || r == -EAGAIN);
				sent += r > 0 ? (unsigned int)r : 0;
			}
			end_expect(rx, text[i]);
			(void)tx->transport->flush(tx);
		}
		end_close(tx);
		end_close(rx);
	}
}

/* Long and short ones in one packet, into a buffer that is used again. */
static void a_batch_goes_to_the_callers_buffer(void **state)
{
	static const size_t sizes[] = {30000, 30000, 5, 20000, 7, 0, 9};
	enum {
		N = sizeof(sizes) / sizeof(*sizes)
	};
	static char text[N][30000], buf[80000];
	struct iovec msgs[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		memset(text[i], 'a' + (int)i, sizes[i]);
		msgs[i] = (struct iovec){text[i], sizes[i]};
	}
	FOR_EACH_KIND(url)
	{
		struct via__end *rx = receiver(url, VIA_RECV);
		struct via__end *tx = end_sender(url);

		assert_int_equal(end_send(tx, text[0], sizes[0]), 0);
		assert_int_equal(tx->transport->send_batch(tx, msgs + 1, N - 1),
				 N - 1);
		for (size_t i = 0; i < N; i++) {
			struct via__in in = {.buf = buf, .size = sizeof(buf)};

			memset(buf, '!', sizeof(buf));
			assert_int_equal(end_recv(rx, &in), 0);
			assert_int_equal(in.len, sizes[i]);
			assert_memory_equal(in.data, text[i], in.len);
		}
		end_close(tx);
		end_close(rx);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(a_message_arrives_before_any_answer),
	CHECK_TEST(both_sides_greet),
	CHECK_TEST(the_end_is_said_once_and_confirmed),
	CHECK_TEST(an_empty_stream_ends_too),
	CHECK_TEST(what_is_held_is_not_confirmed),
	CHECK_TEST(a_receiver_that_leaves_says_how_far_it_got),
	CHECK_TEST(sending_to_one_who_left_fails),
	CHECK_TEST(long_messages_come_whole),
	CHECK_TEST(a_batch_is_its_messages),
	CHECK_TEST(a_batch_goes_to_the_callers_buffer),
};
CHECK_MAIN(tests)
