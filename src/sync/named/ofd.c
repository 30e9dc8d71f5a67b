/* SPDX-License-Identifier: MIT */
/*
 * ofd: locks on ranges of files that belong to the open file description, so
 * that threads and libraries of one process exclude each other too: fcntl(2),
 * since Linux 3.15.
 */
#include "sync/named/record.h"

static struct via__file_call ofd_call(const struct via__file_lock *f,
				      short type, bool wait)
{
	return via__record_call(f, wait ? F_OFD_SETLKW : F_OFD_SETLK, type);
}

static int ofd_open(struct via_lock *lock, const struct via__lock_name *name,
		    unsigned int flags, struct via_error *err)
{
	struct via__file_lock *f = (struct via__file_lock *)lock;

	f->call = ofd_call;
	return via__record_open(f, name, flags, err);
}

static const struct via_option ofd_options[] = {
	VIA__ACCESS_NAME_OPTIONS,
	VIA__LOCK_DEADLOCK_OPTION("wait|detect", "wait"),
	{0},
};

static const struct via__option_rule ofd_rules[] = {
	VIA__ACCESS_NAME_RULES(struct via__lock_options, access),
	VIA__LOCK_DEADLOCK_RULE("wait|detect"),
	{0},
};

const struct via__lock_kind via__lock_kind_ofd = {
	.info =
		{
			.scheme = "ofd",
			.rest = "/path[#from-to]",
			.summary =
				"a lock on bytes of a file, of the open file",
			.example = "ofd:/var/lib/app.db#0-99",
			.life = "the file stays",
			.abilities = VIA_LOCK_SHARES | VIA_LOCK_INHERITS,
			.death = VIA_DEATH_UNDONE,
			.options = ofd_options,
		},
	.rules = ofd_rules,
	.size = sizeof(struct via__file_lock),
	.open = ofd_open,
	.take = via__file_take,
	.release = via__file_release,
	.look = via__file_look,
	.fd = via__file_fd,
	.remove = via__record_remove,
	.close = via__file_close,
};
