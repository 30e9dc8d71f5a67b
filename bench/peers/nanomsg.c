/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>

#include "bench/loops.h"

static int to_socket(void *end)
{
	return (int)(intptr_t)end;
}

static int nanomsg_open(struct bench_plan *plan, struct bench_channel *channel,
			enum bench_role role, void **ret)
{
	int socket = nn_socket(AF_SP, role == BENCH_SENDER ? NN_PUSH : NN_PULL);
	int no_limit = -1;
	char url[BENCH_URL_MAX + 8];

	snprintf(url, sizeof(url), "ipc://%s", channel->url[role]);
	nn_setsockopt(socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, &no_limit,
		      sizeof(no_limit));
	if ((role == BENCH_SENDER ? nn_connect(socket, url)
				  : nn_bind(socket, url)) < 0)
		return bench_fail(plan, -errno, "%s: %s", url,
				  nn_strerror(errno));
	*ret = (void *)(intptr_t)socket;
	return 0;
}

static void nanomsg_close(void *end)
{
	nn_close(to_socket(end));
}

static int nanomsg_send(void *end, const void *data, size_t len)
{
	return nn_send(to_socket(end), data, len, 0) < 0 ? -errno : 0;
}

static ssize_t nanomsg_recv(void *end, void *buf, size_t size)
{
	int n = nn_recv(to_socket(end), buf, size, 0);

	return n < 0 ? -errno : n;
}

BENCH_LOOPS(nanomsg)

const struct bench_engine bench_nanomsg = {
	.name = "nanomsg",
	.open = nanomsg_open,
	.close = nanomsg_close,
	.loop = {BENCH_LOOP_ROWS(nanomsg)},
};
