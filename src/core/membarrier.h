/* SPDX-License-Identifier: MIT */
/* One side of a pair makes the barrier for both: membarrier(2). */
#ifndef VIA_CORE_MEMBARRIER_H
#define VIA_CORE_MEMBARRIER_H

#include <stdbool.h>

/* Let others make barriers in this process; whether they and we can. Costs a
 * grace period of the kernel the first time, if there are several threads. */
bool via__membarrier_init(void);

/* All threads of such processes make one. False: not so. */
bool via__membarrier(void);

#endif
