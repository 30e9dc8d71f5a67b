/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks refused: VIA_MUTEX_DETECT.
 *
 * A mutex has one owner, and a thread waits for one mutex. So a thread that is
 * about to sleep writes the mutex it wants into those it holds (hold.edge, as a
 * distance from the start of the region, for each process has it elsewhere),
 * and whoever follows the edges from the mutex it wants itself comes to an end,
 * or back to itself. Of two that close a cycle from both sides at once, each
 * has written before it looks: at least one sees it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "sync/mutex.h"

/* Longer cycles are not found: what others have written may lead in circles
 * that we are not part of. */
#define STEPS_MAX 256

/* Where the caller has the region of a mutex of its own. */
static char *region_of(const struct via_mutex *m)
{
	return (char *)(uintptr_t)m - m->at;
}

void via__detect_held(struct via__self *self, struct via_mutex *m)
{
	/* What an owner who died was waiting for. */
	__atomic_store_n(&m->hold.edge, 0, __ATOMIC_SEQ_CST);
	m->held = (uintptr_t)self->held;
	self->held = m;
}

void via__detect_dropped(struct via__self *self, struct via_mutex *m)
{
	struct via_mutex *before = self->held;

	if (before == m) {
		self->held = (struct via_mutex *)(uintptr_t)m->held;
		return;
	}
	while (before->held != (uintptr_t)m)
		before = (struct via_mutex *)(uintptr_t)before->held;
	before->held = m->held;
}

static void set_edges(const struct via__self *self, const char *region,
		      uint64_t edge)
{
	struct via_mutex *m = self->held;

	for (; m; m = (struct via_mutex *)(uintptr_t)m->held)
		if (!region || region_of(m) == region)
			/* Pairs with the load in follow(). */
			__atomic_store_n(&m->hold.edge, edge, __ATOMIC_SEQ_CST);
}

/* The mutex that m's owner waits for, or NULL. */
static struct via_mutex *follow(const struct via_mutex *m, char *region,
				uint64_t region_len)
{
	uint64_t edge = __atomic_load_n(&m->hold.edge, __ATOMIC_SEQ_CST);

	/* An edge is one more than the distance, so that 0 is none. */
	if (!edge || edge - 1 > region_len - sizeof(*m) ||
	    (edge - 1) % VIA_SYNC_ALIGN)
		return NULL;

	struct via_mutex *next = (struct via_mutex *)(region + edge - 1);

	return via__tag(&next->head) == VIA__TAG(MUTEX) ? next : NULL;
}

/* How many steps lead from the mutex to one of the caller's; 0: none do. */
static int cycle_len(const struct via__self *self, const struct via_mutex *m)
{
	char *region = region_of(m);
	uint64_t len = m->region_len;

	for (int n = 1; m && n <= STEPS_MAX; n++) {
		if (via__hold_is(&m->hold, self))
			return n;
		m = follow(m, region, len);
	}
	return 0;
}

/* "this thread waits for the lock at +64 of thread 7, which waits for ..." */
static int tell(const struct via__self *self, const struct via_mutex *m,
		struct via_sync_report *ret)
{
	char *region = region_of(m), text[VIA_ERROR_TEXT_MAX] = "this thread";
	uint64_t region_len = m->region_len;

	if (!ret)
		return -EDEADLK;
	for (int n = 0; m && n < STEPS_MAX; n++) {
		uint32_t tid = via__load(&m->hold.word) & FUTEX_TID_MASK;
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len,
			       "%s waits for the lock at +%zu of ",
			       n ? ", which" : "",
			       (size_t)((const char *)m - region));
		len = strlen(text);
		if (tid == self->tid) {
			(void)snprintf(text + len, sizeof(text) - len,
				       "this one");
			break;
		}
		(void)snprintf(text + len, sizeof(text) - len, "thread %u",
			       tid);
		m = follow(m, region, region_len);
	}
	return via__fail(&ret->error, -EDEADLK, "%s", text);
}

int via__detect_waits(struct via__self *self, struct via_mutex *m,
		      struct via_sync_report *ret)
{
	set_edges(self, region_of(m), m->at + 1);

	int n = cycle_len(self, m);

	/* Edges change while they are followed, but not those of a deadlock:
	 * it is there at a second look too. */
	if (!n || cycle_len(self, m) != n)
		return 0;

	int rc = tell(self, m, ret);

	via__detect_waits_not(self);
	return rc;
}

void via__detect_waits_not(struct via__self *self)
{
	set_edges(self, NULL, 0);
}
