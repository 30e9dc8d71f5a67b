/* SPDX-License-Identifier: MIT */
/*
 * Frames and meta blocks as a hostile peer may send them: a frame header, then
 * what follows it. What is accepted has one meaning, so that writing it again
 * gives the same bytes.
 */
#include <errno.h>

#include "core/frame.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_frame(const uint8_t *buf)
{
	struct via__frame f;
	struct via_error err;
	uint8_t again[VIA__FRAME_LEN];
	int r = via__frame_get(&f, buf, &err);

	if (r < 0) {
		check(r == -EPROTO && err.code == r && err.text[0]);
		return;
	}
	check(f.len <= VIA__FRAME_PAYLOAD_MAX);
	via__frame_put(&f, again);
	check(memcmp(buf, again, sizeof(again)) == 0);
}

static void fuzz_meta(const uint8_t *buf, size_t len)
{
	struct via__meta m;
	struct via_error err;
	uint8_t again[VIA__META_MAX];
	int r = via__meta_get(&m, buf, len, &err);

	if (r < 0) {
		check(r == -EPROTO && err.code == r && err.text[0]);
		return;
	}
	check((size_t)r <= len && (size_t)r <= VIA__META_MAX);
	check(via__meta_put(&m, again) == (size_t)r);
	check(memcmp(buf, again, (size_t)r) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < VIA__FRAME_LEN)
		return 0;

	uint8_t *frame = copy_of(data, VIA__FRAME_LEN);
	size_t rest_len = size - VIA__FRAME_LEN;
	uint8_t *rest = copy_of(data + VIA__FRAME_LEN, rest_len);

	fuzz_frame(frame);
	fuzz_meta(rest, rest_len);
	free(frame);
	free(rest);
	return 0;
}
