/* SPDX-License-Identifier: MIT */
/*
 * Deadlines. Every call that can wait takes the moment at which it gives up:
 * absolute CLOCK_MONOTONIC nanoseconds, VIA_NEVER or VIA_NO_WAIT. So a program
 * that makes several calls by one deadline hands the same number to each.
 */
#ifndef VIA_DEADLINE_H
#define VIA_DEADLINE_H

#include <stdint.h>

#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_NEVER   (-1) /* wait without end */
#define VIA_NO_WAIT (0)	 /* do not wait */

/* CLOCK_MONOTONIC now, in ns. */
VIA_API int64_t via_now(void);

/*
 * The deadline that lies ns nanoseconds from now. A negative ns gives
 * VIA_NEVER, zero gives VIA_NO_WAIT; saturates instead of overflowing.
 */
VIA_API int64_t via_deadline(int64_t ns);

#ifdef __cplusplus
}
#endif

#endif
