/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include <zmq.h>

#include "bench/loops.h"

static int zeromq_open(struct bench_plan *plan, struct bench_channel *channel,
		       enum bench_role role, void **ret)
{
	static void *context; /* with its thread, for both ends of a side */
	char url[BENCH_URL_MAX + 8];
	int linger = 0;

	if (!context)
		context = zmq_ctx_new();
	void *socket = zmq_socket(context,
				  role == BENCH_SENDER ? ZMQ_PUSH : ZMQ_PULL);

	snprintf(url, sizeof(url), "ipc://%s", channel->url[role]);
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	if (role == BENCH_SENDER ? zmq_connect(socket, url)
				 : zmq_bind(socket, url))
		return bench_fail(plan, -errno, "%s: %s", url,
				  zmq_strerror(errno));
	*ret = socket;
	return 0;
}

static void zeromq_close(void *end)
{
	zmq_close(end);
}

static int zeromq_send(void *end, const void *data, size_t len)
{
	return zmq_send(end, data, len, 0) < 0 ? -errno : 0;
}

static ssize_t zeromq_recv(void *end, void *buf, size_t size)
{
	int n = zmq_recv(end, buf, size, 0);

	return n < 0 ? -errno : n;
}

BENCH_LOOPS(zeromq)

const struct bench_engine bench_zeromq = {
	.name = "zeromq",
	.open = zeromq_open,
	.close = zeromq_close,
	.loop = {BENCH_LOOP_ROWS(zeromq)},
};
