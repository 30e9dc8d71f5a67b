/* SPDX-License-Identifier: MIT */
/* Locks by URL: what every kind promises, then what each does alone. */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>

#include <via/via.h>

#include "tests/check.h"

#define MS INT64_C(1000000)

/* A URL for a name that nobody else has: in TMPDIR, or with our pid. */
static const char *url_of(const char *scheme, const char *more)
{
	static char urls[4][256];
	static unsigned int n;
	char *url = urls[n++ % 4];

	if (!strcmp(scheme, "sysvsem"))
		snprintf(url, 256, "sysvsem:%d%s", 0x56000000 + getpid(), more);
	else if (strstr("posixsem futex", scheme))
		snprintf(url, 256, "%s:/via-test-%d%s", scheme, getpid(), more);
	else
		snprintf(url, 256, "%s:%s/lock%s", scheme, getenv("TMPDIR"),
			 more);
	return url;
}

static const struct via_lock_kind *kind;

static struct via_lock *opened(const char *url, unsigned int flags)
{
	struct via_error err = {0};
	struct via_lock *lock = NULL;

	if (via_lock_open(url, flags, &lock, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	return lock;
}

static void removed(const char *url)
{
	struct via_error err = {0};

	if (via_lock_remove(url, &err) < 0)
		fail_msg("%s: %s", url, err.text);
}

static void fails_to_open(const char *url, unsigned int flags, int code,
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

static struct child child_start(void (*does)(const char *url, int say),
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

static char child_said(struct child *c)
{
	char byte = 0;

	return read(c->said, &byte, 1) == 1 ? byte : 0;
}

static int child_end(struct child *c, int sig)
{
	int status;

	if (sig)
		kill(c->pid, sig);
	waitpid(c->pid, &status, 0);
	close(c->said);
	return status;
}

static void holds(const char *url, int say)
{
	struct via_lock *lock;

	if (via_lock_open(url, VIA_LOCK_CREATE, &lock, NULL) ||
	    via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL))
		_exit(1);
	(void)!write(say, "h", 1);
	pause();
}

/* Says that it is about to wait, then what came of it. */
static void waits(const char *url, int say)
{
	struct via_lock *lock;

	if (via_lock_open(url, 0, &lock, NULL))
		_exit(1);
	(void)!write(say, "w", 1);
	int r = via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL);

	(void)!write(say, r == 0 ? "0" : r == -EIDRM ? "R" : "?", 1);
}

static void waits_with_deadline(const char *url, int say)
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
static void until_waiting(struct via_lock *lock, unsigned int n)
{
	struct via_lock_view view;

	do
		assert_int_equal(via_lock_look(lock, &view, NULL), 0);
	while (view.n_waiters < n && sched_yield() == 0);
}

/* --- Every kind --- */

static void excludes(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct child c = child_start(holds, url);

	(void)state;
	assert_int_equal(child_said(&c), 'h');

	struct via_lock *lock = opened(url, 0);
	struct via_sync_report report = {0};

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, &report),
		-EAGAIN);
	assert_true(*report.error.text);

	int64_t deadline = via_deadline(30 * MS);

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, deadline, &report),
		-ETIMEDOUT);
	assert_true(via_now() >= deadline);
	assert_int_equal(via_lock_release(lock, NULL), -EPERM);
	child_end(&c, SIGKILL);
	if (kind->death == VIA_DEATH_UNDONE)
		assert_int_equal(via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
					       via_deadline(10000 * MS), NULL),
				 0);
	else if (kind->death == VIA_DEATH_STAYS)
		assert_int_equal(via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
					       VIA_NO_WAIT, NULL),
				 -EAGAIN);
	via_lock_close(lock);
	removed(url);
}

static void takes_and_releases(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct via_lock *lock = opened(url, VIA_LOCK_CREATE | VIA_LOCK_NEW);

	(void)state;
	fails_to_open(url, VIA_LOCK_CREATE | VIA_LOCK_NEW, -EEXIST, "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
					       VIA_NO_WAIT, NULL),
				 0);
		assert_int_equal(via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
					       VIA_NEVER, NULL),
				 -EDEADLK);
		assert_int_equal(via_lock_release(lock, NULL), 0);
		assert_int_equal(via_lock_release(lock, NULL), -EPERM);
	}
	via_lock_close(lock);
	removed(url);
	fails_to_open(url, 0, -ENOENT, "");
	assert_int_equal(via_lock_remove(url, NULL), -ENOENT);
}

static void hands_over_to_who_waits(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct child c = child_start(holds, url);

	(void)state;
	assert_int_equal(child_said(&c), 'h');

	struct child w = child_start(waits_with_deadline, url);

	assert_int_equal(child_said(&w), 'w');
	if (kind->death != VIA_DEATH_UNDONE) {
		child_end(&c, SIGKILL);
		child_end(&w, SIGKILL);
		removed(url);
		return;
	}

	struct via_lock *lock = opened(url, 0);

	until_waiting(lock, 1);
	child_end(&c, SIGKILL);
	assert_int_equal(child_said(&w), '0');
	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, NULL),
		-EAGAIN);
	child_end(&w, SIGKILL);
	via_lock_close(lock);
	removed(url);
}

static void shares_if_it_can(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct via_lock *a = opened(url, VIA_LOCK_CREATE), *b = opened(url, 0);
	int r = via_lock_take(a, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL);

	(void)state;
	if (kind->abilities & VIA_LOCK_SHARES) {
		assert_int_equal(r, 0);
		assert_int_equal(
			via_lock_take(b, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL),
			0);
		assert_int_equal(via_lock_release(a, NULL), 0);
		assert_int_equal(via_lock_release(b, NULL), 0);
	} else {
		assert_int_equal(r, -EOPNOTSUPP);
	}
	via_lock_close(a);
	via_lock_close(b);
	removed(url);
}

static void counts_if_it_can(void **state)
{
	const char *url = url_of(kind->scheme, "?value=2");

	(void)state;
	if (!(kind->abilities & VIA_LOCK_COUNTS)) {
		fails_to_open(url_of(kind->scheme, ""), VIA_LOCK_SEMAPHORE,
			      -EOPNOTSUPP, "no semaphore");
		return;
	}
	struct via_lock *sem = opened(url,
				      VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE);

	assert_int_equal(via_lock_value(sem, NULL), 2);
	assert_int_equal(via_lock_wait(sem, 1, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_lock_wait(sem, 1, VIA_NEVER, NULL), 0);
	assert_int_equal(via_lock_wait(sem, 1, VIA_NO_WAIT, NULL), -EAGAIN);
	assert_int_equal(via_lock_wait(sem, 1, via_deadline(MS), NULL),
			 -ETIMEDOUT);
	assert_int_equal(via_lock_post(sem, 3, NULL), 0);
	assert_int_equal(via_lock_value(sem, NULL), 3);
	assert_int_equal(via_lock_wait(sem, 0, VIA_NO_WAIT, NULL), -EINVAL);
	assert_int_equal(via_lock_post(sem, INT32_MAX, NULL), -EOVERFLOW);
	assert_int_equal(via_lock_value(sem, NULL), 3);

	int r = via_lock_wait(sem, 3, VIA_NO_WAIT, NULL);

	assert_int_equal(r, kind->abilities & VIA_LOCK_MANY ? 0 : -EOPNOTSUPP);
	via_lock_close(sem);
	removed(url);
}

static void no_update_is_lost(void **state)
{
	enum {
		CHILDREN = 4,
		ROUNDS = 500
	};
	const char *url = url_of(kind->scheme, "");
	volatile int *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	for (int i = 0; i < CHILDREN; i++) {
		if (fork())
			continue;
		struct via_lock *lock = opened(url, VIA_LOCK_CREATE);

		for (int k = 0; k < ROUNDS; k++) {
			int64_t deadline = k % 8 ? VIA_NEVER
						 : via_deadline(60000 * MS);

			if (via_lock_take(lock, VIA_LOCK_EXCLUSIVE, deadline,
					  NULL))
				_exit(1);
			int was = *n;

			sched_yield();
			*n = was + 1;
			via_lock_release(lock, NULL);
		}
		via_lock_close(lock);
		_exit(0);
	}
	for (int i = 0, status; i < CHILDREN; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(*n, CHILDREN * ROUNDS);
	munmap((void *)n, 4096);
	removed(url);
}

static void obeys_mode_and_owner(void **state)
{
	const char *url = url_of(kind->scheme, "?mode=0640&group=7");
	struct via_lock *lock;
	struct via_error err = {0};
	int r = via_lock_open(url, VIA_LOCK_CREATE, &lock, &err);

	(void)state;
	if (r == -EPERM)
		check_skip("needs root");
	assert_int_equal(r, 0);
	via_lock_close(lock);
	if (geteuid() == 0) {
		pid_t pid = fork();

		if (!pid) {
			r = setgid(7) || setuid(65534) ||
			    via_lock_open(url, 0, &lock, NULL) ==
				    (!strcmp(kind->scheme, "posixsem")
					     ? 0
					     : -EACCES);
			/* The group may read: enough for a lock on a file. */
			_exit(strstr("flock ofd fcntl", kind->scheme) ? r : 0);
		}
		int status;

		waitpid(pid, &status, 0);
		assert_int_equal(status, 0);
	}
	removed(url);
}

static void refuses_nonsense(void **state)
{
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "%s:", kind->scheme);
	fails_to_open(text, 0, -EINVAL, "a name is missing");
	fails_to_open(url_of(kind->scheme, "?colour=red"), 0, -EINVAL,
		      "unknown option 'colour'");
	fails_to_open(url_of(kind->scheme, "?mode=rw"), 0, -EINVAL, "octal");
	fails_to_open(url_of(kind->scheme, ""), 1u << 31, -EINVAL, "flags");
	if (!(kind->abilities & VIA_LOCK_DETECTS))
		fails_to_open(url_of(kind->scheme, "?deadlock=detect"), 0,
			      -EOPNOTSUPP, "deadlock");
}

/* --- Locks on files --- */

static void reports_removal(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct child c = child_start(holds, url);

	(void)state;
	assert_int_equal(child_said(&c), 'h');
	if (!strcmp(kind->scheme, "posixsem")) {
		child_end(&c, SIGKILL);
		removed(url);
		return;
	}
	struct child w = child_start(waits, url);
	struct via_lock *lock = opened(url, 0);

	assert_int_equal(child_said(&w), 'w');
	until_waiting(lock, 1);
	removed(url);
	child_end(&c, SIGKILL);
	assert_int_equal(child_said(&w), 'R');
	child_end(&w, 0);
	via_lock_close(lock);
}

static void shows_who_holds_and_waits(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct child c = child_start(holds, url);
	struct via_lock_view view;

	(void)state;
	assert_int_equal(child_said(&c), 'h');

	struct via_lock *lock = opened(url, 0);

	if (!strcmp(kind->scheme, "posixsem")) {
		assert_int_equal(via_lock_look(lock, &view, NULL), -EOPNOTSUPP);
	} else {
		struct child w = child_start(waits, url);

		assert_int_equal(child_said(&w), 'w');
		until_waiting(lock, 1);
		assert_int_equal(via_lock_look(lock, &view, NULL), 0);
		assert_int_equal(view.n_holders, 1);
		assert_int_equal(view.holders[0].pid, c.pid);
		assert_int_equal(view.holders[0].mode, VIA_LOCK_EXCLUSIVE);
		assert_int_equal(view.n_waiters, 1);
		assert_true(view.waiters[0].pid == w.pid ||
			    view.waiters[0].pid == 0);
		child_end(&w, SIGKILL);
	}
	child_end(&c, SIGKILL);
	via_lock_close(lock);
	removed(url);
}

/* --- What only some do --- */

static int take(struct via_lock *lock)
{
	return via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, NULL);
}

static void flock_is_that_of_flock_1(void **state)
{
	const char *url = url_of("flock", "");
	struct via_lock *lock = opened(url, VIA_LOCK_CREATE);
	int fd = open(strchr(url, ':') + 1, O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(take(lock), -EAGAIN);
	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);
	via_lock_close(lock);
	removed(url);
}

static void ranges_exclude_where_they_meet(void **state)
{
	static const struct {
		const char *a, *b;
		int r;
	} pairs[] = {
		{"", "#5", -EAGAIN},	     {"#0-9", "#10-19", 0},
		{"#0-9", "#9-19", -EAGAIN},  {"#100-", "#99", 0},
		{"#100-", "#1000", -EAGAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct via_lock *a = opened(url_of("ofd", pairs[i].a),
					    VIA_LOCK_CREATE);
		struct via_lock *b = opened(url_of("ofd", pairs[i].b), 0);
		struct via_lock_view view;

		assert_int_equal(take(a), 0);
		assert_int_equal(take(b), pairs[i].r);
		assert_int_equal(via_lock_look(b, &view, NULL), 0);
		assert_int_equal(view.n_holders, 1);
		via_lock_close(b);
		via_lock_close(a);
	}
	removed(url_of("ofd", ""));
}

static void malformed_ranges(void **state)
{
	static const char *const ranges[] = {
		"#",	  "#-",	 "#-5",
		"#5-4",	  "#x",	 "#1-x",
		"#1-2-3", "#1 ", "#99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		fails_to_open(url_of("ofd", ranges[i]), VIA_LOCK_CREATE,
			      -EINVAL, "is no range");
}

/* Holds byte 0 and wants byte 1, which its parent holds. */
static void wants_the_other(const char *url, int say)
{
	struct via_lock *zero = opened(url_of("fcntl", "#0"), 0);
	struct via_lock *one = opened(url_of("fcntl", "#1"), 0);

	(void)url;
	if (take(zero))
		_exit(1);
	(void)!write(say, "h", 1);
	_exit(via_lock_take(one, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL) != 0);
}

static void fcntl_refuses_a_deadlock(void **state)
{
	char url[256], first[256];

	(void)state;
	snprintf(url, sizeof(url), "%s", url_of("fcntl", "#1"));
	snprintf(first, sizeof(first), "%s", url_of("fcntl", "#0"));

	struct via_lock *one = opened(url, VIA_LOCK_CREATE);
	struct via_lock *zero = opened(first, 0);
	struct via_sync_report report = {0};

	assert_int_equal(take(one), 0);

	/* Its descriptors of the file are its own: none of ours is closed. */
	struct child c = child_start(wants_the_other, url);

	assert_int_equal(child_said(&c), 'h');
	until_waiting(one, 1);
	assert_int_equal(
		via_lock_take(zero, VIA_LOCK_EXCLUSIVE, VIA_NEVER, &report),
		-EDEADLK);
	assert_non_null(strstr(report.error.text, "never end"));
	assert_int_equal(via_lock_take(zero, VIA_LOCK_EXCLUSIVE,
				       via_deadline(60000 * MS), NULL),
			 -EDEADLK);
	via_lock_close(one);
	assert_int_equal(child_end(&c, 0), 0);
	via_lock_close(zero);
	removed(url);
}

static void who_only_reads_locks_shared(void **state)
{
	const char *url = url_of("ofd", "");
	struct via_sync_report report = {0};

	(void)state;
	via_lock_close(opened(url, VIA_LOCK_CREATE));
	if (geteuid() == 0) {
		pid_t pid = fork();

		if (pid) {
			int status;

			waitpid(pid, &status, 0);
			assert_int_equal(status, 0);
			removed(url);
			return;
		}
		assert_int_equal(chmod(strchr(url, ':') + 1, 0444), 0);
		assert_int_equal(setuid(65534), 0);
	} else {
		assert_int_equal(chmod(strchr(url, ':') + 1, 0444), 0);
	}
	struct via_lock *lock = opened(url, 0);

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, &report),
		-EBADF);
	assert_non_null(strstr(report.error.text, "shared"));
	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL), 0);
	via_lock_close(lock);
	if (geteuid() == 65534)
		_exit(0);
	removed(url);
}

static void a_foreign_file_names_its_owner(void **state)
{
	const char *url = url_of("flock", "");
	int status;

	(void)state;
	if (geteuid() != 0)
		check_skip("needs root");
	via_lock_close(opened(url, VIA_LOCK_CREATE));

	pid_t pid = fork();

	if (!pid) {
		assert_int_equal(setuid(65534), 0);
		fails_to_open(url, VIA_LOCK_CREATE, -EACCES,
			      "belongs to user 0");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	removed(url);
}

static void what_is_no_file_is_refused(void **state)
{
	const char *url = url_of("flock", "");

	(void)state;
	assert_int_equal(mkfifo(strchr(url, ':') + 1, 0600), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EINVAL, "neither a file");
	removed(url);
}

/* Who dies while it waits is not waited for. */
static void a_killed_waiter_leaves_nothing(void **state)
{
	const char *url = url_of("flock", "");
	struct via_lock *lock = opened(url, VIA_LOCK_CREATE);
	struct via_lock_view view;

	(void)state;
	assert_int_equal(take(lock), 0);

	struct child w = child_start(waits_with_deadline, url);

	until_waiting(lock, 1);
	child_end(&w, SIGKILL);
	do
		assert_int_equal(via_lock_look(lock, &view, NULL), 0);
	while (view.n_waiters);
	via_lock_close(lock);
	removed(url);
}

static void sysvsem_takes_its_place_in_an_array(void **state)
{
	const char *zero = url_of("sysvsem", "?count=3&value=4");
	struct via_lock *a = opened(zero, VIA_LOCK_CREATE);
	struct via_lock *b = opened(url_of("sysvsem", "?index=2"), 0);

	(void)state;
	assert_int_equal(via_lock_wait(b, 3, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_lock_value(a, NULL), 4);
	assert_int_equal(via_lock_value(b, NULL), 1);
	assert_int_equal(via_lock_wait(b, 2, VIA_NO_WAIT, NULL), -EAGAIN);
	assert_int_equal(via_lock_value(b, NULL), 1);
	fails_to_open(url_of("sysvsem", "?index=3"), 0, -EINVAL, "array of 3");
	via_lock_close(b);
	removed(zero);
	assert_int_equal(via_lock_value(a, NULL), -EIDRM);
	via_lock_close(a);
	fails_to_open(url_of("sysvsem", "?index=3"), VIA_LOCK_CREATE, -EINVAL,
		      "count=4");
	fails_to_open("sysvsem:12monkeys", 0, -EINVAL, "neither a key");
}

static void makes(const char *url, int say)
{
	struct via_lock *sem;

	if (via_lock_open(url, VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE, &sem,
			  NULL) ||
	    via_lock_value(sem, NULL) != 7)
		_exit(1);
	(void)!write(say, "v", 1);
}

static void sysvsem_is_never_seen_half_made(void **state)
{
	const char *url = url_of("sysvsem", "?value=7");

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct child a = child_start(makes, url);
		struct child b = child_start(makes, url);

		assert_int_equal(child_end(&a, 0) | child_end(&b, 0), 0);
		removed(url);
	}
}

/* What another program makes by SETVAL has no sem_otime. */
static void sysvsem_of_others_is_taken_as_it_is(void **state)
{
	const char *url = url_of("sysvsem", "");
	int id = semget((key_t)(0x56000000 + getpid()), 1, IPC_CREAT | 0600);

	(void)state;
	assert_int_equal(semctl(id, 0, SETVAL, 5), 0);

	struct via_lock *sem = opened(url, VIA_LOCK_CREATE);

	assert_int_equal(via_lock_value(sem, NULL), 5);
	via_lock_close(sem);
	removed(url);
}

static void dies_with_a_unit(const char *url, int say)
{
	struct via_lock *sem = opened(url, VIA_LOCK_SEMAPHORE);

	(void)say;
	_exit(via_lock_wait(sem, 1, VIA_NO_WAIT, NULL) != 0);
}

static void sysvsem_undoes_units_if_asked(void **state)
{
	const char *url = url_of("sysvsem", "");
	struct via_lock *sem = opened(url, VIA_LOCK_CREATE);
	struct child c = child_start(dies_with_a_unit,
				     url_of("sysvsem", "?undo"));

	(void)state;
	assert_int_equal(child_end(&c, 0), 0);
	assert_int_equal(via_lock_value(sem, NULL), 1);
	c = child_start(dies_with_a_unit, url);
	assert_int_equal(child_end(&c, 0), 0);
	assert_int_equal(via_lock_value(sem, NULL), 0);
	via_lock_close(sem);
	removed(url);
}

static void a_cut_off_posixsem(void **state)
{
	const char *url = url_of("posixsem", "");
	char path[300];

	(void)state;
	via_lock_close(opened(url, VIA_LOCK_CREATE));
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", strchr(url, '/') + 1);
	assert_int_equal(truncate(path, 3), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "cut off");
	removed(url);
	fails_to_open("posixsem:/a/b", 0, -EINVAL, "one slash");
}

static void unknown_kinds(void **state)
{
	(void)state;
	fails_to_open("padlock:x", 0, -EPROTONOSUPPORT, "'padlock': there are");
	fails_to_open("/tmp/x", 0, -EINVAL, "is a path");
}

/* --- Running them --- */

static const struct CMUnitTest of_every_kind[] = {
	CHECK_TEST(takes_and_releases),
	CHECK_TEST(excludes),
	CHECK_TEST(hands_over_to_who_waits),
	CHECK_TEST(shares_if_it_can),
	CHECK_TEST(counts_if_it_can),
	CHECK_TEST(no_update_is_lost),
	CHECK_TEST(obeys_mode_and_owner),
	CHECK_TEST(refuses_nonsense),
	CHECK_TEST(reports_removal),
	CHECK_TEST(shows_who_holds_and_waits),
};

static const struct CMUnitTest of_one[] = {
	CHECK_TEST(flock_is_that_of_flock_1),
	CHECK_TEST(ranges_exclude_where_they_meet),
	CHECK_TEST(malformed_ranges),
	CHECK_TEST(fcntl_refuses_a_deadlock),
	CHECK_TEST(who_only_reads_locks_shared),
	CHECK_TEST(a_foreign_file_names_its_owner),
	CHECK_TEST(what_is_no_file_is_refused),
	CHECK_TEST(a_killed_waiter_leaves_nothing),
	CHECK_TEST(sysvsem_takes_its_place_in_an_array),
	CHECK_TEST(sysvsem_is_never_seen_half_made),
	CHECK_TEST(sysvsem_of_others_is_taken_as_it_is),
	CHECK_TEST(sysvsem_undoes_units_if_asked),
	CHECK_TEST(a_cut_off_posixsem),
	CHECK_TEST(unknown_kinds),
};

#define N(array)  (sizeof(array) / sizeof(*(array)))
#define KINDS_MAX 16

static int before(void **state)
{
	kind = *state;
	return check_before(state);
}

int main(void)
{
	static struct CMUnitTest
		tests[KINDS_MAX * N(of_every_kind) + N(of_one)];
	static char names[KINDS_MAX * N(of_every_kind)][64];
	size_t n = 0;

	for (size_t i = 0; i < KINDS_MAX && via_lock_kind_at(i); i++) {
		for (size_t k = 0; k < N(of_every_kind); k++, n++) {
			tests[n] = of_every_kind[k];
			tests[n].name = names[n];
			tests[n].setup_func = before;
			tests[n].initial_state = (void *)via_lock_kind_at(i);
			snprintf(names[n], sizeof(*names), "%s_%s",
				 via_lock_kind_at(i)->scheme,
				 of_every_kind[k].name);
		}
	}
	for (size_t k = 0; k < N(of_one); k++)
		tests[n++] = of_one[k];
	check_output();
	return _cmocka_run_group_tests("named", tests, n, NULL, NULL);
}
