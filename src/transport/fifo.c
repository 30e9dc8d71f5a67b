/* SPDX-License-Identifier: MIT */
/*
 * fifo: pipes with a name in the file system.
 *
 * A FIFO does not tell its reader when the first writer comes, and once the
 * last has left it says so until another opens it. So the receiver holds the
 * FIFO open twice: one description it reads from, which it replaces by a fresh
 * one, quiet again, each time the stream has ended (Linux sets POLLHUP only
 * where a writer has gone since the open); and one that it never reads from,
 * so that senders see a reader all the time. The flock() on that is how
 * receivers exclude each other; nothing of it survives a kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/access.h"
#include "core/error.h"
#include "core/sys.h"
#include "transport/pipe.h"

extern const struct via__transport via__transport_fifo;

struct options {
	struct via__access access;
	uint64_t size;
	bool raw;
};

struct fifo {
	struct via__pipe pipe;
	char *path;
	int lock_fd; /* receiver: kept open and locked; -1: none */
	bool stale;  /* what pipe.fd says is of senders who have left */
};

static void fifo_options(void *options)
{
	struct options *o = options;

	via__access_init(&o->access);
}

/*
 * What the path names, if that is a FIFO: opening anything else could hang or
 * have effects. A symbolic link is not followed, because whoever may write
 * the directory could point it to another FIFO. A descriptor, or -errno with
 * a sentence.
 */
static int find_fifo(const char *path, struct via_error *err)
{
	VIA__CLEANUP_FD int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return via__fail_errno(err, -errno, "%s", path);
	if (!S_ISFIFO(st.st_mode))
		return via__fail(err, -EINVAL,
				 "%s is no FIFO; remove it or choose another "
				 "path",
				 path);
	return via__take_fd(&fd);
}

/* find_fifo(), made first where there is none. */
static int make_fifo(const char *path, const struct via__access *access,
		     struct via_error *err)
{
	bool made = mkfifo(path, access->mode & 0600) == 0;

	if (!made && errno != EEXIST)
		return via__fail_errno(err, -errno, "%s: cannot make a FIFO",
				       path);
	int fd = find_fifo(path, err);

	if (fd == -ENOENT)
		return -EAGAIN; /* somebody has just removed it */
	if (fd < 0 || !made)
		return fd;
	int r = via__access_apply(access, fd, path, err);

	if (r < 0) {
		via__close(&fd);
		(void)unlink(path);
	}
	return r < 0 ? r : fd;
}

/* Read from a fresh description. */
static int renew(struct fifo *f, struct via_error *err)
{
	int fd = via__pipe_reopen(f->lock_fd, VIA_RECV);

	if (fd < 0)
		return via__fail_errno(err, fd, "%s", f->path);
	via__pipe_attach(&f->pipe, fd);
	f->pipe.reader.fed = false;
	f->stale = false;
	return 0;
}

static int bind_fifo(struct fifo *f, const struct options *o,
		     struct via_error *err)
{
	VIA__CLEANUP_FD int fd = make_fifo(f->path, &o->access, err);

	if (fd < 0)
		return fd;
	f->lock_fd = via__pipe_reopen(fd, VIA_RECV);
	if (f->lock_fd < 0)
		return via__fail_errno(err, f->lock_fd, "%s", f->path);
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return via__fail_errno(err, -errno, "%s", f->path);
		return via__fail(err, -EADDRINUSE,
				 "%s: another receiver is using this FIFO",
				 f->path);
	}
	int r = via__pipe_resize(f->lock_fd, o->size, err);

	return r < 0 ? r : renew(f, err);
}

static void fifo_close(struct via__end *end, bool forked)
{
	struct fifo *f = (struct fifo *)end;

	(void)forked; /* the name stays anyway */
	via__pipe_fini(&f->pipe);
	via__close(&f->lock_fd);
	free(f->path);
	free(f);
}

static int fifo_open(const struct via__url *url, const void *options,
		     unsigned int role, const struct via__common *common,
		     struct via__end **ret, struct via_error *err)
{
	const struct options *o = options;

	if (!*url->rest)
		return via__fail(err, -EINVAL,
				 "a FIFO needs a path: fifo:/path");
	struct fifo *f = calloc(1, sizeof(*f));

	if (!f)
		return via__fail_errno(err, -ENOMEM, "fifo:");
	f->lock_fd = -1;
	f->path = strdup(url->rest);
	int r = via__pipe_init(&f->pipe, &via__transport_fifo, role, common,
			       o->raw, err);

	if (r == 0 && !f->path)
		r = via__fail_errno(err, -ENOMEM, "fifo:");
	if (r == 0 && role == VIA_RECV)
		r = bind_fifo(f, o, err);
	if (r < 0) {
		fifo_close(&f->pipe.base, false);
		return r;
	}
	*ret = &f->pipe.base;
	return 0;
}

static int fifo_connect(struct via__end *end)
{
	struct fifo *f = (struct fifo *)end;
	VIA__CLEANUP_FD int path_fd = find_fifo(f->path, &end->error);

	if (path_fd == -ENOENT)
		return -EAGAIN;
	if (path_fd < 0)
		return path_fd;
	int fd = via__pipe_reopen(path_fd, VIA_SEND);

	if (fd == -ENXIO)
		return via__fail(&end->error, -EAGAIN,
				 "%s: nobody is receiving", f->path);
	if (fd < 0)
		return via__fail_errno(&end->error, fd, "%s", f->path);
	via__pipe_attach(&f->pipe, fd);
	via__pipe_hello(&f->pipe);
	return 0;
}

/* At end of file: has it ever been otherwise with this description? */
static bool somebody_came(const struct fifo *f)
{
	struct pollfd pfd = {.fd = f->pipe.fd, .events = POLLIN};

	return f->pipe.reader.fed ||
	       (via__poll(&pfd, 1, VIA_NO_WAIT) > 0 && pfd.revents & POLLHUP);
}

static int fifo_recv(struct via__end *end, struct via__in *in)
{
	struct fifo *f = (struct fifo *)end;
	int r = f->stale ? renew(f, &end->error) : 0;

	if (r == 0)
		r = via__reader_next(&f->pipe.reader, in);
	if (r != VIA__READER_END)
		return r;
	f->stale = somebody_came(f);
	if (!f->stale)
		return -EAGAIN;
	return via__fail(&end->error, -EPIPE, "every sender has left");
}

static int fifo_greet(struct via__end *end)
{
	struct fifo *f = (struct fifo *)end;
	int r = f->stale ? renew(f, &end->error) : 0;

	if (r == 0)
		r = via__pipe_greet(end);
	return r == -EPIPE && !somebody_came(f) ? -EAGAIN : r;
}

static const struct via_option fifo_option_docs[] = {
	VIA__ACCESS_NAME_OPTIONS,
	{"size", "BYTES", "256K",
	 "capacity of the FIFO; more than pipe-max-size fails"},
	{"raw", "yes|no", "no",
	 "bytes as they come, no frames: for programs that do not know via"},
	{0},
};

static const struct via__option_rule fifo_rules[] = {
	VIA__ACCESS_NAME_RULES(struct options, access),
	{"size", VIA__SIZE, offsetof(struct options, size), 1, INT_MAX},
	{"raw", VIA__FLAG, offsetof(struct options, raw)},
	{0},
};

const struct via__transport via__transport_fifo = {
	.info =
		{
			.scheme = "fifo",
			.rest = "/path",
			.summary = "a pipe with a name in the file system",
			.example = "fifo:/run/app/jobs",
			.trust = "file mode",
			.life = "name stays",
			.needs = "",
			.abilities = VIA_CAN_SEND_RECV | VIA_CAN_FORK |
				     VIA_CAN_RAW | VIA_KEEPS_NAME |
				     VIA_HAS_ADDRESS,
			.message_max = VIA__FRAME_PAYLOAD_MAX,
			.options = fifo_option_docs,
		},
	.rules = fifo_rules,
	.options_size = sizeof(struct options),
	.options_init = fifo_options,
	.open = fifo_open,
	.connect = fifo_connect,
	.forked = via__pipe_forked,
	.send = via__pipe_send,
	.send_batch = via__pipe_send_batch,
	.flush = via__pipe_flush,
	.recv = fifo_recv,
	.release = via__pipe_release,
	.park = via__pipe_park,
	.pollfd = via__pipe_pollfd,
	.greet = fifo_greet,
	.finish = via__pipe_finish,
	.close = fifo_close,
};
