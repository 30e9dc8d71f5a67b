/* SPDX-License-Identifier: MIT */
/* Threads: pthreads(7). */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

static void *thread_01_twice(void *number)
{
	return (void *)(2 * (intptr_t)number);
}

static void *thread_01_sleep(void *unused)
{
	pause();
	return unused;
}

static void *thread_01_exit(void *status)
{
	exit((int)(intptr_t)status);
}

/* Go on when main has ended, and exit with what it has given. */
static void *thread_01_outlive(void *main_thread)
{
	void *value = NULL;

	PMUST(pthread_join, (pthread_t)main_thread, &value);
	_exit((int)(intptr_t)value);
}

static void thread_01(void)
{
	pthread_t thread, self = pthread_self();
	void *value = NULL;

	errno = 0;
	PGIVES(EDEADLK, pthread_join, self, NULL);
	EXPECT(errno, ==, 0);
	PMUST(pthread_create, &thread, NULL, thread_01_twice, (void *)21);
	PMUST(pthread_join, thread, &value);
	EXPECT((intptr_t)value, ==, 42);

	PMUST(pthread_create, &thread, NULL, thread_01_sleep, NULL);
	PMUST(pthread_detach, thread);
	PGIVES(EINVAL, pthread_join, thread, NULL);

	CHILD(one) {
		PMUST(pthread_create, &thread, NULL, thread_01_exit, (void *)3);
		pause();
	}
	EXPECT(WEXITSTATUS(lab_wait(one)), ==, 3);
	CHILD(two) {
		PMUST(pthread_create, &thread, NULL, thread_01_sleep, NULL);
		exit(4); /* as main does when it returns */
	}
	EXPECT(WEXITSTATUS(lab_wait(two)), ==, 4);
	CHILD(three) {
		PMUST(pthread_create, &thread, NULL, thread_01_outlive,
		      (void *)self);
		pthread_exit((void *)5);
	}
	EXPECT(WEXITSTATUS(lab_wait(three)), ==, 5);
}

/* lab_cell, for thread.02. */
enum {
	AT_WORK,
	CANCELLED,
	WENT_ON,
	SURVIVED,
	CLEANED,
	READER
};

static void thread_02_clean_up(void *unused)
{
	(void)unused;
	lab_cell[CLEANED]++;
}

/* Works for a while without a call that is a cancellation point. */
static void *thread_02_work(void *unused)
{
	pthread_cleanup_push(thread_02_clean_up, NULL);
	lab_post(&lab_cell[AT_WORK], 1);
	lab_await(&lab_cell[CANCELLED], 1);
	lab_cell[WENT_ON] = 1;
	pthread_testcancel();
	lab_cell[SURVIVED] = 1;
	pthread_cleanup_pop(false);
	return unused;
}

static void *thread_02_read(void *fd)
{
	char byte;

	pthread_cleanup_push(thread_02_clean_up, NULL);
	lab_be("reader");
	lab_cell[READER] = gettid();
	lab_post(&lab_cell[AT_WORK], 2);
	CALL(read, (int)(intptr_t)fd, &byte, 1);
	lab_cell[SURVIVED] = 1;
	pthread_cleanup_pop(false);
	return NULL;
}

static void thread_02(void)
{
	pthread_t thread;
	void *value = NULL;
	int p[2];

	PMUST(pthread_create, &thread, NULL, thread_02_work, NULL);
	lab_await(&lab_cell[AT_WORK], 1);
	PMUST(pthread_cancel, thread);
	lab_post(&lab_cell[CANCELLED], 1);
	PMUST(pthread_join, thread, &value);
	EXPECT(value, ==, PTHREAD_CANCELED);
	EXPECT(lab_cell[WENT_ON], ==, 1);
	EXPECT(lab_cell[CLEANED], ==, 1);

	MUST(pipe, p);
	PMUST(pthread_create, &thread, NULL, thread_02_read,
	      (void *)(intptr_t)p[0]);
	lab_await(&lab_cell[AT_WORK], 2);
	EXPECT(lab_blocked((pid_t)lab_cell[READER], SYS_read), ==, true);
	PMUST(pthread_cancel, thread);
	PMUST(pthread_join, thread, &value);
	EXPECT(value, ==, PTHREAD_CANCELED);
	EXPECT(lab_cell[CLEANED], ==, 2);
	EXPECT(lab_cell[SURVIVED], ==, 0);
}

struct thread_03_seen {
	int fd, errno_there;
	const char *frame;
};

static void *thread_03_other(void *arg)
{
	struct thread_03_seen *seen = arg;
	sigset_t set;

	lab_be("other");
	seen->fd = MUST(open, "file", O_WRONLY | O_CREAT, 0600);
	FAILS(EBADF, close, -1);
	seen->errno_there = errno;
	seen->frame = __builtin_frame_address(0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	PMUST(pthread_sigmask, SIG_BLOCK, &set, NULL);
	signal(SIGUSR2, SIG_IGN);
	return NULL;
}

/* Whether an address is in the stack of the calling thread. */
static bool thread_03_is_own(const char *address)
{
	pthread_attr_t attr;
	void *start;
	size_t size;

	PMUST(pthread_getattr_np, pthread_self(), &attr);
	PMUST(pthread_attr_getstack, &attr, &start, &size);
	return address >= (char *)start && address < (char *)start + size;
}

static void thread_03(void)
{
	struct thread_03_seen seen = {-1, 0, NULL};
	pthread_t thread;
	sigset_t now;

	errno = 0;
	PMUST(pthread_create, &thread, NULL, thread_03_other, &seen);
	PMUST(pthread_join, thread, NULL);
	/* What it has stored and opened is ours too. */
	EXPECT(seen.errno_there, ==, EBADF);
	GIVES(1, write, seen.fd, "x", 1);
	EXPECT(CALL(signal, SIGUSR2, SIG_DFL), ==, SIG_IGN);
	/* The rest it had of its own. */
	EXPECT(errno, ==, 0);
	PMUST(pthread_sigmask, SIG_SETMASK, NULL, &now);
	GIVES(0, sigismember, &now, SIGUSR1);
	EXPECT(thread_03_is_own(__builtin_frame_address(0)), ==, true);
	EXPECT(thread_03_is_own(seen.frame), ==, false);
}

static const struct lab_experiment experiments[] = {
	{"thread.01", "how a thread begins and ends, and what ends them all",
	 "pthread_create(3), pthread_join(3), pthread_exit(3)", thread_01},
	{"thread.02", "a cancelled thread ends at a cancellation point",
	 "pthread_cancel(3), pthreads(7)", thread_02},
	{"thread.03", "threads share memory and descriptors, not all",
	 "pthreads(7)", thread_03},
	{0},
};

const struct lab_section lab_thread = {
	.name = "thread",
	.title = "threads",
	.experiments = experiments,
};
