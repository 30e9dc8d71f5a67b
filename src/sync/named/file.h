/* SPDX-License-Identifier: MIT */
/*
 * Locks on files: what flock:, ofd: and fcntl: have in common, which is all but
 * the system call. The slots of their rows are here; their own open says which
 * call it is and then calls via__file_open().
 */
#ifndef VIA_SYNC_NAMED_FILE_H
#define VIA_SYNC_NAMED_FILE_H

#include <fcntl.h>

#include "sync/named/named.h"

/* One system call that takes a lock on a file or lets go of it. */
struct via__file_call {
	long number; /* SYS_flock, SYS_fcntl */
	long command;
	struct flock range; /* fcntl's argument; flock ignores it */
};

struct via__file_lock {
	struct via_lock base;
	int fd;
	char *path;
	/* Of ofd: and fcntl:, whose l_type is 0; zero is the whole file. */
	struct flock range;
	bool records; /* excludes what fcntl(2) locks, and not flock(2) */
	/* type: F_RDLCK, F_WRLCK or F_UNLCK. */
	struct via__file_call (*call)(const struct via__file_lock *f,
				      short type, bool wait);
};

/* Open path, or make it: see via_lock_open(). Takes over a prepared f. */
int via__file_open(struct via__file_lock *f, const char *path,
		   const struct via__lock_name *name, unsigned int flags,
		   struct via_error *err);

int via__file_take(struct via_lock *lock, bool shared, int64_t deadline,
		   struct via_sync_report *report);
int via__file_release(struct via_lock *lock, struct via_error *err);
int via__file_fd(const struct via_lock *lock);
void via__file_close(struct via_lock *lock);

/* From /proc: see look.c. */
int via__file_look(struct via_lock *lock, struct via_lock_view *ret,
		   struct via_error *err);

/* Remove the file. */
int via__file_unlink(const char *path, struct via_error *err);

/* As call() of what is in number and command, on fd. 0 or -errno. */
int via__file_do(int fd, const struct via__file_call *call);

/*
 * The same for a call that waits, up to a deadline: by a child, since neither
 * flock(2) nor fcntl(2) has a wait that ends. 0, -ETIMEDOUT, or the call's
 * error; -EAGAIN where no child can be made.
 */
int via__file_do_until(int fd, const struct via__file_call *call,
		       int64_t deadline);

#endif
