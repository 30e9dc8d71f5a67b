/* SPDX-License-Identifier: MIT */
/* Locks on files: see file.h. */
#include "sync/named/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"

static int refused(const char *path, int r, struct via_error *err)
{
	struct stat st;

	if (r != -EACCES || stat(path, &st))
		return via__fail_errno(err, r, "%s", path);
	return via__fail(err, r,
			 "%s belongs to user %u, whose mode %04o keeps this "
			 "user out",
			 path, st.st_uid, st.st_mode & 07777);
}

/* For writing if that is allowed, since an exclusive lock on a range (and on
 * NFS any) needs it. Neither a FIFO nor a terminal makes this wait or take. */
static int open_there(const char *path)
{
	const int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, O_RDWR | flags);

	if (fd < 0 && errno != ENOENT)
		fd = open(path, O_RDONLY | flags);
	return fd < 0 ? -errno : fd;
}

static int make(const char *path, const struct via__access *access,
		struct via_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		      access->mode & 0600);

	if (fd < 0)
		return errno == EEXIST ? -EEXIST : refused(path, -errno, err);

	int r = via__access_apply(access, fd, path, err);

	if (r < 0) {
		via__close(&fd);
		(void)unlink(path);
	}
	return r < 0 ? r : fd;
}

static int open_or_make(const char *path, const struct via__lock_name *name,
			unsigned int flags, struct via_error *err)
{
	int fd = flags & VIA_LOCK_NEW ? -ENOENT : open_there(path);

	if (fd == -ENOENT && flags & VIA_LOCK_CREATE) {
		fd = make(path, &name->options.access, err);
		if (fd == -EEXIST && !(flags & VIA_LOCK_NEW))
			fd = open_there(path);
		else if (fd != -EEXIST)
			return fd;
	}
	return fd < 0 ? refused(path, fd, err) : fd;
}

int via__file_open(struct via__file_lock *f, const char *path,
		   const struct via__lock_name *name, unsigned int flags,
		   struct via_error *err)
{
	VIA__CLEANUP_FD int fd = open_or_make(path, name, flags, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return via__fail_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return via__fail(err, -EINVAL,
				 "%s is neither a file nor a directory", path);
	f->path = strdup(path);
	if (!f->path)
		return via__fail_errno(err, -ENOMEM, "%s", path);
	f->fd = via__take_fd(&fd);
	return 0;
}

static int let_go(const struct via__file_lock *f)
{
	struct via__file_call call = f->call(f, F_UNLCK, false);

	return via__file_do(f->fd, &call);
}

static int not_taken(const struct via__file_lock *f, int r,
		     struct via_error *err)
{
	switch (r) {
	case -EAGAIN:
		return via__fail(err, r, "%s: is locked", f->path);
	case -ETIMEDOUT:
		return via__fail(err, r, "%s: was still locked at the deadline",
				 f->path);
	case -EDEADLK:
		return via__fail(
			err, r,
			"%s: its holder waits, perhaps through others, "
			"for this process: waiting could never end",
			f->path);
	case -EBADF:
		return via__fail(err, r,
				 "%s: may only be read by this user, and so "
				 "only be locked shared",
				 f->path);
	}
	return via__fail_errno(err, r, "%s", f->path);
}

/*
 * Who removes a file that others wait for leaves them with the lock of a file
 * without a name, which nobody else will ever find.
 */
static int check_name(const struct via__file_lock *f, struct via_error *err)
{
	struct stat st;

	if (fstat(f->fd, &st) || st.st_nlink > 0)
		return 0;
	(void)let_go(f); /* nobody else wants it */
	return via__fail(err, -EIDRM, "%s: was removed meanwhile", f->path);
}

int via__file_take(struct via_lock *lock, bool shared, int64_t deadline,
		   struct via_sync_report *report)
{
	const struct via__file_lock *f = (struct via__file_lock *)lock;
	struct via_error *err = via__report_error(report);
	short type = shared ? F_RDLCK : F_WRLCK;
	struct via__file_call now = f->call(f, type, false);
	struct via__file_call then = f->call(f, type, true);
	int r = deadline == VIA_NEVER ? via__file_do(f->fd, &then)
				      : via__file_do(f->fd, &now);

	/* fcntl(2): either, so as to be like System V or BSD. */
	if (r == -EACCES)
		r = -EAGAIN;
	if (r == -EAGAIN && deadline != VIA_NO_WAIT) {
		r = via__file_do_until(f->fd, &then, deadline);
		if (r == -EAGAIN)
			return via__fail(err, r,
					 "%s: is locked, and no process to "
					 "wait with can be made",
					 f->path);
		/* Had it the lock when it was killed? Then so do we now. */
		if (r == -ETIMEDOUT && via__file_do(f->fd, &now) == 0)
			r = 0;
	}
	return r < 0 ? not_taken(f, r, err) : check_name(f, err);
}

int via__file_release(struct via_lock *lock, struct via_error *err)
{
	const struct via__file_lock *f = (struct via__file_lock *)lock;
	int r = let_go(f);

	return r < 0 ? via__fail_errno(err, r, "%s", f->path) : 0;
}

int via__file_fd(const struct via_lock *lock)
{
	return ((const struct via__file_lock *)lock)->fd;
}

void via__file_close(struct via_lock *lock)
{
	struct via__file_lock *f = (struct via__file_lock *)lock;

	/* What a child has inherited holds the lock as well; so no unlock. */
	via__close(&f->fd);
	free(f->path);
}

int via__file_unlink(const char *path, struct via_error *err)
{
	return unlink(path) ? refused(path, -errno, err) : 0;
}
