/* SPDX-License-Identifier: MIT */
/*
 * Timers: a timerfd(2) for the clocks that have one; for CPU time a POSIX timer
 * whose signal ends in a signalfd(2).
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <via/signal.h>
#include <via/timer.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"

#ifndef sigev_notify_thread_id /* glibc hides it in a union */
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct via_timer {
	int fd; /* timerfd, or -1: */
	timer_t id;
	struct via_signal_source *source;
};

static int open_timerfd(struct via_timer *timer, clockid_t clock,
			struct via_error *reterr)
{
	timer->fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		return via__fail_errno(reterr, -errno, "timerfd_create");
	return 0;
}

static int open_signal(struct via_timer *timer, clockid_t clock, int signal,
		       struct via_error *reterr)
{
	struct sigevent event = {
		/* To this thread: another could have it unblocked, and die. */
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_notify_thread_id = gettid(),
		.sigev_signo = signal,
	};

	if (signal < SIGRTMIN || signal > SIGRTMAX)
		return via__fail(reterr, -EINVAL,
				 "a timer of CPU time needs a real-time "
				 "signal, not %d",
				 signal);
	int err = via_signal_open(VIA_SIGNAL_BIT(signal), &timer->source,
				  reterr);

	if (err < 0)
		return err;
	if (timer_create(clock, &event, &timer->id) == 0)
		return 0;
	err = -errno;
	via_signal_close(timer->source);
	return via__fail_errno(reterr, err, "timer_create");
}

int via_timer_open(enum via_clock clock, int signal, struct via_timer **ret,
		   struct via_error *reterr)
{
	static const clockid_t clocks[] = {
		[VIA_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[VIA_CLOCK_BOOTTIME] = CLOCK_BOOTTIME,
		[VIA_CLOCK_REALTIME] = CLOCK_REALTIME,
		[VIA_CLOCK_PROCESS_CPU] = CLOCK_PROCESS_CPUTIME_ID,
		[VIA_CLOCK_THREAD_CPU] = CLOCK_THREAD_CPUTIME_ID,
	};
	bool is_cpu = clock >= VIA_CLOCK_PROCESS_CPU;

	if (clock < VIA_CLOCK_MONOTONIC || clock > VIA_CLOCK_THREAD_CPU)
		return via__fail(reterr, -EINVAL, "there is no clock %d",
				 (int)clock);
	struct via_timer *timer = malloc(sizeof(*timer));

	if (!timer)
		return via__fail_errno(reterr, -ENOMEM, "a timer");
	*timer = (struct via_timer){.fd = -1};
	int err = is_cpu ? open_signal(timer, clocks[clock], signal, reterr)
			 : open_timerfd(timer, clocks[clock], reterr);

	if (err < 0)
		free(timer);
	else
		*ret = timer;
	return err;
}

/* As via_timer_read(). */
static int64_t take_timerfd(struct via_timer *timer, int64_t deadline)
{
	struct pollfd pollfd = {.fd = timer->fd, .events = POLLIN};
	uint64_t count;

	for (;;) {
		ssize_t n = via__read(timer->fd, &count, sizeof(count));

		if (n > 0)
			return (int64_t)count;
		if (n != -EAGAIN)
			return n;
		int r = via__poll(&pollfd, 1, deadline);

		if (r <= 0)
			return r ? r : via__deadline_error(deadline);
	}
}

static int64_t take_signal(struct via_timer *timer, int64_t deadline)
{
	struct via_signal signal;
	int err;

	/* Anybody can send us this signal. */
	do
		err = via_signal_read(timer->source, &signal, deadline);
	while (!err && signal.code != SI_TIMER);
	return err ? err : INT64_C(1) + signal.overrun;
}

int64_t via_timer_read(struct via_timer *timer, int64_t deadline)
{
	return timer->source ? take_signal(timer, deadline)
			     : take_timerfd(timer, deadline);
}

static struct timespec as_timespec(int64_t ns)
{
	return (struct timespec){ns / VIA__NS_PER_S, ns % VIA__NS_PER_S};
}

/* Cannot fail: the timer exists, and the times are in range. */
static void settime(struct via_timer *timer, bool absolute, int64_t first_ns,
		    int64_t period_ns)
{
	struct itimerspec its = {
		.it_interval = as_timespec(period_ns),
		.it_value = as_timespec(first_ns),
	};

	if (timer->source)
		(void)timer_settime(timer->id, absolute ? TIMER_ABSTIME : 0,
				    &its, NULL);
	else
		(void)timerfd_settime(timer->fd,
				      absolute ? TFD_TIMER_ABSTIME : 0, &its,
				      NULL);
}

int via_timer_set(struct via_timer *timer, int64_t first_ns, int64_t period_ns,
		  unsigned int flags)
{
	if (first_ns < 0 || period_ns < 0 || flags & ~VIA_TIMER_ABSOLUTE)
		return -EINVAL;
	via_timer_stop(timer);
	/* To the kernel, 0 is a timer that does not run. */
	settime(timer, flags & VIA_TIMER_ABSOLUTE, first_ns ? first_ns : 1,
		period_ns);
	return 0;
}

void via_timer_stop(struct via_timer *timer)
{
	settime(timer, false, 0, 0);
	/* A timerfd forgets by itself. */
	while (timer->source && take_signal(timer, VIA_NO_WAIT) > 0)
		;
}

int64_t via_timer_left(const struct via_timer *timer)
{
	struct itimerspec its = {0};

	if (timer->source)
		(void)timer_gettime(timer->id, &its);
	else
		(void)timerfd_gettime(timer->fd, &its);
	return its.it_value.tv_sec * VIA__NS_PER_S + its.it_value.tv_nsec;
}

int via_timer_fd(const struct via_timer *timer)
{
	return timer->source ? via_signal_fd(timer->source) : timer->fd;
}

void via_timer_close(struct via_timer *timer)
{
	if (!timer)
		return;
	if (timer->source) {
		via_timer_stop(timer);
		(void)timer_delete(timer->id);
	}
	via_signal_close(timer->source);
	via__close(&timer->fd);
	free(timer);
}
