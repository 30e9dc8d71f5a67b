/* SPDX-License-Identifier: MIT */
/*
 * Bytes between a channel and a pipe.
 *
 * Either there is data to pass on, and the pump waits for the side that takes
 * it, or it waits for the side that gives. Both sides stay in the epoll; each
 * report disarms a descriptor (EPOLLONESHOT), so that the one not waited for
 * cannot keep its owner awake, with a hang-up for example.
 */
#include "process/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"

/* What a pipe holds by default: pipe(7). */
#define BUF_SIZE 65536

/* So often it carries before others have their turn. */
#define ROUNDS 64

/* Cannot fail: the descriptor is in the set since via__pump_init(). */
static void arm(const struct via__pump *pump, int fd, int events)
{
	struct epoll_event ev = {.events = (uint32_t)events | EPOLLONESHOT,
				 .data.u32 = UINT32_MAX};

	(void)epoll_ctl(pump->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
}

static int join_epoll(const struct via__pump *pump, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLONESHOT,
				 .data.u32 = UINT32_MAX};

	return epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int via__pump_init(struct via__pump *pump, enum via_role role,
		   struct via_channel *channel, int fd, int epoll_fd,
		   struct via_error *err)
{
	*pump = (struct via__pump){
		.fd = fd,
		.channel = channel,
		.epoll_fd = epoll_fd,
		.buf_size = via_message_max(channel),
	};
	if (pump->buf_size > BUF_SIZE)
		pump->buf_size = BUF_SIZE;
	int r = via_pollfd(channel, role, &pump->channel_poll);

	if (r == 0 && role == VIA_SEND) {
		pump->buf = malloc(pump->buf_size);
		r = pump->buf ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = via__set_nonblock(fd, 1);
	if (r == 0)
		r = join_epoll(pump, fd);
	if (r == 0)
		r = join_epoll(pump, pump->channel_poll.fd);
	return r < 0 ? via__fail_errno(err, r, "%s", via_url(channel)) : 0;
}

void via__pump_fini(struct via__pump *pump)
{
	if (pump->fd < 0)
		return;
	if (!pump->buf)
		via_release(pump->channel); /* what was taken last */
	(void)epoll_ctl(pump->epoll_fd, EPOLL_CTL_DEL, pump->channel_poll.fd,
			NULL);
	via__close(&pump->fd);
	free(pump->buf);
	pump->buf = NULL;
}

/* The other side of the channel or of the pipe has left, or an error. */
static void finish(struct via__pump *pump, int r)
{
	if (r != -EPIPE)
		pump->error = *via_last_error(pump->channel);
	via__pump_fini(pump);
}

static int take(struct via__pump *pump)
{
	/* Not to take what nobody will read. */
	struct pollfd pfd = {.fd = pump->fd};

	if (via__poll(&pfd, 1, VIA_NO_WAIT) > 0)
		return -EPIPE;
	struct via_msg msg = {0};
	int r = via_take(pump->channel, &msg, VIA_NO_WAIT);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < msg.n_fds; i++)
		(void)close(msg.fds[i]); /* a pipe cannot carry them */
	pump->data = msg.data;
	pump->len = msg.len;
	pump->holds = true;
	return 0;
}

static int put(struct via__pump *pump)
{
	struct iovec iov = {(void *)pump->data, pump->len};
	ssize_t n = pump->len ? via__writev(pump->fd, &iov, 1) : 0;

	if (n < 0)
		return (int)n;
	pump->data += n;
	pump->len -= (size_t)n;
	pump->holds = pump->len > 0;
	return 0;
}

void via__pump_in(struct via__pump *pump)
{
	for (int i = 0; i < ROUNDS && pump->fd >= 0; i++) {
		int r = pump->holds ? put(pump) : take(pump);

		if (r == -EAGAIN)
			break;
		if (r < 0)
			finish(pump, r);
	}
	if (pump->fd < 0)
		return;
	if (pump->holds)
		arm(pump, pump->fd, EPOLLOUT);
	else
		arm(pump, pump->channel_poll.fd, pump->channel_poll.events);
}

static int get(struct via__pump *pump)
{
	ssize_t n = via__read(pump->fd, pump->buf, pump->buf_size);

	if (n <= 0)
		return n == 0 ? -EPIPE : (int)n;
	pump->len = (size_t)n;
	pump->holds = true;
	return 0;
}

static int send_held(struct via__pump *pump)
{
	int r = via_send(pump->channel, pump->buf, pump->len, VIA_NO_WAIT);

	if (r == 0)
		pump->holds = false;
	return r;
}

void via__pump_out(struct via__pump *pump)
{
	for (int i = 0; i < ROUNDS && pump->fd >= 0; i++) {
		int r = pump->holds ? send_held(pump) : get(pump);

		if (r == -EAGAIN)
			break;
		if (r < 0)
			finish(pump, r);
	}
	if (pump->fd < 0)
		return;
	if (pump->holds)
		arm(pump, pump->channel_poll.fd, pump->channel_poll.events);
	else
		arm(pump, pump->fd, EPOLLIN);
}
