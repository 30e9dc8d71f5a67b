/* SPDX-License-Identifier: MIT */
/*
 * futex: the objects of via/sync.h in a file that its users map: what is free
 * is taken without a system call, and whoever comes after a dead holder is
 * told.
 *
 * A bare name is a file in /dev/shm, "via." before it; one with a slash is a
 * path. The file is made without a name (O_TMPFILE), filled, and then linked,
 * so nobody ever sees half of it, and one maker wins. It stays, also when
 * nobody has it mapped, until it is removed or the machine reboots.
 *
 * All who can write the file trust each other: who truncates it kills those
 * who use it (SIGBUS). So a file of another user than us and root is refused,
 * unless the URL names its owner.
 *
 * With deadlock=detect a thread looks before it sleeps whether it waits for
 * itself in the end: deadlock.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"
#include "sync/named/deadlock.h"
#include "sync/named/futex_type.h"
#include "sync/self.h"

struct futex {
	struct via_lock base;
	const struct via__futex_type *type;
	void *object; /* mapped, all there is in the file */
	size_t len;
	bool damaged;	    /* -EOWNERDEAD, not consistent yet */
	bool detect;	    /* deadlocks */
	uid_t owner;	    /* who is trusted, too */
	unsigned int units; /* that this handle has, if they have owners */
	char path[VIA__URL_MAX];
};

/* --- The file --- */

static int find_path(const char *rest, char path[VIA__URL_MAX],
		     struct via_error *err)
{
	const char *prefix = strchr(rest, '/') ? "" : "/dev/shm/via.";

	if (snprintf(path, VIA__URL_MAX, "%s%s", prefix, rest) < VIA__URL_MAX)
		return 0;
	return via__fail_errno(err, -ENAMETOOLONG, "futex:%.40s...", rest);
}

static int map_file(struct futex *f, int fd, struct via_error *err)
{
	f->object = mmap(NULL, f->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	if (f->object != MAP_FAILED)
		return 0;
	f->object = NULL;
	return via__fail_errno(err, -errno, "%s", f->path);
}

static void unmap(struct futex *f)
{
	if (f->object)
		(void)munmap(f->object, f->len); /* it is mapped */
	f->object = NULL;
}

static int check_object(struct futex *f, const struct via__lock_options *o,
			struct via_error *err)
{
	struct via_sync_view view;
	int r = via_sync_look(f->object, f->len, &view);

	if (r < 0) {
		struct via_error why = {0};

		/* Whatever kind is asked for, it is the same that is wrong. */
		(void)via_sync_check(f->object, f->len, VIA_SYNC_MUTEX, &why);
		return via__fail(err, r, "%s: %s", f->path, why.text);
	}
	f->type = via__futex_type(view.kind);
	if (!f->type || f->len != f->type->size)
		return via__fail(err, -EPROTO,
				 "%s: is no lock of this kind, or cut off",
				 f->path);
	if (o->type != VIA__LOCK_ANY_TYPE &&
	    f->type != &via__futex_types[o->type])
		return via__fail(err, -EPROTO, "%s: is a %s, no %s", f->path,
				 f->type->name, via__futex_types[o->type].name);
	return 0;
}

static int check_file(struct futex *f, int fd,
		      const struct via__lock_options *o, struct via_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return via__fail_errno(err, -errno, "%s", f->path);
	if (st.st_uid != 0 && st.st_uid != geteuid() &&
	    st.st_uid != o->access.owner)
		return via__fail(err, -EACCES,
				 "%s belongs to user %u, who could kill this "
				 "process with it; add owner=%u to trust that",
				 f->path, st.st_uid, st.st_uid);
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct via_sync))
		return via__fail(err, -EPROTO, "%s: is no lock, or cut off",
				 f->path);
	f->len = (size_t)st.st_size;
	return 0;
}

static int find(struct futex *f, const struct via__lock_options *o,
		struct via_error *err)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	VIA__CLEANUP_FD int fd = open(f->path, O_RDWR | flags);

	if (fd < 0)
		return errno == ENOENT
			       ? -ENOENT
			       : via__fail_errno(err, -errno, "%s", f->path);

	int r = check_file(f, fd, o, err);

	if (r == 0)
		r = map_file(f, fd, err);
	if (r == 0)
		r = check_object(f, o, err);
	if (r < 0)
		unmap(f);
	return r;
}

static int check_type(const struct futex *f, unsigned int flags,
		      struct via_error *err)
{
	if (flags & VIA_LOCK_SEMAPHORE && !f->type->counts)
		return via__fail(err, -EOPNOTSUPP, "%s: is a %s, no semaphore",
				 f->path, f->type->name);
	if (f->detect && f->type->counts)
		return via__fail(err, -EOPNOTSUPP,
				 "%s: is a %s: any of its units will do, so "
				 "nobody is waited for, and deadlocks cannot "
				 "be detected",
				 f->path, f->type->name);
	return 0;
}

/* A file without a name, in the directory that is to have it. */
static int make_nameless(const char *path)
{
	char dir[VIA__URL_MAX];
	size_t len = (size_t)(strrchr(path, '/') - path);

	memcpy(dir, path, len);
	strcpy(dir + len, len ? "" : "/");

	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* Without capabilities, this is how a descriptor gets a name: open(2). */
static int give_name(int fd, const char *path)
{
	char self[32];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW)
		       ? -errno
		       : 0;
}

static int fill(struct futex *f, int fd, const struct via__lock_options *o,
		struct via_error *err)
{
	/* For real: no room now rather than SIGBUS later. */
	int r = -posix_fallocate(fd, 0, (off_t)f->len);

	if (r < 0)
		return via__fail_errno(err, r, "%s: cannot make it", f->path);
	r = map_file(f, fd, err);
	if (r < 0)
		return r;
	r = f->type->init(f->object, (uint32_t)o->value);
	return r < 0 ? via__fail_errno(err, r, "%s: cannot make a %s", f->path,
				       f->type->name)
		     : via__access_apply(&o->access, fd, f->path, err);
}

static int make(struct futex *f, const struct via__lock_options *o,
		unsigned int flags, struct via_error *err)
{
	uint32_t type = o->type;

	if (type == VIA__LOCK_ANY_TYPE)
		type = flags & VIA_LOCK_SEMAPHORE ? VIA__FUTEX_TYPE_SEM
						  : VIA__FUTEX_TYPE_LOCK;
	f->type = &via__futex_types[type];
	f->len = f->type->size;

	int r = check_type(f, flags, err);

	if (r < 0)
		return r;

	VIA__CLEANUP_FD int fd = make_nameless(f->path);

	if (fd < 0)
		return via__fail_errno(err, fd, "%s: cannot make it", f->path);
	r = fill(f, fd, o, err);
	if (r == 0) {
		r = give_name(fd, f->path);
		if (r < 0 && r != -EEXIST)
			r = via__fail_errno(err, r, "%s", f->path);
	}
	if (r < 0)
		unmap(f);
	return r;
}

static int futex_open(struct via_lock *lock, const struct via__lock_name *name,
		      unsigned int flags, struct via_error *err)
{
	struct futex *f = (struct futex *)lock;
	const struct via__lock_options *o = &name->options;
	int r = find_path(name->url.rest, f->path, err);

	if (r < 0)
		return r;
	f->detect = o->deadlock;
	f->owner = o->access.owner;
	r = flags & VIA_LOCK_NEW ? -ENOENT : find(f, o, err);
	if (r == -ENOENT && flags & VIA_LOCK_CREATE) {
		r = make(f, o, flags, err);
		if (r == -EEXIST && !(flags & VIA_LOCK_NEW))
			r = find(f, o, err);
	}
	if (r == -ENOENT || r == -EEXIST)
		return via__fail_errno(err, r, "%s", f->path);
	if (r == 0)
		r = check_type(f, flags, err);
	if (r < 0)
		unmap(f);
	return r;
}

/* --- The slots --- */

static int explain(const struct futex *f, int r, struct via_sync_report *report)
{
	struct via_error *err = via__report_error(report);

	switch (r) {
	case 0:
		return r;
	case -EDEADLK:
		return via__fail(err, r,
				 "%s: this thread holds it already, by another "
				 "handle",
				 f->path);
	case -EOWNERDEAD:
		return via__fail(err, r,
				 "%s: process %d, which had it before, died "
				 "with it",
				 f->path, report ? report->died.pid : 0);
	case -EAGAIN:
		return via__fail(err, r,
				 f->type->counts ? "%s: no unit is left"
						 : "%s: is locked",
				 f->path);
	case -ETIMEDOUT:
		return via__fail(err, r,
				 f->type->counts
					 ? "%s: still no unit at the deadline"
					 : "%s: was still locked at the "
					   "deadline",
				 f->path);
	case -EIDRM:
		return via__fail(err, r, "%s: was removed", f->path);
	case -EOPNOTSUPP:
		return via__fail(err, r, "%s: a %s is one holder's at a time",
				 f->path, f->type->name);
	case -EOVERFLOW:
		return via__fail(err, r, "%s: more than %d units cannot be",
				 f->path, VIA_SEM_MAX);
	}
	return via__fail_errno(err, r, "%s", f->path);
}

static int futex_take(struct via_lock *lock, bool shared, int64_t deadline,
		      struct via_sync_report *report)
{
	struct futex *f = (struct futex *)lock;
	struct via_sync_report own;

	report = report ? report : &own;

	struct via__deadlock deadlock = {f->path, f->owner, report, false};

	if (f->detect) {
		via__thread.before_sleep = via__deadlock_look;
		via__thread.before_sleep_arg = &deadlock;
	}

	int r = f->type->take(f->object, shared, deadline, report);

	via__thread.before_sleep = NULL;
	f->damaged = r == -EOWNERDEAD && f->type->consistent;
	return deadlock.found ? r : explain(f, r, report);
}

static int give(const struct futex *f, uint32_t n, struct via_error *err)
{
	struct via_sync_report report;
	int r = explain(f, f->type->give(f->object, n), &report);

	if (r < 0 && err)
		*err = report.error;
	return r;
}

static int futex_release(struct via_lock *lock, struct via_error *err)
{
	struct futex *f = (struct futex *)lock;

	f->damaged = false;
	return give(f, 1, err);
}

static int futex_consistent(struct via_lock *lock)
{
	struct futex *f = (struct futex *)lock;

	if (!f->damaged)
		return -EINVAL;
	f->damaged = false;
	return f->type->consistent(f->object);
}

static int not_counted(const struct futex *f, struct via_error *err)
{
	return via__fail(err, -EOPNOTSUPP, "%s: is a %s, no semaphore", f->path,
			 f->type->name);
}

static int futex_wait(struct via_lock *lock, uint32_t n, int64_t deadline,
		      struct via_sync_report *report)
{
	struct futex *f = (struct futex *)lock;

	(void)n; /* is 1 */
	if (!f->type->counts)
		return not_counted(f, via__report_error(report));

	int r = futex_take(lock, false, deadline, report);

	if (f->type->owned && (r == 0 || r == -EOWNERDEAD))
		f->units++;
	return r;
}

static int futex_post(struct via_lock *lock, uint32_t n, struct via_error *err)
{
	struct futex *f = (struct futex *)lock;

	if (!f->type->counts)
		return not_counted(f, err);
	if (!f->type->owned)
		return give(f, n, err);
	if (n > f->units)
		return via__fail(err, -EPERM,
				 "%s: only who took a unit gives it back; this "
				 "handle has %u",
				 f->path, f->units);
	for (int r; n--; f->units--)
		if ((r = give(f, 1, err)) < 0)
			return r;
	return 0;
}

static int futex_value(struct via_lock *lock, struct via_error *err)
{
	const struct futex *f = (struct futex *)lock;
	int r = f->type->counts ? f->type->value(f->object)
				: not_counted(f, err);

	return r == -EIDRM ? via__fail(err, r, "%s: was removed", f->path) : r;
}

static int futex_look(struct via_lock *lock, struct via_lock_view *ret,
		      struct via_error *err)
{
	const struct futex *f = (struct futex *)lock;
	struct via_sync_view view;
	int r = via_sync_look(f->object, f->type->size, &view);

	if (r < 0)
		return via__fail_errno(err, r, "%s", f->path);

	bool shared = view.kind == VIA_SYNC_RWLOCK && !view.writing;

	for (uint32_t i = 0; i < view.n_holders; i++)
		via__lock_note(ret->holders, &ret->n_holders,
			       view.holders[i].pid, shared);
	/* How readers differ from writers is not to be seen. */
	for (uint32_t i = 0; i < view.n_waiters; i++)
		via__lock_note(ret->waiters, &ret->n_waiters,
			       view.waiters[i].pid, false);
	return 0;
}

/* The object first, since who waits there wakes by that; and nothing that is
 * none, so that no other file is removed by mistake. */
static int futex_remove(const struct via__lock_name *name,
			struct via_error *err)
{
	struct futex f = {0};
	int r = find_path(name->url.rest, f.path, err);

	if (r == 0)
		r = find(&f, &name->options, err);
	if (r == -ENOENT)
		return via__fail_errno(err, r, "%s", f.path);
	if (r == 0)
		r = f.type->destroy(f.object);
	if (r == -EBUSY)
		r = via__fail(err, r, "%s: somebody holds it", f.path);
	unmap(&f);
	if (r < 0 && r != -EIDRM && r != -ESTALE)
		return r;
	return unlink(f.path) ? via__fail_errno(err, -errno, "%s", f.path) : 0;
}

static void futex_close(struct via_lock *lock)
{
	struct futex *f = (struct futex *)lock;

	/* A lock whose damage nobody has repaired stays this thread's until it
	 * ends, so that the next one is told. Then, and where another thread
	 * is the owner (-EPERM), the kernel and that need the memory. */
	bool ours = !f->damaged;

	if (ours && lock->held)
		ours = give(f, 1, NULL) != -EPERM;
	while (ours && f->units--)
		ours = give(f, 1, NULL) != -EPERM;
	if (ours)
		unmap(f);
}

static const struct via_option futex_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	{"type", VIA__FUTEX_TYPES, "",
	 "what is made, or has to be there: a lock to share (of locks the "
	 "initial one), a plain one, units without owners (of semaphores the "
	 "initial one; who dies with one takes it along), units with owners"},
	{"value", "N", "1", "units when a semaphore or pool is made"},
	VIA__LOCK_DEADLOCK_OPTION("wait|detect", "wait"),
	{0},
};

static const struct via__option_rule futex_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	{"type", VIA__CHOICE, offsetof(struct via__lock_options, type),
	 .choices = VIA__FUTEX_TYPES},
	{"value", VIA__INTEGER, offsetof(struct via__lock_options, value), 0,
	 VIA_SEM_MAX},
	VIA__LOCK_DEADLOCK_RULE("wait|detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_futex = {
	.info =
		{
			.scheme = "futex",
			.rest = "name or /path",
			.summary = "a lock or semaphore in shared memory",
			.example = "futex:jobs",
			.life = "the file stays until removed or reboot",
			.abilities = VIA_LOCK_SHARES | VIA_LOCK_COUNTS |
				     VIA_LOCK_DETECTS,
			.death = VIA_DEATH_REPORTED,
			.options = futex_options,
		},
	.rules = futex_rules,
	.size = sizeof(struct futex),
	.open = futex_open,
	.take = futex_take,
	.release = futex_release,
	.consistent = futex_consistent,
	.wait = futex_wait,
	.post = futex_post,
	.value = futex_value,
	.look = futex_look,
	.remove = futex_remove,
	.close = futex_close,
};
