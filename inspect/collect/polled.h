/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that a call waits for: those of poll(), select() and their
 * like from the process' memory, those of an epoll set from its fdinfo.
 */
#ifndef INSPECT_COLLECT_POLLED_H
#define INSPECT_COLLECT_POLLED_H

#include "inspect/collect/call.h"

/* More are not looked at. */
#define VIA__POLLED_MAX 65536

/* A descriptor and what of it is waited for: POLLIN ... of poll(2), which are
 * EPOLLIN ... too. */
typedef void via__polled(int fd, uint32_t events, void *arg);

/* 0; or -E2BIG: there are more; -ENOMEM, -errno: not to be read. */
int via__polled_poll(pid_t pid, const struct via_syscall *call, via__polled *f,
		     void *arg);
int via__polled_select(pid_t pid, const struct via_syscall *call,
		       via__polled *f, void *arg);
/* Of the process whose directory dir is. */
int via__polled_epoll(int dir, int fd, via__polled *f, void *arg);

/* "tfd: 5 events: 19 ...", a line of the fdinfo of an epoll set. */
int via__polled_parse(const char *line, int *ret_fd, uint32_t *ret_events);

#endif
