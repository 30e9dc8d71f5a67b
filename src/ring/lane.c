/* SPDX-License-Identifier: MIT */
/* The slow half of lanes: beginnings, ends and barriers. */
#include "ring/lane.h"

#include "core/membarrier.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	       "processes cannot share the locks of atomics");
_Static_assert(sizeof(struct via__lane_page) == 256, "see docs/WIRE.md");

/* Stands for the reader who has not come yet: it has taken nothing, and its
 * count is never rung for, since a writer's rung begins with 0. */
static const struct via__lane_page nobody = {.armed = 1};

void via__lane_writer_init(struct via__lane_writer *w,
			   struct via__lane_page *mine, char *ring, size_t size)
{
	*w = (struct via__lane_writer){
		.bell = {.mine = mine, .peer = &nobody},
		.ring = ring,
		.size = size,
		.mask = size - 1,
		.room = size,
	};
}

void via__lane_reader_init(struct via__lane_reader *r,
			   struct via__lane_page *mine,
			   const struct via__lane_page *peer, const char *ring,
			   size_t size)
{
	*r = (struct via__lane_reader){
		.bell = {.mine = mine, .peer = peer},
		.ring = ring,
		.size = size,
		.mask = size - 1,
		.due = size / 8,
		.limit = size,
	};
}

bool via__lane_can_barrier(void)
{
	return via__membarrier_init();
}

void via__lane_barrier(void)
{
	/* Cannot fail where it has worked before: membarrier(2). */
	(void)via__membarrier();
}

int via__lane_refresh(struct via__lane_writer *w)
{
	/* Pairs with the store in via__lane_tell(): the reader has read what
	 * is about to be written over. Sequentially consistent with
	 * via__lane_arm(), when it is the last look before sleeping. */
	uint64_t head = atomic_load(&w->bell.peer->cursor);
	uint64_t seen = w->room - w->size;

	if (head - seen > w->tail - seen || head & 7)
		return -EPROTO;
	w->room = head + w->size;
	return 0;
}

void via__lane_meet(struct via__lane_writer *w,
		    const struct via__lane_page *peer, bool asymmetric)
{
	w->bell.peer = peer;
	w->bell.asymmetric = asymmetric;
}

void via__lane_part(struct via__lane_writer *w)
{
	w->room = w->tail;
}

bool via__lane_drained(const struct via__lane_writer *w)
{
	return atomic_load_explicit(&w->bell.peer->cursor,
				    memory_order_relaxed) == w->tail;
}
