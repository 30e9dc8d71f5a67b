/* SPDX-License-Identifier: MIT */
#include "inspect/collect/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/check.h"

/* --- Text --- */

static void parses_stat(void **state)
{
	static const char text[] =
		"42 (a) R 1 (b)\n) S 7 6 5 34816 -1 4194304 1 2 3 4 11 12 0 0 "
		"20 -5 3 0 99 4096 2 18446744073709551615 1 1 0 0 0 0 0 0 0 0 "
		"0 0 17 5 0 0\n";
	struct via_task t = {0};

	(void)state;
	assert_int_equal(via__proc_parse_stat(text, &t), 0);
	assert_string_equal(t.comm, "a) R 1 (b)\n");
	assert_int_equal(t.state, 'S');
	assert_int_equal(t.ppid, 7);
	assert_int_equal(t.pgid, 6);
	assert_int_equal(t.sid, 5);
	assert_int_equal(t.tty, 34816);
	assert_int_equal(t.tty_pgid, -1);
	assert_int_equal(t.utime, 11);
	assert_int_equal(t.stime, 12);
	assert_int_equal(t.nice, -5);
	assert_int_equal(t.n_threads, 3);
	assert_int_equal(t.start, 99);
	assert_int_equal(t.vsize, 4096);
	assert_int_equal(t.rss, 2 * sysconf(_SC_PAGESIZE));
	assert_int_equal(t.cpu, 5);
}

static void refuses_what_is_no_stat(void **state)
{
	static const char *const texts[] = {
		"",	  "42",	      "42 (a",		 "42 )a( S 1",
		"42 (a)", "42 (a) S", "42 (a) S 1 2 3 x"};
	struct via_task t;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(via__proc_parse_stat(texts[i], &t), -EPROTO);
}

static void parses_syscall(void **state)
{
	struct via_syscall s;

	(void)state;
	assert_int_equal(
		via__proc_parse_syscall(
			"0 0x3 0x7f0 0x10 0x0 0x0 0x5 0x7ffe 0x7f\n", &s),
		0);
	assert_int_equal(s.nr, 0);
	assert_int_equal(s.args[0], 3);
	assert_int_equal(s.args[5], 5);
	assert_int_equal(via__proc_parse_syscall("running\n", &s), 0);
	assert_int_equal(s.nr, VIA_SYSCALL_RUNNING);
	assert_int_equal(via__proc_parse_syscall("-1 0x7ffe 0x7f\n", &s), 0);
	assert_int_equal(s.nr, VIA_SYSCALL_NONE);
	assert_int_equal(via__proc_parse_syscall("", &s), -EPROTO);
	assert_int_equal(via__proc_parse_syscall("-2 0x0", &s), -EPROTO);
	assert_int_equal(via__proc_parse_syscall("0 0x3 0x4", &s), -EPROTO);
}

/* --- Processes --- */

static void sees_itself(void **state)
{
	struct via_task t;
	int dir = via__proc_open(getpid());

	(void)state;
	assert_true(dir >= 0);
	prctl(PR_SET_NAME, "a) Z 1 (b");
	assert_int_equal(via__proc_task(dir, getpid(), &t), 0);
	assert_int_equal(t.pid, getpid());
	assert_int_equal(t.tid, getpid());
	assert_string_equal(t.comm, "a) Z 1 (b");
	assert_int_equal(t.state, 'R');
	assert_int_equal(t.ppid, getppid());
	assert_int_equal(t.pgid, getpgrp());
	close(dir);
}

static void sees_what_a_child_waits_in(void **state)
{
	struct via_syscall s = {0};
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(p[1]);
		_exit((int)read(p[0], &s, 1));
	}
	int dir = via__proc_open(pid);

	while (s.nr != SYS_read || s.args[0] != (uint64_t)p[0]) {
		assert_int_equal(via__proc_syscall(dir, &s), 0);
		if (s.nr == VIA_SYSCALL_UNKNOWN)
			check_skip("needs /proc/PID/syscall");
	}
	assert_int_equal(s.args[2], 1);
	close(p[0]);
	close(p[1]);
	waitpid(pid, NULL, 0);
	close(dir);
}

/* More than there is room for at first. */
#define N_WATCHED 300

static void reads_a_long_record(void **state)
{
	struct via__buf record = {0}, list = {0};
	int epoll = epoll_create1(0), events[N_WATCHED];
	struct epoll_event e = {.events = EPOLLIN};
	char name[32];

	(void)state;
	for (size_t i = 0; i < N_WATCHED; i++) {
		events[i] = eventfd(0, 0);
		assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, events[i], &e),
				 0);
	}
	snprintf(name, sizeof(name), "self/fdinfo/%d", epoll);
	int dir = open("/proc", O_RDONLY | O_DIRECTORY);
	ssize_t len = via__proc_read_record(dir, name, &record);

	assert_true(len > 8192);
	assert_int_equal(via__proc_read_long(dir, name, &list), len);
	assert_string_equal(record.text, list.text);
	/* Into the same room, something shorter. */
	len = via__proc_read_record(dir, "self/stat", &record);
	assert_int_equal(strlen(record.text), len);
	assert_int_equal(via__proc_read_record(dir, "self/no", &record),
			 -ENOENT);
	via__buf_fini(&record);
	via__buf_fini(&list);
	for (size_t i = 0; i < N_WATCHED; i++)
		close(events[i]);
	close(epoll);
	close(dir);
}

static void tells_who_is_gone(void **state)
{
	char buf[64];
	pid_t pid = fork();
	struct via_task t;
	struct via_syscall s;

	(void)state;
	if (pid == 0)
		_exit(0);
	int dir = via__proc_open(pid);

	waitpid(pid, NULL, 0);
	assert_int_equal(via__proc_open(pid), -ESRCH);
	assert_int_equal(via__proc_task(dir, pid, &t), -ESRCH);
	assert_int_equal(via__proc_syscall(dir, &s), -ESRCH);
	assert_true(via__proc_read(dir, "status", buf, sizeof(buf)) < 0);
	close(dir);
}

static int is_it(pid_t id, void *arg)
{
	return id == *(pid_t *)arg;
}

static void *report_tid(void *arg)
{
	int *p = arg;
	pid_t tid = gettid();
	char byte;

	assert_int_equal(write(p[1], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(read(p[2], &byte, 1), 0);
	return NULL;
}

static void lists_processes_and_threads(void **state)
{
	pid_t self = getpid(), tid, none = -1;
	int p[4], dir = via__proc_open(self);
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(p + 2), 0);
	assert_int_equal(via__proc_each(is_it, &self), 1);
	assert_int_equal(via__proc_each(is_it, &none), 0);
	pthread_create(&thread, NULL, report_tid, p);
	assert_int_equal(read(p[0], &tid, sizeof(tid)), sizeof(tid));
	assert_int_equal(via__proc_each_thread(dir, is_it, &tid), 1);
	assert_int_equal(via__proc_each_thread(dir, is_it, &none), 0);

	struct via_task t;
	int thread_dir = via__proc_open_thread(dir, tid);

	assert_int_equal(via__proc_task(thread_dir, self, &t), 0);
	assert_int_equal(t.tid, tid);
	assert_int_equal(t.pid, self);
	close(thread_dir);
	close(p[3]);
	pthread_join(thread, NULL);
	for (int i = 0; i < 3; i++)
		close(p[i]);
	close(dir);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(parses_stat),
	CHECK_TEST(refuses_what_is_no_stat),
	CHECK_TEST(parses_syscall),
	CHECK_TEST(sees_itself),
	CHECK_TEST(sees_what_a_child_waits_in),
	CHECK_TEST(reads_a_long_record),
	CHECK_TEST(tells_who_is_gone),
	CHECK_TEST(lists_processes_and_threads),
};
CHECK_MAIN(tests)
