/* SPDX-License-Identifier: MIT */
/*
 * Waits in open(2): of a FIFO for its other side, of a leased file for the
 * lease. Which file it is, is found by its path, with O_PATH: that opens
 * nothing, so it wakes nobody; and with RESOLVE_CACHED (Linux 5.12): only as
 * far as the kernel has it in memory, so that no file system is asked, which
 * might be what the thread waits for.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

/* A path in its memory, with a NUL. */
static bool read_path(const struct via__blocked *b, uint64_t address,
		      char path[PATH_MAX])
{
	ssize_t n = via__memory_some(b->pid, address, path, PATH_MAX);

	return n > 0 && path[0] && memchr(path, '\0', (size_t)n);
}

/* Whether its root directory is ours, so that paths lead to the same files. */
static bool same_root(const struct via__blocked *b)
{
	struct stat theirs, ours;

	return fstatat(b->dir, "root", &theirs, 0) == 0 &&
	       stat("/", &ours) == 0 && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

/* What is cached is found without locks, and not while somebody mounts. */
#define TRIES 16

static int open_cached(int dir, const char *path, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

/* The directory that its paths start from, as a name in its own in /proc. */
static void start_of(int at, const char *path, char name[32])
{
	if (path[0] == '/')
		snprintf(name, 32, "root");
	else if (at == AT_FDCWD)
		snprintf(name, 32, "cwd");
	else
		snprintf(name, 32, "fd/%d", at);
}

static int open_start(const struct via__blocked *b, int at, const char *path)
{
	char name[32];

	start_of(at, path, name);
	return openat(b->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int via__wait_find(const struct via__blocked *b, int at, const char *path,
		   struct statx *ret)
{
	int start = b->dir < 0 ? -1 : open_start(b, at, path), file = -1;

	if (start >= 0 && path[0] == '/')
		file = open_cached(start, path, RESOLVE_IN_ROOT);
	else if (start >= 0 && same_root(b))
		file = open_cached(start, path, 0);
	else if (start >= 0)
		file = open_cached(start, path, RESOLVE_BENEATH);
	int err = file < 0 ? -1
			   : statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
				   STATX_TYPE | STATX_INO, ret);

	if (file >= 0)
		close(file);
	if (start >= 0)
		close(start);
	return err;
}

static uint64_t flags_of(const struct via__blocked *b)
{
	uint64_t flags = b->call.args[b->row->from < 0 ? 1 : 2];

#ifdef SYS_creat
	if (b->call.nr == SYS_creat)
		return O_WRONLY;
#endif
	/* The first member of struct open_how. */
	if (b->call.nr == SYS_openat2 &&
	    !via__memory_all(b->pid, b->call.args[2], &flags, sizeof(flags)))
		return O_RDONLY;
	return flags;
}

/* A path from the root, as a text; 0: not to be found. */
static uint32_t full_path(const struct via__blocked *b, int at,
			  const char *path)
{
	char name[32], full[2 * PATH_MAX];
	ssize_t n;

	if (path[0] == '/')
		return via__text_of(b->s, path);
	start_of(at, path, name);
	n = readlinkat(b->dir, name, full, PATH_MAX - 1);
	if (n <= 0 || full[0] != '/')
		return 0;
	snprintf(full + n, sizeof(full) - (size_t)n, "/%s", path);
	return via__text_of(b->s, full);
}

static void on_fifo(struct via__blocked *b, uint64_t dev, uint64_t ino, int at,
		    const char *path)
{
	uint32_t object = via__object(b->s, VIA_KIND_FIFO, dev, ino, 0);
	struct via_wait *w = via__wait(b, VIA_OP_OPEN, object);

	w->source = VIA_SOURCE_MEMORY;
	w->index = (flags_of(b) & O_ACCMODE) == O_WRONLY;
	if (!via__object_at(b->s, object)->name) {
		uint32_t name = full_path(b, at, path);

		via__object_at(b->s, object)->name = name;
	}
}

/* Its leases, all of which have to go. */
static void on_leases(struct via__blocked *b, uint64_t dev, uint64_t ino)
{
	uint32_t group = b->pass->n_groups + 1, n = 0;

	for (uint32_t i = 0; i < b->s->n_locks; i++) {
		const struct via_file_lock *l = &b->s->locks[i];
		const struct via_object *o = via__object_at(b->s, l->object);

		if (l->type != VIA_FILE_LEASE || o->dev != dev || o->ino != ino)
			continue;
		struct via_wait *w = via__wait(b, VIA_OP_LOCK, l->object);

		w->source = VIA_SOURCE_MEMORY;
		w->group = group;
		/* The kernel breaks it after lease-break-time: fcntl(2). */
		w->left_ns = VIA_UNKNOWN;
		n++;
	}
	b->pass->n_groups += n > 0;
}

void via__wait_open(struct via__blocked *b)
{
	uint64_t address = b->call.args[b->row->from < 0 ? 0 : 1];
	int at = b->row->from < 0 ? AT_FDCWD : (int)b->call.args[b->row->from];
	char path[PATH_MAX];
	struct statx st;

	if (!read_path(b, address, path) ||
	    via__wait_find(b, at, path, &st) < 0)
		return;
	uint64_t dev = makedev(st.stx_dev_major, st.stx_dev_minor);

	if (S_ISFIFO(st.stx_mode))
		on_fifo(b, dev, st.stx_ino, at, path);
	else
		on_leases(b, dev, st.stx_ino);
}
