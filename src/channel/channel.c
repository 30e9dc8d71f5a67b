/* SPDX-License-Identifier: MIT */
/* What a channel end is asked apart from moving messages, and its end. */
#include "channel/channel.h"

#include <errno.h>
#include <string.h>

#include "core/sys.h"

/* So much of a URL that what is wrong has room behind it. */
#define URL_SHOWN (VIA_ERROR_TEXT_MAX / 2)

struct via_error *via__channel_error(struct via_channel *ch, enum via_role role)
{
	atomic_store_explicit(&ch->failed, role, memory_order_relaxed);
	return role == VIA_SEND ? &ch->send_side.error : &ch->recv_side.error;
}

int via__channel_failed(struct via_channel *ch, enum via_role role, int r)
{
	const struct via_error *why = via__end_error(ch->end, role);

	/* It may be about an earlier failure. */
	return via__fail(via__channel_error(ch, role), r, "%.*s: %s", URL_SHOWN,
			 ch->url, why->code == r ? why->text : via_strerror(r));
}

/* First use in a forked child. 0 if the mechanism allows that. */
static int adopt_fork(struct via_channel *ch, enum via_role role)
{
	if (!ch->transport->forked)
		return via__fail(
			via__channel_error(ch, role), -EPERM,
			"%s was opened before fork(); open it again in "
			"the child",
			ch->url);
	int r = ch->transport->forked(ch->end);

	if (r < 0)
		return via__channel_failed(ch, role, r);
	/* The rest of a message begun is the parent's to send, and what its
	 * event loop polls is shared with it. */
	ch->unfinished = false;
	via__side_fini(&ch->send_side);
	via__side_fini(&ch->recv_side);
	*ch->mine = 1;
	return 0;
}

int via__channel_refuses(struct via_channel *ch, enum via_role role)
{
	if ((ch->role & 0xff) != role &&
	    !((ch->role & VIA_DUPLEX) &&
	      (role == VIA_SEND || role == VIA_RECV)))
		return via__fail(via__channel_error(ch, role), -EOPNOTSUPP,
				 "%s is open for %s", ch->url,
				 (ch->role & 0xff) == VIA_SEND
					 ? "sending only"
					 : "receiving only");
	return *ch->mine ? 0 : adopt_fork(ch, role);
}

static int greet_op(struct via_channel *ch, void *unused)
{
	(void)unused;
	return ch->transport->greet(ch->end);
}

int via_wait_peer(struct via_channel *ch, int64_t deadline,
		  struct via_error *reterr)
{
	enum via_role role = (enum via_role)(ch->role & 0xff);
	int r = via__channel_check(ch, role);

	if (r == 0 && ch->transport->greet) {
		r = via__until(ch, &ch->recv_side, deadline, greet_op, NULL);
		if (r < 0)
			(void)via__channel_failed(ch, VIA_RECV, r);
	} else if (r == 0 && role == VIA_RECV) {
		struct pollfd pfd;

		r = ch->transport->pollfd(ch->end, role, &pfd);
		if (r >= 0)
			r = via__poll(&pfd, 1, deadline);
		r = r > 0 ? 0 : r < 0 ? r : via__deadline_error(deadline);
		if (r < 0)
			(void)via__fail(via__channel_error(ch, role), r,
					"%s: nobody came", ch->url);
	}
	if (r < 0 && reterr)
		*reterr = *via_last_error(ch);
	return r;
}

static int finish_op(struct via_channel *ch, void *unused)
{
	(void)unused;
	return ch->transport->finish(ch->end);
}

static int half_close_op(struct via_channel *ch, void *unused)
{
	(void)unused;
	return ch->transport->half_close(ch->end);
}

/* Everything accepted is out, and the receiver has it as far as can be told. */
static int finish(struct via_channel *ch, int64_t deadline)
{
	const struct via__transport *t = ch->transport;
	int r = via__until(ch, &ch->send_side, deadline, via__flush_op, NULL);

	if (r < 0)
		return r;
	if (!(ch->role & VIA_DUPLEX)) {
		ch->finished = true;
		ch->send_error = -EPIPE;
		ch->loan = NULL;
	}
	if (!t->finish)
		return r;
	/* Another thread may be receiving: nothing of that side is touched. */
	if (ch->role & VIA_DUPLEX && deadline == VIA_NO_WAIT &&
	    !ch->end->closing)
		return via__until(ch, &ch->send_side, deadline, half_close_op,
				  NULL);
	r = via__until(ch, &ch->recv_side, deadline, finish_op, NULL);
	/* It may have read what recv will give. */
	if (ch->role & VIA_DUPLEX)
		(void)via__watch(ch, &ch->recv_side, 0);
	/* Without waiting there is nothing to confirm. */
	return r == -EAGAIN ? 0 : r;
}

int via_finish(struct via_channel *ch, int64_t deadline)
{
	int r = via__channel_check(ch, VIA_SEND);

	if (r < 0)
		return r;
	if (ch->send_error && !ch->finished)
		return -EPIPE;
	if (deadline != VIA_NO_WAIT) {
		if (ch->held)
			return via__fail(via__channel_error(ch, VIA_SEND),
					 -EBUSY,
					 "%s: a message that did not fit is to "
					 "be received first",
					 ch->url);
		via_release(ch);
	}
	r = finish(ch, deadline);
	if (r == -EAGAIN || r == -ETIMEDOUT)
		return via__fail(via__channel_error(ch, VIA_SEND), r,
				 "%s: the receiver has not taken all", ch->url);
	return r < 0 ? via__channel_failed(ch, VIA_SEND, r) : 0;
}

int via_close(struct via_channel *ch, int64_t deadline)
{
	int r = 0;

	if (!ch)
		return 0;
	if (*ch->mine && ch->role != VIA_RECV) {
		ch->end->closing = true;
		ch->end->refused = ch->held;
		r = ch->send_error && !ch->finished ? -EPIPE
						    : finish(ch, deadline);
	}
	via__channel_free(ch);
	return r;
}

void via_stats(const struct via_channel *ch, struct via_stats *ret)
{
	*ret = ch->end->stats;
	ret->sent = ch->sent.sent;
	ret->sent_bytes = ch->sent.sent_bytes;
	ret->received = ch->received.received;
	ret->received_bytes = ch->received.received_bytes;
	ret->blocked_ns = ch->send_side.blocked_ns + ch->recv_side.blocked_ns;
	ret->sleeps = ch->send_side.sleeps + ch->recv_side.sleeps;
}

const char *via_url(const struct via_channel *ch)
{
	return ch->url;
}

size_t via_message_max(const struct via_channel *ch)
{
	return ch->end->max;
}

const struct via_mechanism *via_mechanism_of(const struct via_channel *ch)
{
	return &ch->transport->info;
}

const struct via_error *via_last_error(const struct via_channel *ch)
{
	return atomic_load_explicit(&ch->failed, memory_order_relaxed) ==
			       VIA_SEND
		       ? &ch->send_side.error
		       : &ch->recv_side.error;
}
