/* SPDX-License-Identifier: MIT */
/* A mutex in steps, for what is made of them: conditions and gates. */
#ifndef VIA_SYNC_MUTEX_H
#define VIA_SYNC_MUTEX_H

#include "sync/object.h"

/*
 * Take the mutex, which has this tag, without being inside yet: who dies now
 * has done no damage. 0 also when somebody else has (VIA__DAMAGED). Errors of
 * via_mutex_lock() but for -EOWNERDEAD; a recursive mutex that is the caller's
 * is -EDEADLK.
 */
int via__mutex_take(struct via__self *self, struct via_mutex *m, uint64_t tag,
		    int64_t deadline, struct via_sync_report *ret);

/* Be inside. 0, or -EOWNERDEAD where there is damage. */
int via__mutex_enter(struct via__self *self, struct via_mutex *m,
		     struct via_sync_report *ret);

/* Let go of it, inside or not. */
void via__mutex_drop(struct via__self *self, struct via_mutex *m);

/* Let go of it as a user does: damage that is still there is there for good. */
void via__mutex_leave(struct via__self *self, struct via_mutex *m);

/* The caller is inside and all is in order again. 0, -EPERM, -EINVAL. */
int via__mutex_mend(struct via_mutex *m, uint64_t tag);

/* End it with all around it. 0, -EBUSY, -EIDRM, -EINVAL. */
int via__mutex_end(struct via_mutex *m, uint64_t tag);

/* The end of an unlock that could not swap the word for 0: wake one who waits.
 * Returns 0. Called last in fast paths, which so save no registers. */
__attribute__((noinline)) int via__wake_next(struct via_hold *h);

/* --- detect.c: who waits for whom --- */

/* Add a mutex to what the caller holds, or take it away. */
void via__detect_held(struct via__self *self, struct via_mutex *m);
void via__detect_dropped(struct via__self *self, struct via_mutex *m);

/*
 * The caller is about to sleep on the mutex: say so in what it holds, then
 * look whether its owner waits for us. 0, or -EDEADLK with the cycle in words.
 */
int via__detect_waits(struct via__self *self, struct via_mutex *m,
		      struct via_sync_report *ret);
void via__detect_waits_not(struct via__self *self);

#endif
