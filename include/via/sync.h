/* SPDX-License-Identifier: MIT */
/*
 * Locks that processes share, and what becomes of them when one dies.
 *
 * The objects are plain memory: put one into any memory that the processes
 * share (mmap() of a memfd or a file, shm_open(), shmget(); threads share all
 * of theirs), aligned to VIA_SYNC_ALIGN, initialise it once, and use it from
 * wherever each process has it mapped. via_sync_check() says whether what was
 * found in a mapping is such an object.
 *
 * Death. A thread that ends, is killed or calls exec while it holds something
 * is noticed by the kernel at once and at every instruction, and whoever takes
 * the thing next gets -EOWNERDEAD together with who it was. -EOWNERDEAD is a
 * success: the caller holds the lock and should look after what it protects. A
 * thread that dies on its way into a lock or out of it has not held it, and
 * goes unmentioned.
 *
 * Waiting. Every call that can wait takes an absolute deadline: see
 * via_deadline(3). -EAGAIN says that VIA_NO_WAIT would have had to wait,
 * -ETIMEDOUT that the deadline passed. Signals do not end a wait. What can be
 * had without waiting is had without a system call.
 *
 * Misuse is an error where it can be seen without cost: -EPERM to let go of
 * what the caller does not hold, -EDEADLK to wait for oneself. After _destroy
 * of an object those who wait for it and those who come later get -EIDRM.
 *
 * Holders are threads: what one thread took another cannot give back, and a
 * forked child holds nothing of what its parent holds.
 *
 * Trust. All who can write the memory trust each other, as with every lock in
 * shared memory. A file that is truncated under a mapping kills who touches it
 * (SIGBUS): a memfd sealed with F_SEAL_SHRINK cannot be.
 *
 * The layout below is an ABI, documented in docs/SYNC.md, and can be read from
 * outside. Fields belong to the library: read them with via_sync_look().
 * None of the calls is async-signal-safe; none allocates.
 */
#ifndef VIA_SYNC_H
#define VIA_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_SYNC_ALIGN	 64
#define VIA_SYNC_ALIGNED __attribute__((aligned(VIA_SYNC_ALIGN)))

/* The layout of the objects in this header. */
#define VIA_SYNC_LAYOUT 1

/* How many holders an object with several of them has room for. */
#define VIA_HOLDERS_MAX 60
/* How many of those who wait are shown. */
#define VIA_WAITERS_SHOWN 8
/* The greatest value of a semaphore. */
#define VIA_SEM_MAX INT32_MAX

enum via_sync_kind {
	VIA_SYNC_MUTEX = 1,
	VIA_SYNC_RWLOCK = 2,
	VIA_SYNC_SEM = 3,
	VIA_SYNC_POOL = 4,
	VIA_SYNC_COND = 5,
	VIA_SYNC_BARRIER = 6,
	VIA_SYNC_EVENT = 7,
};

/* A thread, known by its ids (in the pid namespace it saw them in) and by when
 * it started, since ids are used again. */
struct via_owner {
	pid_t pid, tid; /* 0: nobody */
	uint64_t start; /* clock ticks after boot: proc_pid_stat(5) */
};

/* What a call found out. Its pointer may be NULL. */
struct via_sync_report {
	struct via_owner died;	/* of -EOWNERDEAD */
	struct via_error error; /* a sentence, of failures and of -EOWNERDEAD */
};

/* How every object begins. */
struct via_sync {
	uint64_t tag;	/* what it is: "VIAs", layout, kind */
	uint32_t flags; /* as given to _init */
	uint32_t bell;	/* always 0: where the kernel rings for the dead */
};

/* One holder's place. The kernel knows the offset from next to word. */
struct via_hold {
	uint32_t word;	     /* a futex: tid, FUTEX_WAITERS, FUTEX_OWNER_DIED */
	uint32_t count;	     /* mutex: how often more; barrier: which round */
	uint64_t owner;	     /* pid << 32 | tid of who is inside, 0 nobody */
	uint64_t start;	     /* of the owner */
	uint64_t prev, next; /* the owner's robust list: its own addresses */
	uint64_t edge;	     /* what the owner waits for, from the region on */
};

/* A lock for one. */
struct via_mutex {
	struct via_sync head;
	struct via_hold hold;
	uint64_t died, died_start; /* whose damage is not repaired yet */
	uint64_t at, region_len;   /* VIA_MUTEX_DETECT: where it is, of what */
	uint64_t held;		   /* the owner's list of such: its address */
	uint64_t reserved[3];	   /* zero */
	uint64_t waiters[VIA_WAITERS_SHOWN]; /* pid << 32 | tid */
} VIA_SYNC_ALIGNED;

/* A holder's place on a cache line of its own. */
struct via_seat {
	struct via_hold hold;
	uint64_t reserved[2]; /* zero */
} VIA_SYNC_ALIGNED;

/* A gate that one passes at a time, and places for many. */
struct via_seats {
	struct via_mutex gate;
	uint64_t died, died_start; /* of a reader who was not reported yet */
	uint32_t n;		   /* pool: units; barrier: threads */
	uint32_t state;	      /* barrier: round << 1 | broken; others: 0, 1 */
	uint64_t used;	      /* rwlock: a bit for each seat ever taken */
	uint32_t reserved[8]; /* zero */
	struct via_seat seats[VIA_HOLDERS_MAX];
} VIA_SYNC_ALIGNED;

/* A lock for one writer or up to VIA_HOLDERS_MAX readers. */
struct via_rwlock {
	struct via_seats in;
};

/* Units with owners. */
struct via_pool {
	struct via_seats in;
};

/* A meeting of a fixed number. */
struct via_barrier {
	struct via_seats in;
};

/* Units without owners. */
struct via_sem {
	struct via_sync head;
	uint32_t value;
	uint32_t sleepers;
	uint64_t reserved[5]; /* zero */
	uint64_t waiters[VIA_WAITERS_SHOWN];
} VIA_SYNC_ALIGNED;

/* Waiting for news about what a mutex protects. */
struct via_cond {
	struct via_sync head;
	uint32_t news;
	uint32_t sleepers;
	uint64_t reserved[5]; /* zero */
	uint64_t waiters[VIA_WAITERS_SHOWN];
} VIA_SYNC_ALIGNED;

/* Something that has happened, or not yet. */
struct via_event {
	struct via_sync head;
	uint32_t set;
	uint32_t sleepers;
	uint64_t reserved[5]; /* zero */
	uint64_t waiters[VIA_WAITERS_SHOWN];
} VIA_SYNC_ALIGNED;

/* --- Mutex --- */

enum via_mutex_flag {
	/* Its owner may lock it again, and unlocks it as often. */
	VIA_MUTEX_RECURSIVE = 1u << 0,
	/* Who waits lends the owner its priority, in the kernel (5.14). */
	VIA_MUTEX_INHERIT = 1u << 1,
	/* Waiting that could never end is refused: see via_mutex_options. */
	VIA_MUTEX_DETECT = 1u << 2,
};

/*
 * flags:      of enum via_mutex_flag.
 * region:     VIA_MUTEX_DETECT: the memory with all mutexes among which
 *             deadlocks are looked for, this one too, which every process
 *             maps as a whole; ignored otherwise.
 * region_len: its length in bytes.
 */
struct via_mutex_options {
	uint32_t flags;
	uint32_t reserved; /* zero */
	void *region;
	size_t region_len;
};

/*
 * Make a mutex in memory that nobody uses. options may be NULL: a plain one.
 *
 * All mutexes check for errors: locking one that the caller holds is -EDEADLK
 * unless it is recursive.
 *
 * Returns 0, -EINVAL (unknown flags, not aligned, outside its region),
 * -EOPNOTSUPP (the kernel has no such futexes, or another C library has
 * arranged the robust list differently).
 */
VIA_API int via_mutex_init(struct via_mutex *mutex,
			   const struct via_mutex_options *options);

/*
 * Lock. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: locked, but the owner before died inside: repair
 * what the mutex protects, then via_mutex_consistent(), before unlocking;
 * -ENOTRECOVERABLE: somebody unlocked without that; -EAGAIN, -ETIMEDOUT;
 * -EDEADLK: the caller holds it, or (VIA_MUTEX_DETECT) its owner waits, through
 * whomever, for the caller: ret->error has the cycle in words; -EOVERFLOW
 * (locked again 2^32 times); -EIDRM; -EINVAL (not a mutex).
 */
VIA_API int via_mutex_lock(struct via_mutex *mutex, int64_t deadline,
			   struct via_sync_report *ret) VIA_OFTEN;

/* Unlock. Returns 0, -EPERM (the caller does not hold it), -EIDRM, -EINVAL. */
VIA_API int via_mutex_unlock(struct via_mutex *mutex) VIA_OFTEN;

/*
 * Say that what the mutex protects is in order again after -EOWNERDEAD.
 * Returns 0, -EPERM (the caller does not hold it), -EINVAL (it was in order).
 */
VIA_API int via_mutex_consistent(struct via_mutex *mutex);

/*
 * End a mutex that is free or the caller's. Those who wait for it get -EIDRM.
 * The memory may be used for something else when they have returned.
 * Returns 0, -EBUSY (somebody else holds it), -EIDRM, -EINVAL.
 */
VIA_API int via_mutex_destroy(struct via_mutex *mutex);

/* --- Reader-writer lock --- */

/*
 * Make a reader-writer lock in memory that nobody uses. It prefers writers: no
 * new reader gets in while one waits, so a writer waits for the readers that
 * are inside and for writers before it, never for readers that come later; and
 * a reader must not lock again what it holds. Readers do not disturb each
 * other: each has a cache line of its own.
 *
 * Returns 0, -EINVAL, -EOPNOTSUPP as via_mutex_init().
 */
VIA_API int via_rwlock_init(struct via_rwlock *lock);

/*
 * Lock for reading, together with other readers. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: a writer died inside, and the caller now has the
 * lock for writing, to repair: see via_rwlock_write(); -EUSERS: there are
 * VIA_HOLDERS_MAX readers; -EDEADLK (the caller writes), -ENOTRECOVERABLE,
 * -EAGAIN, -ETIMEDOUT, -EIDRM, -EINVAL.
 */
VIA_API int via_rwlock_read(struct via_rwlock *lock, int64_t deadline,
			    struct via_sync_report *ret) VIA_OFTEN;

/*
 * Lock for writing, alone. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: locked, but a writer died inside: repair, then
 * via_rwlock_consistent(); or a reader did, which is said once and needs no
 * repair; -EDEADLK (the caller reads or writes), -ENOTRECOVERABLE, -EAGAIN,
 * -ETIMEDOUT, -EIDRM, -EINVAL.
 */
VIA_API int via_rwlock_write(struct via_rwlock *lock, int64_t deadline,
			     struct via_sync_report *ret) VIA_OFTEN;

/* Unlock, whichever it was. Returns 0, -EPERM, -EIDRM, -EINVAL. */
VIA_API int via_rwlock_unlock(struct via_rwlock *lock) VIA_OFTEN;

/* As via_mutex_consistent(), for a writer. 0 too after a reader's death. */
VIA_API int via_rwlock_consistent(struct via_rwlock *lock);

/* As via_mutex_destroy(), for a lock that is free or that the caller writes. */
VIA_API int via_rwlock_destroy(struct via_rwlock *lock);

/* --- Semaphore --- */

/*
 * Make a semaphore of so many units, which have no owners: any thread posts,
 * and who dies with a unit takes it along. Units that come back by themselves
 * are a via_pool's.
 *
 * Returns 0, -EINVAL (value over VIA_SEM_MAX, not aligned), -EOPNOTSUPP.
 */
VIA_API int via_sem_init(struct via_sem *sem, uint32_t value);

/* Take a unit. Returns 0, -EAGAIN, -ETIMEDOUT, -EIDRM, -EINVAL. */
VIA_API int via_sem_wait(struct via_sem *sem, int64_t deadline) VIA_OFTEN;

/* Add n units, all or none. Returns 0, -EOVERFLOW (over VIA_SEM_MAX), -EIDRM,
 * -EINVAL (n is 0, or not a semaphore). */
VIA_API int via_sem_post(struct via_sem *sem, uint32_t n) VIA_OFTEN;

/* How many units there are now. Returns that, -EIDRM, -EINVAL. */
VIA_API int via_sem_value(const struct via_sem *sem);

/* End it. Those who wait get -EIDRM. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_sem_destroy(struct via_sem *sem);

/* --- Pool: a semaphore whose units have owners --- */

/*
 * Make a pool of 1 to VIA_HOLDERS_MAX units. A unit belongs to the thread that
 * took it; when that dies, the unit is there again and who takes it is told.
 * No unit is ever lost.
 *
 * Returns 0, -EINVAL, -EOPNOTSUPP.
 */
VIA_API int via_pool_init(struct via_pool *pool, uint32_t units);

/*
 * Take a unit. ret may be NULL.
 *
 * Returns 0; -EOWNERDEAD: taken, but whose it was before died with it: what
 * the unit stands for may want looking after; -EAGAIN, -ETIMEDOUT, -EIDRM,
 * -EINVAL.
 */
VIA_API int via_pool_take(struct via_pool *pool, int64_t deadline,
			  struct via_sync_report *ret);

/* Give a unit back. Returns 0, -EPERM (the caller has none), -EIDRM,
 * -EINVAL. */
VIA_API int via_pool_give(struct via_pool *pool);

/* How many units nobody has now. Returns that, -EIDRM, -EINVAL. */
VIA_API int via_pool_value(const struct via_pool *pool);

/* End a pool. Those who wait get -EIDRM; units that are out need not come
 * back. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_pool_destroy(struct via_pool *pool);

/* --- Condition --- */

/* Make a condition in memory that nobody uses. Returns 0, -EINVAL,
 * -EOPNOTSUPP. */
VIA_API int via_cond_init(struct via_cond *cond);

/*
 * Unlock the mutex and wait until somebody signals, then lock the mutex again,
 * which may take longer than the deadline. It may return for nothing: look at
 * what is waited for, in a loop. A recursive mutex is unlocked all the way. A
 * signal that reaches a waiter that dies goes to another.
 *
 * Returns 0, -ETIMEDOUT, -EAGAIN, -EIDRM (the condition is gone), all with the
 * mutex locked; -EOWNERDEAD: locked, but its owner died while this one waited,
 * which ends the wait: as via_mutex_lock(); -ENOTRECOVERABLE: not locked, as is
 * -EIDRM when the mutex is gone too; -EPERM (the caller does not hold the
 * mutex), -EINVAL.
 */
VIA_API int via_cond_wait(struct via_cond *cond, struct via_mutex *mutex,
			  int64_t deadline, struct via_sync_report *ret);

/* Wake one who waits, if any does. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_cond_signal(struct via_cond *cond);

/* Wake all who wait. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_cond_broadcast(struct via_cond *cond);

/* End it. Those who wait get -EIDRM. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_cond_destroy(struct via_cond *cond);

/* --- Barrier --- */

/*
 * Make a barrier for n threads, 1 to VIA_HOLDERS_MAX.
 * Returns 0, -EINVAL, -EOPNOTSUPP.
 */
VIA_API int via_barrier_init(struct via_barrier *barrier, uint32_t n);

/*
 * Wait until n threads have come. One whose deadline passes has not come.
 *
 * When a thread dies while it waits here, the meeting can no longer be: the
 * barrier is broken, and all who wait or come later get -EOWNERDEAD, until
 * via_barrier_reset(). A thread that dies before it comes is nobody the
 * barrier knows of: that is what the deadline is for.
 *
 * Returns 0; 1, to one of the n; -EOWNERDEAD, -EAGAIN, -ETIMEDOUT; -EUSERS
 * (more than VIA_HOLDERS_MAX threads at once); -EIDRM, -EINVAL.
 */
VIA_API int via_barrier_wait(struct via_barrier *barrier, int64_t deadline,
			     struct via_sync_report *ret);

/* Mend a broken barrier: from now on n are to come anew. Returns 0, also when
 * it was whole, which changes nothing; -EIDRM, -EINVAL. */
VIA_API int via_barrier_reset(struct via_barrier *barrier);

/* End it. Those who wait get -EIDRM. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_barrier_destroy(struct via_barrier *barrier);

/* --- Event --- */

enum via_event_flag {
	VIA_EVENT_MANUAL = 1u << 0, /* lets all through, until it is reset */
	VIA_EVENT_SET = 1u << 1,    /* has happened already */
};

/*
 * Make an event: without VIA_EVENT_MANUAL each via_event_set() lets one
 * through, now or later, and being set twice is being set once.
 *
 * Returns 0, -EINVAL (unknown flags, not aligned), -EOPNOTSUPP.
 */
VIA_API int via_event_init(struct via_event *event, uint32_t flags);

/* Wait until it is set. Returns 0, -EAGAIN, -ETIMEDOUT, -EIDRM, -EINVAL. */
VIA_API int via_event_wait(struct via_event *event, int64_t deadline);

/* Let it have happened. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_event_set(struct via_event *event);

/* Let it not have happened. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_event_reset(struct via_event *event);

/* End it. Those who wait get -EIDRM. Returns 0, -EIDRM, -EINVAL. */
VIA_API int via_event_destroy(struct via_event *event);

/* --- Any of them --- */

/*
 * Check what a mapping holds before using it.
 *
 * size: bytes that are mapped from object on.
 * kind: what it should be.
 *
 * Returns 0; -EPROTO: it is none of these objects, or another one, or cut off;
 * -ESTALE: it has another version's layout; -EIDRM: it was destroyed; -EINVAL:
 * not aligned. With a sentence, if reterr is not NULL.
 */
VIA_API int via_sync_check(const void *object, size_t size,
			   enum via_sync_kind kind, struct via_error *reterr);

/* What an object is and who has to do with it, as far as it can be seen. */
struct via_sync_view {
	enum via_sync_kind kind;
	uint32_t flags;
	/* Semaphore: units; pool: free units; barrier: threads it is for;
	 * event: 1 if set; others 0. */
	uint32_t value;
	uint32_t n_holders;    /* barrier: those who have come */
	uint32_t n_waiters;    /* as far as shown */
	uint32_t writing;      /* rwlock: the one holder writes */
	struct via_owner died; /* whose damage is not repaired yet */
	struct via_owner holders[VIA_HOLDERS_MAX];
	struct via_owner waiters[VIA_WAITERS_SHOWN]; /* start is 0 */
};

/*
 * Look at an object, changing nothing. What is seen was so a moment ago, and
 * of those who wait only some may be shown, or one who has been killed since.
 * Returns 0 or as via_sync_check().
 */
VIA_API int via_sync_look(const void *object, size_t size,
			  struct via_sync_view *ret);

#ifdef __cplusplus
}
#endif

#endif
