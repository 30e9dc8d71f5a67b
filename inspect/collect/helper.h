/* SPDX-License-Identifier: MIT */
/* A thread that helps for a while. */
#ifndef INSPECT_COLLECT_HELPER_H
#define INSPECT_COLLECT_HELPER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct via__helper {
	pthread_t thread;
	pid_t tid; /* its own */
	void (*f)(void *arg);
	void *arg;
};

/* Call f in it, with all signals blocked: those of the caller's are not for it.
 * false: there is none. */
bool via__helper_start(struct via__helper *h, void (*f)(void *arg), void *arg);
/* Until it is not to be seen any more either. */
void via__helper_end(struct via__helper *h);

#endif
