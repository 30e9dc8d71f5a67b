/* SPDX-License-Identifier: MIT */
/*
 * The reading side of a byte stream. look() takes from the buffer what is
 * there; when that does not make a message, fill() reads once, and so on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/stream.h"

#define FRAME_WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)

/* So many reads without a message, and whoever waits gets a look at his
 * deadline: a peer may send pieces without end. */
#define READS_MAX 64

/* How a step of the reader ends, beside what via__reader_next() returns. */
enum {
	GO_ON = 100,
	NEED_MORE, /* bytes than the buffer holds */
};

int via__reader_init(struct via__reader *r, struct via__end *end, int fd,
		     size_t size, unsigned int n_senders)
{
	*r = (struct via__reader){.fd = fd, .size = size, .ahead = size};
	r->buf = malloc(size);
	if (r->buf && via__assembly_init(&r->assembly, end, n_senders) == 0)
		return 0;
	via__reader_fini(r);
	return -ENOMEM;
}

void via__reader_fini(struct via__reader *r)
{
	via__fds_close(&r->fds[0]);
	via__fds_close(&r->fds[1]);
	via__assembly_fini(&r->assembly);
	free(r->buf);
	r->buf = NULL;
}

int via__reader_add_fds(struct via__reader *r, const int *fds, unsigned int n)
{
	struct via__fds *set = &r->fds[r->fds[0].n ? 1 : 0];
	bool fits = !set->n && n <= VIA_FDS_MAX;

	for (unsigned int i = 0; i < n; i++) {
		int fd = fds[i];

		if (fits)
			set->fd[set->n++] = fd;
		else
			via__close(&fd);
	}
	if (fits)
		return 0;
	return via__fail(&r->assembly.end->error, -EPROTO,
			 "the peer sent more descriptors than go with a "
			 "message");
}

/* A long message is read to where it is put together; the buffer is for those
 * of which several fit. */
static bool is_long(const struct via__reader *r, const struct via__frame *f)
{
	return f->len > r->size / 4;
}

/* Give out the frame at head, all of it there, where it lies. */
static int give_view(struct via__reader *r, const struct via__frame *f,
		     struct via__fds *fds, struct via__in *in)
{
	int rc = via__assembly_whole(
		&r->assembly, f, r->buf + r->head + VIA__FRAME_LEN, fds, in);

	if (rc == 0) {
		r->head += VIA__FRAME_LEN + f->len;
		r->held = true;
	}
	return rc;
}

static int begin_piece(struct via__reader *r, const struct via__frame *f,
		       struct via__fds *fds, const struct via__in *in)
{
	int rc = via__assembly_piece(&r->assembly, f, fds, in, &r->from);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT)
		r->from = NULL;
	r->head += VIA__FRAME_LEN;
	r->left = f->len;
	r->last_piece = f->flags & VIA__FRAME_LAST;
	return GO_ON;
}

static int data_frame(struct via__reader *r, const struct via__frame *f,
		      struct via__in *in)
{
	bool whole = (f->flags & FRAME_WHOLE) == FRAME_WHOLE;
	bool all_here = f->len <= r->tail - r->head - VIA__FRAME_LEN;
	struct via__fds none, *fds = &r->fds[0];
	int rc;

	r->ahead = is_long(r, f) ? VIA__FRAME_LEN : r->size;
	if (whole && !all_here && !is_long(r, f))
		return NEED_MORE;
	if (!(f->flags & VIA__FRAME_FDS)) {
		none.n = 0;
		fds = &none;
	}
	if (whole && all_here)
		rc = give_view(r, f, fds, in);
	else
		rc = begin_piece(r, f, fds, in);
	if (f->flags & VIA__FRAME_FDS && !r->fds[0].n) {
		r->fds[0] = r->fds[1];
		r->fds[1].n = 0;
	}
	return rc;
}

/* Where senders share the medium they only say that they are there. */
static int shared_control(struct via__reader *r, const struct via__frame *f)
{
	if (f->flags != VIA__FRAME_HELLO)
		return via__fail(&r->assembly.end->error, -EPROTO,
				 "the peer sent what only a receiver says");
	int rc = via__assembly_hello(&r->assembly, f);

	if (rc < 0)
		return rc;
	r->head += VIA__FRAME_LEN;
	return GO_ON;
}

/* Look at the frame at head. */
static int next_frame(struct via__reader *r, struct via__in *in)
{
	struct via__frame f;

	if (r->tail - r->head < VIA__FRAME_LEN)
		return NEED_MORE;
	int rc = via__frame_get(&f, r->buf + r->head, &r->assembly.end->error);

	if (rc < 0)
		return rc;
	if (!(f.flags & VIA__FRAME_CONTROL))
		return data_frame(r, &f, in);
	if (r->assembly.n_max > 1)
		return shared_control(r, &f);
	r->control = f;
	r->head += VIA__FRAME_LEN;
	return VIA__READER_CONTROL;
}

/* Go on with the frame whose payload is being moved to its message. */
static int frame_rest(struct via__reader *r, struct via__in *in)
{
	struct via__sender *from = r->from;

	while (r->left && r->head < r->tail) {
		size_t n = r->tail - r->head;

		if (n > r->left)
			n = r->left;
		if (from) {
			uint8_t *to;
			ssize_t room = via__assembly_room(&r->assembly, from, n,
							  &to);
			if (room < 0)
				return (int)room;
			n = (size_t)room;
			memcpy(to, r->buf + r->head, n);
			via__assembly_filled(from, n);
		}
		r->head += n;
		r->left -= n;
	}
	if (r->left)
		return NEED_MORE;
	r->from = NULL;
	if (!from || !r->last_piece)
		return GO_ON;
	return via__assembly_give(&r->assembly, from, in);
}

/* All that the buffer yields. */
static int look(struct via__reader *r, struct via__in *in)
{
	for (;;) {
		int rc = r->left || r->from ? frame_rest(r, in)
					    : next_frame(r, in);
		if (rc != GO_ON)
			return rc;
	}
}

/* Nobody will finish what is half done. */
static int end(struct via__reader *r)
{
	struct via_stats *stats = &r->assembly.end->stats;
	uint64_t dropped = stats->dropped;

	via__assembly_end(&r->assembly);
	/* A frame cut short, if not of a message that was just counted. */
	if (r->head < r->tail && stats->dropped == dropped)
		stats->dropped++;
	via__fds_close(&r->fds[0]);
	via__fds_close(&r->fds[1]);
	r->head = r->tail;
	r->from = NULL;
	r->left = 0;
	return VIA__READER_END;
}

static ssize_t do_read(struct via__reader *r, const struct iovec *iov, int n)
{
	ssize_t got = r->read ? r->read(r, iov, n) : via__readv(r->fd, iov, n);

	if (got > 0 || got == -EAGAIN || got == -EPROTO)
		return got;
	if (got == 0 || got == -ECONNRESET)
		return 0;
	return via__fail_errno(&r->assembly.end->error, (int)got,
			       "cannot read from the peer");
}

/* Where to read ahead to, and how much. */
static size_t make_room(struct via__reader *r)
{
	if (r->head && !r->held) {
		memmove(r->buf, r->buf + r->head, r->tail - r->head);
		r->tail -= r->head;
		r->head = 0;
	}
	size_t room = r->size - r->tail;

	return room < r->ahead ? room : r->ahead;
}

/* Read once: to the message in progress and, behind its end, to the buffer. */
static int fill(struct via__reader *r)
{
	struct iovec iov[2];
	size_t direct = 0;
	int n = 0;

	if (r->from) {
		uint8_t *to;
		ssize_t room = via__assembly_room(&r->assembly, r->from,
						  r->left, &to);
		if (room < 0)
			return (int)room;
		direct = (size_t)room;
		iov[n++] = (struct iovec){to, direct};
	}
	if (!r->from || direct == r->left) {
		size_t room = make_room(r);

		if (room)
			iov[n++] = (struct iovec){r->buf + r->tail, room};
	}
	if (!n)
		return -EAGAIN;
	ssize_t got = do_read(r, iov, n);

	if (got <= 0)
		return got == 0 ? end(r) : (int)got;
	r->fed = true;
	if (direct > (size_t)got)
		direct = (size_t)got;
	if (direct) {
		via__assembly_filled(r->from, direct);
		r->left -= direct;
	}
	r->tail += (size_t)got - direct;
	return 0;
}

/* What one read brings is a message. */
static int next_raw(struct via__reader *r, struct via__in *in)
{
	bool own = !in->buf || !in->size;
	struct iovec iov = {
		.iov_base = own ? r->buf : in->buf,
		.iov_len = own ? r->size : in->size,
	};

	if (r->held)
		return -EAGAIN;
	if (iov.iov_len > r->assembly.end->max)
		iov.iov_len = r->assembly.end->max;
	ssize_t got = do_read(r, &iov, 1);

	if (got <= 0)
		return got == 0 ? VIA__READER_END : (int)got;
	r->fed = true;
	r->held = own;
	in->data = iov.iov_base;
	in->len = (size_t)got;
	in->meta = false;
	if (in->info) {
		in->info->sender = 0;
		in->info->seq = r->raw_seq;
		in->info->gap = 0;
		in->info->pid = -1;
		in->info->uid = (uid_t)-1;
		in->info->gid = (gid_t)-1;
		in->info->n_fds = 0;
		in->info->fds = NULL;
	}
	r->raw_seq++;
	return 0;
}

static int next(struct via__reader *r, struct via__in *in)
{
	for (int reads = 0;; reads++) {
		int rc = look(r, in);

		if (rc != NEED_MORE)
			return rc;
		rc = reads < READS_MAX ? fill(r) : -EAGAIN;
		if (rc != 0)
			return rc;
	}
}

int via__reader_next(struct via__reader *r, struct via__in *in)
{
	if (r->raw)
		return next_raw(r, in);
	if (r->assembly.held)
		return -EAGAIN;
	int rc = r->broken ? -EPROTO : next(r, in);

	if (rc == -EPROTO)
		r->broken = true;
	return rc;
}

int via__reader_peek(struct via__reader *r)
{
	struct via__frame f;

	if (r->broken)
		return -EPROTO;
	if (r->from || r->left)
		return 0;
	if (r->tail - r->head < VIA__FRAME_LEN) {
		int rc = fill(r);

		if (rc != 0)
			return rc;
	}
	if (r->tail - r->head < VIA__FRAME_LEN)
		return -EAGAIN;
	return via__frame_get(&f, r->buf + r->head, &r->assembly.end->error);
}

void via__reader_release(struct via__reader *r)
{
	r->held = false;
	via__assembly_release(&r->assembly);
}

int via__reader_park(struct via__reader *r)
{
	int rc = via__assembly_park(&r->assembly);

	if (rc < 0)
		r->from = NULL; /* dropped: the rest of its frame is skipped */
	return rc;
}
