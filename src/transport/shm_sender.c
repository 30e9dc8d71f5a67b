/* SPDX-License-Identifier: MIT */
/*
 * The sending end of shm: the writer of one lane. As long as the receiver is
 * awake and keeps up, sending is a copy and two stores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/frame.h"
#include "core/likely.h"
#include "core/sys.h"
#include "transport/shm.h"

/* Whether the receiver is alive is asked in every tick of the coarse clock,
 * and the clock once in so many messages. */
#define MESSAGES_PER_LOOK 8

#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)

struct sender {
	struct via__end end;
	struct via__lane_writer lane;
	size_t inline_max; /* longer messages go in pieces */
	size_t need;	   /* what there was no room for */
	unsigned int messages;
	int64_t tick;
	int fd;
	bool paired; /* connected from the start */
	bool met;    /* the receiver has answered */
	bool closed; /* for sending: finish */
	int over;    /* not 0: nothing can be sent any more, and why */
	int memfd;   /* until it is sent */
	uint64_t id;
	bool can_barrier;
	unsigned int map_flags;
	struct via__sealed memory; /* ours */
	struct via__sealed page;   /* the receiver's */
	struct via__access access; /* whom we take for a receiver */
	struct via__shm_name name;
};

static struct sender *sender_of(struct via__end *end)
{
	return (struct sender *)end;
}

/* --- What the receiver says --- */

/* The receiver is out, for good. Returns why. */
static int part(struct sender *s, int why)
{
	s->over = why;
	via__lane_part(&s->lane);
	return why;
}

static int receiver_gone(struct sender *s)
{
	return part(s,
		    via__fail(&s->end.error, -EPIPE, "the receiver has gone"));
}

static int refused(struct sender *s, const struct via__shm_packet *p)
{
	int why = p->error < 0 && p->error >= -4095 ? p->error : -EPROTO;

	return part(s, via__fail_errno(&s->end.error, why,
				       "the receiver refuses this process"));
}

static int wrong(struct sender *s, const char *what)
{
	return part(s,
		    via__fail(&s->end.error, -EPROTO, "the receiver %s", what));
}

/* Its answer. 0, or the end of it all. */
static int meet(struct sender *s, const struct via__shm_packet *p, int memfd)
{
	int r;

	if (s->met || p->kind != VIA__SHM_HELLO)
		return wrong(s, "answers what was not asked");
	r = via__sealed_adopt(memfd, 0, s->map_flags, &s->page, &s->end.error);
	if (r < 0)
		return part(s, r);
	via__lane_meet(&s->lane,
		       (const struct via__lane_page *)(void *)s->page.base,
		       s->can_barrier && p->abilities & VIA__SHM_BARRIER);
	s->met = true;
	return 0;
}

/* Hear all that the receiver has said. 0, or why nothing can be sent. */
static int hear(struct sender *s)
{
	while (!s->over) {
		VIA__CLEANUP_FD int memfd = -1;
		struct via__shm_packet p;
		int r = via__shm_hear(s->fd, &p, &memfd, &s->end.error);

		if (r == -EAGAIN)
			return 0;
		if (r == -EPIPE)
			return receiver_gone(s);
		if (r < 0)
			return part(s, r);
		if (r == VIA__SHM_BELL && via__lane_heard(&s->lane.bell) < 0)
			return wrong(s, "rings for nothing");
		if (r == VIA__SHM_BELL)
			continue;
		if (p.kind == VIA__SHM_REFUSE)
			return refused(s, &p);
		(void)meet(s, &p, memfd);
	}
	return s->over;
}

/*
 * The receiver asks for a bell, or has not answered yet. Hearing comes after
 * the record has been published: the receiver looks at the lane after it has
 * sent its answer, so either we see the answer or it sees the record.
 */
static int attend(struct sender *s)
{
	struct via__lane_bell *b = &s->lane.bell;

	if (!s->met) {
		int r = hear(s);

		if (r < 0 || !s->met || !via__lane_wanted(b))
			return r;
	}
	via__lane_ring(b);
	if (via__shm_ring(s->fd) == 0)
		return 0;
	/* It may have said why. */
	int r = hear(s);

	return r < 0 ? r : receiver_gone(s);
}

/* One look at the socket in a tick, for a receiver that died awake. */
static int look_around(struct sender *s)
{
	int64_t tick = via__now_coarse();

	if (tick == s->tick)
		return s->over;
	s->tick = tick;
	return hear(s);
}

/* --- Sending --- */

/* Where len bytes can go, if the receiver has made room. 0, -EAGAIN, or why
 * nothing can be sent. */
static int make_room(struct sender *s, size_t len, char **ret)
{
	if (s->over)
		return s->over;
	if (via__lane_refresh(&s->lane) < 0)
		return wrong(s, "has a cursor that cannot be");
	*ret = via__lane_claim(&s->lane, len);
	if (*ret)
		return 0;
	s->need = len;
	int r = s->met ? look_around(s) : hear(s);
	return r < 0 ? r : -EAGAIN;
}

static int claim(struct sender *s, size_t len, char **ret)
{
	*ret = via__lane_claim(&s->lane, len);
	return *ret ? 0 : make_room(s, len, ret);
}

/* Do what is due when a record has been published. */
static inline int published(struct sender *s, bool wanted)
{
	if (wanted)
		return attend(s);
	if (++s->messages % MESSAGES_PER_LOOK == 0)
		return look_around(s);
	return 0;
}

static int commit(struct sender *s, char *at, size_t len, uint32_t flags)
{
	return published(s, via__lane_commit(&s->lane, at, len, flags));
}

/* The next bytes of a message to where they go. */
static void copy_out(struct via__out *out, char *to, size_t len)
{
	struct iovec iov[2];
	int n = via__out_next(out, len, iov);

	for (int i = 0; i < n; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	out->done += len;
	out->begun = true;
}

/* A message too long for one record: the first piece starts with the length
 * of it all. */
static int send_pieces(struct sender *s, struct via__out *out)
{
	uint64_t total = via__out_total(out);

	while (out->done < total) {
		uint32_t flags = 0;
		size_t before = 0;
		char *at;

		if (!out->begun) {
			flags = VIA__FRAME_FIRST |
				(out->prefix_len ? VIA__FRAME_META : 0);
			before = sizeof(total);
		}
		size_t len = s->inline_max / 2 - before;

		if (len >= total - out->done) {
			len = total - out->done;
			flags |= VIA__FRAME_LAST;
		}
		int r = claim(s, before + len, &at);

		if (r < 0)
			return r;
		memcpy(at, &total, before);
		copy_out(out, at + before, len);
		r = commit(s, at, before + len, flags);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A message with a prefix, or longer than a record may be. */
static __attribute__((noinline)) int send_slowly(struct sender *s,
						 struct via__out *out)
{
	size_t len = via__out_total(out);
	char *at;

	if (len > s->inline_max)
		return send_pieces(s, out);
	int r = claim(s, len, &at);

	if (r < 0)
		return r;
	copy_out(out, at, len);
	return commit(s, at, len,
		      WHOLE | (out->prefix_len ? VIA__FRAME_META : 0));
}

int via__shm_send(struct via__end *end, struct via__out *out)
{
	struct sender *s = sender_of(end);
	char *at = via__lane_claim(&s->lane, out->len);

	/* What nearly every call comes to: there is room for all of it. */
	if (!at || out->len > s->inline_max || out->prefix_len)
		return send_slowly(s, out);
	return published(
		s, via__lane_write(&s->lane, at, out->data, out->len, WHOLE));
}

int via__shm_loan(struct via__end *end, size_t len, void **ret)
{
	struct sender *s = sender_of(end);
	char *at;

	if (len > s->inline_max)
		return -EMSGSIZE;
	int r = claim(s, len, &at);

	if (r < 0)
		return r;
	via__lane_lent(&s->lane);
	*ret = at;
	return 0;
}

int via__shm_commit(struct via__end *end, size_t len)
{
	struct sender *s = sender_of(end);

	return commit(s, via__lane_at(&s->lane), len, WHOLE);
}

/* --- Waiting --- */

int via__shm_sender_arm(struct via__end *end)
{
	struct sender *s = sender_of(end);

	if (hear(s) < 0)
		return 1;
	if (!s->met)
		return 0; /* its answer will wake us */
	if (via__lane_arm(&s->lane.bell))
		via__lane_barrier();
	return via__lane_refresh(&s->lane) < 0 ||
	       via__lane_claim(&s->lane, s->need);
}

int via__shm_sender_fd(const struct via__end *end)
{
	return ((const struct sender *)end)->fd;
}

int via__shm_sender_greet(struct via__end *end)
{
	struct sender *s = sender_of(end);
	int r = hear(s);

	return r < 0 || s->met ? r : -EAGAIN;
}

int via__shm_finish(struct via__end *end)
{
	struct sender *s = sender_of(end);

	if (!s->closed)
		(void)shutdown(s->fd, SHUT_WR); /* fails if it has gone */
	s->closed = true;
	int r = hear(s);

	/* It leaves when it has read our end of file, and shows before that
	 * what it has done. */
	if (r == -EPIPE && via__lane_drained(&s->lane))
		return 0;
	return r < 0 ? r : -EAGAIN;
}

/* --- Making and ending it --- */

int via__shm_sender_new(const struct via__shm_name *name,
			const struct via__shm_options *o, int fd,
			const struct via__common *common, struct via__end **ret,
			struct via_error *err)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (!s) {
		via__close(&fd);
		return via__fail_errno(err, -ENOMEM, "%s", name->text);
	}
	s->end.transport = &via__transport_shm;
	s->end.role = VIA_SEND;
	s->end.max = common->max;
	s->fd = fd;
	s->paired = fd >= 0;
	s->memfd = -1;
	s->name = *name;
	s->access = o->access;
	s->map_flags = via__shm_map_flags(o);
	s->inline_max = o->ring / 4 - VIA__LANE_HEADER;
	s->can_barrier = via__lane_can_barrier();
	do
		s->id = via__random();
	while (!s->id);

	int r = via__sealed_make(name->text, o->ring, s->map_flags, &s->memory,
				 &s->memfd, err);
	if (r < 0) {
		via__shm_sender_close(&s->end);
		return r;
	}
	via__lane_writer_init(&s->lane,
			      (struct via__lane_page *)(void *)s->memory.base,
			      s->memory.ring, o->ring);
	*ret = &s->end;
	return 0;
}

/* Reach the receiver's socket. 0, or as the connect slot. */
static int reach(struct sender *s)
{
	if (s->fd < 0)
		s->fd = socket(AF_UNIX,
			       SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       0);
	if (s->fd < 0)
		return via__fail_errno(&s->end.error, -errno, "%s",
				       s->name.text);
	return via__unix_name_connect(&s->name.socket, s->fd, &s->access,
				      &s->end.error);
}

int via__shm_connect(struct via__end *end)
{
	struct sender *s = sender_of(end);
	struct via__shm_packet hello = {
		.kind = VIA__SHM_HELLO,
		.abilities = s->can_barrier ? VIA__SHM_BARRIER : 0,
		.ring = s->lane.size,
		.sender = s->id,
	};
	int r = s->paired ? 0 : reach(s);

	if (r < 0)
		return r;
	r = via__shm_say(s->fd, &hello, s->memfd);
	/* Turned away at the door: why is still to be heard. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return via__fail_errno(&s->end.error, r, "%s", s->name.text);
	via__close(&s->memfd);
	return 0;
}

void via__shm_sender_close(struct via__end *end)
{
	struct sender *s = sender_of(end);

	via__close(&s->fd);
	via__close(&s->memfd);
	via__sealed_unmap(&s->memory);
	via__sealed_unmap(&s->page);
	free(s);
}
