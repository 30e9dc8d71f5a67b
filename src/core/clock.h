/* SPDX-License-Identifier: MIT */
/* Time and deadlines: absolute CLOCK_MONOTONIC nanoseconds in an int64_t. */
#ifndef VIA_CORE_CLOCK_H
#define VIA_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define VIA__NS_PER_S INT64_C(1000000000)

int64_t via__now(void);

/* CLOCK_MONOTONIC_COARSE: a tick (1-10 ms) old, a quarter of the price. */
int64_t via__now_coarse(void);

/* now + ns; ns < 0 gives VIA_NEVER, 0 gives VIA_NO_WAIT; saturates. */
int64_t via__deadline(int64_t ns);

/* The nearer of two deadlines; VIA_NO_WAIT is nearest, VIA_NEVER farthest. */
int64_t via__deadline_min(int64_t a, int64_t b);

/* Whether it has passed; true for VIA_NO_WAIT, false for VIA_NEVER. */
bool via__deadline_passed(int64_t deadline);

/*
 * What is left, as ppoll() wants it: NULL for VIA_NEVER, otherwise ts filled
 * (zero when it has passed).
 */
struct timespec *via__deadline_left(int64_t deadline, struct timespec *ts);

/* The code to return when a wait ended empty: -EAGAIN or -ETIMEDOUT. */
int via__deadline_error(int64_t deadline);

#endif
