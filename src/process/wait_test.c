/* SPDX-License-Identifier: MIT */
/* How processes end, and what becomes of their pidfds. */
#include <linux/sched.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "process/process_test.h"

static void ways_to_end(void **state)
{
	(void)state;
	static const struct {
		const char *shell;
		struct via_exit ended;
		int status;
	} rows[] = {
		{"exit 0", {VIA_EXITED, 0}, 0},
		{"exit 255", {VIA_EXITED, 255}, 255},
		{"kill -9 $$", {VIA_SIGNALLED, SIGKILL}, 137},
		{"ulimit -c 0; kill -ABRT $$", {VIA_SIGNALLED, SIGABRT}, 134},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct via_program p = {.shell = rows[i].shell};
		struct via_exit ended = wait_for_end(start(&p));

		assert_int_equal(ended.how, rows[i].ended.how);
		assert_int_equal(ended.status, rows[i].ended.status);
		assert_int_equal(via_exit_status(&ended), rows[i].status);
		assert_true(ended.usage.ru_maxrss > 0);
	}
	assert_int_equal(via_exit_status(&(struct via_exit){VIA_LOST, -1}),
			 127);
}

static void deadlines(void **state)
{
	(void)state;
	const struct via_program p = {.argv = ARGV("sleep", "600")};
	struct pollfd pfd = {.fd = start(&p), .events = POLLIN};
	struct via_error err;

	assert_int_equal(via_process_wait(pfd.fd, VIA_NO_WAIT, NULL, &err),
			 -EAGAIN);
	assert_string_equal(err.text, "the process still runs");
	assert_int_equal(via_process_wait(pfd.fd, via_deadline(1), NULL, NULL),
			 -ETIMEDOUT);
	assert_int_equal(poll(&pfd, 1, 0), 0);

	assert_int_equal(via_signal_send_pidfd(pfd.fd, 0, NULL), 0);
	assert_int_equal(via_signal_send_pidfd(pfd.fd, 12345, NULL), -EINVAL);
	assert_int_equal(via_signal_send_pidfd(pfd.fd, SIGTERM, NULL), 0);
	assert_int_equal(via__poll(&pfd, 1, SOON), 1);
	struct via_exit ended = wait_for_end(pfd.fd);

	assert_int_equal(ended.how, VIA_SIGNALLED);
	assert_int_equal(ended.status, SIGTERM);
}

static void gone(void **state)
{
	(void)state;
	const struct via_program p = {.argv = ARGV("true")};
	struct via_error err;
	struct via_exit ended;
	pid_t pid;
	int pidfd = via_spawn(&p, &pid, NULL);

	assert_int_equal(via_process_wait(pidfd, SOON, NULL, NULL), 0);
	assert_int_equal(via_process_wait(pidfd, SOON, &ended, &err), -ECHILD);
	assert_int_equal(ended.how, VIA_LOST);
	assert_string_equal(err.text,
			    "the process has ended, but its status is lost: it "
			    "is no child of this one or was collected before");
	assert_int_equal(via_signal_send_pidfd(pidfd, SIGTERM, NULL), -ESRCH);
	assert_int_equal(via_process_open(pid, &err), -ESRCH);
	assert_non_null(strstr(err.text, "there is no process "));
	close(pidfd);

	assert_int_equal(via_signal_send_pidfd(pidfd, SIGTERM, NULL), -EBADF);
	assert_int_equal(via_process_wait(pidfd, SOON, NULL, NULL), -EBADF);
	assert_int_equal(via_process_wait(-1, VIA_NEVER, NULL, NULL), -EBADF);
	assert_int_equal(via_process_open(-1, NULL), -EINVAL);
}

/* A child that has this pid, if nobody else has. */
static pid_t child_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	long made = syscall(SYS_clone3, &args, sizeof(args));

	if (made == 0)
		for (;;)
			pause();
	return made < 0 ? -errno : (pid_t)made;
}

static void a_pid_that_is_used_again(void **state)
{
	const struct via_program p = {.argv = ARGV("true")};
	struct via_exit ended;
	const int value = 1;
	pid_t pid;
	int pidfd = via_spawn(&p, &pid, NULL), status;

	(void)state;
	assert_int_equal(via_process_wait(pidfd, SOON, NULL, NULL), 0);

	pid_t other = child_with_pid(pid);

	if (other == -EPERM || other == -ENOSYS) {
		close(pidfd);
		check_skip("leave to choose a pid (clone3, set_tid)");
	}
	assert_int_equal(other, pid);
	assert_int_equal(via_signal_send_pidfd(pidfd, SIGKILL, NULL), -ESRCH);
	assert_int_equal(via_signal_send_pidfd(pidfd, SIGKILL, &value), -ESRCH);
	assert_int_equal(via_process_wait(pidfd, VIA_NO_WAIT, &ended, NULL),
			 -ECHILD);
	/* It has not been hit, nor collected. */
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	close(pidfd);
}

static void ignored_children(void **state)
{
	(void)state;
	const struct via_program p = {.argv = ARGV("false")};
	const struct via_program none = {.argv = ARGV("/nowhere")};
	struct sigaction nocldwait = {.sa_handler = SIG_DFL,
				      .sa_flags = SA_NOCLDWAIT};
	struct via_error err;
	struct via_exit ended;

	for (int i = 0; i < 2; i++) {
		if (i == 0)
			signal(SIGCHLD, SIG_IGN);
		else
			sigaction(SIGCHLD, &nocldwait, NULL);
		int pidfd = start(&p);

		assert_int_equal(via_process_wait(pidfd, SOON, &ended, &err),
				 -ECHILD);
		assert_int_equal(ended.how, VIA_LOST);
		assert_string_equal(err.text,
				    "the process has ended, but its status is "
				    "lost: this program ignores SIGCHLD");
		close(pidfd);
		assert_int_equal(via_spawn(&none, NULL, NULL), -ENOENT);
	}
	signal(SIGCHLD, SIG_DFL);
}

static void strangers(void **state)
{
	(void)state;
	int parent = via_process_open(getppid(), NULL);

	assert_true(parent >= 0);
	assert_int_equal(via_process_wait(parent, VIA_NO_WAIT, NULL, NULL),
			 -EAGAIN);
	assert_int_equal(via_signal_send_pidfd(parent, 0, NULL), 0);
	close(parent);
}

static void failures_are_invisible(void **state)
{
	(void)state;
	const struct via_program none = {.argv = ARGV("/nowhere")};
	const struct via_program p = {.argv = ARGV("true")};
	sigset_t child, before, pending;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	assert_int_equal(via_spawn(&none, NULL, NULL), -ENOENT);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGCHLD));
	assert_int_equal(run(&p), 0);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGCHLD));
	assert_int_equal(sigwaitinfo(&child, NULL), SIGCHLD);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

#define THREADS	   8
#define PER_THREAD 125

/* Gets its own descriptor and nobody else's. Returns what is wrong. */
static const char *spawn_one(const char *number)
{
	const struct via_program none = {.argv = ARGV("/nowhere")};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return "pipe";
	const struct via_program p = {
		.argv = ARGV("/bin/echo", number),
		.fds = (struct via_program_fd[]){{1, ends[1]}},
		.n_fds = 1,
	};
	int pidfd = via_spawn(&p, NULL, NULL);

	close(ends[1]);
	if (pidfd < 0 || via_spawn(&none, NULL, NULL) != -ENOENT)
		return "spawn";
	char text[16] = "";
	ssize_t len = via__read(ends[0], text, sizeof(text));

	if (len != (ssize_t)strlen(number) + 1 ||
	    memcmp(text, number, strlen(number)))
		return "output";
	/* Nobody else holds the other end. */
	if (via__read(ends[0], text, 1) != 0)
		return "end of output";
	close(ends[0]);
	struct via_exit ended;

	if (via_process_wait(pidfd, SOON, &ended, NULL) ||
	    via_exit_status(&ended))
		return "wait";
	close(pidfd);
	return NULL;
}

static void *spawn_many(void *unused)
{
	const char *wrong = NULL;
	char number[16];

	(void)unused;
	for (int i = 0; i < PER_THREAD && !wrong; i++) {
		snprintf(number, sizeof(number), "%d", i);
		wrong = spawn_one(number);
	}
	return (void *)wrong;
}

static void many_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	void *result;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, spawn_many, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		if (result)
			print_error("%s\n", (char *)result);
		assert_null(result);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(ways_to_end),
	CHECK_TEST(deadlines),
	CHECK_TEST(gone),
	CHECK_TEST(a_pid_that_is_used_again),
	CHECK_TEST(ignored_children),
	CHECK_TEST(strangers),
	CHECK_TEST(failures_are_invisible),
	CHECK_TEST(many_threads),
};
CHECK_MAIN(tests)
