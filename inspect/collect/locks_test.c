/* SPDX-License-Identifier: MIT */
#include "inspect/collect/locks.h"

#include <sys/sysmacros.h>

#include "tests/check.h"

static void parses_lines(void **state)
{
	struct via__lock_line l;

	(void)state;
	assert_int_equal(via__locks_parse("1: FLOCK  ADVISORY  WRITE 4711 "
					  "fe:01:42 0 EOF\n",
					  &l),
			 0);
	assert_int_equal(l.type, VIA_FILE_FLOCK);
	assert_true(l.exclusive && !l.waits && !l.breaking);
	assert_int_equal(l.pid, 4711);
	assert_int_equal(l.dev, makedev(0xfe, 1));
	assert_int_equal(l.ino, 42);
	assert_true(l.start == 0 && l.end == UINT64_MAX);
	assert_int_equal(via__locks_parse("12: -> OFDLCK ADVISORY  READ  -1 "
					  "00:2a:18446744073709551615 "
					  "10 19\n",
					  &l),
			 0);
	assert_int_equal(l.type, VIA_FILE_OFD);
	assert_true(!l.exclusive && l.waits);
	assert_int_equal(l.pid, -1);
	assert_true(l.ino == UINT64_MAX && l.start == 10 && l.end == 19);
	/* Behind one that waits itself; in fdinfo, with a tab before. */
	assert_int_equal(via__locks_parse("1:    -> POSIX  ADVISORY  WRITE 7 "
					  "00:2a:1 0 0\n",
					  &l),
			 0);
	assert_true(l.waits && l.type == VIA_FILE_POSIX && l.end == 0);
	assert_int_equal(via__locks_parse("\t1: LEASE  BREAKING  UNLCK 7 "
					  "00:2a:1 0 EOF\n",
					  &l),
			 0);
	assert_true(l.breaking && l.type == VIA_FILE_LEASE);
}

static void refuses_what_is_no_lock(void **state)
{
	static const char *const lines[] = {
		"",
		"1:",
		"x: FLOCK  ADVISORY  WRITE 4711 fe:01:42 0 EOF",
		"1: MANDATE  ADVISORY  WRITE 4711 fe:01:42 0 EOF",
		"1: FLOCK  ADVISORY  WRITE x fe:01:42 0 EOF",
		"1: FLOCK  ADVISORY  WRITE 1 fe:0142 0 EOF",
		"1: FLOCK  ADVISORY  WRITE 1 fe:01:42 0",
		"1: -> ->",
	};
	struct via__lock_line l;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(via__locks_parse(lines[i], &l), -EPROTO);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(parses_lines),
	CHECK_TEST(refuses_what_is_no_lock),
};
CHECK_MAIN(tests)
