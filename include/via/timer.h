/* SPDX-License-Identifier: MIT */
/*
 * Timers as descriptors: as many as wanted, each its owner's alone. They
 * replace alarm(2) and ITIMER_REAL and ITIMER_PROF of setitimer(2), of which a
 * process has one each. User time alone (ITIMER_VIRTUAL) has no clock that a
 * timer could go by.
 */
#ifndef VIA_TIMER_H
#define VIA_TIMER_H

#include <stdint.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a timer goes by. */
enum via_clock {
	VIA_CLOCK_MONOTONIC = 1, /* time since boot without suspend */
	VIA_CLOCK_BOOTTIME,	 /* the same with suspend */
	VIA_CLOCK_REALTIME,	 /* the time of day, which can be set */
	VIA_CLOCK_PROCESS_CPU,	 /* CPU time of the process: all threads */
	VIA_CLOCK_THREAD_CPU,	 /* CPU time of the calling thread */
};

/* Bits for via_timer_set(). */
enum via_timer_flag {
	/* first_ns is what the clock shows then, not how long until then. */
	VIA_TIMER_ABSOLUTE = 1u << 0,
};

/* A timer; opaque. */
struct via_timer;

/*
 * Make a timer, not running yet.
 *
 * signal: 0, or for the two clocks of CPU time, which timerfd_create(2) does
 *         not know, a real-time signal. The kernel then sends it to the calling
 *         thread, where it is blocked and becomes readable as via_signal_open()
 *         makes it: so the timer is of use to that thread alone, and nothing
 *         else there may use the same signal.
 * reterr: may be NULL.
 *
 * Returns 0 and sets *ret; -EINVAL (clock, signal), -EMFILE, -EAGAIN
 * (RLIMIT_SIGPENDING), -ENOMEM.
 */
VIA_API int via_timer_open(enum via_clock clock, int signal,
			   struct via_timer **ret, struct via_error *reterr);

/*
 * Start it, or start it anew: it expires at first_ns and from then on every
 * period_ns, once if that is 0. A first_ns that has passed expires at once.
 * What was counted before is forgotten.
 *
 * Returns 0, or -EINVAL (negative numbers, unknown flags).
 */
VIA_API int via_timer_set(struct via_timer *timer, int64_t first_ns,
			  int64_t period_ns, unsigned int flags);

/* Stop it, and forget what was counted. */
VIA_API void via_timer_stop(struct via_timer *timer);

/* Nanoseconds of its clock until it expires next; 0: it is not running. */
VIA_API int64_t via_timer_left(const struct via_timer *timer);

/*
 * The descriptor to poll for POLLIN: readable from an expiration until the
 * next via_timer_read(). The timer's own.
 */
VIA_API int via_timer_fd(const struct via_timer *timer);

/*
 * How many times it has expired since this was last asked, waiting for the
 * first until the deadline. More than 1 of a periodic timer means that the
 * caller was late.
 *
 * Returns that number, -EAGAIN, -ETIMEDOUT.
 */
VIA_API int64_t via_timer_read(struct via_timer *timer, int64_t deadline);

/* Stop and free it: one of CPU time in the thread that opened it. May be
 * NULL. */
VIA_API void via_timer_close(struct via_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
