/* SPDX-License-Identifier: MIT */
/* Parsers of text from /proc. */
#include "inspect/collect/fields.h"

#include <sys/sysmacros.h>

#include "inspect/collect/cgroups.h"
#include "inspect/collect/fd.h"
#include "inspect/collect/mounts.h"
#include "tests/check.h"

static void fields_are_at_line_starts(void **state)
{
	static const char text[] = "Name:\tUid: 7\nUid:\t5\t6\nEnd:";
	uint64_t value = 1;

	(void)state;
	assert_true(via__field_number(text, "Uid:", 10, &value));
	assert_int_equal(value, 5);
	assert_false(via__field_number(text, "id:", 10, &value));
	assert_false(via__field_number(text, "End:", 10, &value));
	assert_false(via__field_number("", "Uid:", 10, &value));
	assert_int_equal(value, 5);
	assert_null(via__field(text, "Gid:"));
}

static void inner_ids_are_the_last(void **state)
{
	(void)state;
	assert_int_equal(via__inner_id("Pid:\t9\nNSpid:\t4711\t12\t1\n8"), 1);
	assert_int_equal(via__inner_id("NSpid:\t4711\n\t3\n"), 4711);
	assert_int_equal(via__inner_id("NSpid:\t4711"), 4711);
	assert_int_equal(via__inner_id("NSpid:\n5"), 0);
	assert_int_equal(via__inner_id("NSpgid:\t7\n"), 0);
	assert_int_equal(via__inner_id(""), 0);
}

static void exec_start_is_in_ms(void **state)
{
	(void)state;
	assert_int_equal(
		via__exec_start("a (1, #threads: 1)\n---\n"
				"se.exec_start      :       1095286.064590\n"),
		1095286064590);
	assert_true(via__exec_start("se.exec_start :\n") == VIA_UNKNOWN);
	assert_true(via__exec_start("se.exec_start : 12\n") == VIA_UNKNOWN);
	assert_true(via__exec_start("se.vruntime : 1.5\n") == VIA_UNKNOWN);
	assert_true(via__exec_start("se.exec_start : "
				    "99999999999999999999.000000") ==
		    VIA_UNKNOWN);
}

static void mounts_are_cut_at_their_fields(void **state)
{
	char text[] =
		"26 24 0:24 / /dev/pts rw,relatime - devpts dev rw,mode=600\n"
		"36 35 98:0 /a\\040b /mnt\\1342 rw shared:1 master:2 - ext3 "
		"/dev/root rw\nnonsense\n5 4 0:7 / / rw - tmpfs";
	struct via__mount m;
	char *at = via__mount_next(text, &m);

	(void)state;
	assert_int_equal(m.id, 26);
	assert_true(m.dev == makedev(0, 24));
	assert_string_equal(m.point, "/dev/pts");
	assert_string_equal(m.type, "devpts");
	assert_string_equal(m.options, "rw,mode=600");
	at = via__mount_next(at, &m);
	assert_true(m.dev == makedev(98, 0));
	assert_string_equal(m.root, "/a b");
	assert_string_equal(m.point, "/mnt\\2");
	assert_string_equal(m.type, "ext3");
	at = via__mount_next(at, &m);
	assert_string_equal(m.type, "");
	at = via__mount_next(at, &m);
	assert_string_equal(m.type, "tmpfs");
	assert_string_equal(m.options, "");
	assert_null(via__mount_next(at, &m));
}

static void cgroups_are_found_by_controller(void **state)
{
	static const char text[] = "9:name=systemd:/\n7:cpu,cpuacct:/a:b\n"
				   "6:freezer:/f\n0::/user.slice\n";
	const char *path = NULL;

	(void)state;
	assert_int_equal(via__cgroup_path(text, "freezer", &path), 2);
	assert_memory_equal(path, "/f", 2);
	assert_int_equal(via__cgroup_path(text, "cpuacct", &path), 4);
	assert_memory_equal(path, "/a:b", 4);
	assert_int_equal(via__cgroup_path(text, "", &path), 11);
	assert_memory_equal(path, "/user.slice", 11);
	assert_int_equal(via__cgroup_path(text, "free", &path), 0);
	assert_int_equal(via__cgroup_path("freezer\n:\n1:\n", "", &path), 0);
}

static void terminals_are_listed_by_range(void **state)
{
	static const char text[] = "/dev/console /dev/console 5 1 "
				   "system:console\n"
				   "serial /dev/ttyS 4 64-95 serial\n\nx\n";

	(void)state;
	assert_true(via__tty_listed(text, 5, 1));
	assert_false(via__tty_listed(text, 5, 2));
	assert_true(via__tty_listed(text, 4, 64));
	assert_true(via__tty_listed(text, 4, 95));
	assert_false(via__tty_listed(text, 4, 63));
	assert_false(via__tty_listed(text, 4, 96));
	assert_false(via__tty_listed(NULL, 4, 64));
}

static void watches_have_what_they_are_of(void **state)
{
	static const char text[] =
		"pos:\t0\nflags:\t02\nino:\t1038\n"
		"tfd:        3 events:       19 data:                3  pos:0 "
		"ino:40e sdev:800010\n"
		"tfd: 4\n"
		"tfd:        5 events: 80000001 data: ffffffffffffffff  pos:-1 "
		"ino:ffffffffff sdev:9\n";
	struct via__watch w;
	const char *at = via__watch_next(text, &w);

	(void)state;
	assert_int_equal(w.fd, 3);
	assert_int_equal(w.events, 0x19);
	assert_int_equal(w.ino, 0x40e);
	assert_true(w.dev == makedev(8, 16));
	at = via__watch_next(at, &w);
	assert_int_equal(w.fd, 5);
	assert_true(w.events == 0x80000001);
	assert_true(w.ino == 0xffffffffff);
	assert_null(via__watch_next(at, &w));
}

static void flags_are_octal(void **state)
{
	(void)state;
	assert_int_equal(via__fd_flags("pos:\t0\nflags:\t02004002\n"),
			 VIA_HOLD_NONBLOCK | VIA_HOLD_CLOEXEC);
	assert_int_equal(via__fd_flags("pos:\t0\nflags:\t04002\n"),
			 VIA_HOLD_NONBLOCK);
	assert_int_equal(via__fd_flags("pos:\t0\n"), 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(fields_are_at_line_starts),
	CHECK_TEST(inner_ids_are_the_last),
	CHECK_TEST(exec_start_is_in_ms),
	CHECK_TEST(mounts_are_cut_at_their_fields),
	CHECK_TEST(cgroups_are_found_by_controller),
	CHECK_TEST(terminals_are_listed_by_range),
	CHECK_TEST(watches_have_what_they_are_of),
	CHECK_TEST(flags_are_octal),
};
CHECK_MAIN(tests)
