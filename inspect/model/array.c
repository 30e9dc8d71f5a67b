/* SPDX-License-Identifier: MIT */
#include "inspect/model/array.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* What fills half of one gets one. */
#define LARGE (HUGE_PAGE / 2)

static void *get(size_t size)
{
	size_t whole = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	void *memory = whole < size ? NULL : aligned_alloc(HUGE_PAGE, whole);

	/* Where it is refused all goes on as before. */
	if (memory)
		(void)madvise(memory, whole, MADV_HUGEPAGE);
	return memory;
}

/* The kernel would move a huge page only in small ones: it is copied. */
void *via__grow(void *old, size_t used, size_t size)
{
	if (size < LARGE)
		return realloc(old, size);
	void *more = get(size);

	if (!more)
		return NULL;
	if (used)
		memcpy(more, old, used);
	free(old);
	return more;
}

void *via__zeroed(size_t size)
{
	if (size < LARGE)
		return calloc(1, size);
	void *memory = get(size);

	return memory ? memset(memory, 0, size) : NULL;
}

bool via__room(void *array, size_t n, size_t *max, size_t size)
{
	void *old, *more;

	if (n < *max)
		return true;
	size_t next = *max ? *max + *max / 2 : 64;

	memcpy(&old, array, sizeof(old));
	more = via__grow(old, n * size, next * size);
	if (!more)
		return false;
	memcpy(array, &more, sizeof(more));
	*max = next;
	return true;
}
