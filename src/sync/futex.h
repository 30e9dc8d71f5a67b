/* SPDX-License-Identifier: MIT */
/* Sleeping on words in shared memory: futex(2). */
#ifndef VIA_SYNC_FUTEX_H
#define VIA_SYNC_FUTEX_H

#include <linux/futex.h>
#include <stdint.h>

/* Some word to sleep on while it is what it was. */
struct via__word {
	const uint32_t *at;
	uint32_t was;
};
#define VIA__WORDS_MAX FUTEX_WAITV_MAX

/*
 * Sleep until somebody wakes the word or the deadline passes, which is not
 * VIA_NO_WAIT. 0: woken, or no reason to sleep, or a signal: look again.
 * -ETIMEDOUT.
 */
int via__futex_wait(const uint32_t *at, uint32_t was, int64_t deadline);

/*
 * The same with n words: the index of the one that was woken, or n: look again.
 * Before Linux 5.16 (futex_waitv) only the first is slept on, and that for
 * VIA__GLANCE_NS at most.
 */
int via__futex_wait_any(const struct via__word *words, unsigned int n,
			int64_t deadline);
#define VIA__GLANCE_NS INT64_C(100000000)

/* Wake up to n sleepers; how many there were. */
int via__futex_wake(const uint32_t *at, int n);

/* Lock, or with VIA_NO_WAIT try to, lending the owner our priority. 0 or
 * -errno. */
int via__futex_lock_pi(uint32_t *at, int64_t deadline);
int via__futex_unlock_pi(uint32_t *at);

#endif
