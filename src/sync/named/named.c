/* SPDX-License-Identifier: MIT */
/* Locks and semaphores by URL: the table of kinds, and the calls. */
#include "sync/named/named.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define LOCK_KIND(name)                                                        \
	extern const struct via__lock_kind via__lock_kind_##name;
#include "sync/named/kinds.def"
#undef LOCK_KIND

static const struct via__lock_kind *const kinds[] = {
#define LOCK_KIND(name) &via__lock_kind_##name,
#include "sync/named/kinds.def"
#undef LOCK_KIND
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

const struct via_lock_kind *via_lock_kind_at(size_t i)
{
	return i < N_KINDS ? &kinds[i]->info : NULL;
}

const struct via_lock_kind *via_lock_kind_of(const struct via_lock *lock)
{
	return &lock->kind->info;
}

static int unknown_kind(const char *scheme, struct via_error *err)
{
	char list[VIA_ERROR_TEXT_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < N_KINDS && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? ", " : "", kinds[i]->info.scheme);
	return via__fail(err, -EPROTONOSUPPORT,
			 "there is no lock of the kind '%s': there are %s",
			 scheme, list);
}

/* Everything but whether the name means something to the kind. */
static int read_name(struct via__lock_name *name, const char *text,
		     struct via_error *err)
{
	int r = via__url_parse(&name->url, text, err);

	if (r < 0)
		return r;
	name->kind = NULL;
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i]->info.scheme, name->url.scheme))
			name->kind = kinds[i];
	if (!name->kind)
		return unknown_kind(name->url.scheme, err);
	if (!*name->url.rest)
		return via__fail(err, -EINVAL,
				 "%s: a name is missing, as in %s",
				 name->url.scheme, name->kind->info.example);

	const struct via_option *const known[] = {name->kind->info.options,
						  NULL};

	name->options = (struct via__lock_options){
		.value = 1, .count = 1, .type = VIA__LOCK_ANY_TYPE};
	via__access_init(&name->options.access);
	r = via__url_unknown(&name->url, known, err);
	if (r == 0)
		r = via__url_options(&name->url, name->kind->rules,
				     &name->options, err);
	return r;
}

static int check_abilities(const struct via__lock_name *name,
			   unsigned int flags, struct via_error *err)
{
	const struct via_lock_kind *info = &name->kind->info;

	if (flags & VIA_LOCK_SEMAPHORE && !(info->abilities & VIA_LOCK_COUNTS))
		return via__fail(err, -EOPNOTSUPP,
				 "%s: is a lock, no semaphore", info->scheme);
	if (name->options.deadlock && !(info->abilities & VIA_LOCK_DETECTS))
		return via__fail(
			err, -EOPNOTSUPP,
			"%s: nobody knows who waits for whom there, so "
			"deadlocks cannot be detected; fcntl: and futex: can",
			info->scheme);
	return 0;
}

int via_lock_open(const char *url, unsigned int flags, struct via_lock **ret,
		  struct via_error *reterr)
{
	struct via__lock_name name;

	if (flags & ~(VIA_LOCK_CREATE | VIA_LOCK_NEW | VIA_LOCK_SEMAPHORE))
		return via__fail(reterr, -EINVAL, "unknown flags %#x", flags);

	int r = read_name(&name, url, reterr);

	if (r == 0)
		r = check_abilities(&name, flags, reterr);
	if (r < 0)
		return r;

	struct via_lock *lock = calloc(1, name.kind->size);

	if (!lock)
		return via__fail_errno(reterr, -ENOMEM, "%s", url);
	lock->kind = name.kind;
	r = name.kind->open(lock, &name, flags, reterr);
	if (r < 0) {
		free(lock);
		return r;
	}
	*ret = lock;
	return 0;
}

void via_lock_close(struct via_lock *lock)
{
	if (!lock)
		return;
	lock->kind->close(lock);
	free(lock);
}

int via_lock_take(struct via_lock *lock, enum via_lock_mode mode,
		  int64_t deadline, struct via_sync_report *ret)
{
	const struct via_lock_kind *info = &lock->kind->info;
	struct via_error *err = via__report_error(ret);

	if (lock->held)
		return via__fail(err, -EDEADLK,
				 "%s: this handle holds the lock already",
				 info->scheme);
	if (mode == VIA_LOCK_SHARED && !(info->abilities & VIA_LOCK_SHARES))
		return via__fail(
			err, -EOPNOTSUPP,
			"%s: one holder at a time; flock: and ofd: can "
			"be shared",
			info->scheme);

	int r = lock->kind->take(lock, mode == VIA_LOCK_SHARED, deadline, ret);

	lock->held = r == 0 || r == -EOWNERDEAD;
	return r;
}

static int not_held(const struct via_lock *lock, struct via_error *err)
{
	return via__fail(err, -EPERM, "%s: this handle does not hold the lock",
			 lock->kind->info.scheme);
}

int via_lock_release(struct via_lock *lock, struct via_error *reterr)
{
	if (!lock->held)
		return not_held(lock, reterr);

	int r = lock->kind->release(lock, reterr);

	lock->held = r < 0 && r != -EIDRM;
	return r;
}

int via_lock_consistent(struct via_lock *lock)
{
	if (!lock->held)
		return -EPERM;
	return lock->kind->consistent ? lock->kind->consistent(lock) : -EINVAL;
}

static int check_units(const struct via_lock *lock, uint32_t n,
		       struct via_error *err)
{
	const struct via_lock_kind *info = &lock->kind->info;

	if (!(info->abilities & VIA_LOCK_COUNTS))
		return via__fail(err, -EOPNOTSUPP,
				 "%s: is a lock, no semaphore", info->scheme);
	if (n == 0)
		return via__fail(err, -EINVAL, "%s: 0 units are nothing",
				 info->scheme);
	return 0;
}

int via_lock_wait(struct via_lock *lock, uint32_t n, int64_t deadline,
		  struct via_sync_report *ret)
{
	const struct via_lock_kind *info = &lock->kind->info;
	struct via_error *err = via__report_error(ret);
	int r = check_units(lock, n, err);

	if (r < 0)
		return r;
	if (n > 1 && !(info->abilities & VIA_LOCK_MANY))
		return via__fail(err, -EOPNOTSUPP,
				 "%s: units are taken one at a time; sysvsem: "
				 "takes several at once",
				 info->scheme);
	return lock->kind->wait(lock, n, deadline, ret);
}

int via_lock_post(struct via_lock *lock, uint32_t n, struct via_error *reterr)
{
	int r = check_units(lock, n, reterr);

	return r < 0 ? r : lock->kind->post(lock, n, reterr);
}

int via_lock_value(struct via_lock *lock, struct via_error *reterr)
{
	int r = check_units(lock, 1, reterr);

	return r < 0 ? r : lock->kind->value(lock, reterr);
}

void via__lock_note(struct via_lock_party *parties, unsigned int *n, pid_t pid,
		    bool shared)
{
	if (*n < VIA_LOCK_SHOWN)
		parties[*n] = (struct via_lock_party){
			pid, shared ? VIA_LOCK_SHARED : VIA_LOCK_EXCLUSIVE};
	++*n;
}

int via_lock_look(struct via_lock *lock, struct via_lock_view *ret,
		  struct via_error *reterr)
{
	if (!lock->kind->look)
		return via__fail(reterr, -EOPNOTSUPP,
				 "%s: the kernel does not know who holds it",
				 lock->kind->info.scheme);
	*ret = (struct via_lock_view){0};
	return lock->kind->look(lock, ret, reterr);
}

int via_lock_fd(const struct via_lock *lock)
{
	return lock->kind->fd ? lock->kind->fd(lock) : -EOPNOTSUPP;
}

int via_lock_remove(const char *url, struct via_error *reterr)
{
	struct via__lock_name name;
	int r = read_name(&name, url, reterr);

	return r < 0 ? r : name.kind->remove(&name, reterr);
}
