/* SPDX-License-Identifier: MIT */
/* Sleeping on words in shared memory: futex(2), futex_waitv(2). */
#include "sync/futex.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"

#include <via/deadline.h>

/* When to wake up by ourselves; NULL: never. */
static struct timespec *absolute(int64_t deadline, struct timespec *ts)
{
	if (deadline < 0)
		return NULL;
	*ts = (struct timespec){deadline / VIA__NS_PER_S,
				deadline % VIA__NS_PER_S};
	return ts;
}

int via__futex_wait(const uint32_t *at, uint32_t was, int64_t deadline)
{
	struct timespec ts;

	/* Unlike FUTEX_WAIT's, its timeout is a moment of CLOCK_MONOTONIC. */
	if (syscall(SYS_futex, at, FUTEX_WAIT_BITSET, was,
		    absolute(deadline, &ts), NULL, FUTEX_BITSET_MATCH_ANY) < 0)
		return errno == ETIMEDOUT ? -ETIMEDOUT : 0;
	return 0;
}

/* For kernels that cannot sleep on several words. */
static int glance(const struct via__word *words, unsigned int n,
		  int64_t deadline)
{
	int64_t until = via__deadline_min(deadline,
					  via__now() + VIA__GLANCE_NS);

	if (via__futex_wait(words->at, words->was, until) && until == deadline)
		return -ETIMEDOUT;
	return (int)n;
}

int via__futex_wait_any(const struct via__word *words, unsigned int n,
			int64_t deadline)
{
	struct futex_waitv waits[VIA__WORDS_MAX];
	struct timespec ts;

	for (unsigned int i = 0; i < n; i++)
		waits[i] = (struct futex_waitv){
			.uaddr = (uintptr_t)words[i].at,
			.val = words[i].was,
			.flags = FUTEX_32,
		};

	long woken = syscall(SYS_futex_waitv, waits, n, 0,
			     absolute(deadline, &ts), CLOCK_MONOTONIC);

	if (woken >= 0)
		return (int)woken;
	if (errno == ENOSYS || errno == EPERM)
		return glance(words, n, deadline);
	return errno == ETIMEDOUT ? -ETIMEDOUT : (int)n;
}

int via__futex_wake(const uint32_t *at, int n)
{
	return (int)syscall(SYS_futex, at, FUTEX_WAKE, n, NULL, NULL, 0);
}

int via__futex_lock_pi(uint32_t *at, int64_t deadline)
{
	struct timespec ts;
	/* FUTEX_LOCK_PI knows CLOCK_REALTIME only. */
	int op = deadline == VIA_NO_WAIT ? FUTEX_TRYLOCK_PI : FUTEX_LOCK_PI2;
	struct timespec *until = op == FUTEX_LOCK_PI2 ? absolute(deadline, &ts)
						      : NULL;

	return syscall(SYS_futex, at, op, 0, until, NULL, 0) < 0 ? -errno : 0;
}

int via__futex_unlock_pi(uint32_t *at)
{
	return syscall(SYS_futex, at, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) < 0
		       ? -errno
		       : 0;
}
