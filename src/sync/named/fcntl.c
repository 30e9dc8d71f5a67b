/* SPDX-License-Identifier: MIT */
/*
 * fcntl: locks on ranges of files that belong to the process: POSIX record
 * locks, fcntl(2). What old programs take. The kernel knows who waits for whom
 * and refuses deadlocks; and it drops all locks that a process has on a file
 * as soon as that closes any descriptor of it.
 */
#include "sync/named/record.h"

static struct via__file_call fcntl_call(const struct via__file_lock *f,
					short type, bool wait)
{
	return via__record_call(f, wait ? F_SETLKW : F_SETLK, type);
}

static int fcntl_open(struct via_lock *lock, const struct via__lock_name *name,
		      unsigned int flags, struct via_error *err)
{
	struct via__file_lock *f = (struct via__file_lock *)lock;

	f->call = fcntl_call;
	return via__record_open(f, name, flags, err);
}

static const struct via_option fcntl_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	VIA__LOCK_DEADLOCK_OPTION("detect", "detect"),
	{0},
};

static const struct via__option_rule fcntl_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	VIA__LOCK_DEADLOCK_RULE("detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_fcntl = {
	.info =
		{
			.scheme = "fcntl",
			.rest = "/path[#from-to]",
			.summary = "a lock on bytes of a file, of the process",
			.example = "fcntl:/var/lib/app.db#100-",
			.life = "the file stays",
			.abilities = VIA_LOCK_SHARES | VIA_LOCK_DETECTS,
			.death = VIA_DEATH_UNDONE,
			.options = fcntl_options,
		},
	.rules = fcntl_rules,
	.size = sizeof(struct via__file_lock),
	.open = fcntl_open,
	.take = via__file_take,
	.release = via__file_release,
	.look = via__file_look,
	.remove = via__record_remove,
	.close = via__file_close,
};
