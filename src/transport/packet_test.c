/* SPDX-License-Identifier: MIT */
/* Packets read ahead: that they come as they would one by one. */
#include "transport/packet.h"

#include <sys/stat.h>

#include "core/sys.h"
#include "tests/check.h"

enum {
	LONGEST = 5000,
	WARM = 15, /* short packets until as many as can be are read ahead */
	MANY = VIA__ARRIVALS_MAX,
};

static int to, from;
static struct via__packet packet;
static struct via__ancillary note;
static uint8_t got[64 << 10];

static int make(void **state)
{
	int fds[2];

	if (check_before(state) || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		return -1;
	to = fds[0];
	from = fds[1];
	return via__packet_init(&packet, LONGEST, MANY);
}

static int unmake(void **state)
{
	via__packet_fini(&packet);
	via__close(&to);
	via__close(&from);
	return check_after(state);
}

static void put(const void *data, size_t len)
{
	assert_int_equal(via__send(to, data, len, 0), len);
}

static void put_fd(const char *text, int fd)
{
	struct iovec iov = {(char *)text, strlen(text)};

	assert_int_equal(via__ancillary_send(to, &iov, 1, &fd, 1), iov.iov_len);
}

static ssize_t read_some(size_t size)
{
	struct iovec iov = {got, size};

	return via__packet_readv(&packet, from, &iov, 1, (struct iovec){0},
				 &note);
}

/* The next read brings this text and no descriptors. */
#define EXPECT(text)                                                           \
	do {                                                                   \
		assert_int_equal(read_some(sizeof(got)), strlen(text));        \
		assert_memory_equal(got, text, strlen(text));                  \
		assert_int_equal(note.fds.n, 0);                               \
	} while (0)

/* From here on packets are read ahead. */
static void warm_up(void)
{
	size_t left = WARM;

	for (int i = 0; i < WARM; i++)
		put("w", 1);
	while (left)
		left -= (size_t)read_some(sizeof(got));
	assert_int_equal(packet.n_next, MANY);
}

static void short_ones_come_together(void **state)
{
	(void)state;
	warm_up();
	for (int i = 0; i < MANY; i++)
		put(&"abcdefgh"[i], 1);
	EXPECT("abcdefgh");
}

/* However the reader asks. */
static void nothing_is_lost_or_added(void **state)
{
	static uint8_t text[LONGEST];
	static const size_t sizes[] = {1, 100, 2047, 2048, 2049, LONGEST};
	uint64_t n_sent = 0, n_got = 0;

	(void)state;
	for (size_t ask = 1; ask < 10000; ask = 3 * ask + 1) {
		for (int i = 0; i < 60; i++) {
			size_t len = sizes[(size_t)(i * i) / 7 % 6];

			for (size_t k = 0; k < len; k++)
				text[k] = (uint8_t)(n_sent++ % 251);
			put(text, len);
			if (i % 12 != 11)
				continue;
			while (n_got < n_sent) {
				ssize_t n = read_some(ask);

				assert_true(n > 0);
				for (ssize_t k = 0; k < n; k++)
					assert_int_equal(got[k], n_got++ % 251);
			}
		}
		assert_int_equal(read_some(ask), -EAGAIN);
	}
}

/* Not with the bytes before: a reader could not tell whose they are. */
static void descriptors_come_with_their_packet(void **state)
{
	struct stat mine, theirs;

	(void)state;
	warm_up();
	put("a", 1);
	put_fd("b", from);
	put("c", 1);
	put_fd("d", to);
	put("e", 1);
	EXPECT("a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read_some(sizeof(got)), 2);
		assert_memory_equal(got, i ? "de" : "bc", 2);
		assert_int_equal(note.fds.n, 1);
		assert_int_equal(fstat(note.fds.fd[0], &theirs), 0);
		assert_int_equal(fstat(i ? to : from, &mine), 0);
		assert_int_equal(theirs.st_ino, mine.st_ino);
		via__fds_close(&note.fds);
	}
	/* What holds descriptors is not read before it is asked for. */
	put_fd("f", to);
	put_fd("g", to);
	assert_int_equal(read_some(sizeof(got)), 1);
	assert_false(via__packet_ahead(&packet));
	via__fds_close(&note.fds);
}

static void descriptors_of_nobody_are_closed(void **state)
{
	(void)state;
	warm_up();
	put("a", 1);
	put_fd("b", from);
	put_fd("c", from);
	EXPECT("a");
	assert_true(via__packet_ahead(&packet));
}

static void a_bad_packet_has_its_turn(void **state)
{
	static const char long_text[LONGEST + 1];

	(void)state;
	warm_up();
	put("good", 4);
	put(long_text, sizeof(long_text));
	put("better", 6);
	EXPECT("good");
	assert_int_equal(read_some(sizeof(got)), -EMSGSIZE);
	EXPECT("better");
}

static void the_end_comes_last(void **state)
{
	(void)state;
	warm_up();
	put("last", 4);
	via__close(&to);
	EXPECT("last");
	assert_int_equal(read_some(sizeof(got)), 0);
	assert_int_equal(read_some(sizeof(got)), 0);
}

/* As does the error of a socket whose other side has not read all. */
static void a_reset_loses_nothing(void **state)
{
	(void)state;
	warm_up();
	put("last", 4);
	assert_int_equal(via__send(from, "unread", 6, 0), 6);
	via__close(&to);
	EXPECT("last");
	assert_int_equal(read_some(sizeof(got)), 0);
}

static void whole_packets_stay_while_more_are_ahead(void **state)
{
	uint8_t *at[MANY];

	(void)state;
	warm_up();
	for (int i = 0; i < MANY; i++)
		put(&"abcdefgh"[i], 1);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(via__packet_next(&packet, from, &note), 1);
		assert_int_equal(packet.left, 1);
		assert_int_equal(via__packet_ahead(&packet), i < MANY - 1);
		at[i] = packet.at;
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(*at[i], "abcdefgh"[i]);
	assert_int_equal(via__packet_next(&packet, from, &note), -EAGAIN);
}

/* A question and its answer: who asks in vain for more would pay for it. */
static void a_lone_packet_is_asked_for_alone(void **state)
{
	(void)state;
	warm_up();
	for (int i = 0; i < 3; i++) {
		put("one", 3);
		EXPECT("one");
		assert_int_equal(read_some(sizeof(got)), -EAGAIN);
		assert_int_equal(packet.n_next, 1);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

static const struct CMUnitTest tests[] = {
	TEST(short_ones_come_together),
	TEST(nothing_is_lost_or_added),
	TEST(descriptors_come_with_their_packet),
	TEST(descriptors_of_nobody_are_closed),
	TEST(a_bad_packet_has_its_turn),
	TEST(the_end_comes_last),
	TEST(a_reset_loses_nothing),
	TEST(whole_packets_stay_while_more_are_ahead),
	TEST(a_lone_packet_is_asked_for_alone),
};
CHECK_MAIN(tests)
