/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "transport/stream_test.h"

static void short_writes_of_every_size(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	for (size_t portion = 1; portion < 150; portion++) {
		setup(0, 1);
		tape.portion = portion;
		assert_int_equal(send_message(0, 100), 0);
		assert_int_equal(send_message(1, 0), 0);
		tape.portion = SIZE_MAX;
		must_next(&in, 0, 100);
		must_next(&in, 1, 0);
		teardown();
	}
}

/* Full at any byte: begun is begun, and only that. */
static void full_at_every_byte(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};
	const size_t cuts[] = {0, 50};

	for (size_t room = 0; room < 132; room++) {
		struct via__out out = {.data = message(0, 100), .len = 100};

		setup(cuts[room % 2], 4);
		tape.room = room;
		assert_int_equal(via__writer_send(&writer, &out), -EAGAIN);
		assert_int_equal(out.begun, room > 0);
		assert_int_equal(
			via__writer_control(&writer, VIA__FRAME_DONE, 0, 0),
			room ? -ENOBUFS : -EAGAIN);
		tape.room = SIZE_MAX;
		writer.stage_tail = writer.stage_head; /* no DONE after all */
		/* Another message may take the place of one not begun. */
		if (!out.begun) {
			out.data = message(1, 100);
			out.len = 50;
		}
		assert_int_equal(via__writer_send(&writer, &out), 0);
		must_next(&in, !room, room ? 100 : 50);
		assert_int_equal(writer.seq, 1);
		teardown();
	}
}

static void pieces_are_no_longer_than_the_cut(void **state)
{
	(void)state;
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	setup(PIPE_BUF, 4);
	assert_int_equal(send_message(0, 100 * KIB), 0);
	assert_int_equal(tape.longest_write, PIPE_BUF);
	assert_int_equal(tape.n_writes, 26);
	must_next(&in, 0, 100 * KIB);
	teardown();
}

static void batch(struct iovec *msgs, unsigned int n, size_t len)
{
	static uint8_t bytes[1000][100];

	for (unsigned int i = 0; i < n; i++) {
		memcpy(bytes[i], message(i, len), len);
		msgs[i] = (struct iovec){bytes[i], len};
	}
}

static void batch_goes_with_one_write(void **state)
{
	(void)state;
	struct iovec msgs[500];
	struct via__in in = {0};

	batch(msgs, 500, 64);
	setup(0, 1);
	assert_int_equal(via__writer_send_batch(&writer, msgs, 500), 500);
	assert_int_equal(tape.n_writes, 1);
	assert_false(via__writer_pending(&writer));
	for (unsigned int i = 0; i < 500; i++)
		must_next(&in, i, 64);
	teardown();
}

static void batch_on_a_pipe_keeps_frames_whole(void **state)
{
	(void)state;
	struct iovec msgs[500];
	struct via__in in = {0};

	batch(msgs, 500, 64);
	setup(PIPE_BUF, 4);
	assert_int_equal(via__writer_send_batch(&writer, msgs, 500), 500);
	/* 42 frames of 96 bytes in 4096 */
	assert_int_equal(tape.n_writes, 12);
	assert_int_equal(tape.longest_write, 42 * 96);
	for (unsigned int i = 0; i < 500; i++)
		must_next(&in, i, 64);
	teardown();
}

static void batch_stays_in_the_stage_when_full(void **state)
{
	(void)state;
	struct iovec msgs[500];
	struct via__in in = {0};

	batch(msgs, 500, 64);
	setup(0, 1);
	tape.room = 1000;
	assert_int_equal(via__writer_send_batch(&writer, msgs, 500), 500);
	assert_true(via__writer_pending(&writer));
	assert_int_equal(via__writer_flush(&writer), -EAGAIN);
	assert_int_equal(via__writer_send_batch(&writer, msgs, 500), -EAGAIN);
	assert_int_equal(send_message(500, 64), -EAGAIN);
	tape.room = sizeof(tape.bytes);
	assert_int_equal(send_message(500, 64), 0);
	for (unsigned int i = 0; i <= 500; i++)
		must_next(&in, i, 64);
	teardown();
}

static void batch_stops_before_what_is_too_long(void **state)
{
	(void)state;
	struct iovec msgs[3];

	batch(msgs, 3, 64);
	msgs[1] = (struct iovec){buf, PIPE_BUF};
	setup(PIPE_BUF, 4);
	assert_int_equal(via__writer_send_batch(&writer, msgs, 3), 1);
	assert_int_equal(via__writer_send_batch(&writer, msgs + 1, 2), 0);
	assert_int_equal(via__writer_send_batch(&writer, msgs + 2, 1), 1);
	teardown();
}

static void forked_writer_is_another_sender(void **state)
{
	(void)state;
	struct via__out out = {.data = message(0, 100), .len = 100};

	setup(PIPE_BUF, 4);
	uint64_t before = writer.sender;

	tape.room = 50;
	assert_int_equal(via__writer_send(&writer, &out), -EAGAIN);
	via__writer_forked(&writer);
	assert_true(writer.sender && writer.sender != before);
	assert_int_equal(writer.seq, 0);
	assert_int_equal(via__writer_control(&writer, VIA__FRAME_HELLO, 0, 0),
			 -EAGAIN);
	teardown();
}

static void descriptors_go_with_the_first_byte(void **state)
{
	(void)state;
	int fd = 0;
	struct via__out out = {
		.data = message(0, 100),
		.len = 100,
		.fds = &fd,
		.n_fds = 1,
	};

	setup(0, 1);
	tape.room = 10;
	assert_int_equal(via__writer_send(&writer, &out), -EAGAIN);
	tape.room = 1000;
	/* The first write took it, the one that found no room did too. */
	tape.fds_sent = 0;
	assert_int_equal(via__writer_send(&writer, &out), 0);
	assert_int_equal(tape.fds_sent, 0);
	struct via__frame f;

	assert_int_equal(via__frame_get(&f, tape.bytes, NULL), 0);
	assert_true(f.flags & VIA__FRAME_FDS);
	teardown();
}

static void broken_pipe_is_an_error_not_a_signal(void **state)
{
	(void)state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	setup(PIPE_BUF, 4);
	writer.write = NULL;
	writer.fd = fds[1];
	(void)close(fds[0]);
	assert_int_equal(send_message(0, 100), -EPIPE);
	(void)close(fds[1]);
	teardown();
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(short_writes_of_every_size),
	CHECK_TEST(full_at_every_byte),
	CHECK_TEST(pieces_are_no_longer_than_the_cut),
	CHECK_TEST(batch_goes_with_one_write),
	CHECK_TEST(batch_on_a_pipe_keeps_frames_whole),
	CHECK_TEST(batch_stays_in_the_stage_when_full),
	CHECK_TEST(batch_stops_before_what_is_too_long),
	CHECK_TEST(forked_writer_is_another_sender),
	CHECK_TEST(descriptors_go_with_the_first_byte),
	CHECK_TEST(broken_pipe_is_an_error_not_a_signal),
};
CHECK_MAIN(tests)
