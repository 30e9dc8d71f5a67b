/* SPDX-License-Identifier: MIT */
/* Memory for very much: in huge pages where the kernel has them, for a page fault
 * costs more than filling a page. free(3) frees it; NULL: there is none. */
#ifndef INSPECT_MODEL_HUGE_H
#define INSPECT_MODEL_HUGE_H

#include <stddef.h>

/* As realloc(3): size bytes, the first ones those that are used of the old, which
 * is freed; it stays if there is no memory. */
void *via__huge_grow(void *old, size_t used, size_t size);

/* New, and all zeros. */
void *via__huge_zeroed(size_t size);

#endif
