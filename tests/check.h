/* SPDX-License-Identifier: MIT */
/*
 * cmocka with what every test here needs: TAP output, and after each test a
 * look at what it left behind (descriptors, children).
 *
 *	static void parses_a_scheme(void **state) { ... }
 *
 *	static const struct CMUnitTest tests[] = {
 *		CHECK_TEST(parses_a_scheme),
 *	};
 *	CHECK_MAIN(tests)
 *
 * What outlives the process (children of children, files, IPC objects) is
 * guard.c's to find. A test that cannot run says check_skip("what is missing").
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

/* How many descriptors this process has open. */
static inline int check_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline int check_before(void **state)
{
	*state = (void *)(intptr_t)check_count_fds();
	return 0;
}

static inline int check_after(void **state)
{
	int before = (int)(intptr_t)*state, after = check_count_fds();

	if (after != before) {
		print_error("descriptors: %d before, %d after\n", before,
			    after);
		return -1;
	}
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
		print_error("a child was left behind\n");
		return -1;
	}
	return 0;
}

#define CHECK_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, check_before, check_after)

#define check_skip(why)                                                        \
	do {                                                                   \
		print_message("# SKIP %s\n", why);                             \
		skip();                                                        \
	} while (0)

#define CHECK_MAIN(tests)                                                      \
	int main(void)                                                         \
	{                                                                      \
		setvbuf(stdout, NULL, _IOLBF, 0);                              \
		cmocka_set_message_output(CM_OUTPUT_TAP);                      \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
