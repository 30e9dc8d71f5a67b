/* SPDX-License-Identifier: MIT */
/* What the tests of locks by URL share. */
#ifndef VIA_SYNC_NAMED_NAMED_TEST_H
#define VIA_SYNC_NAMED_NAMED_TEST_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include <via/via.h>

#include "tests/check.h"

#define MS INT64_C(1000000)

/* A URL for a name that nobody else has: in TMPDIR, or with our pid. */
static inline const char *url_of(const char *scheme, const char *more)
{
	static char urls[4][256];
	static unsigned int n;
	char *url = urls[n++ % 4];

	if (!strcmp(scheme, "sysvsem"))
		snprintf(url, 256, "sysvsem:%d%s", 0x56000000 + getpid(), more);
	else if (strstr("posixsem futex", scheme))
		snprintf(url, 256, "%s:test-%d%s", scheme, getpid(), more);
	else
		snprintf(url, 256, "%s:%s/lock%s", scheme, getenv("TMPDIR"),
			 more);
	return url;
}

static inline struct via_lock *opened(const char *url, unsigned int flags)
{
	struct via_error err = {0};
	struct via_lock *lock = NULL;

	if (via_lock_open(url, flags, &lock, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	return lock;
}

static inline void removed(const char *url)
{
	struct via_error err = {0};

	if (via_lock_remove(url, &err) < 0)
		fail_msg("%s: %s", url, err.text);
}

static inline void fails_to_open(const char *url, unsigned int flags, int code,
				 const char *word)
{
	struct via_error err = {0};
	struct via_lock *lock = NULL;

	assert_int_equal(via_lock_open(url, flags, &lock, &err), code);
	assert_null(lock);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, word))
		fail_msg("'%s' is not in '%s'", word, err.text);
}

/* A child that says when it is ready and then does as it is told. */
struct child {
	pid_t pid;
	int said;
};

static inline struct child child_start(void (*does)(const char *url, int say),
				       const char *url)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);

	struct child c = {.pid = fork(), .said = fds[0]};

	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		does(url, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	return c;
}

static inline char child_said(struct child *c)
{
	char byte = 0;

	return read(c->said, &byte, 1) == 1 ? byte : 0;
}

static inline int child_end(struct child *c, int sig)
{
	int status;

	if (sig)
		kill(c->pid, sig);
	waitpid(c->pid, &status, 0);
	close(c->said);
	return status;
}

static inline void holds(const char *url, int say)
{
	struct via_lock *lock;

	if (via_lock_open(url, VIA_LOCK_CREATE, &lock, NULL) ||
	    via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL))
		_exit(1);
	(void)!write(say, "h", 1);
	pause();
}

/* Says that it is about to wait, then what came of it. */
static inline void waits(const char *url, int say)
{
	struct via_lock *lock;

	if (via_lock_open(url, 0, &lock, NULL))
		_exit(1);
	(void)!write(say, "w", 1);
	int r = via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL);

	(void)!write(say, r == 0 ? "0" : r == -EIDRM ? "R" : "?", 1);
}

static inline void waits_with_deadline(const char *url, int say)
{
	struct via_lock *lock;

	if (via_lock_open(url, 0, &lock, NULL))
		_exit(1);
	(void)!write(say, "w", 1);
	int r = via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
			      via_deadline(60 * 1000 * MS), NULL);

	(void)!write(say, r == 0 ? "0" : "?", 1);
	pause();
}

/* Until the kernel says that this process sleeps in a call of its own. */
static inline void until_waiting(struct via_lock *lock, unsigned int n)
{
	struct via_lock_view view;

	do
		assert_int_equal(via_lock_look(lock, &view, NULL), 0);
	while (view.n_waiters < n && sched_yield() == 0);
}

#endif
