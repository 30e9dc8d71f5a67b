/* SPDX-License-Identifier: MIT */
/* Putting messages together from frames. */
#include "transport/assembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"

/* The first memory for a message; doubled while its bytes really come. */
#define BLOCK_MIN (64u << 10)

void via__fds_close(struct via__fds *fds)
{
	for (unsigned int i = 0; i < fds->n; i++)
		via__close(&fds->fd[i]);
	fds->n = 0;
}

int via__assembly_init(struct via__assembly *a, struct via__end *end,
		       unsigned int n_max)
{
	*a = (struct via__assembly){.end = end, .n_max = n_max};
	a->senders = calloc(n_max, sizeof(*a->senders));
	return a->senders ? 0 : -ENOMEM;
}

void via__assembly_fini(struct via__assembly *a)
{
	for (unsigned int i = 0; a->senders && i < a->n_max; i++) {
		via__fds_close(&a->senders[i].fds);
		free(a->senders[i].block.data);
	}
	free(a->senders);
	free(a->spare.data);
	*a = (struct via__assembly){0};
}

/* The larger of the two is kept for later. */
static void put_spare(struct via__assembly *a, struct via__block *b)
{
	if (b->size > a->spare.size) {
		struct via__block smaller = a->spare;

		a->spare = *b;
		*b = smaller;
	}
	free(b->data);
	*b = (struct via__block){0};
}

/* --- Senders --- */

static struct via__sender *find(struct via__assembly *a, uint64_t id)
{
	if (a->senders[a->last].id == id)
		return &a->senders[a->last];
	for (unsigned int i = 0; i < a->n_senders; i++) {
		if (a->senders[i].id == id) {
			a->last = i;
			return &a->senders[i];
		}
	}
	return NULL;
}

/* Half a message that will never be whole. */
static void drop(struct via__assembly *a, struct via__sender *s)
{
	if (!s->half)
		return;
	s->half = false;
	s->direct = NULL;
	if (a->direct == s)
		a->direct = NULL;
	via__fds_close(&s->fds);
	put_spare(a, &s->block);
	a->end->stats.dropped++;
}

static void forget(struct via__assembly *a, struct via__sender *s)
{
	drop(a, s);
	if (s->id && a->n_max > 1)
		a->end->stats.left++;
	s->id = 0;
}

/* Is x to be forgotten rather than y? */
static bool idler(const struct via__sender *x, const struct via__sender *y)
{
	return x->half == y->half ? x->used < y->used : y->half;
}

/* A place for a new sender. */
static struct via__sender *place(struct via__assembly *a)
{
	struct via__sender *s = &a->senders[0];

	for (unsigned int i = 0; i < a->n_senders; i++) {
		struct via__sender *other = &a->senders[i];

		if (!other->id)
			return other;
		if (idler(other, s))
			s = other;
	}
	if (a->n_senders < a->n_max)
		return &a->senders[a->n_senders++];
	forget(a, s);
	return s;
}

/*
 * The sender of a frame that starts a message, known or new, or NULL with a
 * sentence. The first message seen of a sender on a shared medium may have
 * any number: there may have been another receiver before.
 */
static struct via__sender *admit(struct via__assembly *a,
				 const struct via__frame *f)
{
	struct via_error *err = &a->end->error;
	struct via__sender *s = f->sender ? find(a, f->sender) : NULL;

	if (s) {
		if (f->seq >= s->next)
			return s;
		(void)via__fail(err, -EPROTO,
				"the peer sent message %llu again or late, "
				"%llu was next",
				(unsigned long long)f->seq,
				(unsigned long long)s->next);
		return NULL;
	}
	if (!f->sender || (a->n_max == 1 && a->senders[0].id)) {
		(void)via__fail(err, -EPROTO,
				"the peer sent a message in the name of "
				"another sender");
		return NULL;
	}
	s = place(a);
	s->id = f->sender;
	s->used = ++a->clock;
	s->next = 0;
	if (a->n_max > 1) {
		s->next = f->seq;
		a->end->stats.joined++;
	}
	return s;
}

int via__assembly_hello(struct via__assembly *a, const struct via__frame *f)
{
	return admit(a, f) ? 0 : -EPROTO;
}

/* Whether a message that this frame starts can be one. 0 or -EPROTO. */
static int check(struct via__assembly *a, const struct via__frame *f,
		 const struct via__fds *fds)
{
	uint64_t max = a->end->max;

	if (f->flags & VIA__FRAME_META)
		max += VIA__META_MAX;
	if (f->total > max)
		return via__fail(&a->end->error, -EPROTO,
				 "the peer sent a message of %llu bytes, over "
				 "this end's limit; see the option max",
				 (unsigned long long)f->total);
	if (!(f->flags & VIA__FRAME_FDS) != !fds->n)
		return via__fail(&a->end->error, -EPROTO,
				 "the peer sent a message whose descriptors "
				 "are not what it says");
	return 0;
}

/* A frame that starts a message is here: ready its sender, or NULL. */
static struct via__sender *start(struct via__assembly *a,
				 const struct via__frame *f,
				 const struct via__fds *fds)
{
	if (check(a, f, fds) < 0)
		return NULL;
	struct via__sender *s = admit(a, f);

	if (s) {
		drop(a, s);
		s->used = ++a->clock;
	}
	return s;
}

/* --- Messages --- */

static int check_meta(struct via__assembly *a, const struct via__in *in)
{
	struct via__meta meta;
	int r = in->meta ? via__meta_get(&meta, in->data, in->len,
					 &a->end->error)
			 : 0;

	return r < 0 ? r : 0;
}

/* A message of this sender is complete: tell the receiver all there is to
 * know of it. */
static void describe(struct via__assembly *a, struct via__sender *s,
		     uint64_t seq, struct via__fds *fds, struct via__in *in)
{
	struct via_msg *info = in->info;
	uint64_t gap = seq - s->next;

	s->next = seq + 1;
	if (!info) {
		via__fds_close(fds);
		return;
	}
	info->sender = s->id;
	info->seq = seq;
	info->gap = gap;
	info->pid = -1;
	info->uid = (uid_t)-1;
	info->gid = (gid_t)-1;
	info->n_fds = 0;
	info->fds = NULL;
	if (fds->n) {
		a->given_fds = *fds;
		fds->n = 0;
		info->fds = a->given_fds.fd;
		info->n_fds = a->given_fds.n;
		a->held = true;
	}
}

int via__assembly_whole(struct via__assembly *a, const struct via__frame *f,
			void *data, struct via__fds *fds, struct via__in *in)
{
	if (a->direct) {
		int r = via__assembly_park(a);

		if (r < 0)
			return r;
	}
	struct via__sender *s = start(a, f, fds);

	if (!s) {
		via__fds_close(fds);
		return -EPROTO;
	}
	in->data = data;
	in->len = f->len;
	in->meta = f->flags & VIA__FRAME_META;
	int r = check_meta(a, in);

	if (r < 0)
		via__fds_close(fds);
	else
		describe(a, s, f->seq, fds, in);
	return r;
}

static void begin(struct via__assembly *a, struct via__sender *s,
		  const struct via__frame *f, struct via__fds *fds,
		  const struct via__in *in)
{
	s->half = true;
	s->meta = f->flags & VIA__FRAME_META;
	s->seq = f->seq;
	s->total = f->total;
	s->done = 0;
	if (fds->n) {
		s->fds = *fds;
		fds->n = 0;
	}
	if (in->buf && in->size >= f->total) {
		s->direct = in->buf;
		a->direct = s;
	}
}

/* The sender of a frame that carries a message on. 0 or -errno. */
static int carry_on(struct via__assembly *a, const struct via__frame *f,
		    const struct via__fds *fds, struct via__sender **ret)
{
	struct via__sender *s = f->sender ? find(a, f->sender) : NULL;

	/* Its start went to an earlier receiver, or it was counted when its
	 * place was given to another sender. */
	if (a->n_max > 1 && f->sender && (!s || !s->half))
		return -ENOENT;
	if (!s || !s->half || s->seq != f->seq || s->total != f->total ||
	    fds->n || f->flags & VIA__FRAME_FDS)
		return via__fail(&a->end->error, -EPROTO,
				 "the peer sent a piece that belongs to no "
				 "message");
	*ret = s;
	return 0;
}

/* After this piece the message is complete if, and only if, it says so. */
static int check_piece(struct via__assembly *a, const struct via__frame *f,
		       size_t done)
{
	size_t left = f->total - done;
	bool last = f->flags & VIA__FRAME_LAST;

	if (f->len <= left && last == (f->len == left))
		return 0;
	return via__fail(&a->end->error, -EPROTO,
			 "the peer sent pieces that do not add up to their "
			 "message");
}

static int take_piece(struct via__assembly *a, const struct via__frame *f,
		      struct via__fds *fds, const struct via__in *in,
		      struct via__sender **ret)
{
	struct via__sender *s = NULL;
	int r = 0;

	/* in->buf may soon be given another message. */
	if (a->direct && a->direct->id != f->sender)
		r = via__assembly_park(a);
	if (r < 0)
		return r;
	if (f->flags & VIA__FRAME_FIRST) {
		r = check_piece(a, f, 0);
		if (r < 0)
			return r;
		s = start(a, f, fds);
		if (!s)
			return -EPROTO;
		begin(a, s, f, fds, in);
	} else {
		r = carry_on(a, f, fds, &s);
		if (r == 0)
			r = check_piece(a, f, s->done);
		if (r < 0)
			return r;
	}
	*ret = s;
	return 0;
}

int via__assembly_piece(struct via__assembly *a, const struct via__frame *f,
			struct via__fds *fds, const struct via__in *in,
			struct via__sender **ret)
{
	int r = take_piece(a, f, fds, in, ret);

	if (r < 0 && r != -ENOMEM)
		via__fds_close(fds);
	return r;
}

/* Have memory for at least one more byte. */
static int grow(struct via__assembly *a, struct via__sender *s)
{
	struct via__block *b = &s->block;

	if (!b->data && a->spare.data) {
		*b = a->spare;
		a->spare = (struct via__block){0};
		return 0;
	}
	size_t size = b->size ? 2 * b->size : BLOCK_MIN;

	if (size > s->total && s->total > BLOCK_MIN)
		size = s->total;
	uint8_t *data = realloc(b->data, size);

	if (!data)
		return via__fail_errno(&a->end->error, -ENOMEM,
				       "a message of %zu bytes", s->total);
	*b = (struct via__block){data, size};
	return 0;
}

ssize_t via__assembly_room(struct via__assembly *a, struct via__sender *s,
			   size_t want, uint8_t **ret)
{
	if (s->direct) {
		*ret = s->direct + s->done;
		return (ssize_t)want;
	}
	if (s->done == s->block.size) {
		int r = grow(a, s);

		if (r < 0)
			return r;
	}
	size_t room = s->block.size - s->done;

	*ret = s->block.data + s->done;
	return (ssize_t)(want < room ? want : room);
}

struct iovec via__assembly_guess(const struct via__assembly *a,
				 const struct via__in *in)
{
	const struct via__sender *s = a->direct;

	if (s)
		return (struct iovec){s->direct + s->done, s->total - s->done};
	if (a->n_senders && a->senders[0].half)
		return (struct iovec){0};
	return (struct iovec){in->buf, in->buf ? in->size : 0};
}

void via__assembly_filled(struct via__sender *s, size_t n)
{
	s->done += n;
}

int via__assembly_give(struct via__assembly *a, struct via__sender *s,
		       struct via__in *in)
{
	in->data = s->direct ? s->direct : s->block.data;
	in->len = s->total;
	in->meta = s->meta;
	int r = check_meta(a, in);

	if (r < 0) {
		drop(a, s);
		return r;
	}
	s->half = false;
	if (s->direct) {
		s->direct = NULL;
		a->direct = NULL;
	} else {
		a->given = s;
		a->held = true;
	}
	describe(a, s, s->seq, &s->fds, in);
	return 0;
}

void via__assembly_release(struct via__assembly *a)
{
	a->held = false;
	if (a->given)
		put_spare(a, &a->given->block);
	a->given = NULL;
}

int via__assembly_park(struct via__assembly *a)
{
	struct via__sender *s = a->direct;

	if (!s)
		return 0;
	while (s->block.size < s->done) {
		int r = grow(a, s);

		if (r < 0) {
			drop(a, s);
			return r;
		}
	}
	if (s->done)
		memcpy(s->block.data, s->direct, s->done);
	s->direct = NULL;
	a->direct = NULL;
	return 0;
}

bool via__assembly_is_complete(const struct via__assembly *a, uint64_t n)
{
	return a->n_senders ? !a->senders[0].half && a->senders[0].next == n
			    : !n;
}

void via__assembly_end(struct via__assembly *a)
{
	for (unsigned int i = 0; i < a->n_senders; i++)
		forget(a, &a->senders[i]);
	a->n_senders = 0;
	a->last = 0;
}

void via__assembly_forget(struct via__assembly *a, uint64_t id)
{
	struct via__sender *s = id ? find(a, id) : NULL;

	if (s)
		forget(a, s);
}
