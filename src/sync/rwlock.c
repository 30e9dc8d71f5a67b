/* SPDX-License-Identifier: MIT */
/*
 * The reader-writer lock: a reader takes a seat and then looks at the gate, a
 * writer takes the gate and then looks at the seats. Both are sequentially
 * consistent, so one sees the other. A reader who finds the gate taken gets up
 * and goes through it, one at a time with the writers; so no new reader gets
 * past a writer who waits.
 *
 * A reader that gets up empties its seat with a store and then looks whether a
 * writer waits for that: no barrier in between, for the writer has made one in
 * all processes with readers, after it said that it waits.
 */
#include <errno.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/membarrier.h"
#include "sync/seats.h"

#define TAG VIA__TAG(RWLOCK)
/* The state. */
#define WRITER_WAITS 1

/*
 * A bit for each seat that a reader has ever had: the others nobody need look
 * at. It changes behind the gate alone; a reader sees its own after it has
 * taken the seat and seen the gate free, so that the next writer sees both.
 */
static inline uint64_t used_seats(const struct via_seats *s)
{
	return __atomic_load_n(&s->used, __ATOMIC_SEQ_CST);
}

int via_rwlock_init(struct via_rwlock *lock)
{
	return via__seats_init(&lock->in, TAG, VIA_HOLDERS_MAX);
}

/* Keep for the next writer which reader died. Of several, one. */
static void remember(struct via_seats *s, const struct via__dead *dead)
{
	uint64_t nobody = 0;

	if (dead->owner &&
	    __atomic_compare_exchange_n(&s->died, &nobody, dead->owner, 0,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&s->died_start, dead->start, __ATOMIC_RELAXED);
}

/*
 * The gate is the caller's: sleep until this seat may be empty. Unheard, it
 * may miss the wake, and looks again after a while.
 */
static int sleep_at(const struct via__self *self, const struct via_hold *h,
		    uint32_t word, bool heard, int64_t deadline)
{
	int64_t until = heard ? deadline
			      : via__deadline_min(deadline,
						  via__now() + VIA__GLANCE_NS);
	int rc = via__before_sleep(self);

	if (rc)
		return rc;
	rc = via__futex_wait(&h->word, word, until);
	return until == deadline ? rc : 0;
}

/* The gate is the caller's: wait until this seat is empty. */
static int wait_seat(struct via__self *self, struct via_seats *s,
		     struct via_hold *h, bool heard, int64_t deadline)
{
	for (int rc = 0; !rc;) {
		uint32_t word = via__load(&h->word);
		uint32_t tid = word & FUTEX_TID_MASK;

		if (!tid && !(word & FUTEX_OWNER_DIED))
			return 0;
		if (tid == self->tid)
			return -EDEADLK;
		if (!tid) {
			remember(s, &(struct via__dead){h->owner, h->start});
			__atomic_store_n(&h->owner, 0, __ATOMIC_RELAXED);
			(void)via__swap(&h->word, word, 0);
		} else if (deadline == VIA_NO_WAIT) {
			return -EAGAIN;
		} else if (word & FUTEX_WAITERS ||
			   via__swap(&h->word, word, word | FUTEX_WAITERS)) {
			rc = sleep_at(self, h, word | FUTEX_WAITERS, heard,
				      deadline);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Say that a writer waits for seats to become empty. A reader who gets up and
 * does not see it has emptied its seat before: it sees that, or its store is
 * made visible here, before we look at the seat. False: not by readers who
 * count on that.
 */
static bool ask(struct via_seats *s, int64_t deadline)
{
	__atomic_store_n(&s->state, WRITER_WAITS, __ATOMIC_SEQ_CST);
	return deadline != VIA_NO_WAIT && via__membarrier();
}

/* The gate is the caller's: wait until all seats are empty, or drop it. */
static int drain(struct via__self *self, struct via_seats *s, int64_t deadline)
{
	uint64_t *shown = NULL;
	bool heard = false;
	int rc = 0;

	for (uint64_t used = used_seats(s); used && !rc; used &= used - 1) {
		struct via_hold *h = &s->seats[__builtin_ctzll(used)].hold;

		if (via__load(&h->word) == 0)
			continue;
		if (!shown) {
			shown = via__show(s->gate.waiters, self);
			heard = ask(s, deadline);
		}
		rc = wait_seat(self, s, h, heard, deadline);
	}
	if (shown)
		via__hide(shown, self);
	/* Also what a writer has left who died. */
	if (s->state)
		__atomic_store_n(&s->state, 0, __ATOMIC_RELAXED);
	if (rc)
		via__mutex_drop(self, &s->gate);
	return rc;
}

/* Alone behind the gate: be the writer. */
static int enter(struct via__self *self, struct via_seats *s,
		 struct via_sync_report *ret)
{
	int rc = via__mutex_enter(self, &s->gate, ret);
	uint64_t died = s->died;

	if (rc || !died)
		return rc;
	s->died = 0;
	return via__report_death(ret, died, s->died_start);
}

/* Tell the writer, the only one who sleeps there, that we got up. */
static __attribute__((noinline)) int wake_writer(struct via_hold *h)
{
	(void)via__futex_wake(&h->word, 1);
	via__hold_done(&via__thread);
	return 0;
}

/*
 * Get up, with a barrier of our own. Somebody else may sit there already when
 * the writer is woken, or when we die before it is: that one finds the gate
 * taken and wakes it too, or in dying the kernel, since FUTEX_WAITERS is in the
 * word of whoever came past the gate.
 */
static void get_up(const struct via__self *self, struct via_seats *s,
		   struct via_seat *seat)
{
	via__hold_leave(&seat->hold);
	via__hold_about(self, &seat->hold);
	via__hold_unlink(self, &seat->hold);
	/* Pairs with the store in ask(). */
	__atomic_store_n(&seat->hold.word, 0, __ATOMIC_SEQ_CST);
	if (via__load(&s->state))
		(void)wake_writer(&seat->hold);
	via__hold_done(self);
}

/* Sit down behind the gate. */
static int sit_down(struct via__self *self, struct via_seats *s)
{
	struct via__dead dead;
	struct via_seat *seat = via__seat_take(self, s, VIA_HOLDERS_MAX, &dead);

	if (!seat)
		return -EUSERS;
	remember(s, &dead);
	/* The next time past the gate, and where nobody else sits. */
	via__self_seat(self, (unsigned int)(seat - s->seats));
	__atomic_store_n(&s->used, used_seats(s) | self->seat_bit,
			 __ATOMIC_SEQ_CST);
	via__hold_enter(self, &seat->hold);
	via__hold_done(self);
	return 0;
}

static __attribute__((noinline)) int
read_slowly(struct via_seats *s, int64_t deadline, struct via_sync_report *ret)
{
	struct via__self *self = via__self();

	if (!self)
		return -EOPNOTSUPP;

	int rc = via__mutex_take(self, &s->gate, TAG, deadline, ret);

	if (rc)
		return rc;
	if (via__flags(&s->gate.head) & VIA__DAMAGED) {
		rc = drain(self, s, deadline);
		return rc ? rc : enter(self, s, ret);
	}

	rc = sit_down(self, s);
	via__mutex_drop(self, &s->gate);
	return rc;
}

/* Not past the gate: get up and queue. Here, and not in the fast path, which
 * so saves no registers. */
static __attribute__((noinline)) int stand_back(struct via_seats *s,
						struct via_seat *seat,
						int64_t deadline,
						struct via_sync_report *ret)
{
	get_up(&via__thread, s, seat);
	return read_slowly(s, deadline, ret);
}

/* The word of the seat is 0, so nobody has died in it unnoticed. */
via__hot int via_rwlock_read(struct via_rwlock *lock, int64_t deadline,
			     struct via_sync_report *ret)
{
	const struct via__self *self = &via__thread;
	const struct via__self known = {.robust = self->robust,
					.tid = self->tid};
	struct via_seats *s = &lock->in;
	struct via_seat *seat = via__seat_first(self, s);

	if (via__unlikely(self->life != via__life_now() ||
			  via__tag(&s->gate.head) != TAG ||
			  !via__seat_try(&known, seat, 0, FUTEX_WAITERS)))
		return read_slowly(s, deadline, ret);
	/* Pairs with the gate's word and the look at the seats in drain(). When
	 * the lock is destroyed, no seat is in use any more. */
	uint32_t closed = via__load(&s->gate.hold.word);

	closed |= via__flags(&s->gate.head);
	if (via__unlikely(closed || !(used_seats(s) & self->seat_bit)))
		return stand_back(s, seat, deadline, ret);
	via__hold_enter(self, &seat->hold);
	via__hold_done(&known);
	return 0;
}

int via_rwlock_write(struct via_rwlock *lock, int64_t deadline,
		     struct via_sync_report *ret)
{
	struct via__self *self = via__self();
	struct via_seats *s = &lock->in;

	if (!self)
		return -EOPNOTSUPP;

	int rc = via__mutex_take(self, &s->gate, TAG, deadline, ret);

	if (!rc)
		rc = drain(self, s, deadline);
	return rc ? rc : enter(self, s, ret);
}

/* Whatever is not a reader in its own seat, or the first of a thread. */
static __attribute__((noinline)) int unlock_slowly(struct via_seats *s)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&s->gate.head, TAG);

	if (rc || !self)
		return rc ? rc : -EPERM;
	if (via__hold_is(&s->gate.hold, self)) {
		via__mutex_leave(self, &s->gate);
		return 0;
	}

	struct via_seat *seat = via__seat_find(self, s);

	if (!seat)
		return -EPERM;
	get_up(self, s, seat);
	via__self_unfence(self);
	return 0;
}

/* Without a look at the tag: who is the owner of a seat has this lock. */
via__hot int via_rwlock_unlock(struct via_rwlock *lock)
{
	const struct via__self *self = &via__thread;
	const struct via__self known = {.robust = self->robust};
	struct via_seats *s = &lock->in;
	struct via_hold *h = &via__seat_first(self, s)->hold;

	if (via__unlikely(self->unfenced != via__life_now() ||
			  __atomic_load_n(&h->owner, __ATOMIC_RELAXED) !=
				  self->owner))
		return unlock_slowly(s);
	via__hold_leave(h);
	via__hold_about(&known, h);
	via__hold_unlink(&known, h);
	/* Both pair with those in ask(), which makes the barrier between. */
	__atomic_store_n(&h->word, 0, __ATOMIC_RELEASE);
	VIA__ORDER();
	if (via__unlikely(__atomic_load_n(&s->state, __ATOMIC_RELAXED)))
		return wake_writer(h);
	via__hold_done(&known);
	return 0;
}

int via_rwlock_consistent(struct via_rwlock *lock)
{
	int rc = via__mutex_mend(&lock->in.gate, TAG);

	return rc == -EINVAL ? via__sync_ok(&lock->in.gate.head, TAG) : rc;
}

int via_rwlock_destroy(struct via_rwlock *lock)
{
	struct via__self *self = via__self();
	struct via_seats *s = &lock->in;

	if (!self)
		return -EOPNOTSUPP;
	if (!via__hold_is(&s->gate.hold, self)) {
		int rc = via__mutex_take(self, &s->gate, TAG, VIA_NO_WAIT,
					 NULL);

		if (!rc)
			rc = drain(self, s, VIA_NO_WAIT);
		if (rc && rc != -ENOTRECOVERABLE)
			return rc == -EAGAIN || rc == -EDEADLK ? -EBUSY : rc;
	}
	/* Nobody gets past the gate any more. */
	__atomic_store_n(&s->used, 0, __ATOMIC_SEQ_CST);
	return via__mutex_end(&s->gate, TAG);
}
