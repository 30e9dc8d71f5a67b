/* SPDX-License-Identifier: MIT */
/*
 * pipe: anonymous pipes, made in pairs or adopted by descriptor number.
 *
 * An adopted descriptor may share its open file description with strangers,
 * whose reads and writes O_NONBLOCK would break (a shell's terminal is the
 * classic): the flag is never set on it. A pipe or terminal is opened again
 * through /proc, which gives a description of our own; other things are asked
 * by poll() before each call, or by MSG_DONTWAIT.
 */
#include "transport/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"

extern const struct via__transport via__transport_pipe;

/* --- Shared with fifo.c --- */

int via__pipe_init(struct via__pipe *p, const struct via__transport *transport,
		   unsigned int role, const struct via__common *common,
		   bool raw, struct via_error *err)
{
	p->base.transport = transport;
	p->base.role = role;
	p->base.max = common->max;
	p->fd = -1;
	p->raw = raw;
	int r = role == VIA_RECV ? via__reader_init(&p->reader, &p->base, -1,
						    VIA__READER_SIZE,
						    VIA__SENDERS_SHARED)
				 : via__writer_init(&p->writer, -1, PIPE_BUF);

	p->reader.raw = p->writer.raw = raw;
	if (r < 0)
		return via__fail_errno(err, r, "%s:", transport->info.scheme);
	return 0;
}

void via__pipe_attach(struct via__pipe *p, int fd)
{
	via__close(&p->fd);
	p->fd = p->reader.fd = p->writer.fd = fd;
}

void via__pipe_hello(struct via__pipe *p)
{
	/* Full: it goes before the first message. Broken: that will tell. */
	if (!p->raw)
		(void)via__writer_control(&p->writer, VIA__FRAME_HELLO, 0, 0);
}

void via__pipe_fini(struct via__pipe *p)
{
	via__reader_fini(&p->reader);
	via__writer_fini(&p->writer);
	via__close(&p->fd);
}

int via__pipe_reopen(int fd, unsigned int role)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int own = open(path, (role == VIA_RECV ? O_RDONLY : O_WRONLY) |
				     O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return own < 0 ? -errno : own;
}

int via__pipe_resize(int fd, uint64_t size, struct via_error *err)
{
	if (fcntl(fd, F_SETPIPE_SZ, (int)(size ? size : VIA__PIPE_SIZE)) >= 0 ||
	    !size)
		return 0;
	return via__fail_errno(err, -errno,
			       "size=%llu: not to be had; see "
			       "/proc/sys/fs/pipe-max-size and pipe(7)",
			       (unsigned long long)size);
}

int via__pipe_forked(struct via__end *end)
{
	struct via__pipe *p = (struct via__pipe *)end;

	if (end->role == VIA_SEND) {
		via__writer_forked(&p->writer);
		return 0;
	}
	if (via__reader_fresh(&p->reader))
		return 0;
	return via__fail(&end->error, -EPERM,
			 "the parent has received from this end before fork()");
}

/* Give a failure to send its sentence. */
static int send_result(struct via__end *end, int r)
{
	if (r >= 0 || r == -EAGAIN)
		return r;
	if (r == -EPIPE)
		return via__fail(&end->error, r, "the receiver has left");
	return via__fail_errno(&end->error, r, "cannot send");
}

/* The stream ends where the last descriptor to write to it is closed. */
int via__pipe_finish(struct via__end *end)
{
	via__pipe_attach((struct via__pipe *)end, -1);
	return 0;
}

int via__pipe_send(struct via__end *end, struct via__out *out)
{
	struct via__pipe *p = (struct via__pipe *)end;

	if (p->raw && out->prefix_len)
		return via__fail(&end->error, -EOPNOTSUPP,
				 "raw messages go without topic and "
				 "correlation");
	return send_result(end, via__writer_send(&p->writer, out));
}

int via__pipe_send_batch(struct via__end *end, const struct iovec *msgs,
			 unsigned int n)
{
	struct via__pipe *p = (struct via__pipe *)end;

	return send_result(end, via__writer_send_batch(&p->writer, msgs, n));
}

int via__pipe_flush(struct via__end *end)
{
	struct via__pipe *p = (struct via__pipe *)end;

	return send_result(end, via__writer_flush(&p->writer));
}

int via__pipe_recv(struct via__end *end, struct via__in *in)
{
	struct via__pipe *p = (struct via__pipe *)end;
	int r = via__reader_next(&p->reader, in);

	if (r != VIA__READER_END)
		return r;
	return via__fail(&end->error, -EPIPE, "every sender has left");
}

void via__pipe_release(struct via__end *end)
{
	via__reader_release(&((struct via__pipe *)end)->reader);
}

int via__pipe_park(struct via__end *end)
{
	return via__reader_park(&((struct via__pipe *)end)->reader);
}

int via__pipe_pollfd(struct via__end *end, enum via_role role,
		     struct pollfd *ret)
{
	ret->fd = ((struct via__pipe *)end)->fd;
	ret->events = role == VIA_RECV ? POLLIN : POLLOUT;
	return 0;
}

static int ready(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int r = via__poll(&pfd, 1, VIA_NO_WAIT);

	return r > 0 ? 0 : r < 0 ? r : -EAGAIN;
}

int via__pipe_greet(struct via__end *end)
{
	struct via__pipe *p = (struct via__pipe *)end;

	if (end->role == VIA_SEND || p->paired ||
	    end->stats.joined != end->stats.left)
		return 0;
	int r = p->raw ? ready(p->fd, POLLIN) : via__reader_peek(&p->reader);

	if (r != VIA__READER_END)
		return r;
	return via__fail(&end->error, -EPIPE, "every sender has left");
}

void via__pipe_close(struct via__end *end, bool forked)
{
	struct via__pipe *p = (struct via__pipe *)end;

	(void)forked; /* there is nothing that a parent shares */
	via__pipe_fini(p);
	free(p);
}

/* --- Descriptors of others --- */

static ssize_t polled_read(struct via__reader *r, const struct iovec *iov,
			   int n)
{
	int rc = ready(r->fd, POLLIN);

	return rc < 0 ? rc : via__readv(r->fd, iov, n);
}

static ssize_t polled_write(struct via__writer *w, const struct iovec *iov,
			    int n, const int *fds, unsigned int n_fds)
{
	int rc = ready(w->fd, POLLOUT);

	(void)fds;
	(void)n_fds;
	return rc < 0 ? rc : via__writev(w->fd, iov, n);
}

/* A pipe with POLLOUT has room for PIPE_BUF bytes, but not for more. */
static ssize_t polled_pipe_write(struct via__writer *w, const struct iovec *iov,
				 int n, const int *fds, unsigned int n_fds)
{
	struct iovec first = iov[0];

	if (first.iov_len < PIPE_BUF)
		return polled_write(w, iov, n, fds, n_fds);
	first.iov_len = PIPE_BUF;
	return polled_write(w, &first, 1, fds, n_fds);
}

static ssize_t socket_read(struct via__reader *r, const struct iovec *iov,
			   int n)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)n,
	};

	return via__recvmsg(r->fd, &msg, MSG_DONTWAIT);
}

static ssize_t socket_write(struct via__writer *w, const struct iovec *iov,
			    int n, const int *fds, unsigned int n_fds)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)n,
	};

	(void)fds;
	(void)n_fds;
	return via__sendmsg(w->fd, &msg, MSG_DONTWAIT);
}

/* Never block on a descriptor without O_NONBLOCK. Regular files do not. */
static void be_patient(struct via__pipe *p, mode_t type)
{
	if (S_ISREG(type))
		return;
	p->reader.read = S_ISSOCK(type) ? socket_read : polled_read;
	p->writer.write = S_ISSOCK(type)   ? socket_write
			  : S_ISFIFO(type) ? polled_pipe_write
					   : polled_write;
}

/*
 * Make fd the end's. Standard input, output and error stay open for whoever
 * expects them to be; the end works with a duplicate.
 */
static int adopt(struct via__pipe *p, int fd, struct via_error *err)
{
	unsigned int role = p->base.role;
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st))
		return via__fail_errno(err, -errno, "fd=%d", fd);
	if ((flags & O_ACCMODE) == (role == VIA_RECV ? O_WRONLY : O_RDONLY))
		return via__fail(err, -EBADF, "fd=%d is not open for %s", fd,
				 role == VIA_RECV ? "reading" : "writing");
	int own = -1;

	if (!(flags & O_NONBLOCK) && (S_ISFIFO(st.st_mode) || isatty(fd)))
		own = via__pipe_reopen(fd, role);
	if (own < 0 && !(flags & O_NONBLOCK))
		be_patient(p, st.st_mode);
	if (own < 0) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (own < 0)
			return via__fail_errno(err, -errno, "fd=%d", fd);
	}
	if (fd > STDERR_FILENO)
		via__close(&fd);
	via__pipe_attach(p, own);
	return 0;
}

/* --- pipe: --- */

struct options {
	int64_t fd; /* -1: not given */
	uint64_t size;
	bool raw;
};

static void pipe_options(void *options)
{
	struct options *o = options;

	o->fd = -1;
}

static int pipe_open(const struct via__url *url, const void *options,
		     unsigned int role, const struct via__common *common,
		     struct via__end **ret, struct via_error *err)
{
	const struct options *o = options;

	if (*url->rest || o->fd < 0)
		return via__fail(err, -EINVAL,
				 "a pipe has no name: give a descriptor, "
				 "pipe:?fd=N, or use fifo:/path");
	struct via__pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return via__fail_errno(err, -ENOMEM, "pipe:");
	int r = via__pipe_init(p, &via__transport_pipe, role, common, o->raw,
			       err);

	if (r == 0 && o->size)
		r = via__pipe_resize((int)o->fd, o->size, err);
	if (r == 0)
		r = adopt(p, (int)o->fd, err);
	if (r < 0) {
		via__pipe_close(&p->base, false);
		return r;
	}
	if (role == VIA_SEND)
		via__pipe_hello(p);
	*ret = &p->base;
	return 0;
}

static struct via__pipe *pair_end(unsigned int role, const struct options *o,
				  const struct via__common *common, int fd,
				  struct via_error *err)
{
	struct via__pipe *p = calloc(1, sizeof(*p));

	if (!p) {
		(void)via__fail_errno(err, -ENOMEM, "pipe:");
		return NULL;
	}
	if (via__pipe_init(p, &via__transport_pipe, role, common, o->raw, err) <
	    0) {
		via__pipe_close(&p->base, false);
		return NULL;
	}
	p->paired = true;
	via__pipe_attach(p, fd);
	return p;
}

static int pipe_pair(const struct via__url *url, const void *options,
		     const struct via__common *common, struct via__end *ret[2],
		     struct via_error *err)
{
	const struct options *o = options;
	int fds[2];

	if (*url->rest || o->fd >= 0)
		return via__fail(err, -EINVAL,
				 "a pair makes its own pipe: give no name and "
				 "no fd");
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return via__fail_errno(err, -errno, "pipe:");
	VIA__CLEANUP_FD int read_fd = fds[0];
	VIA__CLEANUP_FD int write_fd = fds[1];
	int r = via__pipe_resize(write_fd, o->size, err);

	if (r < 0)
		return r;
	struct via__pipe *receiver = pair_end(VIA_RECV, o, common, read_fd,
					      err);

	if (!receiver)
		return -ENOMEM;
	(void)via__take_fd(&read_fd);
	struct via__pipe *sender = pair_end(VIA_SEND, o, common, write_fd, err);

	if (!sender) {
		via__pipe_close(&receiver->base, false);
		return -ENOMEM;
	}
	(void)via__take_fd(&write_fd);
	ret[0] = &receiver->base;
	ret[1] = &sender->base;
	return 0;
}

static int pipe_export(struct via__end *end, char *buf, size_t size)
{
	struct via__pipe *p = (struct via__pipe *)end;
	int len = snprintf(buf, size, "pipe:?fd=%d%s", p->fd,
			   p->raw ? "&raw" : "");

	if (p->fd < 0)
		return via__fail(&end->error, -EPIPE, "this end has finished");
	if ((size_t)len >= size)
		return via__fail(&end->error, -ENOSPC,
				 "the URL of the end needs %d bytes", len + 1);
	if (p->raw) {
		/* The next program may be any and expect what is usual. */
		be_patient(p, S_IFIFO);
		(void)via__set_nonblock(p->fd, 0);
	}
	int r = via__set_cloexec(p->fd, 0);

	return r < 0 ? via__fail_errno(&end->error, r, "fd=%d", p->fd) : len;
}

static const struct via_option pipe_option_docs[] = {
	{"fd", "N", "",
	 "adopt this descriptor, which the end then closes (not 0, 1 and 2)"},
	{"size", "BYTES", "256K",
	 "capacity of the pipe; more than pipe-max-size fails"},
	{"raw", "yes|no", "no",
	 "bytes as they come, no frames; fd may then be a file, a terminal "
	 "or a socket too"},
	{0},
};

static const struct via__option_rule pipe_rules[] = {
	{"fd", VIA__INTEGER, offsetof(struct options, fd), 0, INT_MAX},
	{"size", VIA__SIZE, offsetof(struct options, size), 1, INT_MAX},
	{"raw", VIA__FLAG, offsetof(struct options, raw)},
	{0},
};

const struct via__transport via__transport_pipe = {
	.info =
		{
			.scheme = "pipe",
			.rest = "",
			.summary = "an anonymous pipe, made in a pair or "
				   "inherited",
			.example = "pipe:?fd=0&raw",
			.trust = "same user",
			.life = "last close",
			.needs = "",
			.abilities = VIA_CAN_SEND_RECV | VIA_CAN_PAIR |
				     VIA_CAN_EXPORT | VIA_CAN_FORK |
				     VIA_CAN_RAW,
			.message_max = VIA__FRAME_PAYLOAD_MAX,
			.options = pipe_option_docs,
		},
	.rules = pipe_rules,
	.options_size = sizeof(struct options),
	.options_init = pipe_options,
	.open = pipe_open,
	.pair = pipe_pair,
	.export_end = pipe_export,
	.forked = via__pipe_forked,
	.send = via__pipe_send,
	.send_batch = via__pipe_send_batch,
	.flush = via__pipe_flush,
	.recv = via__pipe_recv,
	.release = via__pipe_release,
	.park = via__pipe_park,
	.pollfd = via__pipe_pollfd,
	.greet = via__pipe_greet,
	.finish = via__pipe_finish,
	.close = via__pipe_close,
};
