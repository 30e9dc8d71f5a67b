/* SPDX-License-Identifier: MIT */
/* Services that end, fail, get ready, are stopped, and what they leave. */
#include <sys/prctl.h>
#include <sys/stat.h>

#include <via/supervisor.h>

#include "process/process_test.h"
#include "process/service.h"

#define MS INT64_C(1000000)

static struct via_supervisor *new_supervisor(unsigned int flags)
{
	struct via_supervisor *s = NULL;

	assert_int_equal(via_supervisor_new(flags, &s, NULL), 0);
	return s;
}

static int supervise(struct via_supervisor *s,
		     const struct via_service *service)
{
	struct via_error err = {0};
	int i = via_supervise(s, service, &err);

	if (i < 0)
		print_error("%s\n", err.text);
	assert_true(i >= 0);
	return i;
}

static struct via_service_event next(struct via_supervisor *s,
				     enum via_service_event_kind kind)
{
	struct via_service_event ev;

	assert_int_equal(via_supervisor_step(s, SOON, &ev), 1);
	assert_int_equal(ev.kind, kind);
	return ev;
}

static int next_status(struct via_supervisor *s)
{
	struct via_service_event ev = next(s, VIA_SERVICE_ENDED);

	return via_exit_status(&ev.exit);
}

static void nothing_more(struct via_supervisor *s)
{
	struct via_service_event ev;

	assert_int_equal(via_supervisor_step(s, VIA_NEVER, &ev), 0);
}

/* Which ends begin another run. */
static void policies(void **state)
{
	(void)state;
	static const struct {
		const char *shell;
		enum via_restart restart;
		bool again;
	} rows[] = {
		{"exit 0", VIA_RESTART_NEVER, false},
		{"exit 1", VIA_RESTART_NEVER, false},
		{"exit 0", VIA_RESTART_ON_FAILURE, false},
		{"exit 1", VIA_RESTART_ON_FAILURE, true},
		{"kill -9 $$", VIA_RESTART_ON_FAILURE, true},
		{"exit 0", VIA_RESTART_ALWAYS, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via_supervisor *s = new_supervisor(0);
		const struct via_service service = {
			.program.shell = rows[i].shell,
			.restart = rows[i].restart,
			.backoff_ns = 1,
		};

		supervise(s, &service);
		struct via_service_event ev = next(s, VIA_SERVICE_ENDED);

		assert_int_equal(ev.restart_ns >= 0, rows[i].again);
		if (rows[i].again)
			assert_true(next(s, VIA_SERVICE_STARTED).pid != ev.pid);
		else
			nothing_more(s);
		via_supervisor_free(s);
	}
}

static void back_off_doubles(void **state)
{
	(void)state;
	struct via_service config = {
		.restart = VIA_RESTART_ALWAYS,
		.backoff_ns = 3 * VIA__NS_PER_S,
		.backoff_max_ns = 10 * VIA__NS_PER_S,
	};
	struct via__service sv = {.config = &config, .started_at = via_now()};

	assert_int_equal(via__service_backoff(&sv), 3 * VIA__NS_PER_S);
	assert_int_equal(via__service_backoff(&sv), 6 * VIA__NS_PER_S);
	assert_int_equal(via__service_backoff(&sv), 10 * VIA__NS_PER_S);
	assert_int_equal(via__service_backoff(&sv), 10 * VIA__NS_PER_S);
	/* A long run is forgiven. */
	sv.started_at -= 11 * VIA__NS_PER_S;
	assert_int_equal(via__service_backoff(&sv), 3 * VIA__NS_PER_S);
	sv.stopping = true;
	assert_int_equal(via__service_backoff(&sv), -1);

	config = (struct via_service){.restart = VIA_RESTART_ALWAYS};
	sv = (struct via__service){.config = &config, .started_at = via_now()};
	assert_int_equal(via__service_backoff(&sv), 100 * MS);
	config.backoff_max_ns = MS;
	sv.backoff_ns = 0;
	assert_int_equal(via__service_backoff(&sv), MS);
}

static void starts_when_it_is_time(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	const struct via_service service = {
		.program.shell = "exit 3",
		.restart = VIA_RESTART_ALWAYS,
		.backoff_ns = 20 * MS,
	};
	struct via_service_event ev;
	struct pollfd pfd;
	int64_t before = via_now();

	assert_int_equal(supervise(s, &service), 0);
	assert_int_equal(next_status(s), 3);
	assert_int_equal(via_supervisor_kill(s, 0, SIGTERM), -ESRCH);
	assert_int_equal(via_supervisor_step(s, VIA_NO_WAIT, &ev), -EAGAIN);
	assert_int_equal(via_supervisor_step(s, via_deadline(1), &ev),
			 -ETIMEDOUT);
	via_supervisor_pollfd(s, &pfd);
	assert_int_equal(via__poll(&pfd, 1, SOON), 1);
	assert_true(via_now() - before > 20 * MS);
	(void)next(s, VIA_SERVICE_STARTED);
	assert_int_equal(via__poll(&pfd, 1, SOON), 1);
	assert_int_equal(next(s, VIA_SERVICE_ENDED).restart_ns, 40 * MS);
	/* What waits to be started is not. */
	via_supervisor_stop(s, 0);
	nothing_more(s);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	via_supervisor_free(s);
}

static void does_not_start(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	char path[4096];
	const struct via_service missing = {.program.argv = ARGV("/no/where")};
	const struct via_service vanishes = {
		.program.argv = ARGV(path),
		.restart = VIA_RESTART_ON_FAILURE,
		.backoff_ns = MS,
	};
	struct via_error err;

	assert_int_equal(via_supervise(s, &missing, &err), -ENOENT);
	assert_string_equal(err.text, "exec /no/where: not found");
	nothing_more(s);

	snprintf(path, sizeof(path), "%s/program-XXXXXX", getenv("TMPDIR"));
	int fd = mkostemp(path, O_CLOEXEC);

	assert_int_equal(write(fd, "#!/bin/false\n", 13), 13);
	fchmod(fd, 0700);
	close(fd);
	assert_int_equal(supervise(s, &vanishes), 0);
	unlink(path);
	(void)next(s, VIA_SERVICE_ENDED);
	for (int64_t wait = 2 * MS; wait < 10 * MS; wait *= 2) {
		struct via_service_event ev = next(s, VIA_SERVICE_FAILED);

		assert_int_equal(ev.error.code, -ENOENT);
		assert_non_null(strstr(ev.error.text, ": not found"));
		assert_int_equal(ev.restart_ns, wait);
	}
	via_supervisor_free(s);
}

/* What a service says until it is ready; then it ends. */
static void readiness(void **state)
{
	(void)state;
	static const struct {
		const char *shell, *line;
		bool ready;
	} rows[] = {
		{"echo >&9", NULL, true},
		{"printf 'no line' >&9", NULL, false},
		{"true", NULL, false},
		{"echo wait >&9; printf 'now re' >&9; printf 'ady!\\n' >&9",
		 "ready", true},
		{"echo not yet >&9; printf ready >&9", "ready", false},
		/* More than the pipe holds, and a line without end. */
		{"echo >&9; head -c 300000 /dev/zero >&9", NULL, true},
		{"head -c 300000 /dev/zero >&9; echo ready >&9; echo ready >&9",
		 "ready", true},
		/* Ready, and deaf from then on. */
		{"echo >&9; exec 9>&-; kill -9 $$", NULL, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via_supervisor *s = new_supervisor(0);
		const struct via_service service = {
			.program.shell = rows[i].shell,
			.ready_fd = 9,
			.ready_line = rows[i].line,
		};

		supervise(s, &service);
		if (rows[i].ready)
			(void)next(s, VIA_SERVICE_READY);
		(void)next(s, VIA_SERVICE_ENDED);
		nothing_more(s);
		via_supervisor_free(s);
	}
}

/* However much that is: all is read before the end is told. */
static void said_before_it_ended(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	const struct via_service service = {
		.program.shell = "head -c 60000 /dev/zero >&9; echo >&9; "
				 "echo ready >&9",
		.ready_fd = 9,
		.ready_line = "ready",
	};
	siginfo_t info;

	supervise(s, &service);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	(void)next(s, VIA_SERVICE_READY);
	(void)next(s, VIA_SERVICE_ENDED);
	via_supervisor_free(s);
}

/* Stopped after it is ready; returns how it ended. */
static int stop_ready(const char *shell, int64_t grace_ns, int signal)
{
	struct via_supervisor *s = new_supervisor(0);
	const struct via_service service = {
		.program.shell = shell,
		.restart = VIA_RESTART_ALWAYS,
		.ready_fd = 3,
		.grace_ns = grace_ns,
		.stop_signal = signal,
	};
	int i = supervise(s, &service);

	(void)next(s, VIA_SERVICE_READY);
	via_supervisor_stop(s, i);
	via_supervisor_stop(s, -1);
	struct via_service_event ev = next(s, VIA_SERVICE_ENDED);

	assert_int_equal(ev.restart_ns, -1);
	nothing_more(s);
	via_supervisor_free(s);
	return via_exit_status(&ev.exit);
}

static void stopped(void **state)
{
	(void)state;
	assert_int_equal(stop_ready("trap 'exit 7' TERM; echo >&3; sleep 600 & "
				    "wait",
				    0, 0),
			 7);
	assert_int_equal(stop_ready("trap 'exit 8' USR1; echo >&3; sleep 600 & "
				    "wait",
				    0, SIGUSR1),
			 8);
	assert_int_equal(stop_ready("echo >&3; exec sleep 600", 0, 0), 143);
	/* Deaf: killed when the time of grace has passed. */
	assert_int_equal(stop_ready("trap '' TERM; echo >&3; exec sleep 600",
				    10 * MS, 0),
			 137);
}

/*
 * Continued, so that it can act on the stop signal. A single process: a shell
 * does not stop while its vfork child is stopped before exec.
 */
static void suspended(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	const struct via_service service = {.program.shell = "exec sleep 600"};
	siginfo_t info;

	supervise(s, &service);
	assert_int_equal(via_supervisor_kill(s, 0, SIGSTOP), 0);
	assert_int_equal(waitid(P_ALL, 0, &info, WSTOPPED | WNOWAIT), 0);
	via_supervisor_stop(s, 0);
	assert_int_equal(next_status(s), 143);
	via_supervisor_free(s);
}

/* A program may leave its group, but not its supervisor. */
static void leaves_its_group(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	int ends[2];
	char text[16];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct via_service service = {
		.program = {.argv = ARGV("/proc/self/exe", "leave"),
			    .fds = (struct via_program_fd[]){{1, ends[1]}},
			    .n_fds = 1},
	};
	int i = supervise(s, &service);

	assert_true(via__read(ends[0], text, sizeof(text)) > 0);
	via_supervisor_stop(s, i);
	assert_int_equal(next_status(s), 143);
	via_supervisor_free(s);

	s = new_supervisor(0);
	supervise(s, &service);
	assert_true(via__read(ends[0], text, sizeof(text)) > 0);
	via_supervisor_free(s);
	close(ends[0]);
	close(ends[1]);
}

/* The children of one that has ended do not outlive it. */
static void group_ends_with_it(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	int ends[2];
	char text[16];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct via_service service = {
		.program = {.shell = "sleep 600 & exit 0",
			    .fds = (struct via_program_fd[]){{1, ends[1]}},
			    .n_fds = 1},
	};

	supervise(s, &service);
	close(ends[1]);
	(void)next(s, VIA_SERVICE_ENDED);
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	via_supervisor_free(s);
}

static int count_children(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	int n = 0, pid;

	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1)
		n++;
	fclose(file);
	return n;
}

/* Until there are that many. */
static void collect_orphans(struct via_supervisor *s, int left)
{
	struct via_service_event ev;

	while (count_children() > left)
		assert_int_equal(
			via_supervisor_step(s, via_deadline(10 * MS), &ev),
			-ETIMEDOUT);
	assert_int_equal(count_children(), left);
}

static bool is_subreaper(void)
{
	int is = 0;

	prctl(PR_GET_CHILD_SUBREAPER, &is);
	return is;
}

/* Children of children, in groups of their own, while services go on. */
static void orphans_are_collected(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(VIA_SUPERVISOR_SUBREAPER);
	int said[2], held[2];
	char text[4];

	assert_true(is_subreaper());
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	const struct via_service keeps_on = {.program.shell = "sleep 600"};
	const struct via_service daemons = {
		.program = {.shell = "for i in 1 2 3; do setsid sh -c 'echo "
				     ">&4; exec cat <&5' & done; cat <&5",
			    .fds = (struct via_program_fd[]){{4, said[1]},
							     {5, held[0]}},
			    .n_fds = 2},
	};

	supervise(s, &keeps_on);
	int i = supervise(s, &daemons);

	for (int n = 0; n < 3; n++)
		assert_int_equal(via__read(said[0], text, 1), 1);
	via_supervisor_stop(s, i);
	assert_int_equal(next(s, VIA_SERVICE_ENDED).service, i);
	/* What was in its group has been killed, what was not runs on. */
	collect_orphans(s, 4);
	/* They come to the end of their input. */
	close(held[0]);
	close(held[1]);
	collect_orphans(s, 1);
	close(said[0]);
	close(said[1]);
	via_supervisor_free(s);
	assert_false(is_subreaper());
	assert_int_equal(count_children(), 0);
}

/* A service whose end is not told yet stands before the orphan in the kernel's
 * list of children. */
static void services_hide_no_orphans(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(VIA_SUPERVISOR_SUBREAPER);
	int said[2], orphan[2], main_one[2];
	char text[16] = "";
	siginfo_t info;

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(orphan, O_CLOEXEC), 0);
	assert_int_equal(pipe2(main_one, O_CLOEXEC), 0);
	const struct via_service keeps_on = {.program.shell = "sleep 600"};
	const struct via_service service = {
		.program = {.shell = "(setsid sh -c 'echo $$ >&4; exec cat "
				     "<&5' &); exec cat <&6",
			    .fds = (struct via_program_fd[]){{4, said[1]},
							     {5, orphan[0]},
							     {6, main_one[0]}},
			    .n_fds = 3},
	};

	supervise(s, &keeps_on);
	supervise(s, &service);
	assert_true(via__read(said[0], text, sizeof(text) - 1) > 0);
	/* The orphan ends first, so SIGCHLD is the first to be seen. */
	close(orphan[1]);
	while (waitid(P_PID, (id_t)atoi(text), &info, WEXITED | WNOWAIT))
		assert_int_equal(errno, ECHILD); /* not ours yet */
	close(main_one[1]);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	while (info.si_pid == atoi(text))
		assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(next(s, VIA_SERVICE_ENDED).pid, info.si_pid);
	collect_orphans(s, 1);

	close(said[0]);
	close(said[1]);
	close(orphan[0]);
	close(main_one[0]);
	via_supervisor_free(s);
}

static void freed_while_they_run(void **state)
{
	(void)state;
	static const unsigned int flags[] = {0, VIA_SUPERVISOR_SUBREAPER};
	sigset_t mask;

	for (int i = 0; i < 2; i++) {
		struct via_supervisor *s;
		const struct via_service service = {
			.program.shell = "trap '' TERM; sleep 600 & sleep 600 "
					 "& echo >&3; wait",
			.ready_fd = 3,
		};

		s = new_supervisor(flags[i]);
		supervise(s, &service);
		supervise(s, &service);
		(void)next(s, VIA_SERVICE_READY);
		via_supervisor_free(s);
		assert_int_equal(count_children(), 0);
		pthread_sigmask(SIG_SETMASK, NULL, &mask);
		assert_false(sigismember(&mask, SIGCHLD));
	}
	via_supervisor_free(NULL);
}

static void ignored_children(void **state)
{
	(void)state;
	struct via_supervisor *s = new_supervisor(0);
	const struct via_service service = {
		.program.shell = "exit 0",
		.restart = VIA_RESTART_ON_FAILURE,
	};

	signal(SIGCHLD, SIG_IGN);
	supervise(s, &service);
	/* Not known to have succeeded. */
	struct via_service_event ev = next(s, VIA_SERVICE_ENDED);

	assert_int_equal(ev.exit.how, VIA_LOST);
	assert_true(ev.restart_ns > 0);
	via_supervisor_free(s);
	signal(SIGCHLD, SIG_DFL);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(policies),
	CHECK_TEST(back_off_doubles),
	CHECK_TEST(starts_when_it_is_time),
	CHECK_TEST(does_not_start),
	CHECK_TEST(readiness),
	CHECK_TEST(said_before_it_ended),
	CHECK_TEST(stopped),
	CHECK_TEST(suspended),
	CHECK_TEST(leaves_its_group),
	CHECK_TEST(group_ends_with_it),
	CHECK_TEST(orphans_are_collected),
	CHECK_TEST(services_hide_no_orphans),
	CHECK_TEST(freed_while_they_run),
	CHECK_TEST(ignored_children),
};

/* The helper of leaves_its_group(). */
static int leave(void)
{
	if (setpgid(0, getpgid(getppid())))
		return 1;
	(void)!write(1, "left", 4);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc == 2)
		return leave();
	check_output();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
