/* SPDX-License-Identifier: MIT */
/*
 * Many holders, each with a seat: a robust futex of its own (hold.h). The gate
 * is for those who have to wait, or to see all seats stand still: one at a
 * time.
 */
#ifndef VIA_SYNC_SEATS_H
#define VIA_SYNC_SEATS_H

#include "sync/mutex.h"

/* Who died in a seat; owner 0: nobody. */
struct via__dead {
	uint64_t owner, start;
};

int via__seats_init(struct via_seats *s, uint64_t tag, uint32_t n);

/*
 * Take one of the first n seats, not inside yet, but linked: to be followed by
 * via__hold_enter() or not, and via__hold_done(). NULL: none is free. Who died
 * in it is told in *ret.
 */
struct via_seat *via__seat_take(const struct via__self *self,
				struct via_seats *s, uint32_t n,
				struct via__dead *ret);

/* The caller's seat in which it is inside, or NULL. */
struct via_seat *via__seat_find(const struct via__self *self,
				struct via_seats *s);

/* Get up. */
static inline void via__seat_drop(const struct via__self *self,
				  struct via_seat *seat)
{
	via__hold_leave(&seat->hold);
	via__hold_about(self, &seat->hold);
	via__hold_unlink(self, &seat->hold);
	via__hold_release(self, &seat->hold);
	via__hold_done(self);
}

/* The seat where a thread begins to look. */
static inline struct via_seat *via__seat_first(const struct via__self *self,
					       struct via_seats *s)
{
	return (struct via_seat *)((char *)s + self->seat);
}

/* Take a seat in whose word there is no tid, as via__seat_take(). */
static inline bool via__seat_try(const struct via__self *self,
				 struct via_seat *seat, uint32_t word,
				 uint32_t waiters)
{
	via__hold_about(self, &seat->hold);
	if (!via__swap(&seat->hold.word, word, self->tid | waiters))
		return false;
	via__hold_link(self, &seat->hold, 0);
	return true;
}

/* Whether nobody sits there. */
static inline bool via__seat_free(const struct via_seat *seat)
{
	return !(via__load(&seat->hold.word) & FUTEX_TID_MASK);
}

#endif
