/* SPDX-License-Identifier: MIT */
/* Time and deadlines: one signed 64-bit number, 292 years of nanoseconds. */
#include "core/clock.h"

#include <errno.h>

#include <via/deadline.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* cannot fail for these clocks */
	return ts.tv_sec * VIA__NS_PER_S + ts.tv_nsec;
}

int64_t via__now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t via__now_coarse(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE);
}

int64_t via__deadline(int64_t ns)
{
	int64_t deadline;

	if (ns < 0)
		return VIA_NEVER;
	if (ns == 0)
		return VIA_NO_WAIT;
	if (__builtin_add_overflow(via__now(), ns, &deadline))
		return INT64_MAX;
	return deadline;
}

int64_t via__deadline_min(int64_t a, int64_t b)
{
	/* As unsigned, every VIA_NEVER (< 0) lies behind all times. */
	return (uint64_t)a < (uint64_t)b ? a : b;
}

bool via__deadline_passed(int64_t deadline)
{
	if (deadline <= 0)
		return deadline == VIA_NO_WAIT;
	return via__now() >= deadline;
}

struct timespec *via__deadline_left(int64_t deadline, struct timespec *ts)
{
	if (deadline < 0)
		return NULL;

	int64_t left = deadline == VIA_NO_WAIT ? 0 : deadline - via__now();

	if (left < 0)
		left = 0;
	*ts = (struct timespec){left / VIA__NS_PER_S, left % VIA__NS_PER_S};
	return ts;
}

int via__deadline_error(int64_t deadline)
{
	return deadline == VIA_NO_WAIT ? -EAGAIN : -ETIMEDOUT;
}

int64_t via_now(void)
{
	return via__now();
}

int64_t via_deadline(int64_t ns)
{
	return via__deadline(ns);
}
