/* SPDX-License-Identifier: MIT */
#include "inspect/collect/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <string.h>

/* --- glibc's pthread_mutex_t of 64-bit machines --- */

/*
 * lock, count, owner, nusers, kind: sysdeps/nptl/bits/struct_mutex.h of glibc,
 * and sysdeps/x86/nptl/bits/struct_mutex.h, which agree up to there. The bits
 * of kind are in nptl/pthreadP.h.
 */
struct mutex {
	uint32_t lock, count;
	int32_t owner;
	uint32_t nusers, kind;
};
#define TYPE	0x03 /* normal, recursive, errorcheck, adaptive */
#define ROBUST	0x10
#define PI	0x20
#define PROTECT 0x40
#define PSHARED 0x80
#define ELISION 0x300
#define KINDS	(TYPE | ROBUST | PI | PROTECT | PSHARED | ELISION)

/* More threads than that do not wait for one lock. */
#define USERS_MAX (1 << 22)

/* PID_MAX_LIMIT of the kernel's linux/threads.h. */
#define TID_MAX (1 << 22)

static bool is_mutex(const struct via__futex_wait *w, const struct mutex *m)
{
	return w->len >= sizeof(*m) && m->owner > 0 && m->owner <= TID_MAX &&
	       !(m->kind & ~KINDS) && !(m->kind & PSHARED) == !w->shared &&
	       m->nusers >= 1 && m->nusers < USERS_MAX;
}

static bool waits(const struct via__futex_wait *w)
{
	return w->op == FUTEX_WAIT || w->op == FUTEX_WAIT_BITSET;
}

/* 2 in the word, locked and waited for, and the owner beside. */
static bool is_normal(const struct via__futex_wait *w, const struct mutex *m)
{
	return waits(w) && w->value == 2 && m->lock == 2 && is_mutex(w, m) &&
	       !(m->kind & (ROBUST | PI));
}

/* --- glibc's pthread_rwlock_t of 64-bit machines --- */

/*
 * sysdeps/nptl/bits/struct_rwlock.h and that of x86, which agree up to there
 * for 64 bits; the bits are in nptl/pthread_rwlock_common.c. Readers wait on
 * wrphase for the end of what a writer does, writers on writers.
 */
struct rwlock {
	uint32_t readers, n_writers, wrphase, writers, zero[2];
	int32_t writer;
	uint32_t shared;
};
#define WRITE_PHASE  1
#define WRITE_LOCKED 2
/* Of both words: it is so, and somebody waits. */
#define IS	1
#define IS_USED 3

bool via__futex_wants(const struct via__futex_wait *w)
{
	return waits(w) && w->value == IS_USED;
}

/* at: where in it the word is. */
static bool is_rwlock(const struct via__futex_wait *w, size_t at,
		      struct rwlock *ret)
{
	size_t behind = sizeof(*ret) - at;

	if (!w->has_before || w->len < behind)
		return false;
	memcpy(ret, w->before + VIA__FUTEX_BEFORE - at, at);
	memcpy((char *)ret + at, w->bytes, behind);
	return (ret->readers & (WRITE_PHASE | WRITE_LOCKED)) ==
		       (WRITE_PHASE | WRITE_LOCKED) &&
	       ret->n_writers < USERS_MAX && ret->wrphase & IS &&
	       ret->writers & IS && ret->wrphase <= IS_USED &&
	       ret->writers <= IS_USED && !ret->zero[0] && !ret->zero[1] &&
	       ret->writer > 0 && ret->writer <= TID_MAX &&
	       ret->shared == w->shared;
}

/* Who writes, or 0. */
static pid_t writer_of(const struct via__futex_wait *w)
{
	struct rwlock r;

	return is_rwlock(w, offsetof(struct rwlock, wrphase), &r) ||
			       is_rwlock(w, offsetof(struct rwlock, writers),
					 &r)
		       ? r.writer
		       : 0;
}

/* --- via's own: docs/SYNC.md --- */

/* struct via_hold: behind the word and a count pid << 32 | tid of who is
 * inside; and links, which are never NULL. */
static bool is_via(const struct via__futex_wait *w, uint32_t tid)
{
	uint64_t owner, prev;

	if (w->len < VIA__FUTEX_LEN)
		return false;
	memcpy(&owner, w->bytes + 8, sizeof(owner));
	memcpy(&prev, w->bytes + 24, sizeof(prev));
	return (uint32_t)owner == tid && owner >> 32 && owner >> 63 == 0 &&
	       prev;
}

/* --- Words with a tid --- */

/*
 * A thread's id in the word that the kernel clears when it ends: pthread_join()
 * waits on that, for ever (glibc, nptl/pthread_join_common.c).
 */
static bool is_join(const struct via__futex_wait *w)
{
	return w->op == FUTEX_WAIT_BITSET && w->shared && w->value > 2 &&
	       !(w->value & ~(uint32_t)FUTEX_TID_MASK);
}

static struct via__futex_owner of_tid(const struct via__futex_wait *w,
				      const struct mutex *m)
{
	struct via__futex_owner o = {
		.use = VIA_FUTEX_UNKNOWN,
		.tid = (pid_t)(m->lock & FUTEX_TID_MASK),
		.certainty = VIA_LIKELY,
	};

	/* First: how many use it would do for a pid. */
	if (is_mutex(w, m) && m->kind & ROBUST && m->owner == o.tid)
		o.use = VIA_FUTEX_ROBUST;
	else if (is_via(w, (uint32_t)o.tid))
		o.use = VIA_FUTEX_VIA;
	else
		return o;
	o.certainty = VIA_EXACT;
	return o;
}

struct via__futex_owner via__futex_owner(const struct via__futex_wait *w)
{
	static const struct via__futex_owner nobody = {VIA_FUTEX_UNKNOWN, 0,
						       VIA_GUESS};
	struct mutex m = {0};

	if (w->len < sizeof(m.lock))
		return nobody;
	memcpy(&m, w->bytes, w->len < sizeof(m) ? w->len : sizeof(m));

	pid_t tid = (pid_t)(m.lock & FUTEX_TID_MASK);

	/* Here the word is the kernel's own business. */
	if (tid && (w->op == FUTEX_LOCK_PI || w->op == FUTEX_LOCK_PI2)) {
		bool via = !is_mutex(w, &m) && is_via(w, (uint32_t)tid);

		return (struct via__futex_owner){
			via ? VIA_FUTEX_VIA : VIA_FUTEX_PI, tid, VIA_EXACT};
	}
	if (is_normal(w, &m))
		return (struct via__futex_owner){VIA_FUTEX_MUTEX, m.owner,
						 VIA_EXACT};
	if (!waits(w) || m.lock != w->value)
		return nobody;
	if (via__futex_wants(w) && writer_of(w))
		return (struct via__futex_owner){VIA_FUTEX_RWLOCK, writer_of(w),
						 VIA_EXACT};
	if (m.lock & FUTEX_WAITERS && !(m.lock & FUTEX_OWNER_DIED) && tid)
		return of_tid(w, &m);
	if (is_join(w))
		return (struct via__futex_owner){VIA_FUTEX_JOIN, tid,
						 VIA_EXACT};
	return nobody;
}
