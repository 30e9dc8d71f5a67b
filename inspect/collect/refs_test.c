/* SPDX-License-Identifier: MIT */
/* Whether all who hold something are known, from counted references. */
#include <sched.h>
#include <sys/socket.h>

#include "inspect/collect/look_test.h"

/* Whether all who hold what our descriptor is of are seen. */
static int all_are_seen(int fd)
{
	char why[VIA_ERROR_TEXT_MAX];
	struct via_snapshot *s = look_by(VIA_SOURCE_BPF, VIA_WANT_FDS, why);
	int seen = s ? object_of(s, fd)->seen == VIA_SEEN_ALL : -1;

	if (!s)
		print_message("# %s\n", why);
	via_snapshot_free(s);
	return seen;
}

static void counts_pipes(void **state)
{
	int p[2], sockets[2], copy;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	int seen = all_are_seen(p[0]);

	if (seen >= 0) {
		assert_true(seen);
		assert_true(all_are_seen(sockets[0]));
		/* Copies, and those of a child, are seen too. */
		copy = dup(p[1]);
		pid_t child = start_sleeper();

		assert_true(all_are_seen(p[0]));
		/* A write end on its way may come to anybody. */
		pass(sockets[0], p[1], 1);
		assert_false(all_are_seen(p[0]));
		close(copy);
		assert_false(all_are_seen(p[0]));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(sockets[i]);
	}
	if (seen < 0)
		check_skip("needs BPF");
}

static int sleep_on(void *unused)
{
	(void)unused;
	pause();
	return 0;
}

/* Who shares our table has no reference of its own. */
static void counts_shared_tables_once(void **state)
{
	static _Alignas(16) char stack[16384];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid_t child = clone(sleep_on, stack + sizeof(stack),
			    CLONE_FILES | SIGCHLD, NULL);

	assert_true(child > 0);
	int seen = all_are_seen(p[0]);

	end(child);
	close(p[0]);
	close(p[1]);
	if (seen < 0)
		check_skip("needs BPF");
	assert_true(seen);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(counts_shared_tables_once),
	CHECK_TEST(counts_pipes),
};
CHECK_MAIN(tests)
