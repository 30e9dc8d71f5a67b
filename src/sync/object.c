/* SPDX-License-Identifier: MIT */
/* What all objects of via/sync.h have in common. */
#include "sync/object.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"

int via__sync_bad(const struct via_sync *head)
{
	return (uint32_t)via__tag(head) == VIA__MAGIC_GONE ? -EIDRM : -EINVAL;
}

int via__sync_init(struct via_sync *head, size_t size, uint64_t tag,
		   uint32_t flags)
{
	if ((uintptr_t)head % VIA_SYNC_ALIGN)
		return -EINVAL;
	if (!via__self())
		return -EOPNOTSUPP;
	memset(head, 0, size);
	head->flags = flags;
	/* Whoever sees the tag sees what is behind it. */
	__atomic_store_n(&head->tag, tag, __ATOMIC_SEQ_CST);
	return 0;
}

int via__sync_end(struct via_sync *head, uint64_t tag)
{
	uint64_t was = tag;

	if (__atomic_compare_exchange_n(&head->tag, &was,
					(tag & ~UINT64_C(0xffffffff)) |
						VIA__MAGIC_GONE,
					0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return 0;
	return via__sync_bad(head);
}

int via__report_death(struct via_sync_report *ret, uint64_t owner,
		      uint64_t start)
{
	if (!ret)
		return -EOWNERDEAD;
	ret->died = (struct via_owner){
		.pid = (pid_t)(owner >> 32),
		.tid = (pid_t)(uint32_t)owner,
		.start = start,
	};
	return via__fail(&ret->error, -EOWNERDEAD,
			 "process %d (thread %d) died while it held this",
			 ret->died.pid, ret->died.tid);
}

uint64_t *via__show(uint64_t *waiters, const struct via__self *self)
{
	unsigned int first = self->tid % VIA_WAITERS_SHOWN;

	for (unsigned int i = 0; i < VIA_WAITERS_SHOWN; i++) {
		uint64_t *at = &waiters[(first + i) % VIA_WAITERS_SHOWN];
		uint64_t nobody = 0;

		/* Seen before what via__before_sleep() sees: of two that wait
		 * for each other, one sees the other here. */
		if (__atomic_compare_exchange_n(at, &nobody, self->owner, 0,
						__ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return at;
	}
	/* Someone who was killed may be among them: the newest is shown. */
	__atomic_store_n(&waiters[first], self->owner, __ATOMIC_SEQ_CST);
	return &waiters[first];
}

void via__hide(uint64_t *shown, const struct via__self *self)
{
	uint64_t me = self->owner;

	(void)__atomic_compare_exchange_n(shown, &me, 0, 0, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
}

int via__wait_begin(struct via__wait *w, struct via_sync *head, uint32_t *word,
		    uint32_t *sleepers, uint64_t *waiters)
{
	*w = (struct via__wait){
		.self = via__self(),
		.head = head,
		.word = word,
		.sleepers = sleepers,
	};
	if (!w->self)
		return -EOPNOTSUPP;
	via__bell_hold(w->self, head);
	w->shown = via__show(waiters, w->self);
	/* Pairs with the load in via__wait_wake(). Who is killed here stays
	 * counted, which costs wakers a system call and nobody a wake. */
	(void)__atomic_add_fetch(sleepers, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int via__wait_sleep(const struct via__wait *w, uint32_t was, int64_t deadline)
{
	if (deadline == VIA_NO_WAIT)
		return -EAGAIN;

	const struct via__word words[] = {{w->word, was}, {&w->head->bell, 0}};
	int woken = via__futex_wait_any(words, 2, deadline);

	if (woken == 1)
		(void)via__futex_wake(w->word, INT_MAX);
	return woken < 0 ? woken : 0;
}

void via__wait_end(const struct via__wait *w)
{
	(void)__atomic_sub_fetch(w->sleepers, 1, __ATOMIC_SEQ_CST);
	via__hide(w->shown, w->self);
	via__hold_done(w->self);
}
