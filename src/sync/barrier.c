/* SPDX-License-Identifier: MIT */
/*
 * The barrier: who comes takes a seat, with the number of the round in it, and
 * the last to come begins the next round. One store does it, and all changes
 * are made behind the gate. Who dies in here rings the bell, and whoever it
 * wakes sees a seat whose owner is dead: that round will never be.
 */
#include <errno.h>

#include "core/clock.h"
#include "sync/seats.h"

#define TAG VIA__TAG(BARRIER)
/* Of the state; above it the round. */
#define BROKEN 1u
/* A seat's round, of one that was broken and has been mended since. */
#define VOID UINT32_MAX

int via_barrier_init(struct via_barrier *barrier, uint32_t n)
{
	return via__seats_init(&barrier->in, TAG, n);
}

/* Whether its owner has come for this round; *ret_dead: and died. */
static bool has_come(const struct via_hold *h, uint32_t round, bool *ret_dead)
{
	uint32_t word = via__load(&h->word);

	*ret_dead = word & FUTEX_OWNER_DIED;
	return (*ret_dead || word & FUTEX_TID_MASK) &&
	       __atomic_load_n(&h->owner, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&h->count, __ATOMIC_RELAXED) == round;
}

/* How many have come, and which of them is dead, if any is. */
static uint32_t count(struct via_seats *s, uint32_t round,
		      struct via_hold **ret_dead)
{
	uint32_t n = 0;

	*ret_dead = NULL;
	for (uint32_t i = 0; i < VIA_HOLDERS_MAX; i++) {
		struct via_hold *h = &s->seats[i].hold;
		bool dead;

		if (has_come(h, round, &dead)) {
			n++;
			if (dead)
				*ret_dead = h;
		}
	}
	return n;
}

static void set_state(struct via_seats *s, uint32_t state)
{
	__atomic_store_n(&s->state, state, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&s->state, INT_MAX);
}

/* Behind the gate: is the round complete, or is it never to be? */
static bool settle(struct via_seats *s, uint32_t round)
{
	struct via_hold *dead;
	uint32_t n = count(s, round, &dead);

	if (dead) {
		__atomic_store_n(&s->died_start, dead->start, __ATOMIC_RELAXED);
		__atomic_store_n(&s->died, dead->owner, __ATOMIC_RELAXED);
		set_state(s, round << 1 | BROKEN);
	} else if (n >= s->n) {
		set_state(s, (round + 1) << 1);
		return true;
	}
	return false;
}

/* Go behind the gate; should we die there, the bell rings. */
static int take_gate(struct via__self *self, struct via_seats *s)
{
	int rc = via__mutex_take(self, &s->gate, TAG, VIA_NEVER, NULL);

	if (!rc)
		via__bell_hold(self, &s->gate.head);
	return rc;
}

/* The caller comes. 1: and was the last; 0: and is to wait in its seat. */
static int arrive(struct via__self *self, struct via_seats *s,
		  struct via_seat **ret_seat, struct via_sync_report *ret)
{
	int rc = take_gate(self, s);

	if (rc)
		return rc;

	uint32_t round = via__load(&s->state) >> 1;
	struct via__dead dead;

	/* Somebody who came has died, and nobody was woken yet. */
	(void)settle(s, round);
	if (via__load(&s->state) & BROKEN) {
		rc = via__report_death(ret, s->died, s->died_start);
	} else {
		struct via_seat *seat = via__seat_take(self, s, VIA_HOLDERS_MAX,
						       &dead);

		via__bell_hold(self, &s->gate.head);
		rc = seat ? 0 : -EUSERS;
		if (seat) {
			__atomic_store_n(&seat->hold.count, round,
					 __ATOMIC_RELAXED);
			via__hold_enter(self, &seat->hold);
			rc = settle(s, round);
			*ret_seat = seat;
		}
	}
	via__mutex_drop(self, &s->gate);
	return rc;
}

/* What has become of the caller's round. 0: it is over; -EOWNERDEAD: broken;
 * -EAGAIN: neither yet. */
static int outcome(const struct via_seats *s, const struct via_seat *seat,
		   struct via_sync_report *ret)
{
	uint32_t round = __atomic_load_n(&seat->hold.count, __ATOMIC_RELAXED);
	uint32_t state = via__load(&s->state);

	if (round != VOID && state >> 1 == round && !(state & BROKEN))
		return -EAGAIN;
	if (round != VOID && state >> 1 != round)
		return 0;
	return via__report_death(
		ret, __atomic_load_n(&s->died, __ATOMIC_RELAXED),
		__atomic_load_n(&s->died_start, __ATOMIC_RELAXED));
}

/*
 * Sleep until there is something to see. Who dies between its arrival and its
 * sleep does not ring, and what rings before we sleep is not heard: hence the
 * glance. 0, -EOWNERDEAD: somebody who came is dead; -EAGAIN, -ETIMEDOUT.
 */
static int sleep_in(struct via__self *self, struct via_seats *s, uint32_t round,
		    int64_t deadline)
{
	const struct via__word words[] = {
		{&s->state, round << 1},
		{&s->gate.head.bell, 0},
	};
	int64_t until = via__deadline_min(deadline,
					  via__now() + VIA__GLANCE_NS);
	struct via_hold *dead;

	(void)count(s, round, &dead);
	if (dead)
		return -EOWNERDEAD;
	if (deadline == VIA_NO_WAIT)
		return -EAGAIN;

	uint64_t *shown = via__show(s->gate.waiters, self);
	int rc = via__futex_wait_any(words, 2, until);

	via__hide(shown, self);
	if (rc == 1)
		(void)via__futex_wake(&s->state, INT_MAX);
	return rc < 0 && until == deadline ? rc : 0;
}

/* Behind the gate nobody comes or goes: look once more, and withdraw if there
 * is nothing. */
static int leave(struct via__self *self, struct via_seats *s,
		 struct via_seat *seat, int why, struct via_sync_report *ret)
{
	int rc = take_gate(self, s);

	if (rc)
		return rc;
	if (outcome(s, seat, NULL) == -EAGAIN)
		(void)settle(s, seat->hold.count);
	rc = outcome(s, seat, ret);
	if (rc == -EAGAIN) {
		via__hold_leave(&seat->hold);
		rc = why;
	}
	via__mutex_drop(self, &s->gate);
	return rc;
}

int via_barrier_wait(struct via_barrier *barrier, int64_t deadline,
		     struct via_sync_report *ret)
{
	struct via__self *self = via__self();
	struct via_seats *s = &barrier->in;
	struct via_seat *seat = NULL;

	if (!self)
		return -EOPNOTSUPP;

	int rc = arrive(self, s, &seat, ret);

	if (!seat)
		return rc;
	via__bell_hold(self, &s->gate.head);
	/* The last to come has nothing to wait for. */
	for (bool over = rc; !over;) {
		rc = via__sync_ok(&s->gate.head, TAG);
		if (!rc)
			rc = outcome(s, seat, ret);
		over = rc != -EAGAIN;
		if (!over) {
			int why = sleep_in(self, s, seat->hold.count, deadline);

			over = why;
			if (over)
				rc = leave(self, s, seat, why, ret);
		}
	}
	via__seat_drop(self, seat);
	return rc;
}

int via_barrier_reset(struct via_barrier *barrier)
{
	struct via__self *self = via__self();
	struct via_seats *s = &barrier->in;

	if (!self)
		return -EOPNOTSUPP;

	int rc = take_gate(self, s);

	if (rc)
		return rc;

	uint32_t state = via__load(&s->state);

	for (uint32_t i = 0; state & BROKEN && i < VIA_HOLDERS_MAX; i++) {
		struct via_hold *h = &s->seats[i].hold;

		if (h->count == state >> 1)
			__atomic_store_n(&h->count, VOID, __ATOMIC_RELAXED);
	}
	if (state & BROKEN)
		set_state(s, ((state >> 1) + 1) << 1);
	via__mutex_drop(self, &s->gate);
	return 0;
}

int via_barrier_destroy(struct via_barrier *barrier)
{
	struct via_seats *s = &barrier->in;
	int rc = via__sync_end(&s->gate.head, TAG);

	if (!rc)
		set_state(s, via__load(&s->state) ^ BROKEN);
	return rc;
}
