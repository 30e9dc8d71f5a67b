/* SPDX-License-Identifier: MIT */
/*
 * The reader-writer lock: a reader takes a seat and then looks at the gate, a
 * writer takes the gate and then looks at the seats. Both are sequentially
 * consistent, so one sees the other. A reader who finds the gate taken gets up
 * and goes through it, one at a time with the writers; so no new reader gets
 * past a writer who waits.
 */
#include <errno.h>

#include "core/error.h"
#include "sync/seats.h"

#define TAG VIA__TAG(RWLOCK)

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

/* The gate is the caller's: wait until this seat is empty. */
static int wait_seat(struct via__self *self, struct via_seats *s,
		     struct via_hold *h, int64_t deadline)
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
			rc = via__before_sleep(self);
			if (!rc)
				rc = via__futex_wait(&h->word,
						     word | FUTEX_WAITERS,
						     deadline);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* The gate is the caller's: wait until all seats are empty, or drop it. */
static int drain(struct via__self *self, struct via_seats *s, int64_t deadline)
{
	uint64_t *shown = NULL;
	int rc = 0;

	for (uint32_t i = 0; i < s->n && !rc; i++) {
		struct via_hold *h = &s->seats[i].hold;

		if (via__load(&h->word) == 0)
			continue;
		if (!shown)
			shown = via__show(s->gate.waiters, self);
		rc = wait_seat(self, s, h, deadline);
	}
	if (shown)
		via__hide(shown, self);
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

	struct via__dead dead;
	struct via_seat *seat = via__seat_take(self, s, VIA_HOLDERS_MAX, &dead);

	if (seat) {
		remember(s, &dead);
		via__hold_enter(self, &seat->hold);
		via__hold_done(self);
	}
	via__mutex_drop(self, &s->gate);
	return seat ? 0 : -EUSERS;
}

/* Not past the gate: get up and queue. Here, and not in the fast path, which
 * so saves no registers. */
static __attribute__((noinline)) int stand_back(struct via_seats *s,
						struct via_seat *seat,
						int64_t deadline,
						struct via_sync_report *ret)
{
	via__seat_drop(&via__thread, seat);
	return read_slowly(s, deadline, ret);
}

int via_rwlock_read(struct via_rwlock *lock, int64_t deadline,
		    struct via_sync_report *ret)
{
	const struct via__self self = via__thread;
	struct via_seats *s = &lock->in;
	struct via_seat *seat = via__seat_first(&self, s, VIA_HOLDERS_MAX);
	struct via__dead dead;

	if (self.life != via__life_now() || via__tag(&s->gate.head) != TAG ||
	    !via__seat_try(&self, seat, 0, &dead))
		return read_slowly(s, deadline, ret);
	if (__builtin_expect(dead.owner != 0, 0))
		remember(s, &dead);
	/* Pairs with the gate's word and the look at the seats in drain(). */
	if (via__load(&s->gate.hold.word) == 0 && !via__flags(&s->gate.head) &&
	    via__tag(&s->gate.head) == TAG) {
		via__hold_enter(&self, &seat->hold);
		via__hold_done(&self);
		return 0;
	}
	return stand_back(s, seat, deadline, ret);
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

/* Whatever is not a reader in its first seat. */
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
	via__seat_drop(self, seat);
	return 0;
}

int via_rwlock_unlock(struct via_rwlock *lock)
{
	const struct via__self self = via__thread;
	struct via_seats *s = &lock->in;
	struct via_seat *seat = via__seat_first(&self, s, VIA_HOLDERS_MAX);

	if (self.life != via__life_now() || via__tag(&s->gate.head) != TAG ||
	    __atomic_load_n(&seat->hold.owner, __ATOMIC_RELAXED) != self.owner)
		return unlock_slowly(s);
	via__hold_leave(&seat->hold);
	via__hold_about(&self, &seat->hold);
	via__hold_unlink(&self, &seat->hold);
	if (!via__swap(&seat->hold.word, self.tid, 0))
		return via__wake_next(&seat->hold);
	via__hold_done(&self);
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

	if (self && !via__hold_is(&s->gate.hold, self)) {
		int rc = via__mutex_take(self, &s->gate, TAG, VIA_NO_WAIT,
					 NULL);

		if (!rc)
			rc = drain(self, s, VIA_NO_WAIT);
		if (rc && rc != -ENOTRECOVERABLE)
			return rc == -EAGAIN || rc == -EDEADLK ? -EBUSY : rc;
	}
	return via__mutex_end(&s->gate, TAG);
}
