/* SPDX-License-Identifier: MIT */
/* What a new process finds when it begins. */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "process/child.h"
#include "process/process_test.h"

/* This program again, as one of the helpers below main(). */
#define SELF "/proc/self/exe"

static void arguments_arrive(void **state)
{
	(void)state;
	const struct via_program p = {
		.argv = ARGV("/bin/sh", "-c", "printf '[%s]' \"$@\"", "sh",
			     "a b", "", "*", "$x\n"),
	};

	assert_string_equal(output_of(&p), "[a b][][*][$x\n]");
}

static void shell_line(void **state)
{
	(void)state;
	const struct via_program echo = {.shell = "echo a | tr a b; exit 0"};
	/* Not an option of sh. */
	const struct via_program dash = {
		.shell = "-e; exit 3 2>/dev/null",
		.fds = (struct via_program_fd[]){{2, -1}},
		.n_fds = 1};

	assert_string_equal(output_of(&echo), "b\n");
	assert_int_equal(run(&dash), 3);
}

static void program_from_the_path(void **state)
{
	(void)state;
	char dir[4096], path[8192];
	const struct via_program p = {
		.argv = ARGV("prog"),
		.env = ARGV("A=1", path),
	};

	snprintf(dir, sizeof(dir), "%s/bin-XXXXXX", getenv("TMPDIR"));
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/prog", dir);
	FILE *file = fopen(path, "we");

	fputs("#!/bin/sh\nexit 9\n", file);
	fchmod(fileno(file), 0700);
	fclose(file);
	snprintf(path, sizeof(path), "PATH=/nowhere:/dev/null:%s", dir);
	assert_int_equal(run(&p), 9);

	snprintf(path, sizeof(path), "%s/prog", dir);
	unlink(path);
	rmdir(dir);
}

static void environment_and_directory(void **state)
{
	(void)state;
	const struct via_program p = {
		.argv = ARGV("/bin/sh", "-c", "echo $A$HOME$PWD"),
		.env = ARGV("A=1"),
		.dir = "/proc",
	};

	assert_string_equal(output_of(&p), "1/proc\n");
	setenv("VIA_TEST", "inherited", 1);
	assert_string_equal(
		output_of(&(struct via_program){.shell = "echo $VIA_TEST"}),
		"inherited\n");
	unsetenv("VIA_TEST");
}

static int memfd_at(int fd, const char *text)
{
	int made = memfd_create("test", 0), there = fcntl(made, F_DUPFD, fd);

	assert_int_equal(write(made, text, 1), 1);
	close(made);
	return there;
}

static void only_mapped_descriptors_are_open(void **state)
{
	(void)state;
	int low = memfd_at(3, "a"), high = memfd_at(700, "b");
	char entry[16];
	const struct via_program none = {.argv = ARGV(SELF, "fds")};
	const struct via_program some = {
		.argv = ARGV(SELF, "fds"),
		.fds = (struct via_program_fd[]){{9, high}, {0, -1}, {5, low}},
		.n_fds = 3,
	};

	assert_string_equal(output_of(&none), "0 1? 2 ");
	assert_string_equal(output_of(&some), "1? 2 5a 9b ");

	/* As a shell does it: but for what is close-on-exec. */
	struct via_program keep = some;

	keep.flags = VIA_PROGRAM_KEEP_FDS;
	snprintf(entry, sizeof(entry), " %da ", low);
	assert_non_null(strstr(output_of(&keep), entry));
	assert_int_equal(fcntl(low, F_SETFD, FD_CLOEXEC), 0);
	assert_null(strstr(output_of(&keep), entry));
	assert_non_null(strstr(output_of(&keep), " 5a "));
	assert_non_null(strstr(output_of(&keep), " 700b "));
	close(low);
	close(high);
}

static void descriptors_change_places(void **state)
{
	(void)state;
	int a = memfd_at(20, "a"), b = memfd_at(20, "b"), c = memfd_at(20, "c");
	const struct via_program p = {
		.argv = ARGV(SELF, "fds"),
		.fds =
			(struct via_program_fd[]){
				{a, b}, {b, c}, {c, a}, {0, 0}, {c + 1, a}},
		.n_fds = 5,
	};
	char expected[64];

	snprintf(expected, sizeof(expected), "0 1? 2 %db %dc %da %da ", a, b, c,
		 c + 1);
	assert_string_equal(output_of(&p), expected);

	/* Numbers that are free, where the next descriptors would be made. */
	const struct via_program low = {
		.argv = ARGV(SELF, "fds"),
		.fds =
			(struct via_program_fd[]){
				{6, a}, {5, b}, {4, c}, {3, a}},
		.n_fds = 4,
	};

	assert_string_equal(output_of(&low), "0 1? 2 3a 4c 5b 6a ");
	close(a);
	close(b);
	close(c);
}

static int spawn_without_standard_descriptors(void)
{
	close(0);
	close(1);
	close(2);
	/* 0, 1 and 2 in the parent: what replaces what they are there. */
	int a = memfd_create("test", 0), pipe_ends[2];

	if (write(a, "a", 1) != 1 || pipe2(pipe_ends, O_CLOEXEC) ||
	    pipe_ends[1] != 2)
		return 1;
	const struct via_program p = {
		.argv = ARGV(SELF, "fds"),
		.fds = (struct via_program_fd[]){{0, -1}, {2, a}, {1, 2}},
		.n_fds = 3,
	};
	int pidfd = via_spawn(&p, NULL, NULL);
	char text[64];

	close(pipe_ends[1]);
	ssize_t len = via__read(pipe_ends[0], text, sizeof(text));

	if (pidfd < 0 || via_process_wait(pidfd, SOON, NULL, NULL))
		return 2;
	return len == 6 && !memcmp(text, "1? 2a ", 6) ? 0 : 3;
}

static void standard_descriptors_closed(void **state)
{
	(void)state;
	in_child(spawn_without_standard_descriptors);
}

static void limits(void **state)
{
	(void)state;
	const struct via_program p = {
		.shell = "ulimit -n; ulimit -c",
		.limits =
			(struct via_program_limit[]){{RLIMIT_NOFILE, {17, 17}},
						     {RLIMIT_CORE, {0, 0}}},
		.n_limits = 2,
	};

	assert_string_equal(output_of(&p), "17\n0\n");
}

/* "own group", "own session" as the helper sees it. */
static void group_and_session(void **state)
{
	(void)state;
	struct via_program p = {.argv = ARGV(SELF, "group")};

	assert_string_equal(output_of(&p), "");
	p.flags = VIA_PROGRAM_GROUP;
	assert_string_equal(output_of(&p), "group ");
	p.flags = VIA_PROGRAM_SESSION;
	assert_string_equal(output_of(&p), "group session ");

	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct via_program leader = {
		.shell = "read x",
		.flags = VIA_PROGRAM_GROUP,
		.fds = (struct via_program_fd[]){{0, ends[0]}},
		.n_fds = 1,
	};
	int pidfd = via_spawn(&leader, &pid, NULL);
	char expected[32];

	p = (struct via_program){.argv = ARGV("/bin/cat", "/proc/self/stat"),
				 .flags = VIA_PROGRAM_GROUP,
				 .group = pid};
	snprintf(expected, sizeof(expected), " %d %d ", (int)pid, getsid(0));
	assert_non_null(strstr(output_of(&p), expected));
	close(ends[0]);
	close(ends[1]);
	wait_for_end(pidfd);
}

/* A shell's view: a session of its own on a new terminal. */
static int spawn_on_a_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];

	if (setsid() < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, name, sizeof(name)))
		return 1;
	int tty = open(name, O_RDWR | O_CLOEXEC);
	struct via_program p = {
		.argv = ARGV(SELF, "group"),
		.fds = (struct via_program_fd[]){{0, tty}},
		.n_fds = 1,
		.flags = VIA_PROGRAM_GROUP | VIA_PROGRAM_FOREGROUND,
		.terminal = tty,
	};

	if (strcmp(output_of(&p), "group foreground "))
		return 2;
	/* Once more, from the background. */
	if (strcmp(output_of(&p), "group foreground "))
		return 3;
	/* A terminal that is nobody's yet becomes that of a new session. */
	if (ioctl(tty, TIOCNOTTY))
		return 4;
	p.flags = VIA_PROGRAM_SESSION | VIA_PROGRAM_FOREGROUND;
	return strcmp(output_of(&p), "group session foreground ") ? 5 : 0;
}

static void foreground_group(void **state)
{
	(void)state;
	in_child(spawn_on_a_terminal);
}

static void other_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		check_skip("needs root to become another user");
	const struct via_program p = {
		.shell = "sed -n 's/[ \t]\\+/ /g; /^[UG]id\\|^Gr/p' "
			 "/proc/self/status",
		.flags = VIA_PROGRAM_USER,
		.uid = 65534,
		.gid = 65533,
		.groups = (gid_t[]){7, 8},
		.n_groups = 2,
	};

	assert_string_equal(output_of(&p),
			    "Uid: 65534 65534 65534 65534\n"
			    "Gid: 65533 65533 65533 65533\nGroups: 7 8 \n");
}

static void handle(int sig)
{
	(void)sig;
}

/* As in the line of /proc/self/status. */
static unsigned long long ignored_here(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long mask = 0;
	char line[128];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void)sscanf(line, "SigIgn: %llx", &mask);
	fclose(file);
	return mask;
}

static void signals_begin_anew(void **state)
{
	(void)state;
	struct via_program p = {
		.argv = ARGV("sed", "-n", "/^Sig[BIC]/p", "/proc/self/status"),
	};
	struct sigaction caught = {.sa_handler = handle}, before_usr1, now;
	sigset_t blocked, before, after;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGUSR1, &caught, &before_usr1);
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);

	const char *format = "SigBlk:\t0000000000000000\n"
			     "SigIgn:\t%016llx\n"
			     "SigCgt:\t0000000000000000\n";
	char expected[128];

	snprintf(expected, sizeof(expected), format, 0ULL);
	assert_string_equal(output_of(&p), expected);
	p.flags = VIA_PROGRAM_KEEP_IGNORED;
	snprintf(expected, sizeof(expected), format, ignored_here());
	assert_string_equal(output_of(&p), expected);
	assert_int_equal(ignored_here() & 0x200000001, 0x200000001);
	p.flags = 0;
	p.blocked = VIA_SIGNAL_BIT(SIGINT) | VIA_SIGNAL_BIT(64);
	assert_string_equal(output_of(&p), "SigBlk:\t8000000000000002\n"
					   "SigIgn:\t0000000000000000\n"
					   "SigCgt:\t0000000000000000\n");
	/* The caller's own are as they were. */
	sigprocmask(SIG_SETMASK, &before, &after);
	assert_true(sigismember(&after, SIGTERM));
	assert_false(sigismember(&after, SIGINT));
	sigaction(SIGUSR1, &before_usr1, &now);
	assert_ptr_equal(now.sa_handler, handle);
	assert_ptr_equal(signal(SIGHUP, SIG_DFL), SIG_IGN);
	assert_ptr_equal(signal(SIGRTMIN, SIG_DFL), SIG_IGN);
}

/* Starts a program that outlives everything but its parent. */
static void be_a_parent(int out)
{
	const struct via_program p = {
		.shell = "echo; exec sleep 600",
		.fds = (struct via_program_fd[]){{1, out}},
		.n_fds = 1,
		.parent_death = SIGTERM,
	};

	if (via_spawn(&p, NULL, NULL) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void killed_parent(void **state)
{
	(void)state;
	char text[8];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t parent = fork();

	if (parent == 0)
		be_a_parent(ends[1]);
	close(ends[1]);
	assert_int_equal(via__read(ends[0], text, sizeof(text)), 1);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	/* The last writer is gone. */
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
}

static void parent_killed_too_early(void **state)
{
	(void)state;
	const struct via_program p = {.parent_death = SIGTERM};
	struct via__child child = {
		.program = &p,
		.argv = ARGV("/bin/true"),
		.env = ARGV("A=1"),
		.parent = getpid(),
	};
	int status;

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0)
			via__child_main(&child);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (i == 0)
			assert_int_equal(status, 0);
		else
			assert_int_equal(WTERMSIG(status), SIGTERM);
		/* As if ours were that of the reaper. */
		child.parent = pid;
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(arguments_arrive),
	CHECK_TEST(shell_line),
	CHECK_TEST(program_from_the_path),
	CHECK_TEST(environment_and_directory),
	CHECK_TEST(only_mapped_descriptors_are_open),
	CHECK_TEST(descriptors_change_places),
	CHECK_TEST(standard_descriptors_closed),
	CHECK_TEST(limits),
	CHECK_TEST(group_and_session),
	CHECK_TEST(foreground_group),
	CHECK_TEST(other_user),
	CHECK_TEST(signals_begin_anew),
	CHECK_TEST(killed_parent),
	CHECK_TEST(parent_killed_too_early),
};

/* The descriptors that are open; of memfds the first byte, '?' of pipes. */
static int print_fds(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[32], target[64] = "", text[2] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			continue;
		if (strncmp(target, "/memfd:", 7) == 0)
			(void)!pread(fd, text, 1, 0);
		else if (fd == 1)
			text[0] = '?';
		printf("%d%s ", fd, text);
	}
	return 0;
}

static int print_group(void)
{
	if (getpgrp() == getpid())
		printf("group ");
	if (getsid(0) == getpid())
		printf("session ");
	if (tcgetpgrp(0) == getpgrp())
		printf("foreground ");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return strcmp(argv[1], "fds") ? print_group() : print_fds();
	check_output();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
