/* SPDX-License-Identifier: MIT */
/*
 * The receiving end of shm: the reader of one lane per sender, in turns. As
 * long as there are messages it makes no system call but one look at the hub
 * in 64 KiB of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/frame.h"
#include "core/likely.h"
#include "core/sys.h"
#include "transport/shm_receiver.h"

#define BURST ((uint64_t)64 << 10) /* bytes from one lane in its turn */
#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)

static struct via__shm_receiver *receiver_of(struct via__end *end)
{
	return (struct via__shm_receiver *)end;
}

/* Those who have been let in, in a row. */
static struct via__shm_peer *from(struct via__peer *p)
{
	while (p && !p->joined)
		p = TAILQ_NEXT(p, all);
	return (struct via__shm_peer *)p;
}

static struct via__shm_peer *first(const struct via__shm_receiver *r)
{
	return from(TAILQ_FIRST(&r->hub.peers));
}

static struct via__shm_peer *next(const struct via__shm_peer *p)
{
	return from(TAILQ_NEXT(&p->peer, all));
}

static void begin_turn(struct via__shm_receiver *r, struct via__shm_peer *p)
{
	r->hub.current = p ? &p->peer : NULL;
	r->turn_start = p ? p->lane.read : 0;
	r->plain_end = 0;
}

/* See who has come, gone or rung. True: somebody has come or gone. */
static bool look(struct via__shm_receiver *r)
{
	struct via__peer *p;
	bool news = false;

	r->unlooked = 0;
	(void)via__hub_poll(&r->hub); /* an epoll of our own does not fail */
	while ((p = via__hub_next(&r->hub))) {
		int rc = via__shm_peer_hear((struct via__shm_peer *)p);

		if (rc < 0)
			r->failed = rc;
		if (rc)
			news = true;
	}
	if (!r->hub.current)
		begin_turn(r, first(r));
	return news;
}

/* --- Messages --- */

/* Fill in what is known of the message that is complete. */
static inline void describe(const struct via__shm_peer *p, struct via_msg *info)
{
	if (!info)
		return;
	info->sender = p->id;
	info->seq = p->seq;
	info->gap = 0;
	info->pid = p->peer.cred.pid;
	info->uid = p->peer.cred.uid;
	info->gid = p->peer.cred.gid;
	info->n_fds = 0;
	info->fds = NULL;
}

/* It has given out something to be released. */
static inline void hold(struct via__shm_peer *p)
{
	if (p->peer.held)
		return;
	p->peer.held = true;
	SLIST_INSERT_HEAD(&p->peer.hub->holders, &p->peer, holder);
}

/* Done with a record, unless something before it is still given out. */
static inline void pass(struct via__shm_peer *p,
			const struct via__record *record)
{
	via__lane_pass(&p->lane, record);
	if (via__likely(!p->peer.held) && via__lane_free(&p->lane))
		via__shm_peer_ring(p);
}

static inline int take_whole(struct via__shm_peer *p,
			     const struct via__record *record,
			     struct via__in *in)
{
	in->len = record->len;
	in->meta = record->flags & VIA__FRAME_META;
	if (via__likely(record->len <= in->size && in->buf)) {
		memcpy(in->buf, record->data, record->len);
		in->data = in->buf;
		if (!in->lazy)
			describe(p, in->info);
	} else {
		in->data = (char *)record->data;
		hold(p);
		describe(p, in->info);
	}
	pass(p, record);
	p->seq++;
	return 0;
}

/* A record with a piece of a message. 0 or -EPROTO; its bytes follow. */
static int start_piece(struct via__shm_peer *p,
		       const struct via__record *record,
		       const struct via__in *in)
{
	struct via__frame f = {
		.flags = (uint8_t)record->flags,
		.sender = p->id,
		.seq = p->seq,
		.total = p->total,
	};
	size_t before = record->flags & VIA__FRAME_FIRST ? sizeof(f.total) : 0;
	struct via__fds none = {0};

	if (record->len < before)
		return -EPROTO;
	if (before)
		memcpy(&f.total, record->data, before);
	p->total = f.total;
	f.len = record->len - (uint32_t)before;
	p->piece = (struct via__record){
		.data = record->data + before,
		.len = f.len,
		.flags = record->flags,
	};
	int rc = via__assembly_piece(&p->assembly, &f, &none, in, &p->from);

	p->peer.hub->filling = p->assembly.direct ? &p->peer : NULL;
	return rc;
}

/* Bring the bytes of the piece to where their message is put together. 0 or
 * -ENOMEM, to be called again. */
static int gather(struct via__shm_peer *p)
{
	while (p->piece.len) {
		uint8_t *to;
		ssize_t n = via__assembly_room(&p->assembly, p->from,
					       p->piece.len, &to);

		if (n < 0)
			return (int)n;
		memcpy(to, p->piece.data, (size_t)n);
		via__assembly_filled(p->from, (size_t)n);
		p->piece.data += n;
		p->piece.len -= (uint32_t)n;
	}
	return 0;
}

/* 0: its message is complete. -EINPROGRESS: it is not. */
static int take_piece(struct via__shm_peer *p, const struct via__record *record,
		      struct via__in *in)
{
	struct via__sender *sender;
	int rc = 0;

	if (p->assembly.held)
		return -EAGAIN;
	if (!p->from)
		rc = start_piece(p, record, in);
	if (rc == 0)
		rc = gather(p);
	if (rc < 0)
		return rc;
	pass(p, record);
	sender = p->from;
	p->from = NULL;
	p->half = !(p->piece.flags & VIA__FRAME_LAST);
	if (p->half)
		return -EINPROGRESS;
	via__assembly_give(&p->assembly, sender, in);
	p->peer.hub->filling = NULL;
	if (p->assembly.held)
		hold(p);
	describe(p, in->info);
	p->seq++;
	return 0;
}

/* 0: a message; -EINPROGRESS: a piece of one; -EAGAIN: needs a release first;
 * -EPROTO, -ENOMEM. */
static int take(struct via__shm_receiver *r, struct via__shm_peer *p,
		const struct via__record *record, struct via__in *in)
{
	struct via__peer *filling = r->hub.filling;
	uint64_t max = r->end.max;
	int rc = 0;

	if (record->flags & VIA__FRAME_META)
		max += VIA__META_MAX;
	if (record->len > max || record->flags & ~(WHOLE | VIA__FRAME_META))
		return -EPROTO;
	/* Another's message is half in the buffer that this one goes to. */
	if (filling && filling != &p->peer)
		rc = via__hub_park(&r->hub);
	if (rc < 0)
		return rc;
	if ((record->flags & WHOLE) != WHOLE)
		return take_piece(p, record, in);
	return p->half ? -EPROTO : take_whole(p, record, in);
}

/* --- Turns --- */

/* Whether to look at the hub though nobody has sent anything: a sender that
 * joins or leaves is noticed within a tick of the coarse clock even by who
 * never sleeps. */
static bool stale(struct via__shm_receiver *r)
{
	int64_t tick = via__now_coarse();

	if (r->hub.n_joined && tick == r->tick)
		return false;
	r->tick = tick;
	return true;
}

/* Everybody has had a turn. 0: begin again; or what recv is to return. */
static int end_round(struct via__shm_receiver *r)
{
	bool dry = !r->taken, news = false;
	int rc;

	r->unlooked += r->taken;
	r->taken = 0;
	if (dry ? stale(r) : r->unlooked >= BURST)
		news = look(r);
	begin_turn(r, first(r));
	rc = r->failed;
	r->failed = 0;
	if (rc < 0 || !dry || news)
		return rc;
	return via__hub_ended(&r->hub) ? -EPIPE : -EAGAIN;
}

/* The sender has nothing more to give now (-EAGAIN, -EPROTO). 0, or -EPROTO
 * when that is the end of it. */
static int leave(struct via__shm_peer *p, int why)
{
	if (why == -EPROTO && !p->wrong)
		p->wrong = "its lane makes no sense";
	if (p->peer.held)
		return 0; /* once more after the release */
	if (p->wrong && (why == -EPROTO || p->lane.ended))
		return via__shm_peer_cut(p, -EPROTO, p->wrong);
	if (p->lane.ended)
		via__hub_remove(&p->peer);
	else if (p->lane.done != p->lane.head && via__lane_show(&p->lane))
		via__shm_peer_ring(p);
	return 0;
}

/* On to the next sender. 0, or what recv is to return. */
static int next_turn(struct via__shm_receiver *r, struct via__shm_peer *p,
		     int why)
{
	struct via__shm_peer *then = NULL;
	int rc = 0;

	if (p) {
		r->taken += p->lane.read - r->turn_start;
		then = next(p);
		if (why < 0)
			rc = leave(p, why);
	}
	if (!then && rc == 0)
		return end_round(r);
	begin_turn(r, then);
	return rc;
}

static __attribute__((noinline)) int take_turns(struct via__shm_receiver *r,
						struct via__in *in)
{
	for (;;) {
		struct via__shm_peer *p =
			(struct via__shm_peer *)r->hub.current;
		struct via__record record;
		int rc = p ? 0 : -EAGAIN;

		if (p &&
		    (p->lane.read - r->turn_start < BURST || r->hub.filling)) {
			rc = via__lane_peek(&p->lane, &record);
			if (rc == 0) {
				rc = take(r, p, &record, in);
				if (rc == -EINPROGRESS)
					continue;
				if (rc == 0 && !p->half && !r->hub.filling)
					r->plain_end = r->turn_start + BURST;
				if (rc != -EAGAIN && rc != -EPROTO)
					return rc;
			}
		}
		rc = next_turn(r, p, rc);
		if (rc < 0)
			return rc;
	}
}

int via__shm_recv(struct via__end *end, struct via__in *in)
{
	struct via__shm_receiver *r = receiver_of(end);
	struct via__shm_peer *p = (struct via__shm_peer *)r->hub.current;
	struct via__record record;

	/* What nearly every call comes to: the next message, whole, of the
	 * sender whose turn it is. */
	if (p && p->lane.read < r->plain_end &&
	    via__lane_peek(&p->lane, &record) == 0 && record.flags == WHOLE &&
	    record.len <= r->end.max)
		return take_whole(p, &record, in);
	return take_turns(r, in);
}

void via__shm_release(struct via__end *end)
{
	struct via__shm_receiver *r = receiver_of(end);

	if (!SLIST_EMPTY(&r->hub.holders))
		via__hub_release(&r->hub);
}

int via__shm_park(struct via__end *end)
{
	return via__hub_park(&receiver_of(end)->hub);
}

/* --- Waiting --- */

int via__shm_receiver_greet(struct via__end *end)
{
	struct via__shm_receiver *r = receiver_of(end);

	if (!r->hub.n_joined)
		(void)look(r);
	return r->hub.n_joined ? 0 : -EAGAIN;
}

int via__shm_receiver_arm(struct via__end *end)
{
	struct via__shm_receiver *r = receiver_of(end);
	bool barrier = false;
	struct via__shm_peer *p;

	if (look(r) || r->failed)
		return 1;
	for (p = first(r); p; p = next(p)) {
		/* A sender may be waiting for less than an eighth. */
		if (p->lane.done != p->lane.head && via__lane_show(&p->lane))
			via__shm_peer_ring(p);
		if (via__lane_arm(&p->lane.bell))
			barrier = true;
	}
	if (barrier)
		via__lane_barrier();
	for (p = first(r); p; p = next(p))
		if (!via__lane_dry(&p->lane))
			return 1;
	return 0;
}

int via__shm_receiver_fd(const struct via__end *end)
{
	return ((const struct via__shm_receiver *)end)->hub.epoll;
}

/* --- Making and ending it --- */

/* Bind the name and wait for senders there. 0 or -errno. */
static int listen_at(struct via__shm_receiver *r, struct via_error *err)
{
	VIA__CLEANUP_FD int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return via__fail_errno(err, -errno, "%s", r->name.text);
	int rc = via__unix_name_bind(&r->name.socket, fd, &r->access, err);

	if (rc < 0)
		return rc;
	if (listen(fd, SOMAXCONN))
		return via__fail_errno(err, -errno, "%s", r->name.text);
	return via__hub_listen(&r->hub, via__take_fd(&fd), err);
}

int via__shm_receiver_new(const struct via__shm_name *name,
			  const struct via__shm_options *o, int fd,
			  const struct via__common *common,
			  struct via__end **ret, struct via_error *err)
{
	VIA__CLEANUP_FD int connected = fd;
	struct via__shm_receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return via__fail_errno(err, -ENOMEM, "%s", name->text);
	r->end.transport = &via__transport_shm;
	r->end.role = VIA_RECV;
	r->end.max = common->max;
	r->map_flags = via__shm_map_flags(o);
	r->access = o->access;
	r->name = *name;
	int rc = via__hub_init(&r->hub, &r->end, &via__shm_peer_ops, &r->access,
			       via__unix_name_is_path(&name->socket),
			       VIA__HUB_PEERS_MAX, err);

	if (rc == 0 && fd < 0)
		rc = listen_at(r, err);
	else if (rc == 0)
		rc = via__hub_add(&r->hub, via__take_fd(&connected), NULL);
	if (rc < 0) {
		via__shm_receiver_close(&r->end, false);
		return rc;
	}
	*ret = &r->end;
	return 0;
}

void via__shm_receiver_close(struct via__end *end, bool forked)
{
	struct via__shm_receiver *r = receiver_of(end);

	if (!forked)
		via__unix_name_remove(&r->name.socket);
	via__hub_fini(&r->hub, forked);
	free(r);
}
