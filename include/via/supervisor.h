/* SPDX-License-Identifier: MIT */
/*
 * Supervision: programs that are to go on running.
 *
 * A supervisor starts services, starts them again as they ask for, and stops
 * them. It has no thread and handles no signal: the caller's loop polls its
 * descriptor and calls via_supervisor_step(), which does what is due and tells
 * what has happened.
 *
 * Each service is a process group of its own. When its first process has
 * ended, what is left of the group is killed before it is started again.
 */
#ifndef VIA_SUPERVISOR_H
#define VIA_SUPERVISOR_H

#include <poll.h>
#include <stdint.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/process.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct via_supervisor;

/* When a service is started again. */
enum via_restart {
	VIA_RESTART_NEVER,
	VIA_RESTART_ON_FAILURE, /* unless it exited with status 0 */
	VIA_RESTART_ALWAYS,
};

/*
 * A program to supervise. Zero is a good value for everything but program. It
 * and all it points to must stay as they are until via_supervisor_free().
 */
struct via_service {
	struct via_program
		program; /* the group is the supervisor's to choose */
	enum via_restart restart;
	/*
	 * The program is ready when it has written a line to its descriptor
	 * ready_fd (0: it is ready at once) that has ready_line in it (NULL:
	 * any). What else it writes there is read and thrown away.
	 */
	int ready_fd;
	const char *ready_line;
	/*
	 * How long to wait before it is started again: backoff_ns (0: 100 ms),
	 * twice as long each time, up to backoff_max_ns (0: 30 s). A run that
	 * was longer than that begins anew with backoff_ns.
	 */
	int64_t backoff_ns;
	int64_t backoff_max_ns;
	int64_t grace_ns;     /* from the stop signal to SIGKILL; 0: 10 s */
	int stop_signal;      /* 0: SIGTERM */
	uint32_t reserved[5]; /* zero */
};

/* What via_supervisor_step() tells. */
enum via_service_event_kind {
	VIA_SERVICE_READY = 1, /* of those that have a ready_fd */
	VIA_SERVICE_ENDED,     /* exit says how */
	VIA_SERVICE_STARTED,   /* again; pid */
	VIA_SERVICE_FAILED,    /* it could not be started again; error */
};

struct via_service_event {
	enum via_service_event_kind kind;
	int service;	    /* its number */
	pid_t pid;	    /* of the process it is about; 0 for FAILED */
	int64_t restart_ns; /* ENDED, FAILED: until it is started; -1: never */
	struct via_exit exit;
	struct via_error error;
	uint64_t reserved[2]; /* zero */
};

/*
 * Bits for via_supervisor_new().
 *
 * VIA_SUPERVISOR_SUBREAPER: children of services that lose their parent become
 * the caller's, and the supervisor collects them too. That is about the whole
 * process: it becomes a subreaper (PR_SET_CHILD_SUBREAPER), SIGCHLD is blocked
 * in the calling thread, and every child that ends is collected, those that
 * the caller started by other means as well. All threads must have SIGCHLD
 * blocked: make the supervisor before them.
 */
enum via_supervisor_flag {
	VIA_SUPERVISOR_SUBREAPER = 1u << 0,
};

/*
 * Make a supervisor. One thread at a time may use it. flags: see above.
 *
 * Returns 0, -EMFILE, -ENFILE, -ENOMEM.
 */
VIA_API int via_supervisor_new(unsigned int flags, struct via_supervisor **ret,
			       struct via_error *reterr);

/*
 * Start a service and supervise it.
 *
 * Returns its number, 0, 1, 2 ...; or as via_spawn(): what cannot be started
 * the first time is not supervised.
 */
VIA_API int via_supervise(struct via_supervisor *s,
			  const struct via_service *service,
			  struct via_error *reterr);

/*
 * Do what is due and tell what has happened; wait for that until the deadline.
 *
 * Returns 1 and an event; 0 when no service runs or is to be started again;
 * -EAGAIN, -ETIMEDOUT (nothing has happened).
 */
VIA_API int via_supervisor_step(struct via_supervisor *s, int64_t deadline,
				struct via_service_event *ret);

/*
 * The descriptor and events to poll for in an event loop: when it is ready,
 * call via_supervisor_step() with VIA_NO_WAIT. Level-triggered; the library's.
 */
VIA_API void via_supervisor_pollfd(const struct via_supervisor *s,
				   struct pollfd *ret);

/*
 * Stop a service, or all with -1: it gets its stop signal, SIGKILL when the
 * time of grace has passed, and is not started again. Does not wait: its end
 * is an event. Call via_supervisor_step() afterwards, for there may be nothing
 * left to wait for.
 */
VIA_API void via_supervisor_stop(struct via_supervisor *s, int service);

/*
 * Send a signal to a service's process group. Returns 0, -ESRCH (it does not
 * run), -EPERM, -EINVAL.
 */
VIA_API int via_supervisor_kill(struct via_supervisor *s, int service,
				int signal);

/*
 * Kill all services (SIGKILL), collect them, and free the supervisor, which
 * may be NULL. Blocks until they have ended. Of the thread that made it.
 */
VIA_API void via_supervisor_free(struct via_supervisor *s);

#ifdef __cplusplus
}
#endif

#endif
