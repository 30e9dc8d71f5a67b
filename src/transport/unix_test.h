/* SPDX-License-Identifier: MIT */
/* What the tests of unix: share: a directory of their own, and children with
 * another user. */
#ifndef VIA_TRANSPORT_UNIX_TEST_H
#define VIA_TRANSPORT_UNIX_TEST_H

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transport/end_test.h"

static const char *const types[] = {"stream", "seqpacket", "dgram"};
#define FOR_EACH_TYPE(type)                                                    \
	for (size_t type = 0; type < sizeof(types) / sizeof(*types); type++)

/* A directory of our own, and a URL of a socket in it. */
static char dir[64], path[80];

static inline const char *url_of(const char *options)
{
	static char url[256];

	(void)snprintf(url, sizeof(url), "unix:%s?%s", path, options);
	return url;
}

static inline const char *url_of_type(size_t type)
{
	char options[32];

	(void)snprintf(options, sizeof(options), "type=%s", types[type]);
	return url_of(options);
}

static inline int make_dir(void **state)
{
	strcpy(dir, "/tmp/via-unix-test-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	return check_before(state);
}

/* Fails if a name is left. */
static inline int remove_dir(void **state)
{
	return check_after(state) || rmdir(dir);
}

/* Run in a child with this user, to be joined by reap(). */
static inline pid_t spawn_as(uid_t uid, void (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(99);
		run();
		_exit(0);
	}
	return pid;
}

static inline void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

#endif
