/* SPDX-License-Identifier: MIT */
/*
 * Arrays that grow. What is large is in huge pages where the kernel has them, for
 * a page fault costs more than filling a page. free(3) frees them; no memory: NULL
 * or false, and all stays as it is.
 */
#ifndef INSPECT_MODEL_ARRAY_H
#define INSPECT_MODEL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* As realloc(3): size bytes, of which the first ones are those used of the old. */
void *via__grow(void *old, size_t used, size_t size);

/* New, and all zeros. */
void *via__zeroed(size_t size);

/* Make sure that there is room for one more than n elements of this size. array:
 * where the pointer to the first one is, max: for how many there is room. */
bool via__room(void *array, size_t n, size_t *max, size_t size);

#endif
