/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <via/signal.h>

#include "tests/check.h"

/* --- Names --- */

static void every_number_has_a_name_that_is_taken_back(void **state)
{
	char name[VIA_SIGNAL_NAME_MAX], prefixed[VIA_SIGNAL_NAME_MAX + 3];

	(void)state;
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++) {
		memset(name, 'x', sizeof(name));
		assert_ptr_equal(via_signal_name(signal, name), name);
		assert_int_equal(via_signal_parse(name), signal);
		if (name[0] >= '0' && name[0] <= '9')
			continue;
		snprintf(prefixed, sizeof(prefixed), "sig%s", name);
		assert_int_equal(via_signal_parse(prefixed), signal);
	}
}

/* The C library's table was made by others. */
static void names_are_those_of_the_c_library(void **state)
{
	char name[VIA_SIGNAL_NAME_MAX];

	(void)state;
	for (int signal = 1; signal < SIGRTMIN; signal++)
		if (sigabbrev_np(signal))
			assert_string_equal(via_signal_name(signal, name),
					    sigabbrev_np(signal));
}

static void realtime_names_count_from_the_nearer_end(void **state)
{
	static const struct {
		int signal;
		const char *name;
	} rows[] = {
		{34, "RTMIN"},	  {35, "RTMIN+1"}, {49, "RTMIN+15"},
		{50, "RTMAX-14"}, {63, "RTMAX-1"}, {64, "RTMAX"},
		{33, "33"},	  {65, "65"},	   {-1, "-1"},
	};
	char name[VIA_SIGNAL_NAME_MAX];

	(void)state;
	if (SIGRTMIN != 34)
		check_skip("the C library keeps other signals to itself");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(via_signal_name(rows[i].signal, name),
				    rows[i].name);
}

static void takes_what_people_write(void **state)
{
	static const struct {
		const char *text;
		int signal;
	} rows[] = {
		{"TERM", SIGTERM},
		{"SIGTERM", SIGTERM},
		{"term", SIGTERM},
		{"15", 15},
		{"0", 0},
		{"064", 64},
		{"IO", SIGIO},
		{"CLD", SIGCHLD},
		{"SIGIOT", SIGABRT},
		{"RTMIN+3", 37},
		{"RTMAX-1", 63},
		{"SIGRTMIN+3", 37},
		{"rtmin+0", 34},
		{"RTMIN+30", 64},
		{"RTMAX-30", 34},
		{"", -EINVAL},
		{"65", -EINVAL},
		{"-1", -EINVAL},
		{" 1", -EINVAL},
		{"1 ", -EINVAL},
		{"+1", -EINVAL},
		{"SIG", -EINVAL},
		{"SIG15", -EINVAL},
		{"TER", -EINVAL},
		{"TERMS", -EINVAL},
		{"RTMIN+99", -EINVAL},
		{"RTMIN+31", -EINVAL},
		{"RTMIN-1", -EINVAL},
		{"RTMAX+1", -EINVAL},
		{"RTMIN+", -EINVAL},
		{"RTMIN+-1", -EINVAL},
		{"RTMINX", -EINVAL},
		{"99999999999999999999", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int got = via_signal_parse(rows[i].text);

		if (got != rows[i].signal)
			print_error("'%s'\n", rows[i].text);
		assert_int_equal(got, rows[i].signal);
	}
}

/* What the kernel does with a child that the signal is sent to. */
static enum via_signal_action observed(int signal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit none = {0};

		prctl(PR_SET_DUMPABLE, 0);
		/* What a terminal stops by does nothing to an orphaned group.
		 */
		setpgid(0, 0);
		setrlimit(RLIMIT_CORE, &none);
		/* cmocka handles faults. */
		sigaction(signal, &(struct sigaction){0}, NULL);
		raise(signal);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	if (!WIFSTOPPED(status))
		return WIFSIGNALED(status) ? VIA_SIGNAL_TERMINATES
					   : VIA_SIGNAL_IS_IGNORED;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return VIA_SIGNAL_STOPS;
}

static void default_actions_are_the_kernels(void **state)
{
	(void)state;
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++) {
		enum via_signal_action action = via_signal_default(signal);

		if (signal > 31 && signal < SIGRTMIN)
			continue;
		/* Without leave to dump it only terminates. */
		if (action == VIA_SIGNAL_DUMPS_CORE)
			action = VIA_SIGNAL_TERMINATES;
		/* To a process that runs there is nothing to continue. */
		if (action == VIA_SIGNAL_CONTINUES)
			action = VIA_SIGNAL_IS_IGNORED;
		assert_int_equal(observed(signal), action);
	}
	assert_int_equal(via_signal_default(SIGQUIT), VIA_SIGNAL_DUMPS_CORE);
	assert_int_equal(via_signal_default(SIGCONT), VIA_SIGNAL_CONTINUES);
}

/* --- Sets --- */

static void sets_go_to_text_and_back(void **state)
{
	static const uint64_t sets[] = {
		0,
		UINT64_MAX,
		1,
		UINT64_C(1) << 63,
		UINT64_C(0x00000000ffffffff),
		UINT64_C(0xffffffff00000000),
		UINT64_C(0xfffffffe00000001),
		UINT64_C(0xfffffffc00000000),
		UINT64_C(0x0000001000004200),
	};
	char text[VIA_SIGNAL_SET_MAX];
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		assert_ptr_equal(via_signal_set_format(sets[i], text), text);
		assert_int_equal(via_signal_set_parse(text, &back), 0);
		assert_true(back == sets[i]);
	}
	assert_string_equal(via_signal_set_format(0, text), "");
	assert_string_equal(via_signal_set_format(UINT64_MAX, text), "~");
	assert_string_equal(
		via_signal_set_format(~VIA_SIGNAL_BIT(SIGKILL), text), "~KILL");
	assert_string_equal(via_signal_set_format(0x4200, text), "USR1 TERM");
}

static void takes_sets_that_people_write(void **state)
{
	static const char *const bad[] = {"FOO",
					  "INT;TERM",
					  "0",
					  "INT ~TERM",
					  "~~",
					  "INT\nTERM",
					  "ANAMETHATISFARTOOLONG"};
	uint64_t set;

	(void)state;
	assert_int_equal(via_signal_set_parse(" int, SIGTERM,,2 ", &set), 0);
	assert_true(set == (VIA_SIGNAL_BIT(SIGINT) | VIA_SIGNAL_BIT(SIGTERM)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		set = 42;
		assert_int_equal(via_signal_set_parse(bad[i], &set), -EINVAL);
		assert_int_equal(set, 42);
	}
}

/* --- Receiving --- */

static uint64_t blocked(void)
{
	sigset_t set;
	uint64_t bits = 0;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++)
		if (sigismember(&set, signal) == 1)
			bits |= VIA_SIGNAL_BIT(signal);
	return bits;
}

static struct via_signal_source *source_of(uint64_t set)
{
	struct via_signal_source *source;
	struct via_error err;

	assert_int_equal(via_signal_open(set, &source, &err), 0);
	return source;
}

static void closing_leaves_the_mask_as_it_was(void **state)
{
	uint64_t usr1 = VIA_SIGNAL_BIT(SIGUSR1), usr2 = VIA_SIGNAL_BIT(SIGUSR2),
		 term = VIA_SIGNAL_BIT(SIGTERM), before = blocked();

	(void)state;
	struct via_signal_source *a = source_of(usr1 | usr2);
	struct via_signal_source *b = source_of(usr2 | term);

	assert_true(blocked() == (before | usr1 | usr2 | term));
	via_signal_close(b);
	assert_true(blocked() == (before | usr1 | usr2));
	via_signal_close(a);
	assert_true(blocked() == before);
	via_signal_close(NULL);
}

static void tells_all_there_is_to_know(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1) |
						     VIA_SIGNAL_BIT(SIGCHLD));
	struct via_signal s;

	(void)state;
	assert_int_equal(via_signal_read(source, &s, VIA_NO_WAIT), -EAGAIN);
	assert_int_equal(via_signal_read(source, &s, via_deadline(1)),
			 -ETIMEDOUT);
	assert_int_equal(via_signal_send(getpid(), SIGUSR1, NULL), 0);
	assert_int_equal(via_signal_read(source, &s, VIA_NEVER), 0);
	assert_int_equal(s.signal, SIGUSR1);
	assert_int_equal(s.code, SI_USER);
	assert_int_equal(s.pid, getpid());
	assert_int_equal(s.uid, getuid());
	assert_int_equal(s.value, 0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	assert_int_equal(via_signal_read(source, &s, VIA_NEVER), 0);
	assert_int_equal(s.signal, SIGCHLD);
	assert_int_equal(s.code, CLD_EXITED);
	assert_int_equal(s.pid, pid);
	assert_int_equal(s.status, 7);
	waitpid(pid, NULL, 0);
	via_signal_close(source);
}

static void polls_like_any_descriptor(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1));
	struct pollfd p = {.fd = via_signal_fd(source), .events = POLLIN};
	struct via_signal s;

	(void)state;
	assert_int_equal(poll(&p, 1, 0), 0);
	raise(SIGUSR1);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(via_signal_read(source, &s, VIA_NO_WAIT), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	via_signal_close(source);
}

static void ignored_signals_arrive_too(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1));
	struct via_signal s;

	(void)state;
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	assert_int_equal(via_signal_read(source, &s, VIA_NO_WAIT), 0);
	signal(SIGUSR1, SIG_DFL);
	via_signal_close(source);
}

static void refuses_what_cannot_be_received(void **state)
{
	static const int signals[] = {SIGKILL, SIGSTOP, 32};
	uint64_t before = blocked();
	struct via_signal_source *source;
	struct via_error err;
	struct rlimit limit, few;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		assert_int_equal(via_signal_open(VIA_SIGNAL_BIT(signals[i]),
						 &source, &err),
				 -EINVAL);
	assert_string_equal(err.text, "signal 32 cannot be received");
	getrlimit(RLIMIT_NOFILE, &limit);
	few = (struct rlimit){0, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(
		via_signal_open(VIA_SIGNAL_BIT(SIGUSR1), &source, &err),
		-EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(blocked() == before);
}

static void a_child_gets_the_mask_back(void **state)
{
	uint64_t before = blocked();
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGTERM));
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		bool inherited = blocked() != before;

		via_signal_restore(source);
		_exit(inherited && blocked() == before ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	via_signal_close(source);
}

/* --- Sending --- */

static void values_are_queued_in_order(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGRTMIN));
	struct via_signal s;
	int pidfd = pidfd_open(getpid(), 0);

	(void)state;
	for (int value = -1; value < 2; value++) {
		via_signal_send(getpid(), SIGRTMIN, &value);
		via_signal_send_pidfd(pidfd, SIGRTMIN, &value);
	}
	for (int i = -2; i < 4; i++) {
		assert_int_equal(via_signal_read(source, &s, VIA_NO_WAIT), 0);
		assert_int_equal(s.value, i >> 1);
		assert_int_equal(s.code, SI_QUEUE);
		assert_int_equal(s.pid, getpid());
		assert_int_equal(s.uid, getuid());
	}
	close(pidfd);
	via_signal_close(source);
}

static void *read_own(void *arg)
{
	struct via_signal_source *source = ((void **)arg)[0];
	int *ready = ((void **)arg)[1];
	pid_t tid = gettid();
	struct via_signal s;

	assert_int_equal(write(ready[1], &tid, sizeof(tid)), sizeof(tid));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(via_signal_read(source, &s, VIA_NEVER), 0);
		assert_int_equal(s.value, 5 * i);
	}
	return NULL;
}

static void a_thread_is_reached_alone(void **state)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1) |
						     VIA_SIGNAL_BIT(SIGUSR2));
	int ready[2], value = 5;
	void *args[] = {source, ready};
	pthread_t thread;
	struct via_signal s;
	pid_t tid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pthread_create(&thread, NULL, read_own, args);
	assert_int_equal(read(ready[0], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(via_signal_send_thread(getpid(), tid, SIGUSR1, NULL),
			 0);
	assert_int_equal(via_signal_send_thread(getpid(), tid, SIGUSR2, &value),
			 0);
	pthread_join(thread, NULL);
	assert_int_equal(via_signal_read(source, &s, VIA_NO_WAIT), -EAGAIN);
	/* It is joined when its memory is let go, and gone a little later. */
	int rc;

	while ((rc = via_signal_send_thread(getpid(), tid, 0, NULL)) == 0)
		sched_yield();
	assert_int_equal(rc, -ESRCH);
	assert_int_equal(via_signal_send_thread(getppid(), getpid(), 0, NULL),
			 -ESRCH);
	close(ready[0]);
	close(ready[1]);
	via_signal_close(source);
}

/* A child that leads a group and exits with the value it gets by SIGUSR1. */
static pid_t group_leader(void)
{
	struct via_signal_source *source = source_of(VIA_SIGNAL_BIT(SIGUSR1));
	struct via_signal s;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		via_signal_read(source, &s, VIA_NEVER);
		_exit(s.value);
	}
	setpgid(pid, pid);
	via_signal_close(source);
	return pid;
}

static void a_group_is_reached(void **state)
{
	int value = 9, status;
	pid_t pid = group_leader();

	(void)state;
	assert_int_equal(via_signal_send_group(pid, 0, NULL), 0);
	int err = via_signal_send_group(pid, SIGUSR1, &value);

	if (err)
		via_signal_send_group(pid, SIGKILL, NULL);
	waitpid(pid, &status, 0);
	assert_int_equal(via_signal_send_group(pid, SIGUSR1, NULL), -ESRCH);
	assert_int_equal(via_signal_send_group(pid, SIGUSR1, &value), -ESRCH);
	if (err == -EOPNOTSUPP)
		check_skip("needs PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9)");
	assert_int_equal(err, 0);
	assert_int_equal(WEXITSTATUS(status), 9);
}

static void a_group_without_its_leader_takes_no_value(void **state)
{
	int value = 1;
	pid_t leader = group_leader(), member = fork();

	(void)state;
	if (member == 0) {
		pause();
		_exit(0);
	}
	setpgid(member, leader);
	kill(leader, SIGKILL);
	waitpid(leader, NULL, 0);
	assert_int_equal(via_signal_send_group(leader, SIGUSR1, &value),
			 -EOPNOTSUPP);
	assert_int_equal(via_signal_send_group(leader, SIGKILL, NULL), 0);
	waitpid(member, NULL, 0);
}

static void says_why_it_cannot_send(void **state)
{
	int value = 1, devnull = dup(0);
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	int pidfd = pidfd_open(pid, 0);

	waitpid(pid, NULL, 0);
	assert_int_equal(via_signal_send(pid, SIGTERM, NULL), -ESRCH);
	assert_int_equal(via_signal_send(pid, SIGTERM, &value), -ESRCH);
	assert_int_equal(via_signal_send_pidfd(pidfd, SIGTERM, NULL), -ESRCH);
	assert_int_equal(via_signal_send_pidfd(devnull, SIGTERM, NULL), -EBADF);
	assert_int_equal(via_signal_send(getpid(), 65, NULL), -EINVAL);
	assert_int_equal(via_signal_send_group(getpgrp(), 65, &value), -EINVAL);
	close(pidfd);
	close(devnull);
	/* What kill(2) would take for a whole group, or for everybody. */
	assert_int_equal(via_signal_send(0, 0, NULL), -EINVAL);
	assert_int_equal(via_signal_send(-1, 0, NULL), -EINVAL);
	assert_int_equal(via_signal_send_group(0, 0, NULL), -EINVAL);
	assert_int_equal(via_signal_send_group(1, 0, NULL), -EINVAL);
}

static void knows_permission_and_limit(void **state)
{
	int status, value = 0;

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to become another user");
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit two = {2, 2};
		sigset_t set;

		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		setrlimit(RLIMIT_SIGPENDING, &two);
		if (setresuid(65533, 65533, 65533) < 0 ||
		    via_signal_send(getppid(), SIGUSR1, NULL) != -EPERM ||
		    via_signal_send(getppid(), SIGUSR1, &value) != -EPERM)
			_exit(1);
		int err = 0;

		for (int i = 0; i < 3; i++)
			err = via_signal_send(getpid(), SIGRTMIN, &value);
		_exit(err == -EAGAIN ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(every_number_has_a_name_that_is_taken_back),
	CHECK_TEST(names_are_those_of_the_c_library),
	CHECK_TEST(realtime_names_count_from_the_nearer_end),
	CHECK_TEST(takes_what_people_write),
	CHECK_TEST(default_actions_are_the_kernels),
	CHECK_TEST(sets_go_to_text_and_back),
	CHECK_TEST(takes_sets_that_people_write),
	CHECK_TEST(closing_leaves_the_mask_as_it_was),
	CHECK_TEST(tells_all_there_is_to_know),
	CHECK_TEST(polls_like_any_descriptor),
	CHECK_TEST(ignored_signals_arrive_too),
	CHECK_TEST(refuses_what_cannot_be_received),
	CHECK_TEST(a_child_gets_the_mask_back),
	CHECK_TEST(values_are_queued_in_order),
	CHECK_TEST(a_thread_is_reached_alone),
	CHECK_TEST(a_group_is_reached),
	CHECK_TEST(a_group_without_its_leader_takes_no_value),
	CHECK_TEST(says_why_it_cannot_send),
	CHECK_TEST(knows_permission_and_limit),
};
CHECK_MAIN(tests)
