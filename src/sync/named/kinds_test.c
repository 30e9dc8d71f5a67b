/* SPDX-License-Identifier: MIT */
/* Locks by URL: what each kind does alone. */
#include "sync/named/named_test.h"

#include <pthread.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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
		const char *held, *wanted;
		int r;
	} pairs[] = {
		{"", "#5", -EAGAIN},	    {"#0-9", "#10-19", 0},
		{"#10-19", "#0-9", 0},	    {"#0-9", "#9-19", -EAGAIN},
		{"#9-19", "#0-9", -EAGAIN}, {"#100-", "#99", 0},
		{"#99", "#100-", 0},	    {"#100-", "#1000", -EAGAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct via_lock *a = opened(url_of("ofd", pairs[i].held),
					    VIA_LOCK_CREATE);
		struct via_lock *b = opened(url_of("ofd", pairs[i].wanted), 0);
		struct via_lock_view view;

		assert_int_equal(take(a), 0);
		assert_int_equal(
			via_lock_take(b, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL),
			pairs[i].r);
		/* Only what is in the way is shown. */
		assert_int_equal(via_lock_look(b, &view, NULL), 0);
		assert_int_equal(view.n_holders, 1);
		assert_int_equal(view.holders[0].mode,
				 pairs[i].r ? VIA_LOCK_EXCLUSIVE
					    : VIA_LOCK_SHARED);
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

/* As another user than root, who may do anything. */
static void only_reads(const char *url, int say)
{
	struct via_sync_report report = {0};

	(void)say;
	if (geteuid() == 0)
		assert_int_equal(setuid(65534), 0);

	struct via_lock *lock = opened(url, 0);

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NO_WAIT, &report),
		-EBADF);
	assert_non_null(strstr(report.error.text, "shared"));
	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL), 0);
	via_lock_close(lock);
}

static void who_only_reads_locks_shared(void **state)
{
	const char *url = url_of("ofd", "?mode=0444");

	(void)state;
	via_lock_close(opened(url, VIA_LOCK_CREATE));

	struct child c = child_start(only_reads, url);

	assert_int_equal(child_end(&c, 0), 0);
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

/* Who may make no process cannot wait up to a deadline, and is told. */
static void no_process_to_wait_with(void **state)
{
	const char *url = url_of("flock", "?mode=0666");
	int status;

	(void)state;
	if (geteuid() != 0)
		check_skip("needs root");

	struct via_lock *lock = opened(url, VIA_LOCK_CREATE);

	assert_int_equal(take(lock), 0);

	pid_t pid = fork();

	if (!pid) {
		const struct rlimit one = {1, 1};
		struct via_sync_report report = {0};

		assert_int_equal(setuid(65533), 0);
		assert_int_equal(setrlimit(RLIMIT_NPROC, &one), 0);

		struct via_lock *other = opened(url, 0);

		assert_int_equal(via_lock_take(other, VIA_LOCK_EXCLUSIVE,
					       via_deadline(MS), &report),
				 -EAGAIN);
		assert_non_null(strstr(report.error.text, "no process"));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
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

	(void)say;
	_exit(via_lock_open(url, VIA_LOCK_CREATE, &sem, NULL) ||
	      via_lock_value(sem, NULL) != 7);
}

static void sysvsem_has_one_maker(void **state)
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

/* Whether it pauses between two looks. */
static bool sleeps(pid_t pid)
{
	char path[64];
	long number = -1;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);

	FILE *f = fopen(path, "re");

	if (f && fscanf(f, "%ld", &number) != 1)
		number = -1;
	if (f)
		fclose(f);
	return number == SYS_clock_nanosleep;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid == pid;
}

static void sysvsem_is_never_seen_half_made(void **state)
{
	const char *url = url_of("sysvsem", "?value=7");
	struct sembuf fill = {.sem_op = 7};
	int id = semget((key_t)(0x56000000 + getpid()), 1, IPC_CREAT | 0600);
	struct child c = child_start(makes, url);

	(void)state;
	while (!sleeps(c.pid) && !has_ended(c.pid))
		sched_yield();
	assert_int_equal(semop(id, &fill, 1), 0);
	assert_int_equal(child_end(&c, 0), 0);
	removed(url);
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
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", strchr(url, ':') + 1);
	assert_int_equal(truncate(path, 3), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "cut off");
	removed(url);
	fails_to_open("posixsem:/a/b", 0, -EINVAL, "one slash");
}

static int take_and_say(struct via_lock *lock, pid_t died)
{
	struct via_sync_report report = {0};
	int r = via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, &report);

	if (r == -EOWNERDEAD) {
		assert_int_equal(report.died.pid, died);
		assert_non_null(strstr(report.error.text, "died with it"));
	}
	return r;
}

/* Gets it after a death and does not repair what it protects. */
static void leaves_it_damaged(const char *url, int say)
{
	struct via_lock *lock = opened(url, 0);

	(void)say;
	(void)take(lock);
	via_lock_close(lock);
	_exit(0);
}

static void futex_tells_of_deaths(void **state)
{
	static const char *const types[] = {"?type=rwlock", "?type=mutex"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *url = url_of("futex", types[i]);
		struct child c = child_start(holds, url);

		assert_int_equal(child_said(&c), 'h');
		child_end(&c, SIGKILL);

		struct via_lock *lock = opened(url, 0);

		assert_int_equal(take_and_say(lock, c.pid), -EOWNERDEAD);
		assert_int_equal(via_lock_consistent(lock), 0);
		assert_int_equal(via_lock_consistent(lock), -EINVAL);
		assert_int_equal(via_lock_release(lock, NULL), 0);
		assert_int_equal(take_and_say(lock, 0), 0);
		via_lock_close(lock);
		removed(url);
	}
}

static void futex_tells_again_until_repaired(void **state)
{
	const char *url = url_of("futex", "");
	struct child c = child_start(holds, url);

	(void)state;
	assert_int_equal(child_said(&c), 'h');
	child_end(&c, SIGKILL);
	c = child_start(leaves_it_damaged, url);
	child_end(&c, 0);

	struct via_lock *lock = opened(url, 0);

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL),
		-EOWNERDEAD);
	assert_int_equal(via_lock_consistent(lock), 0);
	via_lock_close(lock);
	removed(url);
}

static void *closes(void *lock)
{
	via_lock_close(lock);
	return NULL;
}

/* The kernel follows the owner's list of locks when that ends. */
static void futex_closed_by_another_thread_stays(void **state)
{
	const char *url = url_of("futex", "");
	struct via_lock *lock = opened(url, VIA_LOCK_CREATE);
	struct via_lock *again = opened(url, 0);
	pthread_t thread;

	(void)state;
	assert_int_equal(take(lock), 0);
	assert_int_equal(take(again), -EDEADLK);
	assert_int_equal(pthread_create(&thread, NULL, closes, lock), 0);
	pthread_join(thread, NULL);
	assert_int_equal(take(again), -EDEADLK);
	via_lock_close(again);
	removed(url);
}

static void futex_has_types(void **state)
{
	const char *mutex = url_of("futex", "?type=mutex");
	const char *any = url_of("futex", "");

	(void)state;
	via_lock_close(opened(mutex, VIA_LOCK_CREATE));
	fails_to_open(url_of("futex", "?type=rwlock"), VIA_LOCK_CREATE, -EPROTO,
		      "is a mutex, no rwlock");
	fails_to_open(any, VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE, -EOPNOTSUPP,
		      "is a mutex, no semaphore");

	struct via_lock *lock = opened(any, VIA_LOCK_CREATE);

	assert_int_equal(
		via_lock_take(lock, VIA_LOCK_SHARED, VIA_NO_WAIT, NULL),
		-EOPNOTSUPP);
	assert_int_equal(via_lock_value(lock, NULL), -EOPNOTSUPP);
	assert_int_equal(take(lock), 0);
	via_lock_close(lock);
	removed(any);
}

static void futex_units_with_owners_come_back(void **state)
{
	const char *url = url_of("futex", "?type=pool");
	struct via_lock *pool = opened(url, VIA_LOCK_CREATE);

	(void)state;
	assert_int_equal(via_lock_post(pool, 1, NULL), -EPERM);

	struct child c = child_start(dies_with_a_unit, url);

	assert_int_equal(child_end(&c, 0), 0);
	assert_int_equal(via_lock_value(pool, NULL), 1);
	assert_int_equal(via_lock_wait(pool, 1, VIA_NO_WAIT, NULL),
			 -EOWNERDEAD);
	assert_int_equal(via_lock_value(pool, NULL), 0);
	via_lock_close(pool);
	pool = opened(url, 0);
	assert_int_equal(via_lock_wait(pool, 1, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_lock_post(pool, 1, NULL), 0);
	via_lock_close(pool);
	removed(url);
}

static void waits_for_a_unit(const char *url, int say)
{
	struct via_lock *sem = opened(url, 0);

	(void)!write(say, "w", 1);
	_exit(via_lock_wait(sem, 1, VIA_NEVER, NULL) != -EIDRM);
}

static void futex_semaphore_removed_while_waited_on(void **state)
{
	const char *url = url_of("futex", "?value=0");
	struct via_lock *sem = opened(url,
				      VIA_LOCK_CREATE | VIA_LOCK_SEMAPHORE);
	struct child w = child_start(waits_for_a_unit, url);

	(void)state;
	until_waiting(sem, 1);
	removed(url);
	assert_int_equal(child_end(&w, 0), 0);
	assert_int_equal(via_lock_value(sem, NULL), -EIDRM);
	via_lock_close(sem);
}

static void futex_file(const char *url, char path[300])
{
	snprintf(path, 300, "/dev/shm/via.%s", strchr(url, ':') + 1);
}

static void put_byte(const char *path, off_t at, int change)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (unsigned char)change;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void futex_files_of_another_make(void **state)
{
	const char *url = url_of("futex", "");
	struct stat st;
	char path[300];

	(void)state;
	futex_file(url, path);
	via_lock_close(opened(url, VIA_LOCK_CREATE));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	put_byte(path, 4, 0x80); /* the layout: src/sync/object.h */
	fails_to_open(url, VIA_LOCK_CREATE, -ESTALE, "this version");
	put_byte(path, 4, 0x80);
	put_byte(path, 0, 0x80);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "");
	assert_int_equal(via_lock_remove(url, NULL), -EPROTO);
	put_byte(path, 0, 0x80);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "");
	assert_int_equal(truncate(path, 0), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "cut off");
	assert_int_equal(truncate(path, st.st_size), 0);
	fails_to_open(url, VIA_LOCK_CREATE, -EPROTO, "");
	assert_int_equal(unlink(path), 0);

	via_lock_close(opened(url, VIA_LOCK_CREATE));
	put_byte(path, 4, 0x80);
	removed(url);
}

static void futex_file_of_another_user(void **state)
{
	const char *url = url_of("futex", "?owner=65534");
	const char *untrusting = url_of("futex", "");

	(void)state;
	if (geteuid() != 0)
		check_skip("needs root");
	via_lock_close(opened(url, VIA_LOCK_CREATE));
	fails_to_open(untrusting, 0, -EACCES, "add owner=65534");
	via_lock_close(opened(url, 0));
	removed(url);
}

static void unknown_kinds(void **state)
{
	(void)state;
	fails_to_open("padlock:x", 0, -EPROTONOSUPPORT, "'padlock': there are");
	fails_to_open("/tmp/x", 0, -EINVAL, "is a path");
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(flock_is_that_of_flock_1),
	CHECK_TEST(ranges_exclude_where_they_meet),
	CHECK_TEST(malformed_ranges),
	CHECK_TEST(fcntl_refuses_a_deadlock),
	CHECK_TEST(who_only_reads_locks_shared),
	CHECK_TEST(a_foreign_file_names_its_owner),
	CHECK_TEST(what_is_no_file_is_refused),
	CHECK_TEST(a_killed_waiter_leaves_nothing),
	CHECK_TEST(no_process_to_wait_with),
	CHECK_TEST(sysvsem_takes_its_place_in_an_array),
	CHECK_TEST(sysvsem_has_one_maker),
	CHECK_TEST(sysvsem_is_never_seen_half_made),
	CHECK_TEST(sysvsem_of_others_is_taken_as_it_is),
	CHECK_TEST(sysvsem_undoes_units_if_asked),
	CHECK_TEST(a_cut_off_posixsem),
	CHECK_TEST(futex_tells_of_deaths),
	CHECK_TEST(futex_tells_again_until_repaired),
	CHECK_TEST(futex_closed_by_another_thread_stays),
	CHECK_TEST(futex_has_types),
	CHECK_TEST(futex_units_with_owners_come_back),
	CHECK_TEST(futex_semaphore_removed_while_waited_on),
	CHECK_TEST(futex_files_of_another_make),
	CHECK_TEST(futex_file_of_another_user),
	CHECK_TEST(unknown_kinds),
};

CHECK_MAIN(tests)
