/* SPDX-License-Identifier: MIT */
/* The engine that is measured: via, through its public API alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "bench/carry.h"
#include "bench/loops.h"

static const struct via_mechanism *mechanism_of(const char *url)
{
	char scheme[16];
	size_t len = strcspn(url, ":");

	if (len >= sizeof(scheme))
		return NULL;
	memcpy(scheme, url, len);
	scheme[len] = '\0';
	return via_mechanism_find(scheme);
}

/* Without an address the two sides can only inherit the channel. */
static int via_make(struct bench_plan *plan, struct bench_channel *channel)
{
	const struct via_mechanism *m =
		mechanism_of(channel->url[BENCH_RECEIVER]);
	struct via_channel *ends[BENCH_ROLES];
	struct via_error err;

	if (!m || m->abilities & VIA_HAS_ADDRESS)
		return 0;
	int r = via_pair(channel->url[BENCH_RECEIVER], &ends[BENCH_RECEIVER],
			 &ends[BENCH_SENDER], &err);

	if (r < 0)
		return bench_fail(plan, r, "%s", err.text);
	for (int i = 0; i < BENCH_ROLES; i++) {
		channel->end[i] = ends[i];
		int len = via_export(ends[i], channel->url[i], BENCH_URL_MAX);

		if (len < 0)
			r = bench_fail(plan, len, "%s",
				       via_last_error(ends[i])->text);
	}
	return r;
}

static void via_unmake(struct bench_channel *channel)
{
	for (int i = 0; i < BENCH_ROLES; i++) {
		via_close(channel->end[i], VIA_NO_WAIT);
		channel->end[i] = NULL;
	}
}

static int via_open_end(struct bench_plan *plan, struct bench_channel *channel,
			enum bench_role role, void **ret)
{
	struct via_channel *ch;
	struct via_error err;
	int r = via_open(channel->url[role],
			 role == BENCH_SENDER ? VIA_SEND : VIA_RECV,
			 via_deadline(5000000000), &ch, &err);

	if (r < 0)
		return bench_fail(plan, r, "%s", err.text);
	/* It may have been given a port by the kernel. */
	if (role == BENCH_RECEIVER &&
	    via_mechanism_of(ch)->abilities & VIA_HAS_ADDRESS)
		snprintf(channel->url[BENCH_SENDER], BENCH_URL_MAX, "%s",
			 via_url(ch));
	*ret = ch;
	return 0;
}

static void via_close_end(void *end)
{
	via_close(end, VIA_NO_WAIT);
}

static int via_one_send(void *end, const void *data, size_t len)
{
	return via_send(end, data, len, VIA_NEVER);
}

static ssize_t via_one_recv(void *end, void *buf, size_t size)
{
	return via_recv(end, buf, size, VIA_NEVER);
}

BENCH_LOOPS(via_one)

/* plan->batch messages a call; there are as many slots. */
static int via_batch_give(struct bench_side *s, uint64_t *seq)
{
	struct iovec msgs[BENCH_BATCH_MAX];
	unsigned int n = s->plan->batch;

	for (unsigned int i = 0; i < n; i++) {
		msgs[i] = (struct iovec){s->slots + i * s->size, s->size};
		bench_stamp(msgs[i].iov_base, s->size, *seq + i);
	}
	ssize_t sent = via_send_batch(s->out, msgs, n, VIA_NEVER);

	if (sent < 0)
		return (int)sent;
	*seq += (uint64_t)sent;
	return 0;
}

static int via_batch_get(struct bench_side *s, uint64_t *seq, bool pattern)
{
	struct via_msg msgs[BENCH_BATCH_MAX];
	ssize_t n = via_take_batch(s->in, msgs, s->plan->batch, VIA_NEVER);
	int special = 0;

	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++) {
		int r = bench_check(s, msgs[i].data, msgs[i].len, (*seq)++,
				    pattern);

		if (r < 0)
			return r;
		special |= r;
	}
	via_release(s->in);
	return special;
}

static int via_batch_source(struct bench_side *s)
{
	return bench_source(s, via_one_send, via_batch_give);
}

static int via_batch_sink(struct bench_side *s)
{
	return bench_sink(s, via_batch_get);
}

const struct bench_engine bench_via = {
	.name = "via",
	.work = "via_send and via_recv, or via_send_batch and via_take_batch",
	.make = via_make,
	.unmake = via_unmake,
	.open = via_open_end,
	.close = via_close_end,
	.loop = {BENCH_LOOP_ROWS(via_one){carry_source, carry_sink}},
	.batch_loop = {via_batch_source, via_batch_sink},
};
