/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "transport/stream_test.h"

#define FIRST VIA__FRAME_FIRST
#define LAST  VIA__FRAME_LAST

static void every_length_by_every_way(void **state)
{
	(void)state;
	static const size_t lengths[] = {
		0,
		1,
		16 * KIB - 1,
		16 * KIB,
		16 * KIB + 1,
		64 * KIB - 32,
		64 * KIB,
		64 * KIB + 1,
		200 * KIB,
		3,
		MAX,
		5,
	};
	const size_t n = sizeof(lengths) / sizeof(*lengths);
	const size_t cuts[] = {0, PIPE_BUF};
	struct via__in ways[] = {
		{.buf = buf, .size = sizeof(buf)},
		{.buf = buf, .size = 100},
		{.buf = NULL},
	};

	for (size_t k = 0; k < 2 * 3; k++) {
		struct via__in *in = &ways[k / 2];

		setup(cuts[k % 2], 1 + 9 * (k % 2));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(send_message(i, lengths[i]), 0);
		for (size_t i = 0; i < n; i++) {
			must_next(in, i, lengths[i]);
			via__reader_release(&reader);
		}
		assert_int_equal(next(in), -EAGAIN);
		teardown();
	}
}

static void receive_three(size_t second_len)
{
	static uint8_t small[4 * KIB];
	struct via__in in = {.buf = small, .size = sizeof(small)};

	must_next(&in, 0, 0);
	via__reader_release(&reader);
	must_next(&in, 1, second_len);
	via__reader_release(&reader);
	must_next(&in, 2, 3);
	via__reader_release(&reader);
	assert_int_equal(next(&in), -EAGAIN);
	assert_int_equal(end.stats.dropped, 0);
}

/* With a pause between any two bytes, and byte by byte. */
static void every_split_of_the_stream(void **state)
{
	(void)state;
	const size_t cuts[] = {0, 100};

	for (size_t k = 0; k < 2; k++) {
		setup(cuts[k], 4);
		assert_int_equal(send_message(0, 0), 0);
		assert_int_equal(send_message(1, 300), 0);
		assert_int_equal(send_message(2, 3), 0);
		for (size_t at = 0; at <= tape.written; at++) {
			via__reader_fini(&reader);
			/* The second does not fit into the small one. */
			reader_up(at % 2 ? 256 : 4 * KIB, 4);
			tape.read = 0;
			tape.pause = at;
			receive_three(300);
		}
		via__reader_fini(&reader);
		reader_up(256, 4);
		tape.read = 0;
		tape.portion = 1;
		receive_three(300);
		teardown();
	}
}

/* No copy, and one read each, once the first has been seen to be long. */
static void long_messages_go_straight_to_the_buffer(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	setup(0, 1);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(send_message(i, 100 * KIB), 0);
	must_next(&in, 0, 100 * KIB);
	assert_ptr_equal(in.data, buf);
	for (uint64_t i = 1; i < 4; i++) {
		unsigned int before = tape.n_reads;

		must_next(&in, i, 100 * KIB);
		assert_ptr_equal(in.data, buf);
		assert_int_equal(tape.n_reads, before + 1);
		assert_in_range(reader.tail - reader.head, 0, VIA__FRAME_LEN);
	}
	teardown();
}

static void many_messages_come_with_one_read(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	setup(0, 1);
	for (uint64_t i = 0; i < 600; i++)
		assert_int_equal(send_message(i, 64), 0);
	for (uint64_t i = 0; i < 600; i++) {
		must_next(&in, i, 64);
		via__reader_release(&reader);
	}
	assert_int_equal(tape.n_reads, 1);
	teardown();
}

static void what_is_given_out_keeps_its_place(void **state)
{
	(void)state;
	struct via__in in[64] = {0};
	uint64_t seq = 0;

	setup(0, 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(send_message(i, 3000), 0);
	while (seq < 100) {
		unsigned int n = 0;

		while (n < 64 && next(&in[n]) == 0)
			n++;
		assert_int_not_equal(n, 0);
		for (unsigned int i = 0; i < n; i++)
			assert_message(&in[i], seq++, 3000);
		via__reader_release(&reader);
	}
	teardown();
}

static void assembled_message_waits_for_release(void **state)
{
	(void)state;
	struct via__in first = {0}, second = {0};

	setup(0, 1);
	assert_int_equal(send_message(0, 100 * KIB), 0);
	assert_int_equal(send_message(1, 100 * KIB), 0);
	must_next(&first, 0, 100 * KIB);
	assert_int_equal(next(&second), -EAGAIN);
	assert_message(&first, 0, 100 * KIB);
	via__reader_release(&reader);
	must_next(&second, 1, 100 * KIB);
	teardown();
}

static void parked_message_goes_on_elsewhere(void **state)
{
	(void)state;
	static uint8_t other[MAX];
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	setup(0, 1);
	assert_int_equal(send_message(0, 300 * KIB), 0);
	tape.pause = 200 * KIB;
	assert_int_equal(next(&in), -EAGAIN);
	assert_int_equal(via__reader_park(&reader), 0);
	memset(buf, 'x', sizeof(buf));
	in.buf = other;
	must_next(&in, 0, 300 * KIB);
	teardown();
}

static void details_are_told(void **state)
{
	(void)state;
	uint8_t meta[VIA__META_MAX];
	const struct via__meta m = {.topic = "topic", .topic_len = 5};
	struct via_msg info;
	struct via__in in = {.info = &info};
	struct via__out out = {
		.prefix = meta,
		.prefix_len = via__meta_put(&m, meta),
		.data = "data",
		.len = 4,
	};

	setup(0, 1);
	assert_int_equal(via__writer_send(&writer, &out), 0);
	writer.seq += 5;
	assert_int_equal(send_message(1, 4), 0);
	assert_int_equal(next(&in), 0);
	assert_true(in.meta);
	assert_int_equal(in.len, VIA__META_LEN + 5 + 4);
	assert_memory_equal(in.data, meta, VIA__META_LEN + 5);
	assert_memory_equal((char *)in.data + VIA__META_LEN + 5, "data", 4);
	assert_int_equal(info.sender, writer.sender);
	assert_int_equal(info.seq, 0);
	must_next(&in, 1, 4);
	assert_false(in.meta);
	assert_int_equal(info.seq, 6);
	assert_int_equal(info.gap, 5);
	assert_int_equal(info.pid, -1);
	teardown();
}

static void senders_share_a_stream(void **state)
{
	(void)state;
	struct via__writer more[8];
	struct via__out out[8];
	struct via__in in = {.buf = buf, .size = sizeof(buf)};
	unsigned int left = 8;

	setup(PIPE_BUF, VIA__SENDERS_SHARED);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(via__writer_init(&more[i], -1, PIPE_BUF), 0);
		more[i].write = tape_write;
		out[i] = (struct via__out){
			.data = message(0, 20000),
			.len = 20000 - i,
		};
	}
	/* One frame of each in turn. */
	for (size_t i = 0; left; i = (i + 1) % 8) {
		if (out[i].done == out[i].len)
			continue;
		tape.room = tape.written + PIPE_BUF;
		int rc = via__writer_send(&more[i], &out[i]);

		assert_true(rc == 0 || rc == -EAGAIN);
		left -= rc == 0;
	}
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(next(&in), 0);
		assert_in_range(in.len, 20000 - 7, 20000);
		assert_message(&in, 0, in.len);
		via__reader_release(&reader);
		via__writer_fini(&more[i]);
	}
	assert_int_equal(end.stats.joined, 8);
	teardown();
}

static void control_frames_are_reported(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(0, 1);
	assert_int_equal(via__writer_control(&writer, VIA__FRAME_HELLO, 0, 0),
			 0);
	assert_int_equal(send_message(0, 5), 0);
	assert_int_equal(via__writer_control(&writer, VIA__FRAME_REFUSE, 0,
					     (uint64_t)-EACCES),
			 0);
	assert_int_equal(via__reader_peek(&reader), 0);
	assert_int_equal(next(&in), VIA__READER_CONTROL);
	assert_int_equal(reader.control.flags, VIA__FRAME_HELLO);
	must_next(&in, 0, 5);
	assert_int_equal(next(&in), VIA__READER_CONTROL);
	assert_int_equal(reader.control.flags, VIA__FRAME_REFUSE);
	assert_int_equal((int64_t)reader.control.total, -EACCES);
	assert_int_equal(next(&in), -EAGAIN);
	assert_int_equal(via__reader_peek(&reader), -EAGAIN);
	teardown();
}

static void shared_senders_only_say_hello(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(PIPE_BUF, 4);
	put_frame(VIA__FRAME_HELLO, 7, 0, 0, 0);
	assert_int_equal(next(&in), -EAGAIN);
	assert_int_equal(end.stats.joined, 1);
	put_frame(VIA__FRAME_DONE, 7, 0, 0, 0);
	assert_int_equal(next(&in), -EPROTO);
	teardown();
}

static void stranger_is_refused_for_ever(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(0, 1);
	assert_int_equal(send_message(0, 5), 0);
	put_bytes(VIA__FRAME_LEN, 'x');
	must_next(&in, 0, 5);
	assert_int_equal(via__reader_peek(&reader), -EPROTO);
	for (int i = 0; i < 3; i++)
		assert_int_equal(next(&in), -EPROTO);
	assert_non_null(strstr(end.error.text, "does not speak via"));
	assert_int_equal(via__reader_peek(&reader), -EPROTO);
	teardown();
}

static ssize_t read_refused(struct via__reader *r, const struct iovec *iov,
			    int n)
{
	(void)iov;
	(void)n;
	r->read = tape_read;
	return -EPROTO;
}

static void refused_read_is_for_ever_too(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(0, 1);
	assert_int_equal(send_message(0, 5), 0);
	reader.read = read_refused;
	assert_int_equal(next(&in), -EPROTO);
	assert_int_equal(next(&in), -EPROTO);
	teardown();
}

/* One wrong bit anywhere: an error, or the right bytes, never anything else
 * (the sanitizers look too). */
static void any_flipped_bit(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	for (size_t bit = 0; bit < 8 * (size_t)(VIA__FRAME_LEN); bit++) {
		setup(64, 1 + bit % 2);
		assert_int_equal(send_message(0, 40), 0);
		assert_int_equal(send_message(1, 10), 0);
		tape.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		tape.ended = true;
		for (int i = 0; i < 8; i++) {
			int rc = next(&in);

			if (rc == -EPROTO || rc == VIA__READER_END)
				break;
			if (rc == 0)
				assert_in_range(in.len, 0, MAX);
		}
		teardown();
	}
}

static void claims_take_no_memory(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(0, 1);
	put_frame(FIRST | LAST, 7, 0, MAX, MAX);
	put_bytes(10, 'a');
	assert_int_equal(next(&in), -EAGAIN);
	assert_in_range(reader.assembly.senders[0].block.size, 10, 64 * KIB);
	teardown();
}

/* A hostile sender does not keep the receiver in the call. */
static void pieces_without_end(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(PIPE_BUF, 4);
	for (int i = 0; i < 1000; i++) {
		put_frame(0, 7, 0, 1000, 5000);
		put_bytes(1000, 'a');
	}
	tape.portion = 1032;
	assert_int_equal(next(&in), -EAGAIN);
	assert_in_range(tape.n_reads, 1, 100);
	teardown();
}

static void end_drops_the_half(void **state)
{
	(void)state;
	struct via__in in = {0};

	/* In a header, in a short message, in a long one. */
	const size_t cut_at[] = {10, 40, 60 * KIB, 90 * KIB};

	for (size_t i = 0; i < 4; i++) {
		setup(0, 1);
		assert_int_equal(
			send_message(0, cut_at[i] > KIB ? 100 * KIB : 100), 0);
		tape.written = cut_at[i];
		tape.ended = i % 2;
		tape.torn = !tape.ended;
		assert_int_equal(next(&in), VIA__READER_END);
		assert_int_equal(end.stats.dropped, 1);
		assert_int_equal(next(&in), VIA__READER_END);
		assert_int_equal(end.stats.dropped, 1);
		teardown();
	}
}

static void raw_reads_are_messages(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.buf = buf, .size = 6, .info = &info};

	setup(0, 1);
	reader.raw = true;
	memcpy(tape.bytes, "hello world", 11);
	tape.written = 11;
	tape.ended = true;
	assert_int_equal(next(&in), 0);
	assert_ptr_equal(in.data, buf);
	assert_int_equal(in.len, 6);
	in.buf = NULL;
	assert_int_equal(next(&in), 0);
	assert_int_equal(in.len, 5);
	assert_memory_equal(in.data, "world", 5);
	assert_int_equal(info.seq, 1);
	assert_int_equal(next(&in), -EAGAIN);
	via__reader_release(&reader);
	assert_int_equal(next(&in), VIA__READER_END);
	teardown();
}

/* --- Descriptors --- */

static int null_fd(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void descriptors_find_their_frame(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};
	int a = null_fd(), b = null_fd();

	setup(0, 1);
	assert_int_equal(send_message(0, 5), 0);
	put_frame(FIRST | LAST | VIA__FRAME_FDS, writer.sender, 1, 0, 0);
	put_frame(FIRST | LAST | VIA__FRAME_FDS, writer.sender, 2, 0, 0);
	assert_int_equal(via__reader_add_fds(&reader, &a, 1), 0);
	assert_int_equal(via__reader_add_fds(&reader, &b, 1), 0);
	must_next(&in, 0, 5);
	assert_int_equal(info.n_fds, 0);
	must_next(&in, 1, 0);
	assert_int_equal(info.n_fds, 1);
	assert_int_equal(info.fds[0], a);
	assert_int_equal(next(&in), -EAGAIN);
	via__reader_release(&reader);
	must_next(&in, 2, 0);
	assert_int_equal(info.fds[0], b);
	(void)close(a);
	(void)close(b);
	teardown();
}

static void too_many_descriptors_are_closed(void **state)
{
	(void)state;
	int fds[VIA_FDS_MAX + 1];

	setup(0, 1);
	for (int i = 0; i < 3; i++) {
		int fd = null_fd();

		assert_int_equal(via__reader_add_fds(&reader, &fd, 1),
				 i < 2 ? 0 : -EPROTO);
	}
	teardown();
	setup(0, 1);
	for (int i = 0; i <= VIA_FDS_MAX; i++)
		fds[i] = null_fd();
	assert_int_equal(via__reader_add_fds(&reader, fds, VIA_FDS_MAX + 1),
			 -EPROTO);
	teardown();
}

/* --- On a pipe --- */

static void send_until_killed(int fd, int ready_fd)
{
	struct via__writer w;
	struct via__out out = {.data = message(0, MAX), .len = MAX};

	if (via__writer_init(&w, fd, PIPE_BUF) < 0)
		_exit(1);
	/* The pipe is full in the middle of the message. */
	if (via__writer_send(&w, &out) == -EAGAIN)
		(void)!write(ready_fd, "", 1);
	for (;;)
		(void)pause();
}

static void killed_sender_leaves_nothing(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};
	int fds[2], ready[2];
	char c;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	setup(PIPE_BUF, 4);
	reader.read = NULL;
	reader.fd = fds[0];
	writer.write = NULL;
	writer.fd = fds[1];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		send_until_killed(fds[1], ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(next(&in), -EAGAIN);
	assert_int_equal(end.stats.dropped, 0);
	/* Others go on meanwhile. */
	assert_int_equal(send_message(0, 100), 0);
	assert_int_equal(next(&in), 0);
	assert_message(&in, 0, 100);
	via__reader_release(&reader);
	(void)close(fds[1]);
	assert_int_equal(next(&in), VIA__READER_END);
	assert_int_equal(end.stats.dropped, 1);
	(void)close(fds[0]);
	(void)close(ready[0]);
	(void)close(ready[1]);
	teardown();
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(every_length_by_every_way),
	CHECK_TEST(every_split_of_the_stream),
	CHECK_TEST(long_messages_go_straight_to_the_buffer),
	CHECK_TEST(many_messages_come_with_one_read),
	CHECK_TEST(what_is_given_out_keeps_its_place),
	CHECK_TEST(assembled_message_waits_for_release),
	CHECK_TEST(parked_message_goes_on_elsewhere),
	CHECK_TEST(details_are_told),
	CHECK_TEST(senders_share_a_stream),
	CHECK_TEST(control_frames_are_reported),
	CHECK_TEST(shared_senders_only_say_hello),
	CHECK_TEST(stranger_is_refused_for_ever),
	CHECK_TEST(refused_read_is_for_ever_too),
	CHECK_TEST(any_flipped_bit),
	CHECK_TEST(claims_take_no_memory),
	CHECK_TEST(pieces_without_end),
	CHECK_TEST(end_drops_the_half),
	CHECK_TEST(raw_reads_are_messages),
	CHECK_TEST(descriptors_find_their_frame),
	CHECK_TEST(too_many_descriptors_are_closed),
	CHECK_TEST(killed_sender_leaves_nothing),
};
CHECK_MAIN(tests)
