/* SPDX-License-Identifier: MIT */
/*
 * Sending. A message is either not begun, and then a deadline can still call
 * it off, or begun, and then it is finished whatever happens: what a deadline
 * leaves of it is copied and goes out before anything else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel/channel.h"
#include "core/frame.h"

static int send_op(struct via_channel *ch, void *arg)
{
	return ch->transport->send(ch->end, arg);
}

int via__flush_op(struct via_channel *ch, void *unused)
{
	(void)unused;
	if (ch->unfinished) {
		int r = ch->transport->send(ch->end, &ch->rest);

		if (r < 0)
			return r;
		ch->unfinished = false;
		free(ch->rest_buf);
		ch->rest_buf = NULL;
	}
	return ch->transport->flush ? ch->transport->flush(ch->end) : 0;
}

/* The end cannot send any more after this. */
static int send_failed(struct via_channel *ch, int r)
{
	if (r == -EAGAIN)
		return via__fail_plain(via__channel_error(ch, VIA_SEND), r,
				       "there is no room");
	if (r == -ETIMEDOUT)
		return via__fail(via__channel_error(ch, VIA_SEND), r,
				 "%s: full, the receiver does not take what is "
				 "sent",
				 ch->url);
	if (r != -EMSGSIZE && r != -EOPNOTSUPP)
		ch->send_error = r;
	return via__channel_failed(ch, VIA_SEND, r);
}

static int send_refused(struct via_channel *ch)
{
	if (ch->finished)
		return via__fail(via__channel_error(ch, VIA_SEND), -EPIPE,
				 "%s: this end has finished", ch->url);
	return ch->send_error;
}

/* Before anything is sent: may it be, and is the last message out? */
static int may_send(struct via_channel *ch, size_t len, int64_t deadline)
{
	int r = via__channel_check(ch, VIA_SEND);

	if (via__unlikely(r < 0))
		return r;
	/* It may lie where the next message goes. */
	ch->loan = NULL;
	if (via__unlikely(ch->send_error))
		return send_refused(ch);
	if (via__unlikely(len > ch->end->max))
		return via__fail(via__channel_error(ch, VIA_SEND), -EMSGSIZE,
				 "%s: a message of %zu bytes is over the limit "
				 "of %llu; see the option max",
				 ch->url, len,
				 (unsigned long long)ch->end->max);
	if (via__likely(!ch->unfinished))
		return 0;
	r = via__until(ch, &ch->send_side, deadline, via__flush_op, NULL);
	return r < 0 ? send_failed(ch, r) : 0;
}

/* The deadline has passed in the middle of a message: copy what is left. */
static int keep_rest(struct via_channel *ch, const struct via__out *out)
{
	size_t total = via__out_total(out);
	char *copy = malloc(total ? total : 1);

	if (!copy) {
		ch->send_error = -ENOMEM;
		return via__fail(via__channel_error(ch, VIA_SEND), -ENOMEM,
				 "%s: a message is half sent and there is no "
				 "memory to keep the rest",
				 ch->url);
	}
	if (out->prefix_len)
		memcpy(copy, out->prefix, out->prefix_len);
	if (out->len)
		memcpy(copy + out->prefix_len, out->data, out->len);
	ch->rest_buf = copy;
	ch->rest = (struct via__out){
		.data = copy + out->prefix_len,
		.len = out->len,
		.prefix = copy,
		.prefix_len = out->prefix_len,
		.done = out->done,
		.begun = true,
	};
	ch->unfinished = true;
	return 0;
}

static int send_waiting(struct via_channel *ch, struct via__out *out,
			int64_t deadline)
{
	int r = via__until(ch, &ch->send_side, deadline, send_op, out);

	if ((r == -EAGAIN || r == -ETIMEDOUT) && out->begun)
		r = keep_rest(ch, out);
	return r;
}

static inline int send_out(struct via_channel *ch, struct via__out *out,
			   int64_t deadline)
{
	int r = may_send(ch, via__out_total(out), deadline);

	if (via__unlikely(r < 0))
		return r;
	r = ch->transport->send(ch->end, out);
	if (via__unlikely(r == -EAGAIN))
		r = send_waiting(ch, out, deadline);
	else
		(void)via__watch(ch, &ch->send_side, r);
	if (via__unlikely(r < 0))
		return send_failed(ch, r);
	ch->sent.sent++;
	ch->sent.sent_bytes += out->len;
	return 0;
}

int via_send(struct via_channel *ch, const void *data, size_t len,
	     int64_t deadline)
{
	struct via__out out = {.data = data, .len = len};

	return send_out(ch, &out, deadline);
}

int via_sendmsg(struct via_channel *ch, const struct via_msg *msg,
		int64_t deadline)
{
	uint8_t meta[VIA__META_MAX];
	struct via__out out = {
		.data = msg->data,
		.len = msg->len,
		.fds = msg->fds,
		.n_fds = msg->n_fds,
	};

	if (msg->n_fds && !(ch->transport->info.abilities & VIA_CAN_FDS))
		return via__fail(via__channel_error(ch, VIA_SEND), -EOPNOTSUPP,
				 "%s: descriptors cannot go this way", ch->url);
	if (msg->n_fds > VIA_FDS_MAX)
		return via__fail(via__channel_error(ch, VIA_SEND), -EINVAL,
				 "%s: %u descriptors are over the limit of %d",
				 ch->url, msg->n_fds, VIA_FDS_MAX);
	if (msg->topic_len > VIA_TOPIC_MAX)
		return via__fail(via__channel_error(ch, VIA_SEND), -EINVAL,
				 "%s: a topic of %u bytes is over the limit of "
				 "%d",
				 ch->url, msg->topic_len, VIA_TOPIC_MAX);
	if (msg->topic_len || msg->has_correlation) {
		const struct via__meta m = {
			.topic = msg->topic,
			.topic_len = msg->topic_len,
			.has_correlation = msg->has_correlation,
			.correlation = msg->correlation,
		};

		out.prefix = meta;
		out.prefix_len = via__meta_put(&m, meta);
	}
	return send_out(ch, &out, deadline);
}

/* --- Batches --- */

struct batch {
	const struct iovec *msgs;
	unsigned int n;
	struct via__out alone; /* the first, too long to be sent with others */
};

static int batch_op(struct via_channel *ch, void *arg)
{
	struct batch *b = arg;
	int r = 0;

	if (!b->alone.begun)
		r = ch->transport->send_batch(ch->end, b->msgs, b->n);
	if (r != 0)
		return r;
	r = ch->transport->send(ch->end, &b->alone);
	return r < 0 ? r : 1;
}

/* Some of the messages, at least the first. How many, or as via_send(). */
static int send_some(struct via_channel *ch, const struct iovec *msgs,
		     unsigned int n, int64_t deadline)
{
	struct batch b = {
		.msgs = msgs,
		.n = n,
		.alone = {.data = msgs->iov_base, .len = msgs->iov_len},
	};
	int r = via__until(ch, &ch->send_side, deadline, batch_op, &b);

	if ((r == -EAGAIN || r == -ETIMEDOUT) && b.alone.begun) {
		r = keep_rest(ch, &b.alone);
		return r < 0 ? r : 1;
	}
	return r < 0 ? send_failed(ch, r) : r;
}

static void count_batch(struct via_channel *ch, const struct iovec *msgs,
			unsigned int n)
{
	ch->sent.sent += n;
	for (unsigned int i = 0; i < n; i++)
		ch->sent.sent_bytes += msgs[i].iov_len;
}

/* One message after the other, for transports that know no better. */
static ssize_t send_each(struct via_channel *ch, const struct iovec *msgs,
			 unsigned int n, int64_t deadline)
{
	for (unsigned int i = 0; i < n; i++) {
		int r = via_send(ch, msgs[i].iov_base, msgs[i].iov_len,
				 deadline);
		if (r < 0)
			return i ? (ssize_t)i : r;
	}
	return n;
}

ssize_t via_send_batch(struct via_channel *ch, const struct iovec *msgs,
		       unsigned int n, int64_t deadline)
{
	unsigned int done = 0;
	size_t longest = 0;
	int r = 0;

	for (unsigned int i = 0; i < n; i++)
		if (msgs[i].iov_len > longest)
			longest = msgs[i].iov_len;
	/* What is too long fails in its turn, not before the others. */
	if (!ch->transport->send_batch || longest > ch->end->max)
		return send_each(ch, msgs, n, deadline);
	r = may_send(ch, 0, deadline);
	while (r >= 0 && done < n && !ch->unfinished) {
		r = send_some(ch, msgs + done, n - done, deadline);
		if (r > 0) {
			count_batch(ch, msgs + done, (unsigned int)r);
			done += (unsigned int)r;
		}
	}
	if (!done)
		return r;
	/* Accepted is accepted; out in time is better. */
	if (ch->transport->flush)
		(void)via__until(ch, &ch->send_side, deadline, via__flush_op,
				 NULL);
	return done;
}

int via_flush(struct via_channel *ch, int64_t deadline)
{
	int r = via__channel_check(ch, VIA_SEND);

	if (r < 0)
		return r;
	if (ch->send_error && !ch->finished)
		return ch->send_error;
	r = via__until(ch, &ch->send_side, deadline, via__flush_op, NULL);
	return r < 0 ? send_failed(ch, r) : 0;
}

/* --- Building in place --- */

struct loan_request {
	size_t len;
	void *at;
};

static int loan_op(struct via_channel *ch, void *arg)
{
	struct loan_request *rq = arg;

	return ch->transport->loan(ch->end, rq->len, &rq->at);
}

/* A loan that is a buffer of the channel; grown, never shrunk. */
static int loan_buffer(struct via_channel *ch, size_t len)
{
	if (len > ch->loan_buf_size) {
		void *buf = malloc(len);

		if (!buf)
			return via__fail_errno(via__channel_error(ch, VIA_SEND),
					       -ENOMEM, "%s", ch->url);
		free(ch->loan_buf);
		ch->loan_buf = buf;
		ch->loan_buf_size = len;
	}
	ch->loan = ch->loan_buf;
	ch->loan_in_place = false;
	return 0;
}

int via_loan(struct via_channel *ch, size_t len, void **ret, int64_t deadline)
{
	int r = may_send(ch, len, deadline);

	if (r < 0)
		return r;
	r = -EMSGSIZE;
	if (ch->transport->loan) {
		struct loan_request rq = {.len = len};

		r = via__until(ch, &ch->send_side, deadline, loan_op, &rq);
		ch->loan = rq.at;
		ch->loan_in_place = true;
	}
	if (r == -EMSGSIZE)
		r = loan_buffer(ch, len ? len : 1);
	else if (r < 0)
		r = send_failed(ch, r);
	if (r < 0) {
		ch->loan = NULL;
		return r;
	}
	ch->loan_len = len;
	*ret = ch->loan;
	return 0;
}

int via_commit(struct via_channel *ch, size_t len, int64_t deadline)
{
	int r = via__channel_check(ch, VIA_SEND);

	if (r < 0)
		return r;
	if (!ch->loan || len > ch->loan_len)
		return via__fail(via__channel_error(ch, VIA_SEND), -EINVAL,
				 "%s: commit of %zu bytes without a loan of "
				 "that length",
				 ch->url, len);
	if (ch->loan_in_place) {
		r = ch->transport->commit(ch->end, len);
		if (r < 0)
			return send_failed(ch, r);
		ch->sent.sent++;
		ch->sent.sent_bytes += len;
	} else {
		void *loan = ch->loan;

		r = via_send(ch, loan, len, deadline);
		if (r < 0) {
			ch->loan = loan;
			return r;
		}
	}
	ch->loan = NULL;
	return 0;
}
