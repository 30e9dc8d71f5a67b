/* SPDX-License-Identifier: MIT */
/*
 * XXH64 (Yann Collet), seed 0: the sum of a carried file, the same that
 * `xxhsum -H1 FILE` prints. Written from the specification,
 * doc/xxhash_spec.md in Cyan4973/xxHash.
 */
#ifndef BENCH_XXH64_H
#define BENCH_XXH64_H

#include <stddef.h>
#include <stdint.h>

struct xxh64 {
	uint64_t lane[4];
	uint64_t len;
	uint8_t rest[32]; /* len % 32 bytes not yet in the lanes */
};

void xxh64_init(struct xxh64 *x);
void xxh64_add(struct xxh64 *x, const void *data, size_t len);
uint64_t xxh64_sum(const struct xxh64 *x);

#endif
