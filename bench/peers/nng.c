/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include "bench/loops.h"

static int nng_open_end(struct bench_plan *plan, struct bench_channel *channel,
			enum bench_role role, void **ret)
{
	nng_socket *socket = calloc(1, sizeof(*socket));
	char url[BENCH_URL_MAX + 8];
	int r;

	if (!socket)
		return -ENOMEM;
	snprintf(url, sizeof(url), "ipc://%s", channel->url[role]);
	r = role == BENCH_SENDER ? nng_push0_open(socket)
				 : nng_pull0_open(socket);
	if (!r) /* no limit */
		r = nng_socket_set_size(*socket, NNG_OPT_RECVMAXSZ, 0);
	if (!r)
		r = role == BENCH_SENDER ? nng_dial(*socket, url, NULL, 0)
					 : nng_listen(*socket, url, NULL, 0);
	if (r) {
		free(socket);
		return bench_fail(plan, -EIO, "%s: %s", url, nng_strerror(r));
	}
	*ret = socket;
	return 0;
}

static void nng_close_end(void *end)
{
	nng_close(*(nng_socket *)end);
	free(end);
}

static int nng_one_send(void *end, const void *data, size_t len)
{
	/* It does not write to data without NNG_FLAG_ALLOC. */
	return nng_send(*(nng_socket *)end, (void *)data, len, 0) ? -EIO : 0;
}

static ssize_t nng_one_recv(void *end, void *buf, size_t size)
{
	return nng_recv(*(nng_socket *)end, buf, &size, 0) ? -EIO
							   : (ssize_t)size;
}

BENCH_LOOPS(nng_one)

const struct bench_engine bench_nng = {
	.name = "nng",
	.open = nng_open_end,
	.close = nng_close_end,
	.loop = {BENCH_LOOP_ROWS(nng_one)},
};
