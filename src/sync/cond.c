/* SPDX-License-Identifier: MIT */
/*
 * The condition: a count of news to sleep on. Of what the mutex's owner does
 * it only learns by looking, now and then: were it woken by each unlocking,
 * waiting for a condition would be waiting for its mutex.
 */
#include <errno.h>

#include "core/clock.h"
#include "sync/mutex.h"

#define TAG VIA__TAG(COND)

_Static_assert(sizeof(struct via_cond) == 128, "see docs/SYNC.md");

int via_cond_init(struct via_cond *cond)
{
	return via__sync_init(&cond->head, sizeof(*cond), TAG, 0);
}

/* Until there are news, the deadline passes, or the mutex wants looking
 * after. */
static int wait_news(const struct via__wait *w, const struct via_mutex *m,
		     uint32_t news, int64_t deadline)
{
	while (via__load(w->word) == news &&
	       !(via__load(&m->hold.word) & FUTEX_OWNER_DIED)) {
		int64_t glance = via__now() + VIA__GLANCE_NS;
		int64_t until = via__deadline_min(deadline, glance);
		int rc = via__wait_sleep(w, news, until);

		if (rc && until == deadline)
			return rc;
	}
	return 0;
}

int via_cond_wait(struct via_cond *cond, struct via_mutex *mutex,
		  int64_t deadline, struct via_sync_report *ret)
{
	struct via__self *self = via__self();
	struct via__wait w;
	int rc = via__sync_ok(&cond->head, TAG);

	if (!rc)
		rc = via__sync_ok(&mutex->head, VIA__TAG(MUTEX));
	if (rc)
		return rc;
	if (!self || !via__hold_is(&mutex->hold, self))
		return -EPERM;

	uint32_t count = mutex->hold.count;
	uint32_t news = via__load(&cond->news);

	rc = via__wait_begin(&w, &cond->head, &cond->news, &cond->sleepers,
			     cond->waiters);
	if (rc)
		return rc;
	via__mutex_leave(self, mutex);
	via__bell_hold(self, &cond->head);
	rc = wait_news(&w, mutex, news, deadline);
	if (!rc)
		rc = via__sync_ok(&cond->head, TAG);
	via__wait_end(&w);

	int locked = via_mutex_lock(mutex, VIA_NEVER, ret);

	if (locked && locked != -EOWNERDEAD)
		return locked;
	mutex->hold.count = count;
	return locked ? locked : rc;
}

static int tell(struct via_cond *cond, int n)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&cond->head, TAG);

	if (rc)
		return rc;
	if (!self)
		return -EOPNOTSUPP;
	/* Pairs with the count in via__wait_begin(), which comes before its
	 * thread unlocks the mutex. */
	if (!via__load(&cond->sleepers))
		return 0;
	via__bell_hold(self, &cond->head);
	(void)__atomic_add_fetch(&cond->news, 1, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&cond->news, n);
	via__hold_done(self);
	return 0;
}

int via_cond_signal(struct via_cond *cond)
{
	return tell(cond, 1);
}

int via_cond_broadcast(struct via_cond *cond)
{
	return tell(cond, INT_MAX);
}

int via_cond_destroy(struct via_cond *cond)
{
	int rc = via__sync_end(&cond->head, TAG);

	if (rc)
		return rc;
	(void)__atomic_add_fetch(&cond->news, 1, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&cond->news, INT_MAX);
	return 0;
}
