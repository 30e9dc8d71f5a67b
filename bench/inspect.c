/* SPDX-License-Identifier: MIT */
/*
 * How long a snapshot takes when there is much to see, 600 processes with 140
 * descriptors each, beside lsof(8), which is told to do no more (-n, -P: no names
 * of hosts and ports). Each look is a process of its own, from its start to its
 * end, as lsof's is.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/deadline.h>
#include <via/inspect.h>

#include "bench/subject.h"

/* --- Much to see --- */

#define N_PROCESSES 600

static pid_t pids[N_PROCESSES];

/* 140 descriptors: 40 of pipes, 46 of sockets, 40 of files, 14 of others. */
static bool open_many(void)
{
	static const char *const files[] = {"/etc/passwd", "/dev/null", "/",
					    "/proc/self/exe"};
	int last = -1, ends[2];
	bool ok = true;

	for (int i = 0; i < 20; i++)
		ok &= pipe(ends) == 0 &&
		      socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
	for (int i = 0; i < 6; i++)
		ok &= socket(AF_INET, i < 3 ? SOCK_STREAM : SOCK_DGRAM, 0) >= 0;
	for (int i = 0; i < 40; i++)
		ok &= open(files[i % 4], O_RDONLY) >= 0;
	for (int i = 0; i < 8; i++)
		ok &= (last = eventfd(0, 0)) >= 0;
	for (int i = 0; i < 4; i++)
		ok &= timerfd_create(CLOCK_MONOTONIC, 0) >= 0;
	for (int i = 0; i < 2; i++) {
		int epoll = epoll_create1(0);
		struct epoll_event e = {.events = EPOLLIN};

		for (int fd = last - 8; fd < last; fd++)
			(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
		ok &= epoll >= 0;
	}
	return ok;
}

static pid_t start(int ready)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	bool ok = open_many();

	(void)!write(ready, ok ? "y" : "n", 1);
	close(ready);
	pause();
	_exit(0);
}

static int start_all(struct via_error *error)
{
	int ready[2], err = 0;
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < N_PROCESSES && !err; i++) {
		pids[i] = start(ready[1]);
		if (pids[i] < 0 || read(ready[0], &byte, 1) != 1 ||
		    byte != 'y') {
			snprintf(error->text, sizeof(error->text),
				 "process %d of %d with 140 descriptors cannot "
				 "be made",
				 i + 1, N_PROCESSES);
			err = -EAGAIN;
		}
	}
	close(ready[0]);
	close(ready[1]);
	return err;
}

/* --- Looking at it --- */

static const struct {
	const char *name;
	struct via_look look;
} looks[] = {
	{"descriptors, /proc", {.want = VIA_WANT_FDS}},
	{"and paths, /proc", {.want = VIA_WANT_FDS | VIA_WANT_PATHS}},
	{"mappings, /proc", {.want = VIA_WANT_MAPS | VIA_WANT_ALL_MAPS}},
	{"everything, /proc", {.want = VIA_WANT_ALL}},
	{"descriptors, BPF", {.want = VIA_WANT_FDS, .source = VIA_SOURCE_BPF}},
	{"and paths, BPF",
	 {.want = VIA_WANT_FDS | VIA_WANT_PATHS, .source = VIA_SOURCE_BPF}},
	{"mappings, BPF",
	 {.want = VIA_WANT_MAPS | VIA_WANT_ALL_MAPS, .source = VIA_SOURCE_BPF}},
	{"everything, BPF", {.want = VIA_WANT_ALL, .source = VIA_SOURCE_BPF}},
};
#define N_LOOKS (sizeof(looks) / sizeof(*looks))

static int look(const struct via_look *look_for)
{
	struct via_snapshot *s;

	return via_snapshot_take(look_for, &s, NULL) < 0;
}

static int lsof(const struct via_look *unused)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* It closes all that it could have open first. */
	struct rlimit limit = {1024, 1024};

	(void)unused;
	setrlimit(RLIMIT_NOFILE, &limit);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("lsof", "lsof", "-n", "-P", (char *)NULL);
	return 127;
}

/* What a process has taken; NAN: it could not. */
struct took {
	double real_ms, cpu_ms, rss_mb;
};

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static struct took run(int (*f)(const struct via_look *look_for),
		       const struct via_look *look_for)
{
	int64_t begin = via_now();
	struct rusage usage;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(f(look_for));
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status)
		return (struct took){NAN, NAN, NAN};
	return (struct took){(double)(via_now() - begin) / 1e6,
			     ms_of(usage.ru_utime) + ms_of(usage.ru_stime),
			     (double)usage.ru_maxrss / 1024};
}

/* --- The subject --- */

static struct bench_pair pairs[3 * N_LOOKS];

static const struct bench_pair *inspect_pair(unsigned int i)
{
	static const struct bench_pair kinds[] = {
		{"time", "Time, ms", "ms", 1, NULL, "lsof -n -P"},
		{"cpu", "CPU time, ms", "ms", 1, NULL, "lsof -n -P"},
		{"memory", "Memory at most, MB", "MB", 1, NULL, "lsof -n -P"},
	};

	pairs[i] = kinds[i / N_LOOKS];
	pairs[i].via = looks[i % N_LOOKS].name;
	return &pairs[i];
}

static int inspect_begin(const struct bench_machine *machine,
			 struct via_error *error)
{
	(void)machine;
	return start_all(error);
}

static int inspect_round(int64_t time_ns, struct bench_figures *ret,
			 struct via_error *error)
{
	struct took other = run(lsof, NULL);

	(void)time_ns;
	(void)error;
	for (size_t i = 0; i < N_LOOKS; i++) {
		struct took via = run(look, &looks[i].look);

		ret[i] = (struct bench_figures){via.real_ms, other.real_ms};
		ret[N_LOOKS + i] = (struct bench_figures){via.cpu_ms,
							  other.cpu_ms};
		ret[2 * N_LOOKS + i] = (struct bench_figures){via.rss_mb,
							      other.rss_mb};
	}
	return 0;
}

static void inspect_end(void)
{
	for (int i = 0; i < N_PROCESSES && pids[i] > 0; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < N_PROCESSES && pids[i] > 0; i++) {
		(void)waitpid(pids[i], NULL, 0);
		pids[i] = 0;
	}
}

const struct bench_subject bench_inspect = {
	.name = "inspect",
	.n_pairs = 3 * N_LOOKS,
	.rounds = 5,
	.pair = inspect_pair,
	.begin = inspect_begin,
	.round = inspect_round,
	.end = inspect_end,
};
