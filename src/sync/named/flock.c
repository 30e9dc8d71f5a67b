/* SPDX-License-Identifier: MIT */
/*
 * flock: locks on whole files, which belong to the open file description:
 * flock(2). What flock(1) takes too.
 */
#include <sys/file.h>
#include <sys/syscall.h>

#include "sync/named/file.h"

static struct via__file_call flock_call(const struct via__file_lock *f,
					short type, bool wait)
{
	int command = type == F_WRLCK	? LOCK_EX
		      : type == F_RDLCK ? LOCK_SH
					: LOCK_UN;

	(void)f;
	return (struct via__file_call){
		.number = SYS_flock,
		.command = command | (wait ? 0 : LOCK_NB),
	};
}

static int flock_open(struct via_lock *lock, const struct via__lock_name *name,
		      unsigned int flags, struct via_error *err)
{
	struct via__file_lock *f = (struct via__file_lock *)lock;

	f->call = flock_call;
	return via__file_open(f, name->url.rest, name, flags, err);
}

static int flock_remove(const struct via__lock_name *name,
			struct via_error *err)
{
	return via__file_unlink(name->url.rest, err);
}

static const struct via_option flock_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	VIA__LOCK_DEADLOCK_OPTION("wait|detect", "wait"),
	{0},
};

static const struct via__option_rule flock_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	VIA__LOCK_DEADLOCK_RULE("wait|detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_flock = {
	.info =
		{
			.scheme = "flock",
			.rest = "/path",
			.summary = "a lock on a file, as flock(1) takes it",
			.example = "flock:/run/app.lock",
			.life = "the file stays",
			.abilities = VIA_LOCK_SHARES | VIA_LOCK_INHERITS,
			.death = VIA_DEATH_UNDONE,
			.options = flock_options,
		},
	.rules = flock_rules,
	.size = sizeof(struct via__file_lock),
	.open = flock_open,
	.take = via__file_take,
	.release = via__file_release,
	.look = via__file_look,
	.fd = via__file_fd,
	.remove = flock_remove,
	.close = via__file_close,
};
