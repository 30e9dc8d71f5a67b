/* SPDX-License-Identifier: MIT */
/*
 * How full pipes and terminals are, asked of a descriptor that one of their
 * holders has. It is taken by pidfd_getfd(2), which is another reference to
 * the same open file: nothing is opened and nobody is woken. See pipe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/collector.h"

/* Bytes that can be read there. -errno. */
static int read_queue(int fd, struct via_object *o)
{
	int fill;

	if (ioctl(fd, FIONREAD, &fill) < 0)
		return -errno;
	o->level = fill;
	return 0;
}

static int read_pipe(int fd, struct via_object *o, struct via_holding *h)
{
	int capacity = fcntl(fd, F_GETPIPE_SZ), flags = fcntl(fd, F_GETFL);

	if (capacity < 0)
		return -errno;
	o->capacity = capacity;
	if (flags >= 0 && flags & O_DIRECT)
		o->flags |= VIA_OBJECT_PACKETS;
	if (flags >= 0 && flags & O_NONBLOCK)
		h->flags |= VIA_HOLD_NONBLOCK;
	return read_queue(fd, o);
}

static bool is_pipe(const struct via_object *o)
{
	return o->kind == VIA_KIND_PIPE || o->kind == VIA_KIND_FIFO;
}

static bool is_terminal(const struct via_object *o)
{
	return o->kind == VIA_KIND_PTMX || o->kind == VIA_KIND_PTY ||
	       o->kind == VIA_KIND_TTY;
}

/* Whether what was taken is still the object, which may have been closed and
 * its descriptor used again. */
static bool is_it(int fd, const struct via_object *o)
{
	struct stat st;
	unsigned int index;

	if (fstat(fd, &st) < 0)
		return false;
	switch (o->kind) {
	case VIA_KIND_PTMX:
		return ioctl(fd, TIOCGPTN, &index) == 0 && index == o->ino;
	case VIA_KIND_PTY:
		return S_ISCHR(st.st_mode) && st.st_dev == o->dev &&
		       minor(st.st_rdev) == o->ino;
	case VIA_KIND_TTY:
		return S_ISCHR(st.st_mode) && st.st_rdev == o->ino;
	default:
		return S_ISFIFO(st.st_mode) && st.st_dev == o->dev &&
		       st.st_ino == o->ino;
	}
}

/* 0, or -EPERM where no descriptor of this process may be had. */
static int read_level(int pidfd, struct via_object *o, struct via_holding *h)
{
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, h->id, 0);

	if (fd < 0)
		return errno == EPERM || errno == ESRCH ? -EPERM : 0;
	if (is_it(fd, o))
		(void)(is_pipe(o) ? read_pipe(fd, o, h) : read_queue(fd, o));
	close(fd);
	return 0;
}

static void levels_of(struct via_snapshot *s, const struct via_process *p,
		      uint8_t open_for)
{
	int pidfd = -1, err = 0;

	for (uint32_t i = p->first_hold; !err && i < p->first_hold + p->n_holds;
	     i++) {
		struct via_holding *h = &s->holds[i];
		struct via_object *o = via__object_at(s, h->object);

		if (h->how != VIA_HOLDS_FD || o->level != VIA_UNKNOWN ||
		    (!is_pipe(o) && !is_terminal(o)) || !(h->flags & open_for))
			continue;
		if (pidfd < 0)
			pidfd = (int)syscall(SYS_pidfd_open, p->task.pid, 0);
		err = pidfd < 0 ? -EPERM : read_level(pidfd, o, h);
	}
	if (pidfd >= 0)
		close(pidfd);
}

static void levels_all(struct via__scene *scene)
{
	/* First of writers: only their side knows that a pipe has packets. */
	static const uint8_t open_for[] = {VIA_HOLD_WRITE, VIA_HOLD_READ};
	struct via_snapshot *s = scene->s;

	for (int i = 0; i < 2; i++)
		for (uint32_t p = 0; p < s->n_processes; p++)
			levels_of(s, &s->processes[p], open_for[i]);
}

const struct via__collector via__collector_levels = {
	.name = "levels",
	.summary = "bytes in pipes and terminals",
	.want = VIA_WANT_LEVELS,
	.all = levels_all,
};
