/* SPDX-License-Identifier: MIT */
/* Seats: taken with one compare-and-swap, each on a cache line of its own. */
#include "sync/seats.h"

#include <errno.h>

_Static_assert(sizeof(struct via_seat) == 64, "see docs/SYNC.md");
_Static_assert(sizeof(struct via_seats) == 4096, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_seats, n) == 208, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_seats, used) == 216, "see docs/SYNC.md");
_Static_assert(offsetof(struct via_seats, seats) == 256, "see docs/SYNC.md");

int via__seats_init(struct via_seats *s, uint64_t tag, uint32_t n)
{
	if (n == 0 || n > VIA_HOLDERS_MAX)
		return -EINVAL;

	int rc = via__sync_init(&s->gate.head, sizeof(*s), tag, 0);

	/* Nobody uses it yet. */
	if (!rc)
		s->n = n;
	return rc;
}

/* The i-th of the first n seats to look at. */
static struct via_seat *nth(const struct via__self *self, struct via_seats *s,
			    uint32_t n, uint32_t i)
{
	return &s->seats[(via__seat_first(self, s) - s->seats + i) % n];
}

struct via_seat *via__seat_take(const struct via__self *self,
				struct via_seats *s, uint32_t n,
				struct via__dead *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		struct via_seat *seat = nth(self, s, n, i);
		uint32_t word = via__load(&seat->hold.word);

		if (!(word & FUTEX_TID_MASK) &&
		    via__seat_try(self, seat, word, word & FUTEX_WAITERS)) {
			*ret = (struct via__dead){seat->hold.owner,
						  seat->hold.start};
			return seat;
		}
	}
	via__hold_done(self);
	return NULL;
}

struct via_seat *via__seat_find(const struct via__self *self,
				struct via_seats *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct via_seat *seat = nth(self, s, s->n, i);

		/* As in via_mutex_unlock(), not the word. */
		if (__atomic_load_n(&seat->hold.owner, __ATOMIC_RELAXED) ==
		    self->owner)
			return seat;
	}
	return NULL;
}
