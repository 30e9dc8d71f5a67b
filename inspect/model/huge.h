/* SPDX-License-Identifier: MIT */
/* Memory for very much: in huge pages where the kernel has them, for a page fault
 * costs more than filling a page. */
#ifndef INSPECT_MODEL_HUGE_H
#define INSPECT_MODEL_HUGE_H

#include <stddef.h>

/* Ask for it, of memory that has not been touched yet; what is smaller than a
 * huge page stays as it is. */
void via__huge(void *memory, size_t size);

#endif
