/* SPDX-License-Identifier: MIT */
#include "inspect/collect/helper.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *begin(void *arg)
{
	struct via__helper *h = arg;

	h->tid = gettid();
	h->f(h->arg);
	return NULL;
}

bool via__helper_start(struct via__helper *h, void (*f)(void *arg), void *arg)
{
	sigset_t all, before;

	h->f = f;
	h->arg = arg;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&h->thread, NULL, begin, h) == 0;

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

void via__helper_end(struct via__helper *h)
{
	(void)pthread_join(h->thread, NULL);
	/* The kernel lets us go on some time before the thread leaves /proc. */
	while (syscall(SYS_tgkill, getpid(), h->tid, 0) == 0)
		(void)sched_yield();
}
