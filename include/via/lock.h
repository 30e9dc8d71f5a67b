/* SPDX-License-Identifier: MIT */
/*
 * Locks and semaphores with names: every kind that Linux has, behind the same
 * calls. A URL says which: "flock:/run/x.lock", "sysvsem:/etc/app?index=2",
 * "posixsem:/slots", "ofd:/var/db#0-99". What differs is data: see struct
 * via_lock_kind.
 *
 * A handle is one holder. It takes the lock, or units of a semaphore, and
 * gives them back; two handles of a process exclude each other as two
 * processes do (not with fcntl:, whose locks belong to the process). Every kind
 * is a lock; some are semaphores too, where to lock is to take a unit.
 *
 * Waiting. Deadlines are those of via/deadline.h. Signals do not end a wait.
 * Where the kernel has no timed wait (flock, ofd, fcntl), a wait with a
 * deadline is done by a short-lived child that shares this process's memory
 * and descriptors, raises no SIGCHLD and is not seen by wait(2).
 *
 * Threads. One handle is one thread's at a time; with futex: all its calls are
 * to come from the thread that took it.
 *
 * Death. What becomes of a lock whose holder dies is the kind's: see enum
 * via_lock_death. -EOWNERDEAD is a success: the lock is held.
 */
#ifndef VIA_LOCK_H
#define VIA_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/mechanism.h>
#include <via/sync.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct via_lock;

/* What becomes of what a dead process held. */
enum via_lock_death {
	VIA_DEATH_UNDONE = 1,	/* the kernel gives it back, unmentioned */
	VIA_DEATH_REPORTED = 2, /* the next one gets it, with -EOWNERDEAD */
	VIA_DEATH_STAYS = 3,	/* it stays taken */
};

/* Bits of via_lock_kind.abilities. */
enum via_lock_ability {
	VIA_LOCK_SHARES = 1u << 0,   /* VIA_LOCK_SHARED */
	VIA_LOCK_COUNTS = 1u << 1,   /* via_lock_wait(), _post(), _value() */
	VIA_LOCK_MANY = 1u << 2,     /* ... for several units at once */
	VIA_LOCK_DETECTS = 1u << 3,  /* refuses deadlocks: -EDEADLK */
	VIA_LOCK_INHERITS = 1u << 4, /* via_lock_fd(): passes to a child */
};

/*
 * One kind. All strings are constant and never NULL; the row lives as long as
 * the library. Later releases append members: do not copy by value.
 */
struct via_lock_kind {
	const char *scheme;  /* "flock" */
	const char *rest;    /* what follows the colon: "/path" */
	const char *summary; /* one line */
	const char *example; /* a complete URL */
	const char *life;    /* what ends the name */
	uint32_t abilities;  /* enum via_lock_ability */
	enum via_lock_death death;
	const struct via_option *options; /* ends with a NULL name */
};

/* The i-th kind; NULL when i is past the last. Never blocks or allocates. */
VIA_API const struct via_lock_kind *via_lock_kind_at(size_t i);

/* Flags of via_lock_open(). */
enum via_lock_flag {
	VIA_LOCK_CREATE = 1u << 0,    /* make it if it is not there */
	VIA_LOCK_NEW = 1u << 1,	      /* with _CREATE: fail if it is there */
	VIA_LOCK_SEMAPHORE = 1u << 2, /* for via_lock_wait() and _post() */
};

/*
 * Open a lock or a semaphore. What is made has value= units (of a semaphore
 * that is to be a lock, 1).
 *
 * url:    kind:name?option=value&...; copied.
 * flags:  of enum via_lock_flag.
 * ret:    the handle, to be closed by via_lock_close(); written on success.
 * reterr: may be NULL; a sentence on failure.
 *
 * Returns 0, -EINVAL (malformed URL, unknown option or flag), -EPROTONOSUPPORT
 * (unknown kind), -EOPNOTSUPP (the kind cannot do what flags or an option ask
 * for), -ENOENT, -EEXIST, -EACCES, -EPROTO (what is there is no such thing, or
 * cut off), -ESTALE (another version's layout), -ENOMEM, -EMFILE, -ENOSPC, or
 * what the kernel says. Waits only for another process that is just making the
 * same name, 2 s at most.
 */
VIA_API int via_lock_open(const char *url, unsigned int flags,
			  struct via_lock **ret, struct via_error *reterr);

/*
 * Let go of what the handle holds and free it. lock may be NULL. A lock taken
 * with -EOWNERDEAD and not made consistent is not let go: it stays this
 * thread's until that ends, and so the next one is told again.
 */
VIA_API void via_lock_close(struct via_lock *lock);

/* How via_lock_take() takes a lock. */
enum via_lock_mode {
	VIA_LOCK_EXCLUSIVE = 0,
	VIA_LOCK_SHARED = 1,
};

/*
 * Take the lock. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: taken, but the holder before died with it: repair
 * what it protects, then via_lock_consistent(), before letting go;
 * -EAGAIN, -ETIMEDOUT; -EDEADLK (the handle holds it already, or the kernel
 * or, with deadlock=detect, the library saw that the wait could never end: of
 * two that close a cycle at once both may be told); -EOPNOTSUPP (this kind is
 * not shared); -EBADF (an exclusive lock on a file that may only be read);
 * -EIDRM (removed while we waited); -ENOTRECOVERABLE; -ENOLCK; -EAGAIN also
 * where no child to wait by can be had. ret->error has a sentence of each.
 */
VIA_API int via_lock_take(struct via_lock *lock, enum via_lock_mode mode,
			  int64_t deadline, struct via_sync_report *ret);

/* Let go. Returns 0, -EPERM (the handle does not hold it), -EIDRM. */
VIA_API int via_lock_release(struct via_lock *lock, struct via_error *reterr);

/* After -EOWNERDEAD: what the lock protects is in order again. Returns 0,
 * -EPERM (the handle does not hold it), -EINVAL (it was in order). */
VIA_API int via_lock_consistent(struct via_lock *lock);

/*
 * Take n units of a semaphore, all at once. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: taken, but whose it was before died with it;
 * -EAGAIN, -ETIMEDOUT, -EOPNOTSUPP (no semaphore, or n > 1 without
 * VIA_LOCK_MANY), -EINVAL (n is 0 or more than there can be), -EIDRM.
 */
VIA_API int via_lock_wait(struct via_lock *lock, uint32_t n, int64_t deadline,
			  struct via_sync_report *ret);

/* Add n units. Returns 0, -EOVERFLOW, -EOPNOTSUPP, -EINVAL (n is 0), -EIDRM,
 * -EPERM (units with owners, and the handle has none). */
VIA_API int via_lock_post(struct via_lock *lock, uint32_t n,
			  struct via_error *reterr);

/* How many units there are. Returns that, -EOPNOTSUPP, -EIDRM. */
VIA_API int via_lock_value(struct via_lock *lock, struct via_error *reterr);

/* Who has to do with a lock; pid 0 where the kernel does not tell. */
struct via_lock_party {
	pid_t pid;
	enum via_lock_mode mode;
};

#define VIA_LOCK_SHOWN 64

/* What is seen of a lock. Members may be appended. */
struct via_lock_view {
	unsigned int n_holders, n_waiters; /* may be more than are shown */
	struct via_lock_party holders[VIA_LOCK_SHOWN];
	struct via_lock_party waiters[VIA_LOCK_SHOWN];
};

/*
 * Look who holds the lock and who waits, as far as the kernel tells and this
 * user may see; what is seen was so a moment ago. Of sysvsem: it is who changed
 * it last, while no unit is left, and how many wait; of posixsem: nothing.
 * Allocates nothing; reads /proc for locks on files, which takes
 * milliseconds.
 *
 * Returns 0, -EOPNOTSUPP (the kind does not tell), -EIDRM.
 */
VIA_API int via_lock_look(struct via_lock *lock, struct via_lock_view *ret,
			  struct via_error *reterr);

/*
 * The descriptor that holds the lock: whoever inherits it over fork or exec
 * holds the lock too, until all have closed it: via_lock_release() lets go for
 * all of them, via_lock_close() for this process. It is close-on-exec and the
 * library's. Returns it, or -EOPNOTSUPP without VIA_LOCK_INHERITS.
 */
VIA_API int via_lock_fd(const struct via_lock *lock);

/* The kind's row. */
VIA_API const struct via_lock_kind *
via_lock_kind_of(const struct via_lock *lock);

/*
 * Remove the name, and with sysvsem and futex the object too: who waits there
 * gets -EIDRM. Elsewhere those who have it open keep what is then nameless.
 * Returns 0, -ENOENT, -EACCES, -EPERM, and as via_lock_open().
 */
VIA_API int via_lock_remove(const char *url, struct via_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
