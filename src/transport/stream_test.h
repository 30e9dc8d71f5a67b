/* SPDX-License-Identifier: MIT */
/*
 * For the tests of streams: a tape. What a writer writes to it, in portions of
 * any size, is what a reader reads from it, in portions of any size.
 */
#ifndef VIA_TRANSPORT_STREAM_TEST_H
#define VIA_TRANSPORT_STREAM_TEST_H

#include <errno.h>
#include <string.h>

#include "tests/check.h"
#include "transport/stream.h"

#define KIB (1u << 10)
#define MAX (1u << 20)

static struct tape {
	uint8_t bytes[4u << 20];
	size_t written, read;
	size_t portion; /* the most that a call moves */
	size_t room;	/* full when written is here */
	size_t pause;	/* once, there is nothing more behind this offset */
	bool ended;	/* end of file behind what is written */
	bool torn;	/* the end of file is a reset */
	unsigned int n_reads, n_writes;
	size_t longest_write;
	unsigned int fds_sent;
} tape;

static struct via__end end;
static struct via__reader reader;
static struct via__writer writer;
static uint8_t buf[MAX];

static inline ssize_t tape_read(struct via__reader *r, const struct iovec *iov,
				int n)
{
	size_t got = 0;

	(void)r;
	tape.n_reads++;
	if (tape.read == tape.pause) {
		tape.pause = SIZE_MAX;
		return -EAGAIN;
	}
	for (int i = 0; i < n; i++) {
		size_t len = iov[i].iov_len, left = tape.portion - got;

		len = len < left ? len : left;
		left = tape.written - tape.read;
		len = len < left ? len : left;
		if (tape.read <= tape.pause && len > tape.pause - tape.read)
			len = tape.pause - tape.read;
		memcpy(iov[i].iov_base, tape.bytes + tape.read, len);
		tape.read += len;
		got += len;
	}
	if (got)
		return (ssize_t)got;
	return tape.torn ? -ECONNRESET : tape.ended ? 0 : -EAGAIN;
}

static inline ssize_t tape_write(struct via__writer *w, const struct iovec *iov,
				 int n, const int *fds, unsigned int n_fds)
{
	size_t put = 0;

	(void)w;
	(void)fds;
	tape.n_writes++;
	tape.fds_sent += n_fds;
	for (int i = 0; i < n; i++) {
		size_t len = iov[i].iov_len, left = tape.portion - put;

		len = len < left ? len : left;
		left = tape.room - tape.written;
		len = len < left ? len : left;
		memcpy(tape.bytes + tape.written, iov[i].iov_base, len);
		tape.written += len;
		put += len;
	}
	if (put > tape.longest_write)
		tape.longest_write = put;
	return put ? (ssize_t)put : -EAGAIN;
}

static inline void rewind_tape(void)
{
	tape.written = tape.read = 0;
	tape.portion = SIZE_MAX;
	tape.room = sizeof(tape.bytes);
	tape.pause = SIZE_MAX;
	tape.ended = tape.torn = false;
	tape.n_reads = tape.n_writes = tape.fds_sent = 0;
	tape.longest_write = 0;
}

static inline void reader_up(size_t size, unsigned int n_senders)
{
	end = (struct via__end){.max = MAX};
	assert_int_equal(via__reader_init(&reader, &end, -1, size, n_senders),
			 0);
	reader.read = tape_read;
}

static inline void writer_up(size_t cut)
{
	assert_int_equal(via__writer_init(&writer, -1, cut), 0);
	writer.write = tape_write;
}

static inline void setup(size_t cut, unsigned int n_senders)
{
	rewind_tape();
	reader_up(VIA__READER_SIZE, n_senders);
	writer_up(cut);
}

static inline void teardown(void)
{
	via__reader_fini(&reader);
	via__writer_fini(&writer);
}

/* The bytes of message number seq. */
static inline uint8_t byte_of(uint64_t seq, size_t i)
{
	return (uint8_t)(seq * 31 + i + (i >> 8));
}

static inline const uint8_t *message(uint64_t seq, size_t len)
{
	static uint8_t bytes[MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_of(seq, i);
	return bytes;
}

static inline void assert_message(const struct via__in *in, uint64_t seq,
				  size_t len)
{
	const uint8_t *data = in->data;

	assert_int_equal(in->len, len);
	for (size_t i = 0; i < len; i++)
		if (data[i] != byte_of(seq, i))
			fail_msg("message %d differs at %zu", (int)seq, i);
}

static inline int send_message(uint64_t seq, size_t len)
{
	struct via__out out = {.data = message(seq, len), .len = len};

	return via__writer_send(&writer, &out);
}

/* Frames that no writer makes. */
static inline void put_frame(uint8_t flags, uint64_t sender, uint64_t seq,
			     uint32_t len, uint64_t total)
{
	struct via__frame f = {flags, len, sender, seq, total};

	via__frame_put(&f, tape.bytes + tape.written);
	tape.written += VIA__FRAME_LEN;
}

static inline void put_bytes(size_t len, int byte)
{
	memset(tape.bytes + tape.written, byte, len);
	tape.written += len;
}

static inline int next(struct via__in *in)
{
	return via__reader_next(&reader, in);
}

/* Receive, going on after each -EAGAIN. */
static inline void must_next(struct via__in *in, uint64_t seq, size_t len)
{
	int rc;

	do
		rc = next(in);
	while (rc == -EAGAIN && tape.read < tape.written);
	if (rc != 0)
		fail_msg("%d: %s", rc, end.error.text);
	assert_message(in, seq, len);
}

#endif
