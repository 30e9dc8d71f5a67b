/* SPDX-License-Identifier: MIT */
/* Processes of an experiment: made, waited for, looked at, in step. */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/record.h"
#include "lab/runner.h"

#define PATIENCE_NS 2000000000

volatile long *lab_cell;

pid_t lab__fork(const char *name)
{
	struct lab_call *call = lab__enter("fork", "", NULL, 0);
	pid_t pid = fork();

	if (pid == 0) {
		lab_be(name);
		return 0;
	}
	lab__leave(call, LAB__OF(pid), LAB__ERRNO);
	if (pid < 0)
		lab__stop("fork", errno);
	return pid;
}

void lab_leave(int status)
{
	_exit(status);
}

int lab_wait(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void lab_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	lab_wait(pid);
}

void lab_drop(void)
{
	if (geteuid() != 0)
		return;
	/* A user namespace may have no other user. */
	if (CALL(setgroups, 0, NULL) < 0 ||
	    CALL(setresgid, 65534, 65534, 65534) < 0 ||
	    CALL(setresuid, 65534, 65534, 65534) < 0)
		SKIP("needs an ordinary user to become");
}

/* --- Looking --- */

/* The whole of a small file, "" if it cannot be read. */
static const char *read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

long long lab_proc(const char *path, const char *key, int base)
{
	char buf[8192];
	size_t len = strlen(key);

	for (const char *s = read_file(path, buf, sizeof(buf)); *s;) {
		if (strncmp(s, key, len) == 0 && s[len] == ':')
			return (long long)strtoull(s + len + 1, NULL, base);
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return -1;
}

long long lab_number(const char *path)
{
	char buf[64];

	read_file(path, buf, sizeof(buf));
	return *buf ? (long long)strtoull(buf, NULL, 10) : -1;
}

/* What a task is doing: the number of its system call, -1 if it cannot be
 * known, -2 when it is not in one and asleep. */
static long sleeps_in(pid_t tid)
{
	char path[64], buf[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	const char *name_end = strrchr(read_file(path, buf, sizeof(buf)), ')');

	if (!name_end || !strchr("SD", name_end[2]))
		return -2;
	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	read_file(path, buf, sizeof(buf));
	if (strncmp(buf, "running", 7) == 0)
		return -2;
	return *buf ? atol(buf) : -1;
}

static long long switches(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return lab_proc(path, "voluntary_ctxt_switches", 10);
}

bool lab_blocked(pid_t tid, long call)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int64_t give_up = lab_now_ns() + PATIENCE_NS;
	long long before = -1;
	int quiet = 0;

	/* Asleep in the same sleep for five looks in a row. */
	while (quiet < 5 && lab_now_ns() < give_up) {
		long long now = switches(tid);
		long in = sleeps_in(tid);
		bool there = in != -2 && (call < 0 || in < 0 || in == call);

		quiet = there && now == before ? quiet + 1 : 0;
		before = now;
		nanosleep(&pause, NULL);
	}
	return quiet == 5;
}

int64_t lab_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t lab_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

const char *lab_name(unsigned int n)
{
	static char names[LAB_NAMES][32];

	n %= LAB_NAMES;
	snprintf(names[n], sizeof(names[n]), LAB_NAME_FORMAT,
		 (int)lab_record->keeper, n);
	return names[n];
}

/* --- In step --- */

bool lab_await(volatile long *cell, long value)
{
	int64_t give_up = lab_now_ns() + PATIENCE_NS;
	const struct timespec slice = {.tv_nsec = 50000000};
	long seen;

	/* Acquire, with the release in lab_post(). */
	while ((seen = __atomic_load_n(cell, __ATOMIC_ACQUIRE)) != value) {
		if (lab_now_ns() > give_up)
			return false;
		syscall(SYS_futex, cell, FUTEX_WAIT, (int)seen, &slice, NULL,
			0);
	}
	return true;
}

void lab_post(volatile long *cell, long value)
{
	__atomic_store_n(cell, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, cell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void *lab_shared(size_t size)
{
	return MUST(mmap, NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}
