/* SPDX-License-Identifier: MIT */
#include "core/frame.h"

#include <errno.h>
#include <string.h>

#include "tests/check.h"

#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)
#define MAX   VIA__FRAME_PAYLOAD_MAX

static void layout_of_a_frame(void **state)
{
	(void)state;
	static const uint8_t expected[VIA__FRAME_LEN] = {
		'V',  'i',  1,	  0x63, 4,    3,    2,	  1,
		0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
		0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
		4,    3,    2,	  1,	0,    0,    0,	  0,
	};
	const struct via__frame f = {
		.flags = WHOLE | VIA__FRAME_FDS | VIA__FRAME_META,
		.len = 0x01020304,
		.sender = 0x1112131415161718,
		.seq = 0x2122232425262728,
		.total = 0x01020304,
	};
	uint8_t buf[VIA__FRAME_LEN + 1];
	struct via__frame got;

	memset(buf, 0xee, sizeof(buf));
	via__frame_put(&f, buf);
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(buf[VIA__FRAME_LEN], 0xee);

	assert_int_equal(via__frame_get(&got, buf, NULL), 0);
	assert_int_equal(got.flags, f.flags);
	assert_int_equal(got.len, f.len);
	assert_true(got.sender == f.sender);
	assert_true(got.seq == f.seq);
	assert_true(got.total == f.total);
}

/* What reading a frame with these fields says. */
static int get(uint8_t flags, uint32_t len, uint64_t total,
	       struct via_error *err)
{
	struct via__frame f = {.flags = flags, .len = len, .total = total};
	struct via__frame got = {.flags = 0xaa};
	uint8_t buf[VIA__FRAME_LEN];

	via__frame_put(&f, buf);

	int r = via__frame_get(&got, buf, err);

	assert_int_equal(got.flags, r == 0 ? flags : 0xaa);
	return r;
}

static void right_frames(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		uint32_t len;
		uint64_t total;
	} rows[] = {
		{WHOLE, 0, 0},
		{WHOLE, MAX, MAX},
		{WHOLE | VIA__FRAME_FDS, 1, 1},
		{WHOLE | VIA__FRAME_META, 16, 16},
		{VIA__FRAME_FIRST, MAX, UINT64_MAX},
		{VIA__FRAME_FIRST, 1, 2},
		{0, 1, 3},
		{VIA__FRAME_LAST, 1, 3},
		{VIA__FRAME_LAST | VIA__FRAME_META, 1, 3},
		{VIA__FRAME_HELLO, 0, 0},
		{VIA__FRAME_DONE, 0, 0},
		{VIA__FRAME_END, 0, 0},
		{VIA__FRAME_REFUSE, 0, (uint64_t)-EACCES},
		{VIA__FRAME_REFUSE, 0, (uint64_t)-1},
		{VIA__FRAME_REFUSE, 0, (uint64_t)-4095},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via_error err;

		if (get(rows[i].flags, rows[i].len, rows[i].total, &err) != 0)
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void wrong_frames(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		uint32_t len;
		uint64_t total;
	} rows[] = {
		{WHOLE, MAX + 1, MAX + 1},
		{WHOLE, UINT32_MAX, UINT32_MAX},
		{WHOLE, 1, 2},
		{WHOLE, 2, 1},
		{VIA__FRAME_FIRST, 3, 2},
		{0, 1, 0},
		{VIA__FRAME_LAST, MAX + 1, UINT64_MAX},
		{VIA__FRAME_END, 0, 1},
		{WHOLE | VIA__FRAME_END, 0, 0},
		{VIA__FRAME_DONE | VIA__FRAME_END, 0, 0},
		{VIA__FRAME_HELLO, 1, 1},
		{VIA__FRAME_HELLO, 0, 1},
		{VIA__FRAME_HELLO | VIA__FRAME_FIRST, 0, 0},
		{VIA__FRAME_HELLO | VIA__FRAME_DONE, 0, 0},
		{VIA__FRAME_HELLO | VIA__FRAME_META, 0, 0},
		{VIA__FRAME_DONE | VIA__FRAME_FDS, 0, 0},
		{VIA__FRAME_DONE | VIA__FRAME_LAST, 0, 0},
		{VIA__FRAME_DONE, 0, 1},
		{VIA__FRAME_REFUSE, 0, 0},
		{VIA__FRAME_REFUSE, 0, EACCES},
		{VIA__FRAME_REFUSE, 0, (uint64_t)-4096},
		{VIA__FRAME_REFUSE, 1, (uint64_t)-EACCES},
		{0xff, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via_error err = {0};

		if (get(rows[i].flags, rows[i].len, rows[i].total, &err) !=
			    -EPROTO ||
		    err.code != -EPROTO ||
		    !strstr(err.text, "contradicts itself"))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void contradictions_are_shown(void **state)
{
	(void)state;
	struct via_error err;

	get(WHOLE, 7, 9, &err);
	assert_string_equal(err.text,
			    "the peer sent a frame that contradicts itself "
			    "(flags 0x03, length 7, total 9)");
}

static void other_protocols(void **state)
{
	(void)state;
	uint8_t http[VIA__FRAME_LEN + 1] = "HTTP/1.1 400 Bad Request\r\nServe";
	uint8_t half[VIA__FRAME_LEN] = {'V', 'I', 1};
	uint8_t later[VIA__FRAME_LEN] = {'V', 'i', 2};
	struct via__frame f;
	struct via_error err;

	assert_int_equal(via__frame_get(&f, http, &err), -EPROTO);
	assert_string_equal(err.text, "the peer does not speak via");
	assert_int_equal(via__frame_get(&f, half, &err), -EPROTO);
	assert_string_equal(err.text, "the peer does not speak via");
	assert_int_equal(via__frame_get(&f, later, &err), -EPROTO);
	assert_string_equal(err.text,
			    "the peer speaks version 2 of via's frames, "
			    "this program version 1");
}

static void layout_of_a_meta_block(void **state)
{
	(void)state;
	static const uint8_t expected[] = {
		1, 3, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 'a', 'b', 'c',
	};
	const struct via__meta m = {
		.topic = "abc",
		.topic_len = 3,
		.has_correlation = 1,
		.correlation = 0x0102030405060708,
	};
	uint8_t buf[VIA__META_MAX];
	struct via__meta got;

	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(via__meta_put(&m, buf), sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(buf[sizeof(expected)], 0xee);

	assert_int_equal(via__meta_get(&got, buf, sizeof(buf), NULL),
			 sizeof(expected));
	assert_ptr_equal(got.topic, buf + VIA__META_LEN);
	assert_int_equal(got.topic_len, 3);
	assert_int_equal(got.has_correlation, 1);
	assert_true(got.correlation == m.correlation);
}

static void meta_without_this_or_that(void **state)
{
	(void)state;
	char topic[255];
	const struct via__meta longest = {.topic = topic, .topic_len = 255};
	const struct via__meta empty = {.correlation = 5};
	uint8_t buf[VIA__META_MAX];
	struct via__meta got;

	memset(topic, 't', sizeof(topic));
	assert_int_equal(via__meta_put(&longest, buf), VIA__META_MAX);
	assert_int_equal(via__meta_get(&got, buf, sizeof(buf), NULL),
			 VIA__META_MAX);
	assert_int_equal(got.topic_len, 255);
	assert_memory_equal(got.topic, topic, 255);
	assert_int_equal(got.has_correlation, 0);

	assert_int_equal(via__meta_put(&empty, buf), VIA__META_LEN);
	assert_int_equal(via__meta_get(&got, buf, VIA__META_LEN, NULL),
			 VIA__META_LEN);
	assert_null(got.topic);
	assert_true(got.correlation == 0);
}

static void wrong_meta_blocks(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		uint8_t block[VIA__META_LEN];
	} rows[] = {
		{"the peer sent a meta block cut short", 0, {0}},
		{"the peer sent a meta block cut short", 15, {0}},
		{"the peer sent a topic cut short", 16, {0, 1}},
		{"the peer sent a malformed meta block", 16, {2}},
		{"the peer sent a malformed meta block", 16, {0, 0, 1}},
		{"the peer sent a malformed meta block", 16, {[7] = 1}},
		{"the peer sent a malformed meta block", 16, {[15] = 1}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via__meta m = {.topic_len = 77};
		struct via_error err = {0};

		assert_int_equal(
			via__meta_get(&m, rows[i].block, rows[i].len, &err),
			-EPROTO);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(m.topic_len, 77);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(layout_of_a_frame),
	CHECK_TEST(right_frames),
	CHECK_TEST(wrong_frames),
	CHECK_TEST(contradictions_are_shown),
	CHECK_TEST(other_protocols),
	CHECK_TEST(layout_of_a_meta_block),
	CHECK_TEST(meta_without_this_or_that),
	CHECK_TEST(wrong_meta_blocks),
};
CHECK_MAIN(tests)
