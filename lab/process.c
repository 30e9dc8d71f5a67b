/* SPDX-License-Identifier: MIT */
/* Processes: fork(2), execve(2), wait(2), credentials(7). */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lab/lab.h"

/* The beginning of a small file. */
static size_t read_start(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return strlen(buf);
}

static void process_01(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	/* Both come here. */
	__atomic_add_fetch(&lab_cell[0], 1, __ATOMIC_SEQ_CST);
	if (pid == 0) {
		lab_be("child");
		GIVES(parent, getppid);
		lab_cell[1] = getpid();
		lab_leave(0);
	}
	GIVES(pid, waitpid, pid, NULL, 0);
	EXPECT(lab_cell[0], ==, 2);
	EXPECT(lab_cell[1], ==, pid);

	/* Otherwise a subreaper further up adopts orphans, or process 1. */
	MUST(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	CHILD(middle) {
		pid_t self = getpid();

		CHILD(orphan) {
			GIVES(self, getppid);
			lab_cell[2] = getpid();
			lab_post(&lab_cell[3], 1);
			lab_await(&lab_cell[4], 1);
			GIVES(parent, getppid);
		}
		lab_await(&lab_cell[3], 1);
	}
	EXPECT(lab_wait(middle), ==, 0);
	lab_post(&lab_cell[4], 1);
	GIVES(lab_cell[2], wait, NULL);
}

#define PAGES 256

/* Page faults while one byte of each page is read or stored. */
static long process_02_faults(volatile char *pages, bool store)
{
	long size = sysconf(_SC_PAGESIZE);
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	for (long i = 0; i < PAGES * size; i += size) {
		if (store)
			pages[i] = 'c';
		else
			(void)pages[i];
	}
	getrusage(RUSAGE_SELF, &after);
	return after.ru_minflt - before.ru_minflt;
}

static void process_02(void)
{
	volatile int variable = 1;
	char *pages = MUST(mmap, NULL, PAGES * (size_t)sysconf(_SC_PAGESIZE),
			   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	process_02_faults(pages, true);
	*pages = 'p';
	CHILD(child) {
		EXPECT(variable, ==, 1);
		variable = 2;
		EXPECT(variable, ==, 2);
		/* Looking costs nothing; each page is copied when stored to. */
		EXPECT(process_02_faults(pages, false), <, PAGES / 8);
		EXPECT(process_02_faults(pages, true), >=, PAGES);
	}
	EXPECT(lab_wait(child), ==, 0);
	EXPECT(variable, ==, 1);
	EXPECT(*pages, ==, 'p');
}

static void process_03(void)
{
	char buf[8];
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	int own = MUST(open, "file", O_RDONLY);

	MUST(pwrite, fd, "abcdef", 6, 0);
	CHILD(child) {
		GIVES(3, read, fd, buf, 3);
		MUST(fcntl, fd, F_SETFL, O_APPEND);
		MUST(close, fd);
	}
	EXPECT(lab_wait(child), ==, 0);
	GIVES(3, lseek, fd, 0, SEEK_CUR);
	GIVES(3, read, fd, buf, sizeof(buf));
	EXPECT_TEXT(buf, 3, "def");
	EXPECT(MUST(fcntl, fd, F_GETFL) & O_APPEND, !=, 0);
	/* Opened again, it is another description. */
	GIVES(0, lseek, own, 0, SEEK_CUR);
}

static void process_04_at_exit(void)
{
	lab_cell[0]++;
}

/* Leave something to be done at exit. */
static void process_04_begin(const char *path)
{
	FILE *f = fopen(path, "w");

	atexit(process_04_at_exit);
	CALL(fputs, "text", f);
}

static off_t process_04_size(const char *path)
{
	struct stat st;

	MUST(stat, path, &st);
	return st.st_size;
}

static void process_04(void)
{
	CHILD(tidy) {
		process_04_begin("one");
		exit(0);
	}
	EXPECT(lab_wait(tidy), ==, 0);
	EXPECT(process_04_size("one"), ==, 4);
	EXPECT(lab_cell[0], ==, 1);
	CHILD(hasty) {
		process_04_begin("two");
		_exit(0);
	}
	EXPECT(lab_wait(hasty), ==, 0);
	EXPECT(process_04_size("two"), ==, 0);
	EXPECT(lab_cell[0], ==, 1);

	/* Both have the buffer, and both flush it. */
	FILE *f = fopen("three", "w");

	fputs("text", f);
	CHILD(copy) {
		exit(0);
	}
	EXPECT(lab_wait(copy), ==, 0);
	fclose(f);
	EXPECT(process_04_size("three"), ==, 8);
}

/* Whether a dump would be written to a file here: core(5). */
static bool process_05_can_dump(void)
{
	char pattern[128];
	struct rlimit limit;

	read_start("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_max == RLIM_INFINITY && !strchr("|/\n", *pattern);
}

static void process_05_abort(bool dump)
{
	struct rlimit limit;

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_CORE, &limit);
	prctl(PR_SET_DUMPABLE, dump, 0, 0, 0);
	signal(SIGABRT, SIG_IGN);
	abort();
}

static void process_05(void)
{
	siginfo_t info = {0};
	int status;

	/* All that its main() does is to return 1. */
	CHILD(returns) {
		CALL(execlp, "false", "false", (char *)NULL);
	}
	status = lab_wait(returns);
	EXPECT(WIFEXITED(status), ==, true);
	EXPECT(WEXITSTATUS(status), ==, 1);
	CHILD(exits) {
		exit(0x123);
	}
	MUST(waitid, P_PID, exits, &info, WEXITED);
	EXPECT(info.si_code, ==, CLD_EXITED);
	EXPECT(info.si_status, ==, 0x23);

	CHILD(killed) {
		pause();
	}
	MUST(kill, killed, SIGTERM);
	status = lab_wait(killed);
	EXPECT(WIFEXITED(status), ==, false);
	EXPECT(WIFSIGNALED(status), ==, true);
	EXPECT(WTERMSIG(status), ==, SIGTERM);
	CHILD(aborts) {
		process_05_abort(false);
	}
	status = lab_wait(aborts);
	EXPECT(WTERMSIG(status), ==, SIGABRT);
	EXPECT(WCOREDUMP(status), ==, 0);
	if (!process_05_can_dump())
		return;
	CHILD(dumps) {
		process_05_abort(true);
	}
	EXPECT(WCOREDUMP(lab_wait(dumps)), !=, 0);
}

/* Become cat(1), which reads its standard input. */
static void process_06_become_cat(const char *name, int input)
{
	sigset_t set;

	MUST(dup2, input, 0);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	FAILS(ENOENT, execl, "./cat", name, (char *)NULL);
	CALL(execlp, "cat", name, (char *)NULL);
}

static void process_06(void)
{
	int in[2], gone[2];
	char path[64], text[64];

	MUST(pipe, in);
	MUST(pipe2, gone, O_CLOEXEC);
	CHILD(child) {
		process_06_become_cat("another name", in[0]);
	}
	/* The last write end goes when exec has succeeded. */
	MUST(close, gone[1]);
	GIVES(0, read, gone[0], text, 1);
	EXPECT(lab_blocked(child, SYS_read), ==, true);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
	EXPECT_TEXT(text, read_start(path, text, sizeof(text)), "another name");
	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	EXPECT_TEXT(text, read_start(path, text, sizeof(text)) - 1, "cat");

	snprintf(path, sizeof(path), "/proc/%d/status", child);
	EXPECT(lab_proc(path, "SigIgn", 16) >> (SIGUSR1 - 1) & 1, ==, 1);
	EXPECT(lab_proc(path, "SigBlk", 16) >> (SIGUSR2 - 1) & 1, ==, 1);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, in[0]);
	EXPECT(CALL(readlink, path, text, sizeof(text)), >, 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, gone[1]);
	FAILS(ENOENT, readlink, path, text, sizeof(text));
}

static char process_07_state(pid_t pid)
{
	char path[64], text[128], *name_end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_start(path, text, sizeof(text));
	name_end = strrchr(text, ')');
	return name_end ? name_end[2] : '-';
}

static void process_07(void)
{
	siginfo_t info = {0};
	int status = -1;

	CHILD(child) {
		lab_await(&lab_cell[0], 1);
		lab_leave(7);
	}
	struct pollfd pfd = {MUST(pidfd_open, child, 0), POLLIN, 0};

	GIVES(0, poll, &pfd, 1, 0);
	GIVES(0, waitpid, child, &status, WNOHANG);
	lab_post(&lab_cell[0], 1);
	GIVES(1, poll, &pfd, 1, -1);

	/* Dead, and still there to be looked at. */
	EXPECT(process_07_state(child), ==, 'Z');
	GIVES(0, kill, child, SIGKILL);
	MUST(waitid, P_PIDFD, (id_t)pfd.fd, &info, WEXITED | WNOWAIT);
	EXPECT(info.si_pid, ==, child);
	EXPECT(process_07_state(child), ==, 'Z');
	GIVES(child, waitpid, child, &status, WNOHANG);
	EXPECT(WEXITSTATUS(status), ==, 7);
	EXPECT(process_07_state(child), ==, '-');
	FAILS(ESRCH, kill, child, 0);
	FAILS(ECHILD, wait, NULL);
}

static void process_08_session(void)
{
	int pty = posix_openpt(O_RDWR | O_NOCTTY);

	if (pty < 0 || grantpt(pty) < 0 || unlockpt(pty) < 0)
		SKIP("needs pseudo-terminals");
	CHILD(leader) {
		pid_t self = getpid();

		GIVES(self, setsid);
		GIVES(self, getpgrp);
		FAILS(EPERM, setsid);
		FAILS(ENXIO, open, "/dev/tty", O_RDWR);
		/* The first terminal that a leader opens controls its session. */
		int tty = MUST(open, ptsname(pty), O_RDWR);

		GIVES(self, tcgetsid, tty);
		GIVES(self, tcgetpgrp, tty);
		EXPECT(CALL(open, "/dev/tty", O_RDWR), >, tty);
	}
	EXPECT(lab_wait(leader), ==, 0);
}

static void process_08(void)
{
	CHILD(first) {
		pause();
	}
	CHILD(second) {
		pause();
	}
	GIVES(getpgrp(), getpgid, first);
	MUST(setpgid, first, first);
	MUST(setpgid, second, first);
	GIVES(first, getpgid, second);
	GIVES(getsid(0), getsid, second);
	MUST(kill, -first, SIGTERM);
	EXPECT(WTERMSIG(lab_wait(first)), ==, SIGTERM);
	EXPECT(WTERMSIG(lab_wait(second)), ==, SIGTERM);
	FAILS(ESRCH, kill, -first, 0);
	process_08_session();
}

static const struct lab_experiment experiments[] = {
	{"process.01", "fork() returns twice; orphans are adopted",
	 "fork(2), getppid(2), prctl(2)", process_01},
	{"process.02", "a child's memory is a copy, made when it is written",
	 "fork(2), getrusage(2)", process_02},
	{"process.03", "parent and child share file offset and flags",
	 "fork(2), open(2)", process_03},
	{"process.04", "exit() flushes stdio, _exit() does not",
	 "exit(3), _exit(2), atexit(3)", process_04},
	{"process.05", "eight bits of exit status, or the signal that killed",
	 "wait(2), abort(3), core(5)", process_05},
	{"process.06", "exec replaces the program and keeps the process",
	 "execve(2), exec(3)", process_06},
	{"process.07", "a zombie stays until it is waited for",
	 "wait(2), pidfd_open(2)", process_07},
	{"process.08", "groups get signals, sessions have a terminal",
	 "credentials(7), setsid(2), kill(2)", process_08},
	{0},
};

const struct lab_section lab_process = {
	.name = "process",
	.title = "processes",
	.experiments = experiments,
};
