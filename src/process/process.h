/* SPDX-License-Identifier: MIT */
/* Collecting processes, as waitid(2) does. */
#ifndef VIA_PROCESS_PROCESS_H
#define VIA_PROCESS_PROCESS_H

#include <via/process.h>

/*
 * How a process has ended. flags: WNOWAIT leaves it as it is, WNOHANG does not
 * wait. Returns 0, -EAGAIN (WNOHANG, and it still runs), or -ECHILD as
 * via_process_wait(). *ret is not written for -EAGAIN.
 */
int via__collect(int pidfd, int flags, struct via_exit *ret,
		 struct via_error *err);

/* Kill a child, wait for its end, close its pidfd. */
void via__end(int *pidfd);

#endif
