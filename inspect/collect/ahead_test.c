/* SPDX-License-Identifier: MIT */
/* Descriptors that other threads read: the same ones, of who they are of. Runs
 * under ThreadSanitizer too. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "inspect/collect/ahead.h"
#include "inspect/collect/look_test.h"
#include "inspect/collect/proc.h"

/* So many that a snapshot of them is taken by threads. */
#define N_MANY 220
#define N_SOME 40
#define FIRST  100 /* descriptor of the first one of them */

static pid_t pids[N_MANY];

/* Each has one descriptor that no other has. */
static void start_all(int n, int fd)
{
	for (int i = 0; i < n; i++) {
		int ready[2];
		char byte;

		assert_int_equal(pipe(ready), 0);
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)!write(ready[1],
				     dup2(fd, FIRST + i) > 0 ? "y" : "", 1);
			pause();
			_exit(0);
		}
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
	}
}

static void end_all(int n)
{
	for (int i = 0; i < n; i++)
		end(pids[i]);
}

/* --- The line --- */

static const struct via__fd_seen *seen_of(const struct via__fdlist *fds, int fd)
{
	for (unsigned int i = 0; i < fds->n; i++)
		if (fds->at[i].fd == fd)
			return &fds->at[i];
	return NULL;
}

/* Who comes next is who was pushed next, with what is his. */
static void check_first(struct via__ahead *a, int i, const struct stat *st)
{
	const struct via__at *at = via__ahead_first(a);
	const struct via__fd_seen *seen = seen_of(at->fds, FIRST + i);

	assert_int_equal(at->pid, pids[i]);
	assert_int_equal(at->process, i);
	assert_true(at->fds->opened && !at->fds->closed);
	assert_non_null(seen);
	assert_int_equal(seen->err, 0);
	assert_true(seen->file.stx_ino == st->st_ino);
	assert_int_equal(seen->open_for, VIA_HOLD_WRITE);
	assert_null(seen_of(at->fds, FIRST + (i + 1) % N_SOME));
	via__ahead_pop(a);
}

static void go_through(struct via__ahead *a, const struct stat *st)
{
	int first = 0;

	for (int i = 0; i < N_SOME; i++) {
		const struct via__at at = {
			.dir = via__proc_open(pids[i]),
			.process = (uint32_t)i,
			.pid = pids[i],
		};

		assert_true(at.dir >= 0);
		via__ahead_push(a, &at);
		if (via__ahead_full(a))
			check_first(a, first++, st);
	}
	while (via__ahead_any(a))
		check_first(a, first++, st);
	assert_int_equal(first, N_SOME);
}

static void reads_who_is_in_line(void **state)
{
	struct via__ahead *a = via__ahead_new(true);
	struct stat st;
	int p[2];

	(void)state;
	assert_non_null(a);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(fstat(p[1], &st), 0);
	start_all(N_SOME, p[1]);
	go_through(a, &st);
	for (int i = 0; i < 10; i++) {
		via__ahead_start(a);
		go_through(a, &st);
		go_through(a, &st);
		via__ahead_stop(a);
	}
	via__ahead_free(a);
	end_all(N_SOME);
	close(p[0]);
	close(p[1]);
}

/* --- A snapshot --- */

static uint32_t count_holds(const struct via_snapshot *s, pid_t pid)
{
	const struct via_process *p =
		&s->processes[via_snapshot_process(s, pid)];
	uint32_t n = 0;

	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		n += s->holds[i].how == VIA_HOLDS_FD;
	return n;
}

/* The object of a descriptor, or VIA_NONE. */
static uint32_t object_at(const struct via_snapshot *s, pid_t pid, int fd)
{
	uint32_t process = via_snapshot_process(s, pid);
	uint32_t hold = process == VIA_NONE ? VIA_NONE
					    : via_snapshot_fd(s, process, fd);

	return hold == VIA_NONE ? VIA_NONE : s->holds[hold].object;
}

static uint32_t count_threads(void)
{
	int dir = via__proc_open(getpid());
	struct via_task task = {0};

	(void)via__proc_task(dir, getpid(), &task);
	close(dir);
	return task.n_threads;
}

/* Of many, and of itself what it has without looking. */
static int sees_all(int timer)
{
	struct via_look l = {.want = VIA_WANT_FDS | VIA_WANT_MAPS};
	struct via_snapshot *s;
	/* Without "." and "..", and what it is counted with. */
	int own = check_count_fds() - 3;
	uint32_t n_threads = count_threads();

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	SHOULD(process_of(s, getpid())->task.n_threads == n_threads);
	SHOULD(count_holds(s, getpid()) == (uint32_t)own);
	uint32_t object = object_at(s, getpid(), timer);

	SHOULD(object != VIA_NONE);
	SHOULD(s->objects[object].kind == VIA_KIND_TIMERFD);
	for (int i = 0; i < N_MANY; i++) {
		SHOULD(object_at(s, pids[i], timer) == object);
		SHOULD(object_at(s, pids[i], FIRST + i) == object);
		SHOULD(object_at(s, pids[i], FIRST + i + 1) == VIA_NONE);
	}
	via_snapshot_free(s);
	return 0;
}

/* By one that comes after them, so that there are threads before it. */
static void looks_at_many(void **state)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), status;

	(void)state;
	assert_true(timer >= 0);
	start_all(N_MANY, timer);
	pid_t pid = fork();

	if (pid == 0)
		_exit(sees_all(timer));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	end_all(N_MANY);
	close(timer);
}

static void do_nothing(void *unused)
{
	(void)unused;
}

static void helpers_leave_nothing(void **state)
{
	uint32_t n_threads = count_threads();
	struct via__helper h;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		assert_true(via__helper_start(&h, do_nothing, NULL));
		via__helper_end(&h);
		assert_int_equal(count_threads(), n_threads);
	}
}

static void sees_no_helpers(void **state)
{
	uint32_t n_threads = count_threads();

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct via_snapshot *s = look(VIA_WANT_LOCKS);

		assert_int_equal(process_of(s, getpid())->task.n_threads,
				 n_threads);
		via_snapshot_free(s);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(reads_who_is_in_line),
	CHECK_TEST(looks_at_many),
	CHECK_TEST(helpers_leave_nothing),
	CHECK_TEST(sees_no_helpers),
};
CHECK_MAIN(tests)
