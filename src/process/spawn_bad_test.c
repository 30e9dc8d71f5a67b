/* SPDX-License-Identifier: MIT */
/* What cannot be started: one sentence each, and nothing left behind. */
#include <sys/stat.h>

#include "process/process_test.h"

static int fails(const struct via_program *p, int code, const char *text)
{
	struct via_error err = {0};
	int r = via_spawn(p, NULL, &err);

	if (r == code && err.code == code && !strcmp(err.text, text))
		return 0;
	print_error("%d \"%s\" instead of %d \"%s\"\n", r, err.text, code,
		    text);
	if (r >= 0) {
		(void)via_process_wait(r, SOON, NULL, NULL);
		close(r);
	}
	return 1;
}

/* A file in a directory of its own, which is the working directory then. */
static void make_file(char *dir, size_t size, const char *text, mode_t mode)
{
	snprintf(dir, size, "%s/bad-XXXXXX", getenv("TMPDIR"));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	int fd = openat(AT_FDCWD, dir, O_PATH | O_CLOEXEC);
	int file = openat(fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(file, mode), 0);
	close(file);
	close(fd);
}

static void remove_file(const char *dir)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/file", dir);
	unlink(path);
	rmdir(dir);
}

static void files_that_are_no_programs(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		mode_t mode;
		int code;
		const char *sentence;
	} rows[] = {
		{"#!/bin/sh\n", 0644, -EACCES,
		 "exec ./file: no permission to execute it"},
		{"exit 0\n", 0755, -ENOEXEC,
		 "exec ./file: neither a binary for this machine nor a script "
		 "that begins with #!"},
		{"", 0755, -ENOEXEC,
		 "exec ./file: neither a binary for this machine nor a script "
		 "that begins with #!"},
		{"#!/nowhere/sh\n", 0755, -ELIBACC,
		 "exec ./file: the interpreter it asks for is missing"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char dir[4096];
		const struct via_program p = {.argv = ARGV("./file"),
					      .dir = dir};

		make_file(dir, sizeof(dir), rows[i].text, rows[i].mode);
		int r = fails(&p, rows[i].code, rows[i].sentence);

		remove_file(dir);
		assert_int_equal(r, 0);
	}
}

static void not_to_be_executed(void **state)
{
	(void)state;
	const char *const path[] = {"PATH=/etc:/proc/self", NULL};
	const struct via_program missing = {.argv = ARGV("no-such\033program")};
	const struct via_program nowhere = {.argv = ARGV("/no/where")};
	const struct via_program dir = {.argv = ARGV("/tmp")};
	const struct via_program below = {.argv = ARGV("/dev/null/sh")};
	const struct via_program found = {.argv = ARGV("passwd"), .env = path};
	const struct via_program dir_in_path = {.argv = ARGV("fd"),
						.env = path};
	const struct via_program empty = {.argv = ARGV("")};

	assert_int_equal(
		fails(&missing, -ENOENT, "exec no-such?program: not found"), 0);
	assert_int_equal(fails(&nowhere, -ENOENT, "exec /no/where: not found"),
			 0);
	assert_int_equal(fails(&dir, -EISDIR, "exec /tmp: it is a directory"),
			 0);
	assert_int_equal(
		fails(&below, -ENOTDIR, "exec /dev/null/sh: Not a directory"),
		0);
	assert_int_equal(fails(&found, -EACCES,
			       "exec passwd: no permission to execute it"),
			 0);
	assert_int_equal(fails(&dir_in_path, -ENOENT, "exec fd: not found"), 0);
	assert_int_equal(fails(&empty, -ENOENT, "exec : not found"), 0);
}

static void too_many_arguments(void **state)
{
	(void)state;
	static char text[256 * 1024];
	const struct via_program p = {.argv = ARGV("true", text)};

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(fails(&p, -E2BIG,
			       "exec true: arguments and environment are too "
			       "long"),
			 0);
}

static void nonsense(void **state)
{
	(void)state;
	const char *const none[] = {NULL};
	const struct via_program nothing = {0}, empty = {.argv = none};
	const struct via_program both = {.argv = ARGV("true"),
					 .flags = VIA_PROGRAM_GROUP |
						  VIA_PROGRAM_SESSION};
	const struct via_program negative = {
		.argv = ARGV("true"),
		.fds = (struct via_program_fd[]){{-1, 0}},
		.n_fds = 1};
	const struct via_program many = {.argv = ARGV("true"),
					 .n_fds = VIA_PROGRAM_FDS_MAX + 1};
	const struct via_program signal = {.argv = ARGV("true"),
					   .parent_death = 999};

	assert_int_equal(fails(&nothing, -EINVAL, "no program to run"), 0);
	assert_int_equal(fails(&empty, -EINVAL, "no program to run"), 0);
	assert_int_equal(
		fails(&both, -EINVAL, "a new session has a group of its own"),
		0);
	assert_int_equal(
		fails(&negative, -EINVAL, "no descriptor has the number -1"),
		0);
	assert_int_equal(fails(&many, -EINVAL, "at most 64 descriptors"), 0);
	assert_int_equal(fails(&signal, -EINVAL,
			       "parent-death signal: Invalid argument"),
			 0);
}

static void surroundings(void **state)
{
	(void)state;
	const struct via_program dir = {.argv = ARGV("true"),
					.dir = "/nowhere"};
	const struct via_program file = {.argv = ARGV("true"),
					 .dir = "/dev/null"};
	const struct via_program group = {.argv = ARGV("true"),
					  .flags = VIA_PROGRAM_GROUP,
					  .group = 99999999};
	const struct via_program terminal = {.argv = ARGV("true"),
					     .flags = VIA_PROGRAM_FOREGROUND,
					     .terminal = 99};
	const struct via_program limit = {
		.argv = ARGV("true"),
		.limits = (struct via_program_limit[]){{99, {0, 0}}},
		.n_limits = 1};
	const struct via_program closed = {
		.argv = ARGV("true"),
		.fds = (struct via_program_fd[]){{1, 999}},
		.n_fds = 1};

	assert_int_equal(fails(&dir, -ENOENT,
			       "chdir /nowhere: No such file or directory"),
			 0);
	assert_int_equal(
		fails(&file, -ENOTDIR, "chdir /dev/null: Not a directory"), 0);
	assert_int_equal(fails(&group, -EPERM,
			       "join process group 99999999: Operation not "
			       "permitted"),
			 0);
	assert_int_equal(fails(&terminal, -EBADF,
			       "take the terminal (descriptor 99): Bad file "
			       "descriptor"),
			 0);
	assert_int_equal(
		fails(&limit, -EINVAL, "setrlimit 99: Invalid argument"), 0);
	assert_int_equal(fails(&closed, -EBADF,
			       "map descriptor 999 to 1: Bad file descriptor"),
			 0);
}

static void descriptor_limit(void **state)
{
	(void)state;
	const struct via_program plain = {.argv = ARGV("true")};
	const struct via_program high = {
		.argv = ARGV("true"),
		.fds = (struct via_program_fd[]){{900, 0}},
		.n_fds = 1};
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int plain_fails = fails(&plain, -EMFILE,
				"no new process: this one has too many "
				"descriptors open (RLIMIT_NOFILE)");

	none.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int high_fails = fails(&high, -EMFILE,
			       "map descriptor 0 to 900: Too many open files");

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(plain_fails, 0);
	assert_int_equal(high_fails, 0);
}

static int become_nobody(void)
{
	return setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534);
}

static int nobody_has_too_many(void)
{
	const struct via_program p = {.argv = ARGV("true")};
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_NPROC, &none) || become_nobody() ||
	       fails(&p, -EAGAIN,
		     "no new process: the user or the system has too many "
		     "(RLIMIT_NPROC)");
}

static int nobody_becomes_root(void)
{
	const struct via_program p = {.argv = ARGV("true"),
				      .flags = VIA_PROGRAM_USER};

	return become_nobody() ||
	       fails(&p, -EPERM, "setgroups: Operation not permitted");
}

static void ordinary_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		check_skip("needs root to become an ordinary user");
	in_child(nobody_has_too_many);
	in_child(nobody_becomes_root);

	/* The limit counts the others: one is there, and none may be. */
	struct via_program p = {
		.argv = ARGV("sleep", "600"),
		.flags = VIA_PROGRAM_USER,
		.uid = 65534,
		.gid = 65534,
		.limits = (struct via_program_limit[]){{RLIMIT_NPROC, {0, 0}}},
	};
	int other = start(&p);

	p.n_limits = 1;
	assert_int_equal(fails(&p, -EAGAIN,
			       "exec sleep: the user has too many processes "
			       "(RLIMIT_NPROC)"),
			 0);
	assert_int_equal(via_signal_send_pidfd(other, SIGKILL, NULL), 0);
	wait_for_end(other);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(files_that_are_no_programs),
	CHECK_TEST(not_to_be_executed),
	CHECK_TEST(too_many_arguments),
	CHECK_TEST(nonsense),
	CHECK_TEST(surroundings),
	CHECK_TEST(descriptor_limit),
	CHECK_TEST(ordinary_user),
};
CHECK_MAIN(tests)
