/* SPDX-License-Identifier: MIT */
/*
 * sysvsem: one semaphore of a System V array: semop(2). The only kind whose
 * units the kernel gives back when a process dies (SEM_UNDO), and that takes
 * several at once.
 *
 * semget(2) makes an array and semop(2) gives it its values: between the two,
 * others could see it empty. Until its first semop sem_otime is 0, so those
 * who find it young and so wait for that.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "sync/named/named.h"

#define COUNT_MAX 250	/* as SEMMSL was; SEMOPM, 500, has to hold it */
#define VALUE_MAX 32767 /* SEMVMX */

struct sysvsem {
	struct via_lock base;
	int id;
	unsigned short index;
	short undo; /* SEM_UNDO or 0 */
	char name[64];
};

/* semctl(2): the caller defines it. */
union semun {
	int val;
	struct semid_ds *buf;
};

/* "4242", "0x1234" or a path, of which ftok(3) makes one. */
static int find_key(const char *rest, key_t *ret, struct via_error *err)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(rest, &end, 0);

	if (*rest >= '0' && *rest <= '9' && !*end && !errno && n > 0 &&
	    n <= UINT32_MAX) {
		*ret = (key_t)n;
		return 0;
	}
	if (*rest != '/' && *rest != '.')
		return via__fail(err, -EINVAL,
				 "sysvsem:%.40s: is neither a key such as 4242 "
				 "or 0x1234 nor a path",
				 rest);
	*ret = ftok(rest, 'v');
	if (*ret != -1)
		return 0;
	return via__fail_errno(err, -errno, "%s, which the key is made of",
			       rest);
}

/* All values at once, by what also says that it is done. */
static int fill(int id, const struct via__lock_options *o)
{
	struct sembuf ops[COUNT_MAX];

	for (int i = 0; i < o->count; i++)
		ops[i] = (struct sembuf){.sem_num = (unsigned short)i,
					 .sem_op = (short)o->value};
	return semop(id, ops, (size_t)o->count) ? -errno : 0;
}

static int make(key_t key, const struct via__lock_options *o, const char *name,
		struct via_error *err)
{
	int id = semget(key, (int)o->count,
			IPC_CREAT | IPC_EXCL | (int)(o->access.mode & 0600));

	if (id < 0 && errno == EEXIST)
		return -EEXIST;
	if (id < 0)
		return via__fail_errno(err, -errno, "%s: cannot make it", name);

	struct semid_ds ds;
	int r = semctl(id, 0, IPC_STAT, (union semun){.buf = &ds});

	ds.sem_perm.mode = (unsigned short)(o->access.mode & 0777);
	if (o->access.owner != VIA__ACCESS_KEEP)
		ds.sem_perm.uid = o->access.owner;
	if (o->access.group != VIA__ACCESS_KEEP)
		ds.sem_perm.gid = o->access.group;
	/* The values first: to whom it is given, that one may use it. */
	if (r == 0)
		r = fill(id, o);
	if (r == 0)
		r = semctl(id, 0, IPC_SET, (union semun){.buf = &ds}) ? -errno
								      : 0;
	if (r == 0)
		return id;
	(void)semctl(id, 0, IPC_RMID);
	return via__fail_errno(err, r, "%s: cannot set it up", name);
}

/*
 * One that is there. An array that nobody has ever changed by semop(2) after
 * two seconds (sem_ctime counts whole ones) has its values from SETVAL, or its
 * maker is dead: it is taken as it is.
 */
static int find(key_t key, const struct via__lock_options *o, const char *name,
		struct via_error *err)
{
	int id = semget(key, 0, 0);
	int64_t deadline = via__deadline(2 * VIA__NS_PER_S);
	struct semid_ds ds;

	for (;;) {
		if (id < 0 ||
		    semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}))
			return errno == ENOENT ? -ENOENT
					       : via__fail_errno(err, -errno,
								 "%s", name);
		if (ds.sem_otime || time(NULL) - ds.sem_ctime > 1 ||
		    via__deadline_passed(deadline))
			break;
		(void)usleep(1000);
	}
	if ((uint64_t)o->index < ds.sem_nsems)
		return id;
	return via__fail(err, -EINVAL,
			 "%s: index %" PRId64 " of an array of %lu", name,
			 o->index, (unsigned long)ds.sem_nsems);
}

static int find_or_make(key_t key, const struct via__lock_options *o,
			const char *name, unsigned int flags,
			struct via_error *err)
{
	int id = flags & VIA_LOCK_NEW ? -ENOENT : find(key, o, name, err);

	if (id == -ENOENT && flags & VIA_LOCK_CREATE) {
		id = make(key, o, name, err);
		if (id == -EEXIST && !(flags & VIA_LOCK_NEW))
			id = find(key, o, name, err);
	}
	if (id == -ENOENT || id == -EEXIST)
		return via__fail_errno(err, id, "%s", name);
	return id;
}

static int sysvsem_open(struct via_lock *lock,
			const struct via__lock_name *name, unsigned int flags,
			struct via_error *err)
{
	struct sysvsem *s = (struct sysvsem *)lock;
	const struct via__lock_options *o = &name->options;
	key_t key;
	int r = find_key(name->url.rest, &key, err);

	if (r < 0)
		return r;
	if (o->index >= o->count && flags & VIA_LOCK_CREATE &&
	    semget(key, 0, 0) < 0)
		return via__fail(err, -EINVAL,
				 "sysvsem: index %" PRId64
				 " needs count=%" PRId64 " or more",
				 o->index, o->index + 1);
	(void)snprintf(s->name, sizeof(s->name), "sysvsem:%.54s",
		       name->url.rest);
	s->id = find_or_make(key, o, s->name, flags, err);
	s->index = (unsigned short)o->index;
	s->undo = o->undo ? SEM_UNDO : 0;
	return s->id < 0 ? s->id : 0;
}

static int failed(const struct sysvsem *s, int r, struct via_error *err)
{
	switch (r) {
	case -EINVAL: /* gone before we came */
	case -EIDRM:
		return via__fail(err, -EIDRM, "%s: was removed", s->name);
	case -EAGAIN:
		return via__fail(err, r, "%s: not enough units", s->name);
	case -ETIMEDOUT:
		return via__fail(err, r,
				 "%s: still not enough units at the deadline",
				 s->name);
	case -ERANGE:
		return via__fail(err, -EOVERFLOW,
				 "%s: more than %d units cannot be", s->name,
				 VALUE_MAX);
	}
	return via__fail_errno(err, r, "%s", s->name);
}

static int change(const struct sysvsem *s, int by, bool undo, int64_t deadline)
{
	struct sembuf op = {
		.sem_num = s->index,
		.sem_op = (short)by,
		.sem_flg = (short)((undo ? SEM_UNDO : 0) |
				   (deadline == VIA_NO_WAIT ? IPC_NOWAIT : 0)),
	};
	struct timespec left;
	int r;

	do
		r = semtimedop(s->id, &op, 1,
			       via__deadline_left(deadline, &left));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	return errno == EAGAIN ? via__deadline_error(deadline) : -errno;
}

static int sysvsem_take(struct via_lock *lock, bool shared, int64_t deadline,
			struct via_sync_report *report)
{
	const struct sysvsem *s = (struct sysvsem *)lock;
	int r = change(s, -1, true, deadline);

	(void)shared;
	return r < 0 ? failed(s, r, via__report_error(report)) : 0;
}

static int sysvsem_release(struct via_lock *lock, struct via_error *err)
{
	const struct sysvsem *s = (struct sysvsem *)lock;
	int r = change(s, 1, true, VIA_NO_WAIT);

	return r < 0 ? failed(s, r, err) : 0;
}

static int sysvsem_wait(struct via_lock *lock, uint32_t n, int64_t deadline,
			struct via_sync_report *report)
{
	const struct sysvsem *s = (struct sysvsem *)lock;
	struct via_error *err = via__report_error(report);

	if (n > VALUE_MAX)
		return via__fail(err, -EINVAL,
				 "%s: there can never be %" PRIu32 " units",
				 s->name, n);
	int r = change(s, -(int)n, s->undo, deadline);

	return r < 0 ? failed(s, r, err) : 0;
}

static int sysvsem_post(struct via_lock *lock, uint32_t n,
			struct via_error *err)
{
	const struct sysvsem *s = (struct sysvsem *)lock;
	int r = n > VALUE_MAX ? -ERANGE
			      : change(s, (int)n, s->undo, VIA_NO_WAIT);

	return r < 0 ? failed(s, r, err) : 0;
}

static int ask(const struct sysvsem *s, int what, struct via_error *err)
{
	int r = semctl(s->id, s->index, what);

	return r < 0 ? failed(s, -errno, err) : r;
}

static int sysvsem_value(struct via_lock *lock, struct via_error *err)
{
	return ask((struct sysvsem *)lock, GETVAL, err);
}

/* The kernel knows who was the last to change it: while no unit is left, that
 * one took it. Of those who wait it only knows how many there are. */
static int sysvsem_look(struct via_lock *lock, struct via_lock_view *ret,
			struct via_error *err)
{
	const struct sysvsem *s = (struct sysvsem *)lock;
	int value = ask(s, GETVAL, err);
	int pid = value < 0 ? value : ask(s, GETPID, err);
	int waiters = pid < 0 ? pid : ask(s, GETNCNT, err);

	if (waiters < 0)
		return waiters;
	if (value == 0)
		via__lock_note(ret->holders, &ret->n_holders, pid, false);
	while (waiters--)
		via__lock_note(ret->waiters, &ret->n_waiters, 0, false);
	return 0;
}

static int sysvsem_remove(const struct via__lock_name *name,
			  struct via_error *err)
{
	key_t key;
	int r = find_key(name->url.rest, &key, err);

	if (r < 0)
		return r;

	int id = semget(key, 0, 0);

	if (id < 0 || semctl(id, 0, IPC_RMID))
		return via__fail_errno(err, -errno, "sysvsem:%s",
				       name->url.rest);
	return 0;
}

static void sysvsem_close(struct via_lock *lock)
{
	if (lock->held)
		(void)sysvsem_release(lock, NULL); /* removed, at worst */
}

static const struct via_option sysvsem_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	{"value", "N", "1", "units of each semaphore when the array is made"},
	{"count", "N", "1", "semaphores in the array when it is made"},
	{"index", "N", "0", "which of the array"},
	{"undo", "yes|no", "no",
	 "whether the kernel gives units back when their process ends; always "
	 "so of a lock"},
	VIA__LOCK_DEADLOCK_OPTION("wait|detect", "wait"),
	{0},
};

static const struct via__option_rule sysvsem_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	{"value", VIA__INTEGER, offsetof(struct via__lock_options, value), 0,
	 VALUE_MAX},
	{"count", VIA__INTEGER, offsetof(struct via__lock_options, count), 1,
	 COUNT_MAX},
	{"index", VIA__INTEGER, offsetof(struct via__lock_options, index), 0,
	 UINT16_MAX},
	{"undo", VIA__FLAG, offsetof(struct via__lock_options, undo)},
	VIA__LOCK_DEADLOCK_RULE("wait|detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_sysvsem = {
	.info =
		{
			.scheme = "sysvsem",
			.rest = "key or /path",
			.summary = "a System V semaphore, one of an array",
			.example = "sysvsem:/etc/app.conf?index=2",
			.life = "stays until removed or reboot",
			.abilities = VIA_LOCK_COUNTS | VIA_LOCK_MANY,
			.death = VIA_DEATH_UNDONE,
			.options = sysvsem_options,
		},
	.rules = sysvsem_rules,
	.size = sizeof(struct sysvsem),
	.open = sysvsem_open,
	.take = sysvsem_take,
	.release = sysvsem_release,
	.wait = sysvsem_wait,
	.post = sysvsem_post,
	.value = sysvsem_value,
	.look = sysvsem_look,
	.remove = sysvsem_remove,
	.close = sysvsem_close,
};
