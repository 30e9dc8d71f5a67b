/* SPDX-License-Identifier: MIT */
/* The semaphore: a number to sleep on while it is 0. */
#include <errno.h>

#include "sync/object.h"

#define TAG VIA__TAG(SEM)
/* A value of semaphores that are gone: nobody sleeps on it. */
#define GONE UINT32_MAX

_Static_assert(sizeof(struct via_sem) == 128, "see docs/SYNC.md");

int via_sem_init(struct via_sem *sem, uint32_t value)
{
	if (value > VIA_SEM_MAX)
		return -EINVAL;

	int rc = via__sync_init(&sem->head, sizeof(*sem), TAG, 0);

	/* Nobody uses it yet. */
	if (!rc)
		sem->value = value;
	return rc;
}

static bool take(struct via_sem *sem)
{
	uint32_t value = via__load(&sem->value);

	while (value && value != GONE)
		if (__atomic_compare_exchange_n(&sem->value, &value, value - 1,
						0, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	return false;
}

/* Apart, so that via_sem_wait() saves no registers. */
static __attribute__((noinline)) int wait_for(struct via_sem *sem,
					      int64_t deadline)
{
	struct via__wait w;
	int rc = via__wait_begin(&w, &sem->head, &sem->value, &sem->sleepers,
				 sem->waiters);

	if (rc)
		return rc;
	while (!rc && !take(sem)) {
		rc = via__sync_ok(&sem->head, TAG);
		if (!rc)
			rc = via__wait_sleep(&w, 0, deadline);
	}
	via__wait_end(&w);
	return rc;
}

via__hot int via_sem_wait(struct via_sem *sem, int64_t deadline)
{
	if (via__unlikely(via__tag(&sem->head) != TAG))
		return via__sync_bad(&sem->head);
	return via__likely(take(sem)) ? 0 : wait_for(sem, deadline);
}

via__hot int via_sem_post(struct via_sem *sem, uint32_t n)
{
	struct via__self *self = via__self();
	int rc = via__sync_ok(&sem->head, TAG);
	uint32_t value = via__load(&sem->value);

	if (rc)
		return rc;
	if (!self)
		return -EOPNOTSUPP;
	if (n == 0)
		return -EINVAL;
	via__bell_hold(self, &sem->head);
	do {
		rc = value == GONE	       ? -EIDRM
		     : n > VIA_SEM_MAX - value ? -EOVERFLOW
					       : 0;
		/* Pairs with the wait for the word, and with take(). */
	} while (!rc && !__atomic_compare_exchange_n(
				&sem->value, &value, value + n, 0,
				__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	if (!rc)
		via__wait_wake(&sem->value, &sem->sleepers, (int)n);
	via__hold_done(self);
	return rc;
}

int via_sem_value(const struct via_sem *sem)
{
	int rc = via__sync_ok(&sem->head, TAG);
	uint32_t value = via__load(&sem->value);

	return rc ? rc : value == GONE ? -EIDRM : (int)value;
}

int via_sem_destroy(struct via_sem *sem)
{
	int rc = via__sync_end(&sem->head, TAG);

	if (rc)
		return rc;
	__atomic_store_n(&sem->value, GONE, __ATOMIC_SEQ_CST);
	(void)via__futex_wake(&sem->value, INT_MAX);
	return 0;
}
