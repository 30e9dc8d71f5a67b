/* SPDX-License-Identifier: MIT */
/*
 * A hostile sender on a stream: any bytes, cut anywhere, received in any way.
 * The input is a byte of what to be, then rounds: what to do, how long the
 * reads are, and bytes or the makings of a frame. What the reader says is
 * compared with the model (stream_model.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/fuzz/stream_model.h"
#include "transport/stream.h"

/* Of the byte that begins the input. */
#define SHARED 1 /* many senders share the stream */
#define RAW    2
#define SIZES  12 /* of the reader's buffer: 2 bits */
#define MAXES  48 /* of messages: 2 bits */

/* Of the byte that begins a round. */
#define FRAME	1 /* a frame comes, of any payload */
#define BUFFER	2 /* the receiver has a buffer */
#define LONG	4 /* which is long */
#define KEEP	8 /* it does not release what it was given before */
#define PARK	16
#define PEEK	32
#define FDS	64 /* descriptors come along */
#define RECEIVE 128

#define STREAM_MAX ((size_t)512 << 10)
/* As many views as the longest buffer holds frames. */
#define VIEWS_MAX (VIA__READER_SIZE / VIA__FRAME_LEN)
#define FDS_MAX	  64

struct input {
	const uint8_t *at;
	size_t left;
};

/* What is sent, and how far it was read. */
static struct {
	uint8_t bytes[STREAM_MAX];
	size_t len, read;
	size_t portion; /* the most that a read brings */
	bool ended;
	int fds[FDS_MAX]; /* all there ever were, */
	unsigned int n_fds;
	unsigned int fds_wait; /* the last of them go with the next read */
} stream;

/* What is given out and not released. */
struct view {
	const uint8_t *data;
	size_t len;
	uint8_t *copy;
};

struct receiver {
	struct via__end end;
	struct via__reader reader;
	struct model model;
	bool unsure; /* the model knows no more */
	uint8_t *buf;
	size_t size;
	size_t raw_at;
	struct view views[VIEWS_MAX];
	unsigned int n_views;
};

/* The next bytes, zeroes when they run out. */
static void take(struct input *in, void *to, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(to, 0, len);
	if (n)
		memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

/* --- The stream --- */

static ssize_t read_stream(struct via__reader *r, const struct iovec *iov,
			   int n)
{
	size_t got = 0;

	for (int i = 0; i < n; i++) {
		size_t len = iov[i].iov_len;

		check(len);
		if (len > stream.portion - got)
			len = stream.portion - got;
		if (len > stream.len - stream.read)
			len = stream.len - stream.read;
		memcpy(iov[i].iov_base, stream.bytes + stream.read, len);
		stream.read += len;
		got += len;
	}
	if (got && stream.fds_wait) {
		unsigned int n_fds = stream.fds_wait;

		stream.fds_wait = 0;
		if (via__reader_add_fds(r, &stream.fds[stream.n_fds - n_fds],
					n_fds))
			return -EPROTO;
	}
	return got || stream.ended ? (ssize_t)got : -EAGAIN;
}

static void put(const void *bytes, size_t len)
{
	if (len > STREAM_MAX - stream.len)
		len = STREAM_MAX - stream.len;
	memcpy(stream.bytes + stream.len, bytes, len);
	stream.len += len;
}

/* A frame made of a few bytes, that says what a fuzzer would hardly guess. */
static void put_frame(struct input *in)
{
	static uint8_t payload[UINT16_MAX + 1];
	uint8_t header[VIA__FRAME_LEN], small[4];
	uint16_t len;
	struct via__frame f = {0};

	take(in, small, sizeof(small));
	take(in, &len, sizeof(len));
	f.flags = small[0];
	f.sender = small[1];
	f.seq = small[2];
	f.len = len;
	f.total = len + ((uint64_t)small[3] << 10);
	via__frame_put(&f, header);
	put(header, sizeof(header));
	/* The first bytes may be a meta block. */
	memset(payload, small[2], len);
	take(in, payload, len < 20 ? len : 20);
	put(payload, len);
}

static void put_bytes(struct input *in)
{
	uint8_t len, bytes[UINT8_MAX];

	take(in, &len, sizeof(len));
	if (len > in->left)
		len = (uint8_t)in->left;
	take(in, bytes, len);
	put(bytes, len);
}

static void put_fds(unsigned int n)
{
	if (n > FDS_MAX - stream.n_fds || stream.fds_wait)
		return;
	for (unsigned int i = 0; i < n; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		check(fd >= 0);
		stream.fds[stream.n_fds++] = fd;
	}
	stream.fds_wait = n;
}

/* --- The receiver --- */

static void check_views(const struct receiver *r)
{
	for (unsigned int i = 0; i < r->n_views; i++)
		check(!memcmp(r->views[i].data, r->views[i].copy,
			      r->views[i].len));
}

static void release(struct receiver *r)
{
	check_views(r);
	via__reader_release(&r->reader);
	while (r->n_views)
		free(r->views[--r->n_views].copy);
}

/* Memory only for what has come. */
static void check_memory(const struct receiver *r)
{
	const struct via__assembly *a = &r->reader.assembly;
	size_t sum = a->spare.size;

	for (unsigned int i = 0; i < a->n_senders; i++)
		sum += a->senders[i].block.size;
	check(sum <= (a->n_senders + 1) * ((size_t)64 << 10) + 2 * stream.len);
}

static void look_at(struct receiver *r, const struct via__in *in)
{
	const struct via_msg *info = in->info;

	check(in->len <= r->end.max + (in->meta ? VIA__META_MAX : 0));
	check(info->n_fds <= VIA_FDS_MAX);
	for (unsigned int i = 0; i < info->n_fds; i++)
		check(close(info->fds[i]) == 0);
	if (in->data == r->buf && r->buf) {
		check(in->len <= r->size);
		return;
	}
	check(r->n_views < VIEWS_MAX);
	r->views[r->n_views++] = (struct view){
		in->data,
		in->len,
		copy_of(in->data, in->len),
	};
}

static void compare(struct receiver *r, int rc, const struct via__in *in)
{
	struct model *m = &r->model;

	m->len = stream.len;

	enum meaning means = r->unsure ? UNSURE : model_next(m);

	if (means == UNSURE) {
		r->unsure = true;
	} else if (rc == 0) {
		check(means == MESSAGE);
		check(in->len == m->from->total && in->meta == m->from->meta);
		check(!memcmp(in->data, m->from->data, in->len));
		check(in->info->sender == m->from->id);
		check(in->info->seq == m->from->seq && in->info->gap == m->gap);
		check(in->info->n_fds == 0);
	} else if (rc == VIA__READER_CONTROL) {
		check(means == CONTROL);
		check(r->reader.control.flags == m->frame.flags);
		check(r->reader.control.seq == m->frame.seq);
	} else {
		/* A short frame is judged when it is whole. */
		check(means == WRONG || (rc != -EPROTO && means == CUT));
		check(rc == -EPROTO || stream.ended);
		r->unsure = true;
	}
}

static void compare_raw(struct receiver *r, int rc, const struct via__in *in)
{
	if (r->unsure) /* refused descriptors take their bytes with them */
		return;
	check(rc == 0 || rc == VIA__READER_END);
	if (rc)
		return;
	check(in->len && !memcmp(in->data, stream.bytes + r->raw_at, in->len));
	r->raw_at += in->len;
}

/* The next thing the reader says. */
static int receive(struct receiver *r)
{
	struct via_msg info = {0};
	struct via__in in = {.buf = r->buf, .size = r->size, .info = &info};
	int rc = via__reader_next(&r->reader, &in);

	check(rc == 0 || rc == -EAGAIN || rc == VIA__READER_CONTROL ||
	      rc == VIA__READER_END || rc == -EPROTO);
	check(rc != -EPROTO || r->end.error.code == rc);
	check_memory(r);
	if (rc == 0)
		look_at(r, &in);
	if (rc == -EAGAIN)
		return rc;
	if (r->reader.raw)
		compare_raw(r, rc, &in);
	else
		compare(r, rc, &in);
	return rc;
}

/* All there is, as long as it says something. */
static int receive_all(struct receiver *r, bool keep)
{
	int rc;

	do {
		if (!keep)
			release(r);
		rc = receive(r);
	} while (rc == 0 || rc == VIA__READER_CONTROL);
	return rc;
}

/* Another buffer; what is in the one before is saved first. */
static void change_buffer(struct receiver *r, size_t size)
{
	check(via__reader_park(&r->reader) == 0);
	free(r->buf);
	r->size = size;
	r->buf = size ? malloc(size) : NULL;
	check(r->buf || !size);
}

static void play_round(struct receiver *r, struct input *in)
{
	uint8_t how, portion;

	take(in, &how, sizeof(how));
	take(in, &portion, sizeof(portion));
	stream.portion = portion ? portion : SIZE_MAX;
	if (how & FRAME)
		put_frame(in);
	else
		put_bytes(in);
	if (how & FDS) {
		put_fds(portion % (VIA_FDS_MAX + 2));
		r->unsure = true;
	}
	if (how & PARK || !(how & BUFFER) != !r->size)
		change_buffer(r, !(how & BUFFER) ? 0
				 : how & LONG	 ? r->end.max
						 : portion);
	if (how & PEEK && !r->reader.raw)
		(void)via__reader_peek(&r->reader);
	if (how & RECEIVE)
		(void)receive_all(r, how & KEEP);
}

static void set_up(struct receiver *r, uint8_t kind)
{
	static const size_t sizes[] = {64, 256, 4096, VIA__READER_SIZE};
	static const uint64_t maxes[] = {1, 1000, 66000, 200000};

	r->end.max = maxes[(kind & MAXES) / 16];
	check(via__reader_init(&r->reader, &r->end, -1,
			       sizes[(kind & SIZES) / 4],
			       kind & SHARED ? VIA__SENDERS_SHARED : 1) == 0);
	r->reader.read = read_stream;
	r->reader.raw = kind & RAW;
	r->model.bytes = stream.bytes;
	r->model.max = r->end.max;
	r->model.n_max = kind & SHARED ? VIA__SENDERS_SHARED : 1;
}

/* Play the rounds, then let all that was sent be received. */
static void play(struct receiver *r, struct input *in)
{
	while (in->left)
		play_round(r, in);
	stream.ended = true;
	while (receive_all(r, false) == -EAGAIN)
		;
	check(!r->reader.raw || r->unsure || r->raw_at == stream.len);
	release(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct receiver r;
	struct input in = {data, size};
	uint8_t kind;

	stream.len = stream.read = stream.n_fds = stream.fds_wait = 0;
	stream.ended = false;
	r = (struct receiver){0};
	take(&in, &kind, sizeof(kind));
	set_up(&r, kind);
	play(&r, &in);
	change_buffer(&r, 0);
	via__reader_fini(&r.reader);
	model_fini(&r.model);
	while (stream.fds_wait)
		close(stream.fds[stream.n_fds - stream.fds_wait--]);
	while (stream.n_fds)
		check(fcntl(stream.fds[--stream.n_fds], F_GETFD) < 0);
	return 0;
}
