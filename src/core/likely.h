/* SPDX-License-Identifier: MIT */
/* Telling the compiler which way a branch of a hot path goes, and where the
 * function begins: on a line of its own, so that it is fetched in fewer. */
#ifndef VIA_CORE_LIKELY_H
#define VIA_CORE_LIKELY_H

#define via__likely(x)	 __builtin_expect(!!(x), 1)
#define via__unlikely(x) __builtin_expect(!!(x), 0)
#define via__hot	 __attribute__((aligned(64)))

#endif
