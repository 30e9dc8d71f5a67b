/* SPDX-License-Identifier: MIT */
#include "inspect/model/huge.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

void via__huge(void *memory, size_t size)
{
	uintptr_t from = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uintptr_t to = ((uintptr_t)memory + size) & ~(HUGE_PAGE - 1);

	/* Where it is refused all goes on as before. */
	if (memory && from < to)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
