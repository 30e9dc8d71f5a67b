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
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	/* Those too that will not raise SIGCHLD. */
	if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD) {
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

/* cmocka 1.1.5 says "not ok 1 # SKIP" of a test that was skipped, which readers
 * of TAP take for a failure, as they should: leave the "not" out. */
static inline ssize_t check_write(void *unused, const char *text, size_t len)
{
	static const char skipped[] = " # SKIP", no[] = "not ";
	size_t start = strlen("not ok 1234") + strlen(skipped);
	size_t cut = 0;

	(void)unused;
	if (len > strlen(no) && !memcmp(text, no, strlen(no)) &&
	    memmem(text, len < start ? len : start, skipped, strlen(skipped)))
		cut = strlen(no);
	ssize_t n = write(STDOUT_FILENO, text + cut, len - cut);

	return n < 0 ? 0 : n + (ssize_t)cut;
}

/* TAP to stdout, line by line. */
static inline void check_output(void)
{
	cookie_io_functions_t io = {.write = check_write};

	stdout = fopencookie(NULL, "w", io);
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
}

#define CHECK_MAIN(tests)                                                      \
	int main(void)                                                         \
	{                                                                      \
		check_output();                                                \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
