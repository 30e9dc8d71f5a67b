/* SPDX-License-Identifier: MIT */
/*
 * Receiving. The transport either puts a message where the caller wants it or
 * shows it in its own memory; here it is copied or handed on as a view. One
 * message can be held back: the one that did not fit.
 */
#include <errno.h>
#include <string.h>

#include "channel/channel.h"
#include "core/frame.h"
#include "core/sys.h"

static int recv_op(struct via_channel *ch, void *arg)
{
	return ch->transport->recv(ch->end, arg);
}

static inline void release(struct via_channel *ch)
{
	ch->taken = false;
	if (ch->transport->release)
		ch->transport->release(ch->end);
}

void via_release(struct via_channel *ch)
{
	if (ch->taken && *ch->mine)
		release(ch);
}

size_t via_next_len(const struct via_channel *ch)
{
	return ch->held ? ch->held_in.len : 0;
}

static int recv_failed(struct via_channel *ch, int r)
{
	if (r == -EAGAIN)
		return via__fail_plain(via__channel_error(ch, VIA_RECV), r,
				       "no message is there");
	if (r == -ETIMEDOUT)
		return via__fail(via__channel_error(ch, VIA_RECV), r,
				 "%s: no message came", ch->url);
	if (r == -EPIPE)
		return via__fail(via__channel_error(ch, VIA_RECV), r,
				 "%s: every sender has left", ch->url);
	return via__channel_failed(ch, VIA_RECV, r);
}

/* The next message as the transport gives it. */
static inline int receive(struct via_channel *ch, struct via__in *in,
			  int64_t deadline)
{
	int r = ch->deferred;

	if (via__unlikely(r < 0)) {
		ch->deferred = 0;
		return r;
	}
	r = ch->transport->recv(ch->end, in);
	if (via__unlikely(r == -EAGAIN)) {
		r = via__until(ch, &ch->recv_side, deadline, recv_op, in);
		if (r == -EAGAIN || r == -ETIMEDOUT) {
			int parked = ch->transport->park
					     ? ch->transport->park(ch->end)
					     : 0;
			if (parked < 0)
				r = parked;
		}
	} else {
		(void)via__watch(ch, &ch->recv_side, r);
	}
	return via__unlikely(r < 0) ? recv_failed(ch, r) : 0;
}

/* Take the meta block off the front of a message. */
static int strip_meta(struct via_channel *ch, struct via__in *in,
		      struct via_msg *msg)
{
	struct via__meta m;
	struct via_error why;
	int r = via__meta_get(&m, in->data, in->len, &why);

	if (r < 0) {
		return via__fail(via__channel_error(ch, VIA_RECV), r, "%s: %s",
				 ch->url, why.text);
	}
	/* The block may be in the caller's buffer, to be moved over. */
	memcpy(ch->topic, m.topic, m.topic_len);
	msg->topic = m.topic_len ? ch->topic : NULL;
	msg->topic_len = m.topic_len;
	msg->has_correlation = m.has_correlation;
	msg->correlation = m.correlation;
	in->data = (char *)in->data + r;
	in->len -= (size_t)r;
	in->meta = false;
	return 0;
}

static inline void no_meta(struct via_msg *msg)
{
	msg->topic = NULL;
	msg->topic_len = 0;
	msg->has_correlation = 0;
	msg->correlation = 0;
	msg->reserved[0] = msg->reserved[1] = 0;
}

static inline void count(struct via_channel *ch, size_t len)
{
	ch->received.received++;
	ch->received.received_bytes += len;
}

static void close_fds(struct via_msg *msg)
{
	for (unsigned int i = 0; i < msg->n_fds; i++)
		via__close(&msg->fds[i]);
	msg->n_fds = 0;
}

void via__drop_held(struct via_channel *ch)
{
	if (ch->held)
		close_fds(&ch->held_info);
	ch->held = false;
}

static int hold_too_long(struct via_channel *ch, size_t size)
{
	return via__fail(
		via__channel_error(ch, VIA_RECV), -EMSGSIZE,
		"%s: the next message has %zu bytes and the buffer %zu",
		ch->url, ch->held_in.len, size);
}

static int hold(struct via_channel *ch, const struct via__in *in)
{
	ch->held = true;
	ch->held_in = *in;
	ch->held_info = *in->info;
	ch->info.n_fds = 0;
	return hold_too_long(ch, in->size);
}

/* Bring a message to buf, or hold it back if it is too long. */
static inline ssize_t deliver(struct via_channel *ch, struct via__in *in)
{
	if (via__unlikely(in->meta)) {
		int r = strip_meta(ch, in, in->info);

		if (r < 0) {
			close_fds(in->info);
			release(ch);
			return r;
		}
	} else if (!in->lazy || in->data != in->buf) {
		no_meta(in->info);
	}
	if (via__unlikely(in->len > in->size))
		return hold(ch, in);
	if (in->data != in->buf && in->len)
		memmove(in->buf, in->data, in->len);
	release(ch);
	if (via__unlikely(ch->info.n_fds))
		close_fds(&ch->info);
	count(ch, in->len);
	return (ssize_t)in->len;
}

/* The message held back, which has been looked at already. */
static ssize_t deliver_held(struct via_channel *ch, const struct via__in *to)
{
	struct via__in in = ch->held_in;
	struct via_msg info = ch->held_info;

	if (in.len > to->size)
		return hold_too_long(ch, to->size);
	info.data = to->info->data;
	info.size = to->info->size;
	*to->info = info;
	ch->held = false;
	memcpy(to->buf, in.data, in.len);
	release(ch);
	if (ch->info.n_fds)
		close_fds(&ch->info);
	count(ch, in.len);
	return (ssize_t)in.len;
}

/* What was taken goes back when the caller receives again. */
static inline int may_recv(struct via_channel *ch)
{
	int r = via__channel_check(ch, VIA_RECV);

	if (via__unlikely(r < 0))
		return r;
	if (via__unlikely(ch->taken))
		release(ch);
	return 0;
}

static inline ssize_t receive_into(struct via_channel *ch, struct via__in *in,
				   int64_t deadline)
{
	int r = may_recv(ch);

	if (via__unlikely(r < 0))
		return r;
	if (via__unlikely(ch->held))
		return deliver_held(ch, in);
	r = receive(ch, in, deadline);
	return via__unlikely(r < 0) ? r : deliver(ch, in);
}

ssize_t via_recv(struct via_channel *ch, void *buf, size_t size,
		 int64_t deadline)
{
	struct via__in in = {
		.buf = buf,
		.size = size,
		.info = &ch->info,
		.lazy = true,
	};

	return receive_into(ch, &in, deadline);
}

ssize_t via_recvmsg(struct via_channel *ch, struct via_msg *msg,
		    int64_t deadline)
{
	struct via__in in = {
		.buf = msg->data,
		.size = msg->size,
		.info = msg,
	};
	ssize_t r = receive_into(ch, &in, deadline);

	if (r >= 0)
		msg->len = (size_t)r;
	return r;
}

/* --- Views --- */

/* Hand a message on where it lies. */
static int show(struct via_channel *ch, struct via__in *in, struct via_msg *msg)
{
	no_meta(msg);
	if (via__unlikely(in->meta)) {
		int r = strip_meta(ch, in, msg);

		if (r < 0) {
			close_fds(msg);
			return r;
		}
	}
	msg->data = in->data;
	msg->size = msg->len = in->len;
	count(ch, in->len);
	return 0;
}

static void show_held(struct via_channel *ch, struct via_msg *msg)
{
	*msg = ch->held_info;
	msg->data = ch->held_in.data;
	msg->size = msg->len = ch->held_in.len;
	ch->held = false;
	count(ch, msg->len);
}

int via_take(struct via_channel *ch, struct via_msg *msg, int64_t deadline)
{
	struct via__in in = {.info = msg};
	int r = may_recv(ch);

	if (via__unlikely(r < 0))
		return r;
	ch->taken = true;
	if (via__unlikely(ch->held)) {
		show_held(ch, msg);
		return 0;
	}
	r = receive(ch, &in, deadline);
	return via__unlikely(r < 0) ? r : show(ch, &in, msg);
}

/* Another message into a batch, if it is there already. */
static int take_more(struct via_channel *ch, struct via_msg *msg)
{
	struct via__in in = {.info = msg};
	int r = ch->transport->recv(ch->end, &in);

	if (r == 0)
		r = show(ch, &in, msg);
	else if (r != -EAGAIN)
		r = recv_failed(ch, r);
	return r;
}

ssize_t via_take_batch(struct via_channel *ch, struct via_msg *msgs,
		       unsigned int n, int64_t deadline)
{
	if (!n)
		return via__fail(via__channel_error(ch, VIA_RECV), -EINVAL,
				 "%s: an empty batch", ch->url);
	int r = via_take(ch, &msgs[0], deadline);

	if (r < 0)
		return r;
	for (unsigned int i = 1; i < n; i++) {
		r = take_more(ch, &msgs[i]);
		if (r == 0)
			continue;
		if (r != -EAGAIN)
			ch->deferred = r;
		return i;
	}
	return n;
}
