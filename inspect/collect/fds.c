/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, from /proc/PID/fd: of what they are (stat follows the link), and
 * what they are open for (the link's own mode). Their names are read only where
 * they are wanted or say what the inode does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/fd.h"
#include "inspect/collect/fields.h"

/* --- What others use --- */

size_t via__fd_link(const struct via__fd *f, char *ret, size_t size)
{
	/* Without a file it has no other. */
	if (f->record && *f->record->name) {
		(void)snprintf(ret, size, "%.*s", VIA__BPF_NAME,
			       f->record->name);
		return strlen(ret);
	}
	if (f->link && *f->link) {
		(void)snprintf(ret, size, "%s", f->link);
		return strlen(ret);
	}

	ssize_t len = readlinkat(f->dir, f->name, ret, size - 1);

	ret[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

const char *via__fd_info(const struct via__fd *f)
{
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", f->fd);
	return via__proc_read_record(f->at->dir, name, &f->scene->buf) < 0
		       ? NULL
		       : f->scene->buf.text;
}

int via__fd_take(const struct via__fd *f)
{
	int pidfd = (int)syscall(SYS_pidfd_open, f->at->pid, 0);

	if (pidfd < 0)
		return -1;
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, f->fd, 0);

	close(pidfd);
	return fd;
}

uint8_t via__fd_flags(const char *fdinfo)
{
	uint64_t flags = 0;

	if (!via__field_number(fdinfo, "flags:", 8, &flags))
		return 0;
	return (uint8_t)((flags & O_NONBLOCK ? VIA_HOLD_NONBLOCK : 0) |
			 (flags & O_CLOEXEC ? VIA_HOLD_CLOEXEC : 0));
}

static uint64_t dev_of(const struct statx *file)
{
	return makedev(file->stx_dev_major, file->stx_dev_minor);
}

enum via__place via__fd_place(const struct via__fd *f, const struct statx *file)
{
	const struct via__fd_at at = {f->at->dir, f->dir, f->name,
				      file->stx_size};

	return via__place(&f->scene->devices, dev_of(file), &at,
			  &f->scene->buf);
}

/* --- Names --- */

/* Cut off what the kernel adds to the name of what has none any more. */
static size_t without_deleted(const char *name, size_t len)
{
	static const char deleted[] = " (deleted)";
	size_t cut = sizeof(deleted) - 1;

	return len > cut && memcmp(name + len - cut, deleted, cut) == 0
		       ? len - cut
		       : len;
}

static void name_it(const struct via__fd *f, uint32_t object)
{
	struct via_object *o = via__object_at(f->scene->s, object);
	static const char memfd[] = "/memfd:";
	size_t skip = o->kind == VIA_KIND_MEMFD ? sizeof(memfd) - 1 : 0;
	char link[4096];
	size_t len = via__fd_link(f, link, sizeof(link));

	if (o->flags & VIA_OBJECT_DELETED || o->kind == VIA_KIND_MEMFD)
		len = without_deleted(link, len);
	if (len > skip)
		o->name = via__text(f->scene->s, link + skip, len - skip);
}

static bool has_path(uint32_t kind)
{
	switch (kind) {
	case VIA_KIND_PIPE:
	case VIA_KIND_SOCKET:
	case VIA_KIND_EVENTFD:
	case VIA_KIND_EPOLL:
	case VIA_KIND_TIMERFD:
	case VIA_KIND_SIGNALFD:
	case VIA_KIND_PIDFD:
	case VIA_KIND_INOTIFY:
	case VIA_KIND_URING:
		return false;
	default:
		return true;
	}
}

/* --- Kinds --- */

/* Named semaphores are files that begin with "sem.": sem_overview(7). */
static enum via_kind in_shm(const struct via__fd *f, bool alone)
{
	static const char shm[] = "/dev/shm/";
	char link[4096];
	const char *name;

	(void)via__fd_link(f, link, sizeof(link));
	if (!alone && strncmp(link, shm, sizeof(shm) - 1) != 0)
		return VIA_KIND_FILE;
	name = strrchr(link, '/');
	return name && strncmp(name, "/sem.", 5) == 0 ? VIA_KIND_POSIXSEM
						      : VIA_KIND_POSIXSHM;
}

static enum via_kind kind_of_file(const struct via__fd *f,
				  const struct statx *file)
{
	switch (via__fd_place(f, file)) {
	case VIA__PLACE_SHM:
		return in_shm(f, true);
	case VIA__PLACE_MEMORY:
		return VIA_KIND_MEMFD;
	case VIA__PLACE_MQ:
		return VIA_KIND_MQ;
	case VIA__PLACE_NS:
		return VIA_KIND_OTHER;
	default:
		return dev_of(file) == f->scene->devices.shm_dev
			       ? in_shm(f, false)
			       : VIA_KIND_FILE;
	}
}

static uint32_t by_inode(const struct via__fd *f, const struct statx *file,
			 enum via_kind kind)
{
	uint32_t object = via__object(f->scene->s, kind, dev_of(file),
				      file->stx_ino, 0);

	if (file->stx_nlink == 0 && kind != VIA_KIND_MEMFD)
		via__object_at(f->scene->s, object)->flags |=
			VIA_OBJECT_DELETED;
	return object;
}

static uint32_t object_of(struct via__fd *f, const struct statx *file)
{
	uint32_t object;

	switch (file->stx_mode & S_IFMT) {
	case S_IFSOCK:
		/* Or the name of one, opened by O_PATH. */
		return via__fd_place(f, file) == VIA__PLACE_SOCKETS
			       ? via__object(f->scene->s, VIA_KIND_SOCKET, 0,
					     file->stx_ino, 0)
			       : by_inode(f, file, VIA_KIND_OTHER);
	case S_IFIFO:
		return by_inode(f, file,
				via__fd_place(f, file) == VIA__PLACE_PIPES
					? VIA_KIND_PIPE
					: VIA_KIND_FIFO);
	case S_IFDIR:
		return by_inode(f, file, VIA_KIND_DIR);
	case S_IFBLK:
		return by_inode(f, file, VIA_KIND_BLOCK);
	case S_IFCHR:
		object = via__terminal(f, file);
		return object != VIA_NONE ? object
					  : by_inode(f, file, VIA_KIND_CHAR);
	case S_IFREG:
		return via__fd_place(f, file) == VIA__PLACE_ANON
			       ? via__anon(f)
			       : by_inode(f, file, kind_of_file(f, file));
	default:
		return via__anon(f);
	}
}

/* --- Descriptors --- */

static void hold(struct via__fd *f, uint32_t object, enum via_how how)
{
	struct via_holding *h = via__add_hold(f->scene->s, f->at->process,
					      object, how);

	h->id = f->fd;
	h->flags = f->flags;
	h->certainty = f->certainty;
}

/* A file that cannot be looked at: -EACCES, or its file system fails. */
static void failed(struct via__fd *f, int err)
{
	if (err == ENOENT || err == ESRCH)
		return; /* closed, gone */
	if (err == EACCES || err == EPERM) {
		f->scene->s->processes[f->at->process].hidden |= VIA_HIDDEN_FDS;
		return;
	}
	hold(f,
	     via__object(f->scene->s, VIA_KIND_OTHER, (uint64_t)f->at->pid,
			 (uint64_t)f->fd, 0),
	     VIA_HOLDS_FD);
}

static uint32_t add(struct via__fd *f, const struct statx *file,
		    enum via_how how)
{
	uint32_t object = object_of(f, file);
	const struct via_object *o = via__object_at(f->scene->s, object);

	if (f->scene->want & VIA_WANT_PATHS && !o->name && has_path(o->kind))
		name_it(f, object);
	hold(f, object, how);
	return object;
}

static void take_seen(struct via__fd *f, const struct via__fd_seen *seen)
{
	if (seen->err) {
		failed(f, seen->err);
		return;
	}
	f->flags = seen->open_for;
	f->link = seen->link;
	(void)add(f, &seen->file, VIA_HOLDS_FD);
}

/* Of a pipe it told that too, so that it need not be asked for. */
static void set_level(const struct via__fd *f, uint32_t object)
{
	const struct via__bpf_file *r = f->record;
	struct via_object *o = via__object_at(f->scene->s, object);

	if (!(f->scene->want & VIA_WANT_LEVELS) || !S_ISFIFO(r->mode))
		return;
	/* Only the writing end has the flag: pipe(2). */
	if (r->flags & O_DIRECT && r->open_for & 2)
		o->flags |= VIA_OBJECT_PACKETS;
	if (!r->known || !r->open_for)
		return;
	o->level = (int64_t)r->level;
	o->capacity = (int64_t)r->pages * sysconf(_SC_PAGESIZE);
}

/* The same of what the kernel has told already. */
static void take_record(struct via__fd *f)
{
	const struct via__bpf_file *r = f->record;
	struct statx file = {
		.stx_mode = *r->name ? r->mode & ~S_IFMT : r->mode,
		.stx_ino = r->ino,
		.stx_nlink = r->nlink,
		.stx_size = r->size,
		.stx_dev_major = r->dev >> 20,
		.stx_dev_minor = r->dev & 0xfffff,
		.stx_rdev_major = r->rdev >> 20,
		.stx_rdev_minor = r->rdev & 0xfffff,
	};

	if (!*r->name && via__fd_place(f, &file) == VIA__PLACE_LAYERS) {
		struct via__fd_seen seen = {.fd = f->fd};

		via__fd_see(f->dir, f->name, &seen);
		f->record = NULL;
		take_seen(f, &seen);
		return;
	}
	f->flags = (uint8_t)((r->open_for & 1 ? VIA_HOLD_READ : 0) |
			     (r->open_for & 2 ? VIA_HOLD_WRITE : 0) |
			     (r->flags & O_NONBLOCK ? VIA_HOLD_NONBLOCK : 0));
	uint32_t object = add(f, &file, VIA_HOLDS_FD);

	set_level(f, object);
	if (r->watched || via__is_counted(r) ||
	    via__object_at(f->scene->s, object)->kind == VIA_KIND_EPOLL)
		via__note(f->scene, r->file, object);
}

static void each_fd(struct via__scene *scene, const struct via__at *at)
{
	struct via__fdlist *fds = at->fds;
	bool own = at->pid == scene->self;

	do {
		for (unsigned int i = 0; i < fds->n; i++) {
			const struct via__fd_seen *seen = &fds->at[i];
			struct via__fd f = {
				.scene = scene,
				.at = at,
				.dir = fds->dir,
				.name = seen->name,
				.fd = seen->fd,
			};

			/* Nor what we look through, at ourselves. */
			if (!own || (f.fd != fds->dir && f.fd != at->dir))
				take_seen(&f, seen);
		}
	} while (via__fdlist_next(fds));
}

/* Of its own thread first, which has all but a few. */
static void each_record(struct via__scene *scene, const struct via__at *at,
			const struct via__bpf_file *records, size_t n)
{
	uint32_t first = scene->s->n_holds, end = first;

	for (size_t i = 0; i < n; i++) {
		char name[16];
		struct via__fd f = {
			.scene = scene,
			.at = at,
			.dir = at->dir,
			.name = name,
			.fd = records[i].fd,
			.record = &records[i],
		};

		if (records[i].epoll)
			continue;
		snprintf(name, sizeof(name), "fd/%d", records[i].fd);
		if (i && records[i].tid != records[i - 1].tid) {
			via__drop_known(scene->s, first, end);
			end = end == first ? scene->s->n_holds : end;
		}
		take_record(&f);
	}
	via__drop_known(scene->s, first, end);
}

/* What a process has open without a descriptor. */
static void each_path(struct via__scene *scene, const struct via__at *at)
{
	static const struct {
		const char *name;
		enum via_how how;
		uint8_t flags;
	} rows[] = {
		{"cwd", VIA_HOLDS_CWD, VIA_HOLD_READ},
		{"root", VIA_HOLDS_ROOT, VIA_HOLD_READ},
		{"exe", VIA_HOLDS_EXE, VIA_HOLD_READ | VIA_HOLD_EXEC},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via__fd f = {
			.scene = scene,
			.at = at,
			.dir = at->dir,
			.name = rows[i].name,
			.fd = -1,
			.flags = rows[i].flags,
		};

		struct statx file;

		if (statx(at->dir, f.name, VIA__STATX_FLAGS, VIA__STATX_MASK,
			  &file) == 0)
			(void)add(&f, &file, rows[i].how);
	}
}

bool via__fds_of(struct via__scene *scene, const struct via__at *at)
{
	uint32_t first = scene->s->n_holds;

	if (!at->fds->opened)
		via__fdlist_open(at->dir, at->fds);
	if (at->fds->dir >= 0) {
		each_fd(scene, at);
		via__anon_watches(scene, at, first);
	} else if (at->fds->dir == -EACCES || at->fds->dir == -EPERM) {
		scene->s->processes[at->process].hidden |= VIA_HIDDEN_FDS;
		via__fdinfo(scene, at);
	}
	return !at->fds->closed;
}

static void fds_process(struct via__scene *scene, const struct via__at *at)
{
	const struct via_process *p = &scene->s->processes[at->process];
	uint32_t first = scene->s->n_holds;
	size_t n;
	const struct via__bpf_file *records = via__bpf_of(&scene->bpf, at->pid,
							  &n);

	if (p->flags & VIA_PROCESS_KERNEL)
		return;
	/* Without a record it has none, or has come since; and ourselves had
	 * more, for the sake of asking. */
	if (n && !(p->flags & VIA_PROCESS_SELF)) {
		each_record(scene, at, records, n);
	} else if (via__fds_of(scene, at)) {
		via__fdlist_close(at->fds);
		via__tables(scene, at, first);
	}
	if (scene->want & VIA_WANT_PATHS)
		each_path(scene, at);
}

static void fds_all(struct via__scene *scene)
{
	via__watches(scene);
}

const struct via__collector via__collector_fds = {
	.name = "fds",
	.summary = "descriptors, and the objects they are of",
	.want = VIA_WANT_FDS,
	.late = true,
	.process = fds_process,
	.all = fds_all,
};
