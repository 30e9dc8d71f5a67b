/* SPDX-License-Identifier: MIT */
/* One supervised service: its process, its group, and what it says. */
#ifndef VIA_PROCESS_SERVICE_H
#define VIA_PROCESS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <via/supervisor.h>

#define VIA__SERVICE_LINE_MAX 256

struct via__service {
	const struct via_service *config;
	int pidfd; /* -1: it does not run */
	pid_t pid;
	int ready_fd; /* the pipe from its ready_fd; -1: none */
	bool ready;
	bool collected; /* the process is gone, and this is how: */
	struct via_exit exit;
	bool stopping;	    /* not to be started again */
	int64_t started_at; /* by CLOCK_MONOTONIC */
	int64_t backoff_ns; /* that the last restart waited, 0: none has */
	int64_t due_at;	    /* SIGKILL if it runs, start if not; 0: neither */
	size_t line_len;
	char line[VIA__SERVICE_LINE_MAX]; /* that it has begun to say */
};

/* Start the process. 0 or -errno with a sentence. */
int via__service_start(struct via__service *sv, struct via_error *err);

/* To its group. 0, -ESRCH, -EPERM, -EINVAL. */
int via__service_signal(struct via__service *sv, int signal);

/*
 * The process has ended: kill what is left of its group, then collect it.
 * Only then is the group's number free for others.
 */
void via__service_collect(struct via__service *sv);

/* Read some of what it says. 1: that it is ready, for the first time; 0;
 * -EAGAIN: nothing now; -EPIPE: nothing any more. */
int via__service_listen(struct via__service *sv);

/* How long to wait before it is started again, -1: not at all. */
int64_t via__service_backoff(struct via__service *sv);

#endif
