/* SPDX-License-Identifier: MIT */
/*
 * Terminals. A pseudo-terminal has two sides: the master is an open file of
 * /dev/ptmx that knows its number (tty-index in fdinfo, since Linux 5.6; else
 * TIOCGPTN), the other is that number in the devpts file system that is mounted
 * beside it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/fd.h"
#include "inspect/collect/fields.h"

/* Numbers of Documentation/admin-guide/devices.txt. */
#define MEMORY_MAJOR 1 /* /dev/null */
#define TTY_MAJOR    5 /* 0: one's own terminal, 2: /dev/ptmx */
#define PTS_MAJOR    136
#define PTS_MAJORS   8

/* --- Which one --- */

bool via__tty_listed(const char *drivers, unsigned int major,
		     unsigned int minor)
{
	/* "serial /dev/ttyS 4 64-95 serial": name, node, major, minors. */
	for (const char *line = drivers; line && *line;) {
		unsigned int in, from, to;
		int n = sscanf(line, "%*s %*s %u %u-%u", &in, &from, &to);

		if (n >= 2 && in == major && minor >= from &&
		    minor <= (n == 3 ? to : from))
			return true;
		line = strchr(line, '\n');
		line += !!line;
	}
	return false;
}

static uint64_t dev_of(const struct statx *file)
{
	return makedev(file->stx_dev_major, file->stx_dev_minor);
}

static bool is_pts(unsigned int number)
{
	return number >= PTS_MAJOR && number < PTS_MAJOR + PTS_MAJORS;
}

static uint64_t pts_index(unsigned int major_, unsigned int minor_)
{
	return ((uint64_t)(major_ - PTS_MAJOR) << 20) | minor_;
}

static bool master_index(const struct via__fd *f, uint64_t *ret)
{
	const char *info = via__fd_info(f);
	int fd, index;

	if (info && via__field_number(info, "tty-index:", 10, ret))
		return true;
	fd = via__fd_take(f);
	if (fd < 0)
		return false;
	bool known = ioctl(fd, TIOCGPTN, &index) == 0;

	close(fd);
	*ret = (uint64_t)index;
	return known;
}

/* The file system that has its other side: pts beside the ptmx that was opened;
 * or the ptmx is in there itself. */
static uint64_t beside(const struct via__fd *f, const struct statx *file)
{
	const struct via__scene *scene = f->scene;
	char link[4096];
	char *slash;

	if (via__fd_place(f, file) == VIA__PLACE_PTS)
		return dev_of(file);
	if (!via__fd_link(f, link, sizeof(link) - sizeof("/pts")))
		return 0;
	slash = strrchr(link, '/');
	if (!slash)
		return 0;
	strcpy(slash, "/pts");
	return via__devpts(&f->scene->devices, f->at->dir,
			   scene->s->processes[f->at->process].mnt_ns, link,
			   &f->scene->buf);
}

static uint32_t master(struct via__fd *f, const struct statx *file)
{
	uint64_t index;

	if (!master_index(f, &index))
		return VIA_NONE;
	return via__object(f->scene->s, VIA_KIND_PTMX, beside(f, file), index,
			   0);
}

/* /dev/tty: the process' terminal, as far as that is still the one it had when
 * it opened it. */
static uint32_t own(struct via__fd *f)
{
	const struct via_process *p = &f->scene->s->processes[f->at->process];
	uint32_t number = p->task.tty;
	unsigned int major_ = (number >> 8) & 0xfff;
	unsigned int minor_ = (number & 0xff) | ((number >> 12) & 0xfff00);

	if (!number)
		return VIA_NONE;
	f->certainty = VIA_LIKELY;
	if (!is_pts(major_))
		return via__object(f->scene->s, VIA_KIND_TTY, 0,
				   makedev(major_, minor_), 0);
	return via__object(f->scene->s, VIA_KIND_PTY,
			   via__devpts(&f->scene->devices, f->at->dir,
				       p->mnt_ns, "/dev/pts", &f->scene->buf),
			   pts_index(major_, minor_), 0);
}

static bool is_listed(struct via__scene *scene, unsigned int major_,
		      unsigned int minor_)
{
	if (!scene->tty_drivers.text)
		(void)via__proc_read_long(AT_FDCWD, "/proc/tty/drivers",
					  &scene->tty_drivers);
	return via__tty_listed(scene->tty_drivers.text, major_, minor_);
}

uint32_t via__terminal(struct via__fd *f, const struct statx *file)
{
	unsigned int major_ = file->stx_rdev_major;
	unsigned int minor_ = file->stx_rdev_minor;

	if (major_ == MEMORY_MAJOR)
		return VIA_NONE;
	if (major_ == TTY_MAJOR && minor_ == 2)
		return master(f, file);
	if (major_ == TTY_MAJOR && minor_ == 0)
		return own(f);
	if (is_pts(major_))
		return via__object(f->scene->s, VIA_KIND_PTY, dev_of(file),
				   pts_index(major_, minor_), 0);
	if (!is_listed(f->scene, major_, minor_))
		return VIA_NONE;
	return via__object(f->scene->s, VIA_KIND_TTY, 0,
			   makedev(major_, minor_), 0);
}

/* --- Its other side --- */

static void pty_all(struct via__scene *scene)
{
	uint32_t n = scene->s->n_objects;

	for (uint32_t i = 0; i < n; i++) {
		const struct via_object *o = &scene->s->objects[i];

		/* It is there, whether anybody has it open or not. */
		if (o->kind == VIA_KIND_PTMX)
			via__peers(scene->s, i,
				   via__object(scene->s, VIA_KIND_PTY, o->dev,
					       o->ino, 0));
	}
}

const struct via__collector via__collector_pty = {
	.name = "pty",
	.summary = "which pseudo-terminals belong together",
	.want = VIA_WANT_FDS,
	.all = pty_all,
};
