/* SPDX-License-Identifier: MIT */
/*
 * posixsem: POSIX named semaphores, sem_open(3): a file of C library format in
 * /dev/shm. Nobody knows who has a unit: who dies with one takes it along.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"
#include "sync/named/named.h"

#define NAME_LEN_MAX (NAME_MAX - 4) /* sem_overview(7): of "sem.NAME" */

struct posixsem {
	struct via_lock base;
	sem_t *sem;
	char name[NAME_MAX + 1];
};

/* "/name"; the slash may be left out. */
static int read_name(const char *rest, char name[NAME_MAX + 1],
		     struct via_error *err)
{
	rest += *rest == '/';
	if (!*rest || strchr(rest, '/'))
		return via__fail(err, -EINVAL,
				 "posixsem:%.40s: a name is one slash and no "
				 "other",
				 rest);
	if (strlen(rest) >= NAME_LEN_MAX)
		return via__fail(err, -ENAMETOOLONG,
				 "posixsem: a name has at most %d bytes",
				 NAME_LEN_MAX - 1);
	(void)snprintf(name, NAME_MAX + 1, "/%s", rest);
	return 0;
}

/* Where glibc and musl keep it. A descriptor or -errno. */
static int open_file(const char *name)
{
	char path[NAME_MAX + 32];

	(void)snprintf(path, sizeof(path), "/dev/shm/sem.%s", name + 1);

	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int failed(const char *name, int r, struct via_error *err)
{
	if (r == -EPROTO)
		return via__fail(err, r,
				 "posixsem:%s: what is there is cut off, or no "
				 "semaphore",
				 name);
	return via__fail_errno(err, r, "posixsem:%s", name);
}

static int give_away(const char *name, const struct via__access *access,
		     struct via_error *err)
{
	VIA__CLEANUP_FD int fd = open_file(name);

	if (fd < 0)
		return failed(name, fd, err);
	return via__access_apply(access, fd, name, err);
}

/* 0 or -errno. sem_open(3) makes it under another name, so that it is never
 * seen half done. */
static int make(struct posixsem *s, const struct via__lock_options *o,
		struct via_error *err)
{
	s->sem = sem_open(s->name, O_CREAT | O_EXCL,
			  (mode_t)(o->access.mode & 0600),
			  (unsigned int)o->value);
	if (s->sem == SEM_FAILED)
		return errno == EEXIST ? -EEXIST : failed(s->name, -errno, err);

	int r = give_away(s->name, &o->access, err);

	if (r < 0) {
		(void)sem_unlink(s->name);
		(void)sem_close(s->sem);
	}
	return r;
}

/* sem_open(3) maps a file of any size, and to use what is not there kills. */
static int find(struct posixsem *s)
{
	VIA__CLEANUP_FD int fd = open_file(s->name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fd < 0 ? fd : -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof(sem_t))
		return -EPROTO;
	s->sem = sem_open(s->name, 0);
	return s->sem == SEM_FAILED ? -errno : 0;
}

static int posixsem_open(struct via_lock *lock,
			 const struct via__lock_name *name, unsigned int flags,
			 struct via_error *err)
{
	struct posixsem *s = (struct posixsem *)lock;
	int r = read_name(name->url.rest, s->name, err);

	if (r < 0)
		return r;
	r = flags & VIA_LOCK_NEW ? -ENOENT : find(s);
	if (r == -ENOENT && flags & VIA_LOCK_CREATE) {
		r = make(s, &name->options, err);
		if (r == -EEXIST && !(flags & VIA_LOCK_NEW))
			r = find(s);
		else if (r != -EEXIST)
			return r;
	}
	return r < 0 ? failed(s->name, r, err) : 0;
}

static int posixsem_wait(struct via_lock *lock, uint32_t n, int64_t deadline,
			 struct via_sync_report *report)
{
	const struct posixsem *s = (struct posixsem *)lock;
	const struct timespec until = {deadline / VIA__NS_PER_S,
				       deadline % VIA__NS_PER_S};
	int r;

	(void)n; /* is 1 */
	do
		r = deadline == VIA_NEVER ? sem_wait(s->sem)
		    : deadline == VIA_NO_WAIT
			    ? sem_trywait(s->sem)
			    : sem_clockwait(s->sem, CLOCK_MONOTONIC, &until);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	return via__fail(via__report_error(report), -errno,
			 errno == EAGAIN
				 ? "posixsem:%s: no unit is left"
				 : "posixsem:%s: still no unit at the deadline",
			 s->name);
}

static int posixsem_take(struct via_lock *lock, bool shared, int64_t deadline,
			 struct via_sync_report *report)
{
	(void)shared;
	return posixsem_wait(lock, 1, deadline, report);
}

static int posixsem_post(struct via_lock *lock, uint32_t n,
			 struct via_error *err)
{
	const struct posixsem *s = (struct posixsem *)lock;
	int value = 0;
	bool fits = sem_getvalue(s->sem, &value) == 0 &&
		    n <= (uint32_t)(SEM_VALUE_MAX - value);

	for (uint32_t i = 0; fits && i < n; i++)
		fits = sem_post(s->sem) == 0;
	if (fits)
		return 0;
	return via__fail(err, -EOVERFLOW,
			 "posixsem:%s: more than %d units cannot be", s->name,
			 SEM_VALUE_MAX);
}

static int posixsem_release(struct via_lock *lock, struct via_error *err)
{
	return posixsem_post(lock, 1, err);
}

static int posixsem_value(struct via_lock *lock, struct via_error *err)
{
	int value = 0;

	(void)err;
	(void)sem_getvalue(((struct posixsem *)lock)->sem, &value);
	return value;
}

static int posixsem_remove(const struct via__lock_name *name,
			   struct via_error *err)
{
	char text[NAME_MAX + 1];
	int r = read_name(name->url.rest, text, err);

	if (r == 0 && sem_unlink(text))
		r = via__fail_errno(err, -errno, "posixsem:%s", text);
	return r;
}

static void posixsem_close(struct via_lock *lock)
{
	if (lock->held)
		(void)posixsem_release(lock, NULL); /* full, at worst */
	(void)sem_close(((struct posixsem *)lock)->sem);
}

static const struct via_option posixsem_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	{"value", "N", "1", "units when it is made"},
	VIA__LOCK_DEADLOCK_OPTION("wait|detect", "wait"),
	{0},
};

static const struct via__option_rule posixsem_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	{"value", VIA__INTEGER, offsetof(struct via__lock_options, value), 0,
	 SEM_VALUE_MAX},
	VIA__LOCK_DEADLOCK_RULE("wait|detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_posixsem = {
	.info =
		{
			.scheme = "posixsem",
			.rest = "/name",
			.summary = "a POSIX named semaphore",
			.example = "posixsem:/slots",
			.life = "the name stays until removed or reboot",
			.abilities = VIA_LOCK_COUNTS,
			.death = VIA_DEATH_STAYS,
			.options = posixsem_options,
		},
	.rules = posixsem_rules,
	.size = sizeof(struct posixsem),
	.open = posixsem_open,
	.take = posixsem_take,
	.release = posixsem_release,
	.wait = posixsem_wait,
	.post = posixsem_post,
	.value = posixsem_value,
	.remove = posixsem_remove,
	.close = posixsem_close,
};
