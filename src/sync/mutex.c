/* SPDX-License-Identifier: MIT */
/*
 * The mutex: a robust futex (hold.h), whose owner says that it is inside only
 * while it is. So a death tells apart what may have done damage from what
 * cannot: hold.owner is there, or not.
 */
#include "sync/mutex.h"

#include <errno.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/relax.h"

_Static_assert(sizeof(struct via_mutex) == 192, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_mutex, hold) == 16, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_mutex, died) == 64, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_mutex, waiters) == 128, "see docs/SYNC.md");

#define FLAGS_KNOWN (VIA_MUTEX_RECURSIVE | VIA_MUTEX_INHERIT | VIA_MUTEX_DETECT)

int via_mutex_init(struct via_mutex *mutex,
		   const struct via_mutex_options *options)
{
	uint32_t flags = options ? options->flags : 0;
	size_t at = 0;

	if (flags & ~FLAGS_KNOWN || (uintptr_t)mutex % VIA_SYNC_ALIGN)
		return -EINVAL;
	if (flags & VIA_MUTEX_DETECT) {
		at = (size_t)((uintptr_t)mutex - (uintptr_t)options->region);
		if (at >= options->region_len ||
		    options->region_len - at < sizeof(*mutex))
			return -EINVAL;
	}

	int rc = via__sync_init(&mutex->head, sizeof(*mutex), VIA__TAG(MUTEX),
				flags);

	if (!rc && flags & VIA_MUTEX_DETECT) {
		mutex->at = at;
		mutex->region_len = options->region_len;
	}
	return rc;
}

/* The word is ours. Let the kernel know, and see what we have got. */
static int taken(struct via__self *self, struct via_mutex *m, uint64_t tag)
{
	uint32_t flags = via__flags(&m->head);
	uint64_t owner = m->hold.owner;

	via__hold_link(self, &m->hold,
		       flags & VIA_MUTEX_INHERIT ? VIA__ENTRY_PI : 0);
	via__hold_done(self);
	if (owner) {
		/* Who died inside. Should we die here, the next one finds the
		 * same and does the same. */
		__atomic_store_n(&m->died_start, m->hold.start,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&m->died, owner, __ATOMIC_RELAXED);
		(void)__atomic_fetch_or(&m->head.flags, VIA__DAMAGED,
					__ATOMIC_RELAXED);
		via__hold_leave(&m->hold);
	}
	m->hold.count = 0;
	if (flags & VIA_MUTEX_DETECT)
		via__detect_held(self, m);

	int rc = via__tag(&m->head) != tag ? via__sync_bad(&m->head)
		 : flags & VIA__LOST	   ? -ENOTRECOVERABLE
					   : 0;

	if (rc)
		via__mutex_drop(self, m);
	return rc;
}

/* The caller has it already, or is it somebody before us with this tid? */
static bool is_mine(const struct via__self *self, const struct via_mutex *m,
		    uint32_t word)
{
	return (word & FUTEX_TID_MASK) == self->tid &&
	       (!m->hold.owner ||
		(m->hold.owner == self->owner && m->hold.start == self->start));
}

/* One look at a word that is not 0. 1: taken; 0: sleep; -EAGAIN: look again. */
static int look(const struct via__self *self, struct via_mutex *m,
		uint32_t *word)
{
	uint32_t w = via__load(&m->hold.word);
	uint32_t tid = w & FUTEX_TID_MASK;

	*word = w | FUTEX_WAITERS;
	if (tid == 0 || (tid == self->tid && !is_mine(self, m, w)))
		return via__swap(&m->hold.word, w,
				 self->tid | (w & FUTEX_WAITERS))
			       ? 1
			       : -EAGAIN;
	if (tid == self->tid)
		return -EDEADLK;
	return 0;
}

/* About 0.2 us: what an owner takes to get the word's cache line back. */
#define LOOKS 10

/*
 * Look for a moment whether the owner lets go. It then makes a system call, to
 * wake us, and cannot be back before we have the lock. So who spins gets it
 * nearly always, and sooner than by sleeping: between two processes that do
 * nothing else twice as many handovers, but half of the locks in all, since
 * each costs the system call. Never to spin is the other way round. One wait in
 * three gives half as many handovers again as the C library's robust mutex, and
 * as many locks (via bench sync).
 */
static bool spin(struct via__self *self, const struct via_mutex *m,
		 uint32_t word)
{
	if (self->waits++ % 3)
		return false;
	for (int i = 0; i < LOOKS; i++) {
		if (via__load(&m->hold.word) != word)
			return true;
		via__relax();
	}
	return false;
}

static int sleep_on(struct via__self *self, struct via_mutex *m, uint32_t word,
		    int64_t deadline, struct via_sync_report *ret)
{
	if (!via__swap(&m->hold.word, word & ~FUTEX_WAITERS, word) &&
	    via__load(&m->hold.word) != word)
		return 0;
	if (spin(self, m, word))
		return 0;

	bool detect = via__flags(&m->head) & VIA_MUTEX_DETECT;
	int rc = detect ? via__detect_waits(self, m, ret) : 0;

	if (rc)
		return rc;

	uint64_t *shown = via__show(m->waiters, self);

	rc = via__before_sleep(self);
	if (!rc)
		rc = via__futex_wait(&m->hold.word, word, deadline);
	via__hide(shown, self);
	if (detect)
		via__detect_waits_not(self);
	return rc;
}

/* 1: taken. */
static int wait_for(struct via__self *self, struct via_mutex *m,
		    int64_t deadline, struct via_sync_report *ret)
{
	for (;;) {
		uint32_t word;
		int rc = look(self, m, &word);

		if (rc == 0)
			rc = deadline == VIA_NO_WAIT
				     ? via__deadline_error(deadline)
				     : sleep_on(self, m, word, deadline, ret);
		else if (rc == -EAGAIN)
			rc = 0;
		if (rc)
			return rc;
	}
}

/* The same in the kernel, which lends our priority meanwhile. */
static int wait_for_pi(struct via__self *self, struct via_mutex *m,
		       int64_t deadline, struct via_sync_report *ret)
{
	if (is_mine(self, m, via__load(&m->hold.word)))
		return -EDEADLK;

	uint64_t *shown = via__show(m->waiters, self);
	int rc;

	do
		rc = via__futex_lock_pi(&m->hold.word, deadline);
	while (rc == -EINTR || (rc == -EAGAIN && deadline != VIA_NO_WAIT));
	via__hide(shown, self);
	/* It leaves the bit there: futex(2), FUTEX_LOCK_PI. */
	(void)__atomic_and_fetch(&m->hold.word, ~FUTEX_OWNER_DIED,
				 __ATOMIC_SEQ_CST);
	if (rc == -EDEADLK && ret)
		return via__fail(&ret->error, rc,
				 "its owner waits for a lock of this thread");
	return rc ? rc : 1;
}

int via__mutex_take(struct via__self *self, struct via_mutex *m, uint64_t tag,
		    int64_t deadline, struct via_sync_report *ret)
{
	via__hold_about(self, &m->hold);

	int rc = via__sync_ok(&m->head, tag);

	if (!rc)
		rc = via__swap(&m->hold.word, 0, self->tid) ? 1
		     : via__flags(&m->head) & VIA_MUTEX_INHERIT
			     ? wait_for_pi(self, m, deadline, ret)
			     : wait_for(self, m, deadline, ret);
	if (rc == 1)
		return taken(self, m, tag);
	via__hold_done(self);
	return rc;
}

int via__mutex_enter(struct via__self *self, struct via_mutex *m,
		     struct via_sync_report *ret)
{
	via__hold_enter(self, &m->hold);
	if (via__flags(&m->head) & VIA__DAMAGED)
		return via__report_death(ret, m->died, m->died_start);
	return 0;
}

static void drop_pi(struct via__self *self, struct via_mutex *m)
{
	if (via__swap(&m->hold.word, self->tid, 0))
		return;
	/* The kernel's barriers, for readers of C: pairs with the and in
	 * wait_for_pi(). */
	(void)__atomic_fetch_or(&m->hold.word, 0, __ATOMIC_RELEASE);
	(void)via__futex_unlock_pi(&m->hold.word);
}

void via__mutex_drop(struct via__self *self, struct via_mutex *m)
{
	uint32_t flags = via__flags(&m->head);

	if (flags & VIA_MUTEX_DETECT)
		via__detect_dropped(self, m);
	via__hold_leave(&m->hold);
	via__hold_about(self, &m->hold);
	via__hold_unlink(self, &m->hold);
	if (flags & VIA_MUTEX_INHERIT)
		drop_pi(self, m);
	else
		via__hold_release(self, &m->hold);
	via__hold_done(self);
}

void via__mutex_leave(struct via__self *self, struct via_mutex *m)
{
	if (via__flags(&m->head) & VIA__DAMAGED)
		(void)__atomic_fetch_or(&m->head.flags, VIA__LOST,
					__ATOMIC_SEQ_CST);
	via__mutex_drop(self, m);
}

int via__mutex_mend(struct via_mutex *m, uint64_t tag)
{
	const struct via__self *self = via__self();
	int rc = via__sync_ok(&m->head, tag);

	if (rc)
		return rc;
	if (!self || !via__hold_is(&m->hold, self))
		return -EPERM;
	if (!(via__flags(&m->head) & VIA__DAMAGED))
		return -EINVAL;
	__atomic_store_n(&m->died, 0, __ATOMIC_RELAXED);
	(void)__atomic_fetch_and(&m->head.flags, ~VIA__DAMAGED,
				 __ATOMIC_RELAXED);
	return 0;
}

int via__mutex_end(struct via_mutex *m, uint64_t tag)
{
	struct via__self *self = via__self();

	if (!self)
		return -EOPNOTSUPP;

	int rc = via__hold_is(&m->hold, self)
			 ? via__sync_ok(&m->head, tag)
			 : via__mutex_take(self, m, tag, VIA_NO_WAIT, NULL);

	if (rc == -EAGAIN)
		return -EBUSY;
	/* What cannot be repaired can be ended. */
	if (rc == -ENOTRECOVERABLE)
		return via__sync_end(&m->head, tag);
	if (rc)
		return rc;
	rc = via__sync_end(&m->head, tag);
	via__mutex_drop(self, m);
	return rc;
}

/* Everything but an uncontended plain mutex. */
static __attribute__((noinline)) int
lock_slowly(struct via_mutex *m, int64_t deadline, struct via_sync_report *ret)
{
	struct via__self *self = via__self();

	if (!self)
		return -EOPNOTSUPP;

	int rc = via__mutex_take(self, m, VIA__TAG(MUTEX), deadline, ret);

	if (rc == 0)
		return via__mutex_enter(self, m, ret);
	if (rc != -EDEADLK || !via__hold_is(&m->hold, self))
		return rc;
	if (!(via__flags(&m->head) & VIA_MUTEX_RECURSIVE))
		return ret ? via__fail(&ret->error, rc,
				       "this thread holds it already")
			   : rc;
	if (m->hold.count == UINT32_MAX)
		return -EOVERFLOW;
	m->hold.count++;
	return 0;
}

static __attribute__((noinline)) int taken_slowly(struct via_mutex *m,
						  struct via_sync_report *ret)
{
	int rc = taken(&via__thread, m, VIA__TAG(MUTEX));

	return rc ? rc : via__mutex_enter(&via__thread, m, ret);
}

static inline bool is_plain(const struct via_mutex *m)
{
	/* Both with one branch. */
	return via__likely(((via__tag(&m->head) ^ VIA__TAG(MUTEX)) |
			    via__flags(&m->head)) == 0);
}

/* The fast paths keep a copy of what is known of the thread in registers, and
 * call nothing but in their last statement. */
via__hot int via_mutex_lock(struct via_mutex *mutex, int64_t deadline,
			    struct via_sync_report *ret)
{
	const struct via__self *self = &via__thread;
	const struct via__self known = {.robust = self->robust};

	if (via__unlikely(self->life != via__life_now()))
		return lock_slowly(mutex, deadline, ret);
	via__hold_about(&known, &mutex->hold);
	if (via__unlikely(!via__swap(&mutex->hold.word, 0, self->tid)))
		return lock_slowly(mutex, deadline, ret);
	/* Only now: it cannot be lost or destroyed any more. */
	if (!is_plain(mutex))
		return taken_slowly(mutex, ret);
	via__hold_link(&known, &mutex->hold, 0);
	via__hold_enter(self, &mutex->hold);
	via__hold_done(&known);
	return 0;
}

static __attribute__((noinline)) int unlock_slowly(struct via_mutex *m)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&m->head, VIA__TAG(MUTEX));

	if (rc)
		return rc;
	if (!self || !via__hold_is(&m->hold, self))
		return -EPERM;
	if (m->hold.count) {
		m->hold.count--;
		return 0;
	}
	via__mutex_leave(self, m);
	return 0;
}

int via__wake_next(struct via_hold *h)
{
	via__hold_wake(h);
	via__hold_done(&via__thread);
	return 0;
}

via__hot int via_mutex_unlock(struct via_mutex *mutex)
{
	const struct via__self *self = &via__thread;
	const struct via__self known = {.robust = self->robust};

	/* The owner and not the word: a load of what was last changed by an
	 * atomic operation takes as long as another one. Who is the owner of
	 * it has a mutex here: no look at the tag. */
	if (via__unlikely(self->life != via__life_now() ||
			  via__flags(&mutex->head) ||
			  __atomic_load_n(&mutex->hold.owner,
					  __ATOMIC_RELAXED) != self->owner))
		return unlock_slowly(mutex);
	via__hold_leave(&mutex->hold);
	via__hold_about(&known, &mutex->hold);
	via__hold_unlink(&known, &mutex->hold);
	if (via__unlikely(!via__swap(&mutex->hold.word, self->tid, 0)))
		return via__wake_next(&mutex->hold);
	via__hold_done(&known);
	return 0;
}

int via_mutex_consistent(struct via_mutex *mutex)
{
	return via__mutex_mend(mutex, VIA__TAG(MUTEX));
}

int via_mutex_destroy(struct via_mutex *mutex)
{
	return via__mutex_end(mutex, VIA__TAG(MUTEX));
}
