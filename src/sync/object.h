/* SPDX-License-Identifier: MIT */
/* What all objects of via/sync.h have in common. */
#ifndef VIA_SYNC_OBJECT_H
#define VIA_SYNC_OBJECT_H

#include <limits.h>
#include <stdbool.h>

#include "sync/hold.h"

#define VIA__MAGIC_SYNC UINT64_C(0x73414956) /* "VIAs" in memory */
#define VIA__MAGIC_GONE UINT64_C(0x78414956) /* "VIAx": destroyed */
#define VIA__TAG_AS(magic, kind)                                               \
	((magic) | (uint64_t)VIA_SYNC_LAYOUT << 32 | (uint64_t)(kind) << 48)
#define VIA__TAG(kind) VIA__TAG_AS(VIA__MAGIC_SYNC, VIA_SYNC_##kind)

/* Flags that are ours, and may come at any time. */
#define VIA__DAMAGED (1u << 30) /* somebody died inside */
#define VIA__LOST    (1u << 31) /* and nobody repaired it */
#define VIA__FLAGS   (VIA__DAMAGED | VIA__LOST)

static inline uint64_t via__tag(const struct via_sync *head)
{
	return __atomic_load_n(&head->tag, __ATOMIC_SEQ_CST);
}

static inline uint32_t via__flags(const struct via_sync *head)
{
	return __atomic_load_n(&head->flags, __ATOMIC_RELAXED);
}

/* Why an object does not have the tag it should: -EIDRM or -EINVAL. */
int via__sync_bad(const struct via_sync *head);

/* The same, or 0 if it has. */
static inline int via__sync_ok(const struct via_sync *head, uint64_t tag)
{
	return __builtin_expect(via__tag(head) == tag, 1) ? 0
							  : via__sync_bad(head);
}

/* Begin an object of size bytes: all zero but its head. 0, or the errors of
 * the _init calls. */
int via__sync_init(struct via_sync *head, size_t size, uint64_t tag,
		   uint32_t flags);

/* From here on it is gone. 0, -EIDRM, -EINVAL. */
int via__sync_end(struct via_sync *head, uint64_t tag);

/* Say who died: -EOWNERDEAD. */
int via__report_death(struct via_sync_report *ret, uint64_t owner,
		      uint64_t start);

/* Let it be seen from outside who waits; then no more. */
uint64_t *via__show(uint64_t *waiters, const struct via__self *self);
void via__hide(uint64_t *shown, const struct via__self *self);

/*
 * A wait on one word of an object that has no holders. The bell rings when a
 * thread dies that might have owed us a wake: then all sleepers look again.
 */
struct via__wait {
	struct via__self *self;
	struct via_sync *head;
	uint32_t *word, *sleepers;
	uint64_t *shown;
};

/* 0, or -EOPNOTSUPP. Ended by via__wait_end(). */
int via__wait_begin(struct via__wait *w, struct via_sync *head, uint32_t *word,
		    uint32_t *sleepers, uint64_t *waiters);
/* Sleep while the word is what it was. 0: look again; -EAGAIN, -ETIMEDOUT. */
int via__wait_sleep(const struct via__wait *w, uint32_t was, int64_t deadline);
void via__wait_end(const struct via__wait *w);

/* Who counts n sleepers in, before a last look at the word, is seen here, after
 * the word was changed: all of it is sequentially consistent. */
static inline void via__wait_wake(uint32_t *word, const uint32_t *sleepers,
				  int n)
{
	if (via__load(sleepers))
		(void)via__futex_wake(word, n);
}

#endif
