/* SPDX-License-Identifier: MIT */
/*
 * POSIX shared memory and named semaphores, also those that nobody has mapped:
 * the files in /dev/shm, as each mount namespace sees it. A semaphore is a file
 * "sem.NAME" of the C library's making, whose value can be read: glibc's
 * nptl/sem_init.c and musl's src/thread/sem_open.c; both have it first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/mounted.h"

#define SEM_PREFIX "sem."

/* --- Values --- */

/* What was opened by O_PATH and is a file for sure: by its name it could be a
 * FIFO by now, with somebody waiting for a reader. */
static int reopen(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int r = open(path, O_RDONLY | O_NOATIME | O_NONBLOCK | O_CLOEXEC);

	if (r < 0 && errno == EPERM)
		r = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return r;
}

static int64_t read_value(int path_fd)
{
	uint32_t value;
	int fd = reopen(path_fd);
	ssize_t n = fd < 0 ? -1 : read(fd, &value, sizeof(value));

	if (fd >= 0)
		close(fd);
	return n == sizeof(value) && value <= INT_MAX ? value : VIA_UNKNOWN;
}

/* --- Files --- */

/* Others may have taken it for a plain file. */
static uint32_t object_of(struct via_snapshot *s, enum via_kind kind,
			  const struct statx *st)
{
	uint64_t dev = makedev(st->stx_dev_major, st->stx_dev_minor);
	uint32_t file = via_snapshot_object(s, VIA_KIND_FILE, dev, st->stx_ino,
					    0);

	return file != VIA_NONE ? via__rekind(s, file, kind)
				: via__object(s, kind, dev, st->stx_ino, 0);
}

static void read_stat(const struct statx *st, struct via_object *o,
		      struct via_ipc *ipc)
{
	ipc->uid = ipc->creator_uid = st->stx_uid;
	ipc->gid = st->stx_gid;
	ipc->mode = st->stx_mode & 07777;
	ipc->size = (int64_t)st->stx_size;
	ipc->resident = 512 * (int64_t)st->stx_blocks;
	if (st->stx_mask & STATX_BTIME)
		ipc->made = st->stx_btime.tv_sec;
	ipc->changed = st->stx_mtime.tv_sec;
	ipc->used = st->stx_atime.tv_sec > st->stx_mtime.tv_sec
			    ? st->stx_atime.tv_sec
			    : st->stx_mtime.tv_sec;
	if (o->kind != VIA_KIND_POSIXSHM)
		return;
	/* The last page counts whole. */
	o->capacity = ipc->size;
	o->level = ipc->resident < ipc->size ? ipc->resident : ipc->size;
}

/* It has this one now. Its mappings may still tell the one that it was made
 * by: sem_open(3) links a file that it has filled, and removes the first
 * name. */
static void name_it(struct via_snapshot *s, struct via_object *o,
		    const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	o->name = via__text_of(s, path);
	o->flags &= ~(uint32_t)VIA_OBJECT_DELETED;
}

static void found(int dir, const char *name, void *arg)
{
	struct via_snapshot *s = arg;
	bool is_sem = strncmp(name, SEM_PREFIX, sizeof(SEM_PREFIX) - 1) == 0;
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statx st;

	if (fd < 0)
		return;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
		  &st) == 0 &&
	    S_ISREG(st.stx_mode)) {
		/* Another size is none of these. */
		is_sem = is_sem && st.stx_size == sizeof(sem_t);
		uint32_t object = object_of(
			s, is_sem ? VIA_KIND_POSIXSEM : VIA_KIND_POSIXSHM, &st);
		struct via_object *o = via__object_at(s, object);

		name_it(s, o, name);
		read_stat(&st, o, via__ipc(s, object));
		if (is_sem)
			o->level = read_value(fd);
	}
	close(fd);
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	/* Our own is what the C library takes it for, whatever it is. */
	int dir = via__open_mounted(space, "dev/shm",
				    space->own ? NULL : "tmpfs", &scene->buf);

	(void)arg;
	if (dir >= 0)
		via__each_name(dir, found, scene->s);
	return dir == -ESRCH ? dir : 0;
}

static void devshm_all(struct via__scene *scene)
{
	via__each_space(scene, offsetof(struct via_process, mnt_ns), "ns/mnt",
			look_in, NULL);
}

const struct via__collector via__collector_devshm = {
	.name = "devshm",
	.summary = "POSIX shared memory and semaphores: /dev/shm",
	.want = VIA_WANT_IPC,
	.all = devshm_all,
};
