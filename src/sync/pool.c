/* SPDX-License-Identifier: MIT */
/*
 * The pool: a unit is a seat, so the kernel gives back those of the dead. Who
 * finds none takes the gate and sleeps on all seats at once; the others who
 * wait sleep on the gate. So one is woken for each unit that comes back.
 */
#include <errno.h>

#include "sync/seats.h"

#define TAG VIA__TAG(POOL)

int via_pool_init(struct via_pool *pool, uint32_t units)
{
	return via__seats_init(&pool->in, TAG, units);
}

/* 0: the caller has a seat, -EOWNERDEAD: a dead one's; -EAGAIN. */
static int sit(struct via__self *self, struct via_seats *s,
	       struct via_sync_report *ret)
{
	struct via__dead dead;
	struct via_seat *seat = via__seat_take(self, s, s->n, &dead);

	if (!seat)
		return -EAGAIN;
	via__hold_enter(self, &seat->hold);
	via__hold_done(self);
	return dead.owner ? via__report_death(ret, dead.owner, dead.start) : 0;
}

/* Sleep until some seat may be free. */
static int wait_seats(struct via__self *self, struct via_seats *s,
		      int64_t deadline)
{
	struct via__word words[VIA_HOLDERS_MAX + 1] = {{&s->state, 0}};
	uint64_t *shown;

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t *word = &s->seats[i].hold.word;
		uint32_t was = via__load(word);

		if (!(was & FUTEX_TID_MASK) ||
		    (!(was & FUTEX_WAITERS) &&
		     !via__swap(word, was, was | FUTEX_WAITERS)))
			return 0;
		words[i + 1] = (struct via__word){word, was | FUTEX_WAITERS};
	}
	shown = via__show(s->gate.waiters, self);

	int rc = via__futex_wait_any(words, s->n + 1, deadline);

	via__hide(shown, self);
	return rc < 0 ? rc : 0;
}

static int take_slowly(struct via__self *self, struct via_seats *s,
		       int64_t deadline, struct via_sync_report *ret)
{
	int rc = via__mutex_take(self, &s->gate, TAG, deadline, ret);

	if (rc)
		return rc;
	for (;;) {
		rc = sit(self, s, ret);
		if (rc != -EAGAIN || deadline == VIA_NO_WAIT)
			break;
		rc = wait_seats(self, s, deadline);
		if (!rc)
			rc = via__sync_ok(&s->gate.head, TAG);
		if (rc)
			break;
	}
	via__mutex_drop(self, &s->gate);
	return rc;
}

int via_pool_take(struct via_pool *pool, int64_t deadline,
		  struct via_sync_report *ret)
{
	struct via__self *self = via__self();
	struct via_seats *s = &pool->in;
	int rc = via__sync_ok(&s->gate.head, TAG);

	if (!self)
		return -EOPNOTSUPP;
	if (rc)
		return rc;
	/* Not past those who wait. */
	rc = via__load(&s->gate.hold.word) ? -EAGAIN : sit(self, s, ret);
	return rc == -EAGAIN ? take_slowly(self, s, deadline, ret) : rc;
}

int via_pool_give(struct via_pool *pool)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&pool->in.gate.head, TAG);

	if (rc || !self)
		return rc ? rc : -EPERM;

	struct via_seat *seat = via__seat_find(self, &pool->in);

	if (!seat)
		return -EPERM;
	via__seat_drop(self, seat);
	return 0;
}

int via_pool_value(const struct via_pool *pool)
{
	int n = via__sync_ok(&pool->in.gate.head, TAG);

	for (uint32_t i = 0; n >= 0 && i < pool->in.n; i++)
		n += via__seat_free(&pool->in.seats[i]);
	return n;
}

int via_pool_destroy(struct via_pool *pool)
{
	struct via_seats *s = &pool->in;
	int rc = via__sync_end(&s->gate.head, TAG);

	if (rc)
		return rc;
	/* Who sleeps on all seats is woken, and lets the next one see. */
	__atomic_store_n(&s->state, 1, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&s->state, INT_MAX);
	return 0;
}
