/* SPDX-License-Identifier: MIT */
/* What a fuzz target is made of: libFuzzer's entry point and a check. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer (or replay.c) with each input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Crash, so that the fuzzer keeps the input. */
#define check(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
				__LINE__, #condition);                         \
			abort();                                               \
		}                                                              \
	} while (0)

/* A copy of exactly len bytes, so that a sanitizer sees a read beyond. */
static inline uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	check(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* The same as a string. */
static inline char *text_of(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	check(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

#endif
