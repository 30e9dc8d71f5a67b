/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <via/via.h>

#include "bench/bare.h"

/* As much as via reads ahead. */
#define AHEAD_SIZE (64u << 10)

int bare_fail(struct bench_plan *plan, const char *what)
{
	int err = errno;

	return bench_fail(plan, -err, "%s: %s", what, strerror(err));
}

size_t bare_initial(const char *scheme, const char *option)
{
	const struct via_mechanism *m = via_mechanism_find(scheme);

	for (const struct via_option *o = m ? m->options : NULL; o && o->name;
	     o++) {
		if (strcmp(o->name, option))
			continue;
		char *unit;
		size_t size = strtoul(o->initial, &unit, 10);

		return *unit == 'M'   ? size << 20
		       : *unit == 'K' ? size << 10
				      : size;
	}
	return 0;
}

void bare_buffers(int fd, const char *scheme)
{
	int size = (int)bare_initial(scheme, "buffer");

	if (size <= 0)
		return;
	/* Cut by the kernel to its limit, as via's own are. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int bare_socketpair(struct bench_plan *plan, struct bench_channel *channel,
		    int type)
{
	if (socketpair(AF_UNIX, type, 0, channel->fd))
		return bare_fail(plan, "socketpair");
	for (int i = 0; i < BENCH_ROLES; i++)
		bare_buffers(channel->fd[i], "unix");
	return 0;
}

void bare_unmake(struct bench_channel *channel)
{
	for (int i = 0; i < BENCH_ROLES; i++)
		if (channel->fd[i] >= 0)
			close(channel->fd[i]);
}

int bare_open(struct bench_channel *channel, enum bench_role role, size_t cut,
	      void **ret)
{
	struct bare_end *end = calloc(1, sizeof(*end));
	uint8_t *ahead = malloc(AHEAD_SIZE);

	if (!end || !ahead) {
		free(end);
		free(ahead);
		return -ENOMEM;
	}
	end->fd = channel->fd[role];
	end->cut = cut;
	end->ahead = ahead;
	*ret = end;
	return 0;
}

void bare_close(void *ptr)
{
	struct bare_end *end = ptr;

	close(end->fd);
	free(end->ahead);
	free(end);
}
