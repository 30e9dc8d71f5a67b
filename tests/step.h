/* SPDX-License-Identifier: MIT */
/*
 * Killing a process at every instruction: the child calls step_here() before
 * and after what is to be tried, and the test lets it take so many steps.
 */
#ifndef TESTS_STEP_H
#define TESTS_STEP_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>

#include "tests/check.h"

/* ThreadSanitizer's programs do not take the same steps each time. */
#ifdef __has_feature /* clang */
#define STEP_CANNOT __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__) /* gcc */
#define STEP_CANNOT 1
#else
#define STEP_CANNOT 0
#endif
#define STEP_SKIP() check_skip("a program that takes the same steps each time")

/* The state of a task in proc_pid_stat(5), or 'X'. */
static inline char step_state(pid_t pid, pid_t tid)
{
	char path[64], text[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);

	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		(void)fclose(file);
	text[n] = '\0';

	const char *at = strrchr(text, ')');

	return at && at[1] ? at[2] : 'X';
}

/* In the child. */
static inline void step_here(void)
{
	static bool traced;

	if (!traced && ptrace(PTRACE_TRACEME, 0, 0, 0))
		_exit(1);
	traced = true;
	raise(SIGSTOP);
}

/* Wait until the child has come to step_here(). */
static inline void step_meet(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status))
		fail_msg("the child ended with %#x", (unsigned int)status);
}

/* Wait for the child to stop. False: it has gone to sleep instead. */
static inline bool step_stops(pid_t child, int *status)
{
	for (int i = 1; waitpid(child, status, WNOHANG) == 0; i++) {
		if (i % 100 == 0 && step_state(child, child) == 'S')
			return false;
		sched_yield();
	}
	return true;
}

/*
 * Let the child take so many steps. Returns how many it took before it went to
 * sleep in one, or came to step_here().
 */
static inline int step_on(pid_t child, int steps)
{
	for (int i = 0; i < steps; i++) {
		int status;

		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, 0, 0), 0);
		if (!step_stops(child, &status))
			return i;
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) != SIGTRAP)
			return i;
	}
	return steps;
}

/* Let the child run until it sleeps in a system call. */
static inline void step_to_sleep(pid_t child)
{
	int status;

	do
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, 0, 0), 0);
	while (step_stops(child, &status));
}

static inline void step_kill(pid_t child)
{
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

#endif
