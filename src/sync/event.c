/* SPDX-License-Identifier: MIT */
/* The event: a word to sleep on while it is not set. */
#include <errno.h>

#include "sync/object.h"

#define TAG	    VIA__TAG(EVENT)
#define FLAGS_KNOWN (VIA_EVENT_MANUAL | VIA_EVENT_SET)

/* Its word. */
enum {
	UNSET,
	SET,
	GONE
};

_Static_assert(sizeof(struct via_event) == 128, "see docs/SYNC.md");

int via_event_init(struct via_event *event, uint32_t flags)
{
	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;

	int rc = via__sync_init(&event->head, sizeof(*event), TAG, flags);

	/* Nobody uses it yet. */
	if (!rc)
		event->set = flags & VIA_EVENT_SET ? SET : UNSET;
	return rc;
}

static bool pass(struct via_event *event)
{
	if (via__flags(&event->head) & VIA_EVENT_MANUAL)
		return via__load(&event->set) == SET;
	return via__swap(&event->set, SET, UNSET);
}

int via_event_wait(struct via_event *event, int64_t deadline)
{
	struct via__wait w;
	int rc = via__sync_ok(&event->head, TAG);

	if (rc || pass(event))
		return rc;
	rc = via__wait_begin(&w, &event->head, &event->set, &event->sleepers,
			     event->waiters);
	if (rc)
		return rc;
	while (!rc && !pass(event)) {
		rc = via__sync_ok(&event->head, TAG);
		if (!rc)
			rc = via__wait_sleep(&w, UNSET, deadline);
	}
	via__wait_end(&w);
	return rc;
}

int via_event_set(struct via_event *event)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&event->head, TAG);

	if (rc)
		return rc;
	if (!self)
		return -EOPNOTSUPP;
	via__bell_hold(self, &event->head);
	if (via__swap(&event->set, UNSET, SET))
		via__wait_wake(&event->set, &event->sleepers,
			       via__flags(&event->head) & VIA_EVENT_MANUAL
				       ? INT_MAX
				       : 1);
	via__hold_done(self);
	return 0;
}

int via_event_reset(struct via_event *event)
{
	int rc = via__sync_ok(&event->head, TAG);

	if (!rc)
		(void)via__swap(&event->set, SET, UNSET);
	return rc;
}

int via_event_destroy(struct via_event *event)
{
	int rc = via__sync_end(&event->head, TAG);

	if (rc)
		return rc;
	__atomic_store_n(&event->set, GONE, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&event->set, INT_MAX);
	return 0;
}
