/* SPDX-License-Identifier: MIT */
/*
 * The writing side of a byte stream: a message goes out frame by frame and
 * continues at the byte where a short write has left it; a batch is laid out
 * in the stage and goes with one write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/sys.h"
#include "transport/stream.h"

#define STAGE_SIZE (64u << 10)

static void new_sender(struct via__writer *w)
{
	do
		w->sender = via__random();
	while (!w->sender);
	w->seq = 0;
	w->midway = false;
	w->stage_head = w->stage_tail = 0;
}

int via__writer_init(struct via__writer *w, int fd, size_t cut)
{
	*w = (struct via__writer){
		.fd = fd,
		.cut = cut ? cut : VIA__FRAME_LEN + VIA__FRAME_PAYLOAD_MAX,
		.stage_size = cut ? cut : STAGE_SIZE,
	};
	w->stage = malloc(w->stage_size);
	if (!w->stage)
		return -ENOMEM;
	new_sender(w);
	return 0;
}

void via__writer_fini(struct via__writer *w)
{
	free(w->stage);
	w->stage = NULL;
}

void via__writer_forked(struct via__writer *w)
{
	new_sender(w);
}

static ssize_t do_write(struct via__writer *w, const struct iovec *iov, int n,
			const int *fds, unsigned int n_fds)
{
	ssize_t put = w->write ? w->write(w, iov, n, fds, n_fds)
			       : via__writev(w->fd, iov, n);

	return put == -ECONNRESET ? -EPIPE : put;
}

/* The header of the frame that carries the message on. */
static void make_header(struct via__writer *w, const struct via__out *out)
{
	size_t total = via__out_total(out);
	size_t left = total - out->done;
	struct via__frame f = {
		.sender = w->sender,
		.seq = w->seq,
		.total = total,
	};

	w->left = left < w->cut - VIA__FRAME_LEN ? left
						 : w->cut - VIA__FRAME_LEN;
	f.len = (uint32_t)w->left;
	if (!out->done)
		f.flags |= VIA__FRAME_FIRST;
	if (w->left == left)
		f.flags |= VIA__FRAME_LAST;
	if (out->prefix_len)
		f.flags |= VIA__FRAME_META;
	if (out->n_fds && !out->done)
		f.flags |= VIA__FRAME_FDS;
	via__frame_put(&f, w->header);
	w->header_done = 0;
}

/* Lay out what is left of the frame. Returns how many iovecs. */
static int lay_out(struct via__writer *w, const struct via__out *out,
		   struct iovec iov[3])
{
	int n = via__out_next(out, w->left, &iov[1]);

	iov[0].iov_base = w->header + w->header_done;
	iov[0].iov_len = VIA__FRAME_LEN - w->header_done;
	if (w->header_done || w->left > VIA__WRITER_SHORT)
		return n + 1;
	/* To the kernel one part is cheaper than the copy of a few bytes. */
	for (int i = 1; i <= n; i++) {
		memcpy(w->header + iov[0].iov_len, iov[i].iov_base,
		       iov[i].iov_len);
		iov[0].iov_len += iov[i].iov_len;
	}
	return 1;
}

/* Write once. The number of bytes, all accounted for, or -errno. */
static ssize_t write_some(struct via__writer *w, struct via__out *out)
{
	size_t header_left = VIA__FRAME_LEN - w->header_done;
	struct iovec iov[3];
	int n = lay_out(w, out, iov);
	ssize_t put = do_write(w, iov, n, out->fds,
			       out->begun ? 0 : out->n_fds);

	if (put <= 0)
		return put;
	size_t payload = (size_t)put > header_left ? (size_t)put - header_left
						   : 0;

	out->begun = true;
	out->done += payload;
	w->left -= payload;
	w->header_done += (size_t)put - payload;
	return put;
}

static int send_raw(struct via__writer *w, struct via__out *out)
{
	while (out->done < out->len) {
		struct iovec iov[2];
		int n = via__out_next(out, SIZE_MAX, iov);
		ssize_t put = do_write(w, iov, n, NULL, 0);

		if (put < 0)
			return (int)put;
		out->begun = true;
		out->done += (size_t)put;
	}
	return 0;
}

int via__writer_send(struct via__writer *w, struct via__out *out)
{
	int rc = via__writer_pending(w) ? via__writer_flush(w) : 0;

	if (rc < 0)
		return rc;
	if (w->raw)
		return send_raw(w, out);
	if (!out->begun)
		make_header(w, out);
	w->midway = true;
	for (;;) {
		ssize_t put = write_some(w, out);

		if (put < 0) {
			w->midway = out->begun;
			return (int)put;
		}
		if (w->header_done < VIA__FRAME_LEN || w->left)
			continue;
		if (out->done == via__out_total(out))
			break;
		make_header(w, out);
	}
	w->midway = false;
	w->seq++;
	return 0;
}

int via__writer_flush(struct via__writer *w)
{
	while (w->stage_head < w->stage_tail) {
		struct iovec iov = {
			.iov_base = w->stage + w->stage_head,
			.iov_len = w->stage_tail - w->stage_head,
		};
		ssize_t put = do_write(w, &iov, 1, NULL, 0);

		if (put < 0)
			return (int)put;
		w->stage_head += (size_t)put;
	}
	w->stage_head = w->stage_tail = 0;
	return 0;
}

/* Put a frame into the stage. False: it does not fit. */
static bool stage(struct via__writer *w, const struct via__frame *f,
		  const void *payload)
{
	size_t header_len = w->raw ? 0 : VIA__FRAME_LEN;
	size_t room = w->stage_size - w->stage_tail;
	uint8_t *to = w->stage + w->stage_tail;

	if (room < header_len || room - header_len < f->total)
		return false;
	if (header_len)
		via__frame_put(f, to);
	if (f->len)
		memcpy(to + header_len, payload, f->len);
	w->stage_tail += header_len + f->len;
	return true;
}

static unsigned int stage_messages(struct via__writer *w,
				   const struct iovec *msgs, unsigned int n)
{
	unsigned int i = 0;

	for (; i < n; i++) {
		struct via__frame f = {
			.flags = VIA__FRAME_FIRST | VIA__FRAME_LAST,
			.len = (uint32_t)msgs[i].iov_len,
			.sender = w->sender,
			.seq = w->seq,
			.total = msgs[i].iov_len,
		};

		if (!stage(w, &f, msgs[i].iov_base))
			break;
		w->seq++;
	}
	return i;
}

int via__writer_send_batch(struct via__writer *w, const struct iovec *msgs,
			   unsigned int n)
{
	unsigned int sent = 0;
	int rc = via__writer_flush(w);

	while (rc == 0 && sent < n) {
		unsigned int staged = stage_messages(w, msgs + sent, n - sent);

		if (!staged)
			break;
		rc = via__writer_flush(w);
		if (rc == 0 || rc == -EAGAIN)
			sent += staged;
	}
	return rc == 0 || sent ? (int)sent : rc;
}

int via__writer_control(struct via__writer *w, uint8_t flag, uint64_t seq,
			uint64_t total)
{
	struct via__frame f = {
		.flags = flag,
		.sender = w->sender,
		.seq = seq,
		.total = total,
	};

	if (w->midway || w->stage_size - w->stage_tail < VIA__FRAME_LEN)
		return -ENOBUFS;
	via__frame_put(&f, w->stage + w->stage_tail);
	w->stage_tail += VIA__FRAME_LEN;
	int rc = via__writer_flush(w);

	/* Nobody will hear it; only messages are worth an error of flush. */
	if (rc < 0 && rc != -EAGAIN &&
	    w->stage_tail - w->stage_head <= VIA__FRAME_LEN)
		w->stage_head = w->stage_tail = 0;
	return rc;
}
