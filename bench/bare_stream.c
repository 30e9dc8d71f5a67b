/* SPDX-License-Identifier: MIT */
/* Framed byte streams by hand: pipe, FIFO, Unix stream, TCP on loopback. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/loops.h"

#define AHEAD_SIZE (64u << 10)

static int write_all(int fd, struct iovec *iov, int n)
{
	while (n) {
		ssize_t done = writev(fd, iov, n);

		if (done < 0)
			return -errno;
		for (; n && (size_t)done >= iov->iov_len; iov++, n--)
			done -= (ssize_t)iov->iov_len;
		if (n) {
			iov->iov_base = (uint8_t *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int bare_send(void *ptr, const void *data, size_t len)
{
	struct bare_end *end = ptr;
	struct bare_header header = {
		.magic = BARE_MAGIC,
		.sender = 1,
		.seq = end->seq++,
		.total = len,
	};
	size_t most = end->cut - sizeof(header);

	for (size_t done = 0; done < len; done += header.len) {
		header.len = (uint32_t)(len - done < most ? len - done : most);
		struct iovec iov[] = {
			{&header, sizeof(header)},
			{(uint8_t *)data + done, header.len},
		};
		int r = write_all(end->fd, iov, 2);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Read into buf and on into the buffer, which is empty. How much of buf. */
static ssize_t read_past(struct bare_end *end, void *buf, size_t len)
{
	struct iovec iov[] = {{buf, len}, {end->ahead, AHEAD_SIZE}};
	ssize_t n = len ? readv(end->fd, iov, 2)
			: read(end->fd, end->ahead, AHEAD_SIZE);

	if (n <= 0)
		return n ? -errno : -EPIPE;
	end->head = 0;
	end->tail = (size_t)n > len ? (size_t)n - len : 0;
	return (size_t)n > len ? (ssize_t)len : n;
}

/* The next len bytes of the stream. */
static int take(struct bare_end *end, void *buf, size_t len)
{
	size_t have = end->tail - end->head;
	size_t done = len < have ? len : have;

	memcpy(buf, end->ahead + end->head, done);
	end->head += done;
	while (done < len) {
		ssize_t n = read_past(end, (uint8_t *)buf + done, len - done);

		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	return 0;
}

static ssize_t bare_recv(void *ptr, void *buf, size_t size)
{
	struct bare_end *end = ptr;
	struct bare_header header;
	size_t done = 0;

	do {
		int r = take(end, &header, sizeof(header));

		if (r < 0)
			return r;
		if (header.magic != BARE_MAGIC || header.seq != end->seq ||
		    header.len > size - done)
			return -EPROTO;
		r = take(end, (uint8_t *)buf + done, header.len);
		if (r < 0)
			return r;
		done += header.len;
	} while (done < header.total);
	end->seq++;
	return (ssize_t)done;
}

BENCH_LOOPS(bare)

static int pipe_make(struct bench_plan *plan, struct bench_channel *channel)
{
	int fd[2];
	size_t size = bare_initial("pipe", "size");

	if (pipe(fd))
		return bare_fail(plan, "pipe");
	if (size)
		(void)fcntl(fd[0], F_SETPIPE_SZ, size);
	channel->fd[BENCH_RECEIVER] = fd[0];
	channel->fd[BENCH_SENDER] = fd[1];
	return 0;
}

static int fifo_make(struct bench_plan *plan, struct bench_channel *channel)
{
	const char *path = channel->url[BENCH_RECEIVER];
	size_t size = bare_initial("fifo", "size");

	/* O_RDWR does not wait for the other side: fifo(7). */
	if (mkfifo(path, 0600))
		return bare_fail(plan, path);
	int both = open(path, O_RDWR | O_CLOEXEC);

	channel->fd[BENCH_RECEIVER] = open(path, O_RDONLY);
	channel->fd[BENCH_SENDER] = open(path, O_WRONLY);
	if (size)
		(void)fcntl(both, F_SETPIPE_SZ, size);
	close(both);
	unlink(path);
	return channel->fd[BENCH_SENDER] < 0 ? bare_fail(plan, path) : 0;
}

static int unix_make(struct bench_plan *plan, struct bench_channel *channel)
{
	return bare_socketpair(plan, channel, SOCK_STREAM);
}

static int tcp_make(struct bench_plan *plan, struct bench_channel *channel)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr *address = (struct sockaddr *)&any;
	socklen_t len = sizeof(any);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int to = socket(AF_INET, SOCK_STREAM, 0), from = -1, on = 1, r = 0;

	if (!bind(listener, address, len) && !listen(listener, 1) &&
	    !getsockname(listener, address, &len) && !connect(to, address, len))
		from = accept(listener, NULL, NULL);
	if (from < 0)
		r = bare_fail(plan, "a TCP connection to itself");
	(void)setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bare_buffers(to, "tcp");
	bare_buffers(from, "tcp");
	close(listener);
	channel->fd[BENCH_RECEIVER] = from;
	channel->fd[BENCH_SENDER] = to;
	return r;
}

static int pipe_open(struct bench_plan *plan, struct bench_channel *channel,
		     enum bench_role role, void **ret)
{
	(void)plan;
	return bare_open(channel, role, PIPE_BUF, ret);
}

static int socket_open(struct bench_plan *plan, struct bench_channel *channel,
		       enum bench_role role, void **ret)
{
	(void)plan;
	return bare_open(channel, role, UINT32_MAX, ret);
}

#define PIECES                                                                 \
	"blocking; 32-byte header and up to 4064 bytes by one writev() each, " \
	"64 KiB read ahead, long pieces by readv() in place"
#define WHOLE                                                                  \
	"blocking; 32-byte header and message by one writev(), 64 KiB read "   \
	"ahead, the rest of a long message by readv() in place"

const struct bench_engine bench_bare_pipe = {
	.name = "bare pipe",
	.work = PIECES,
	.make = pipe_make,
	.unmake = bare_unmake,
	.open = pipe_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};

const struct bench_engine bench_bare_fifo = {
	.name = "bare fifo",
	.work = PIECES,
	.make = fifo_make,
	.unmake = bare_unmake,
	.open = pipe_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};

const struct bench_engine bench_bare_unix = {
	.name = "bare unix",
	.work = WHOLE,
	.make = unix_make,
	.unmake = bare_unmake,
	.open = socket_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};

const struct bench_engine bench_bare_tcp = {
	.name = "bare tcp",
	.work = WHOLE "; TCP_NODELAY",
	.make = tcp_make,
	.unmake = bare_unmake,
	.open = socket_open,
	.close = bare_close,
	.loop = {BENCH_LOOP_ROWS(bare)},
};
