/* SPDX-License-Identifier: MIT */
/* Locks by URL: what every kind promises. */
#include "sync/named/named_test.h"

#include <grp.h>
#include <sys/mman.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct via_lock_kind *kind;

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
	else if (kind->death == VIA_DEATH_REPORTED)
		assert_int_equal(via_lock_take(lock, VIA_LOCK_EXCLUSIVE,
					       VIA_NO_WAIT, NULL),
				 -EOWNERDEAD);
	else
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

static void lose_no_update(int n_children)
{
	enum {
		ROUNDS = 300
	};
	const char *url = url_of(kind->scheme, "");
	volatile int *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < n_children; i++) {
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
	for (int i = 0, status; i < n_children; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(*n, n_children * ROUNDS);
	munmap((void *)n, 4096);
	removed(url);
}

static void no_update_is_lost(void **state)
{
	(void)state;
	for (int n = 2; n <= 8; n *= 2)
		lose_no_update(n);
}

static bool is_let_in(const char *url)
{
	struct via_lock *lock;

	return via_lock_open(url, 0, &lock, NULL) == 0 &&
	       via_lock_take(lock,
			     kind->abilities & VIA_LOCK_SHARES
				     ? VIA_LOCK_SHARED
				     : VIA_LOCK_EXCLUSIVE,
			     VIA_NO_WAIT, NULL) == 0;
}

static void obeys_mode_and_group(void **state)
{
	static const struct {
		const char *options;
		bool let_in;
	} cases[] = {
		{"", false},
		{"?mode=0660", false},
		{"?mode=0660&group=7", true},
		{"?owner=65533", true},
	};

	(void)state;
	if (geteuid() != 0)
		check_skip("needs root");
	for (size_t i = 0; i < N(cases); i++) {
		const char *url = url_of(kind->scheme, cases[i].options);
		int status;

		via_lock_close(opened(url, VIA_LOCK_CREATE));

		pid_t pid = fork();

		if (!pid)
			_exit(setgroups(0, NULL) || setgid(7) ||
			      setuid(65533) ||
			      is_let_in(url) != cases[i].let_in);
		waitpid(pid, &status, 0);
		assert_int_equal(status, 0);
		removed(url);
	}
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

static void reports_removal(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct child c = child_start(holds, url);

	(void)state;
	assert_int_equal(child_said(&c), 'h');
	if (!strcmp(kind->scheme, "futex"))
		assert_int_equal(via_lock_remove(url, NULL), -EBUSY);
	if (strstr("posixsem futex", kind->scheme)) {
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

/* sem_unlink 2, 6, 9: what is made after that is another, and the first is
 * either gone for all or goes on without a name. */
static void a_removed_name_is_another(void **state)
{
	const char *url = url_of(kind->scheme, "");
	struct via_lock *first = opened(url, VIA_LOCK_CREATE);

	(void)state;
	removed(url);

	struct via_lock *second = opened(url, VIA_LOCK_CREATE | VIA_LOCK_NEW);
	struct via_sync_report report = {0};

	assert_int_equal(
		via_lock_take(second, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, NULL),
		0);

	int r = via_lock_take(first, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, &report);

	if (strcmp(kind->scheme, "posixsem") != 0) {
		assert_int_equal(r, -EIDRM);
		assert_non_null(strstr(report.error.text, "removed"));
	} else {
		assert_int_equal(r, 0);
	}
	via_lock_close(second);
	via_lock_close(first);
	removed(url);
}

/* sem_open 5, 7, 10, 12. */
static void names_and_values(void **state)
{
	char name[600];

	(void)state;
	memset(name, 'x', sizeof(name));
	snprintf(name, sizeof(name), "%s:%s", kind->scheme,
		 strchr(url_of(kind->scheme, ""), '/') ? "/" : "");
	name[strlen(name)] = 'x';
	name[400] = '\0';
	if (strcmp(kind->scheme, "sysvsem") != 0)
		fails_to_open(name, VIA_LOCK_CREATE, -ENAMETOOLONG, "");
	if (!(kind->abilities & VIA_LOCK_COUNTS))
		return;

	const char *url = url_of(kind->scheme, "?value=2");
	const char *too_many = url_of(kind->scheme, "?value=99999999999");

	fails_to_open(too_many, VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE, -EINVAL,
		      "value");

	struct via_lock *sem = opened(url,
				      VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE);
	struct via_lock *again = opened(url_of(kind->scheme, "?value=5"),
					VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE);

	assert_int_equal(via_lock_value(again, NULL), 2);
	via_lock_close(again);
	via_lock_close(sem);
	removed(url);
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

static const struct CMUnitTest of_every_kind[] = {
	CHECK_TEST(takes_and_releases),
	CHECK_TEST(excludes),
	CHECK_TEST(hands_over_to_who_waits),
	CHECK_TEST(shares_if_it_can),
	CHECK_TEST(counts_if_it_can),
	CHECK_TEST(no_update_is_lost),
	CHECK_TEST(obeys_mode_and_group),
	CHECK_TEST(refuses_nonsense),
	CHECK_TEST(reports_removal),
	CHECK_TEST(shows_who_holds_and_waits),
	CHECK_TEST(a_removed_name_is_another),
	CHECK_TEST(names_and_values),
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
	static struct CMUnitTest tests[KINDS_MAX * N(of_every_kind)];
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
	check_output();
	return _cmocka_run_group_tests("named", tests, n, NULL, NULL);
}
