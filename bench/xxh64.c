/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "bench/xxh64.h"

#define P1 UINT64_C(0x9E3779B185EBCA87)
#define P2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define P3 UINT64_C(0x165667B19E3779F9)
#define P4 UINT64_C(0x85EBCA77C2B2AE63)
#define P5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * P2, 31) * P1;
}

static void add_stripes(struct xxh64 *x, const uint8_t *p, size_t n)
{
	for (; n; n--, p += 32)
		for (int i = 0; i < 4; i++)
			x->lane[i] = mix(x->lane[i], load64(p + 8 * i));
}

void xxh64_init(struct xxh64 *x)
{
	*x = (struct xxh64){.lane = {P1 + P2, P2, 0, -P1}};
}

void xxh64_add(struct xxh64 *x, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t have = x->len % 32;

	x->len += len;
	if (have) {
		size_t want = len < 32 - have ? len : 32 - have;

		memcpy(x->rest + have, p, want);
		if (have + want < 32)
			return;
		add_stripes(x, x->rest, 1);
		p += want;
		len -= want;
	}
	add_stripes(x, p, len / 32);
	memcpy(x->rest, p + len / 32 * 32, len % 32);
}

uint64_t xxh64_sum(const struct xxh64 *x)
{
	const uint64_t *v = x->lane;
	const uint8_t *p = x->rest, *end = p + x->len % 32;
	uint64_t h = P5;

	if (x->len >= 32) {
		h = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) +
		    rotate(v[3], 18);
		for (int i = 0; i < 4; i++)
			h = (h ^ mix(0, v[i])) * P1 + P4;
	}
	h += x->len;
	for (; end - p >= 8; p += 8)
		h = rotate(h ^ mix(0, load64(p)), 27) * P1 + P4;
	for (; end - p >= 4; p += 4)
		h = rotate(h ^ load32(p) * P1, 23) * P2 + P3;
	for (; p < end; p++)
		h = rotate(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
