/* SPDX-License-Identifier: MIT */
/*
 * Holding something so that the kernel knows it: the thread's robust list.
 *
 * The C library has given the kernel one list per thread, for the robust
 * mutexes that the thread holds; ours are linked in between them, the same way
 * (nptl/pthreadP.h of glibc: ENQUEUE_MUTEX, DEQUEUE_MUTEX). When a thread ends
 * or calls exec, the kernel walks the list and, in each futex that has the
 * thread's tid, puts FUTEX_OWNER_DIED in its place and wakes one waiter; then
 * it does the same for list_op_pending, what the thread was just about
 * (Documentation/locking/robust-futexes.rst, kernel/futex/core.c). If that
 * futex has no tid in it, somebody is woken all the same: a wake that a dying
 * thread got, or was about to give, is passed on.
 *
 * The kernel looks at what the thread has stored, in the order of the program:
 * a compiler barrier is all it takes.
 *
 * The word: 0, or the holder's tid. FUTEX_WAITERS stays when it is let go, for
 * as long as there is somebody to wake: so it is not lost with a waiter who
 * dies between being woken and taking it.
 */
#ifndef VIA_SYNC_HOLD_H
#define VIA_SYNC_HOLD_H

#include <stdbool.h>

#include "core/likely.h"
#include "sync/futex.h"
#include "sync/self.h"

#include <via/sync.h>

#define VIA__ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* In an entry's address: it is a priority-inheriting futex. */
#define VIA__ENTRY_PI 1u

static inline uint32_t via__load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Sequentially consistent: what a holder of a seat looks at next, and what
 * the gate's holder looks at, are each other's words (seats.c). */
static inline bool via__swap(uint32_t *word, uint32_t was, uint32_t is)
{
	return __atomic_compare_exchange_n(word, &was, is, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static inline void via__hold_about(const struct via__self *self,
				   struct via_hold *h)
{
	VIA__ORDER();
	self->robust->list_op_pending = (struct robust_list *)&h->next;
	VIA__ORDER();
}

/* Should we die from here on, ring: wake a sleeper on this word, which is
 * always 0. */
static inline void via__bell_hold(const struct via__self *self,
				  struct via_sync *head)
{
	VIA__ORDER();
	self->robust->list_op_pending =
		(struct robust_list *)((char *)&head->bell +
				       offsetof(struct via_hold, next));
	VIA__ORDER();
}

static inline void via__hold_done(const struct via__self *self)
{
	VIA__ORDER();
	self->robust->list_op_pending = NULL;
	VIA__ORDER();
}

/* The link before an entry's, where it points back: so has glibc's. */
static inline uint64_t *via__link_prev(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & ~(uint64_t)VIA__ENTRY_PI) - 1;
}

static inline void via__hold_link(const struct via__self *self,
				  struct via_hold *h, unsigned int pi)
{
	uint64_t next = (uintptr_t)self->robust->list.next;

	h->next = next;
	h->prev = (uintptr_t)&self->robust->list;
	/* The head of the list is not linked back: nobody goes that way. */
	if (via__unlikely(next != h->prev))
		*via__link_prev(next) = (uintptr_t)&h->next;
	VIA__ORDER();
	self->robust->list.next = (struct robust_list *)((uintptr_t)&h->next |
							 pi);
}

static inline void via__hold_unlink(const struct via__self *self,
				    struct via_hold *h)
{
	if (via__unlikely(h->next != (uintptr_t)&self->robust->list))
		*via__link_prev(h->next) = h->prev;
	*(uint64_t *)(uintptr_t)(h->prev & ~(uint64_t)VIA__ENTRY_PI) = h->next;
}

/* From here on a death is one inside; who it is, others may read. */
static inline void via__hold_enter(const struct via__self *self,
				   struct via_hold *h)
{
	/* Often it is there already. */
	if (via__unlikely(__atomic_load_n(&h->start, __ATOMIC_RELAXED) !=
			  self->start))
		__atomic_store_n(&h->start, self->start, __ATOMIC_RELAXED);
	VIA__ORDER();
	__atomic_store_n(&h->owner, self->owner, __ATOMIC_RELAXED);
	VIA__ORDER();
}

static inline void via__hold_leave(struct via_hold *h)
{
	VIA__ORDER();
	__atomic_store_n(&h->owner, 0, __ATOMIC_RELAXED);
	VIA__ORDER();
}

static inline bool via__hold_is(const struct via_hold *h,
				const struct via__self *self)
{
	return (via__load(&h->word) & FUTEX_TID_MASK) == self->tid;
}

/* Take the tid out of a word that somebody may wait for, and wake one. */
static inline void via__hold_wake(struct via_hold *h)
{
	(void)__atomic_and_fetch(&h->word, ~FUTEX_TID_MASK, __ATOMIC_SEQ_CST);
	if (via__futex_wake(&h->word, 1) == 0)
		(void)via__swap(&h->word, FUTEX_WAITERS, 0);
}

/* Take the tid out of it, and wake one who waits. */
static inline void via__hold_release(const struct via__self *self,
				     struct via_hold *h)
{
	if (__builtin_expect(!via__swap(&h->word, self->tid, 0), 0))
		via__hold_wake(h);
}

#endif
