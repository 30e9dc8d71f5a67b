/* SPDX-License-Identifier: MIT */
/*
 * How long a snapshot takes when there is much to see: 600 processes with 140
 * descriptors each, against lsof(8), which is told to do no more (-n, -P: no
 * names of hosts and ports).
 *
 *	meson test --benchmark -v snapshot
 *	build/inspect/bench-snapshot [PROCESSES [ROUNDS]]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define N_PROCESSES_MAX 5000

/* --- Much to see --- */

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
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bool ok = open_many();

	(void)!write(ready, ok ? "y" : "n", 1);
	close(ready);
	pause();
	_exit(0);
}

static int start_all(pid_t *pids, int n)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		pids[i] = start(ready[1]);
		if (pids[i] < 0 || read(ready[0], &byte, 1) != 1 ||
		    byte != 'y') {
			fprintf(stderr, "cannot make process %d\n", i);
			return -EAGAIN;
		}
	}
	close(ready[0]);
	close(ready[1]);
	return 0;
}

static void end_all(const pid_t *pids, int n)
{
	for (int i = 0; i < n && pids[i] > 0; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < n && pids[i] > 0; i++)
		waitpid(pids[i], NULL, 0);
}

/* --- Looking at it --- */

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

/* The best of several times. cpu is what counts on a busy machine. */
struct took {
	int64_t real, cpu; /* ns */
};

static int64_t ns_of(struct timeval t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_usec * INT64_C(1000);
}

static struct took now(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (struct took){via_now(), ns_of(u.ru_utime) + ns_of(u.ru_stime)};
}

static void keep_best(struct took *best, struct took began, struct took ended)
{
	int64_t real = ended.real - began.real, cpu = ended.cpu - began.cpu;

	if (!best->real || real < best->real)
		best->real = real;
	if (!best->cpu || cpu < best->cpu)
		best->cpu = cpu;
}

/* false: it cannot. */
static bool look(const struct via_look *l, int rounds, struct took *best,
		 uint32_t *ret_holds)
{

	for (int i = 0; i < rounds; i++) {
		struct via_error error = {0};
		struct via_snapshot *s;
		struct took began = now(RUSAGE_SELF);

		if (via_snapshot_take(l, &s, &error) < 0) {
			printf("not to be had: %s\n", error.text);
			return false;
		}
		keep_best(best, began, now(RUSAGE_SELF));
		*ret_holds = s->n_holds;
		via_snapshot_free(s);
	}
	return true;
}

static bool lsof(int rounds, struct took *best)
{
	for (int i = 0; i < rounds; i++) {
		struct took began = now(RUSAGE_CHILDREN);
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			int null = open("/dev/null", O_WRONLY);

			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
			execlp("lsof", "lsof", "-n", "-P", (char *)NULL);
			_exit(127);
		}
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) == 127)
			return false;
		keep_best(best, began, now(RUSAGE_CHILDREN));
	}
	return true;
}

static const struct {
	const char *name;
	struct via_look look;
} rows[] = {
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

static void measure(int rounds)
{
	struct took other = {0};
	bool compares = lsof(rounds, &other);

	if (compares)
		printf("%-20s %8.1f ms %8.1f ms of CPU\n", "lsof -n -P",
		       ms(other.real), ms(other.cpu));
	else
		printf("lsof is not here\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct took took = {0};
		struct rusage usage;
		uint32_t holds = 0;

		printf("%-20s ", rows[i].name);
		if (!look(&rows[i].look, rounds, &took, &holds))
			continue;
		getrusage(RUSAGE_SELF, &usage);
		printf("%8.1f ms %8.1f ms of CPU %6u holds %3ld MB at most",
		       ms(took.real), ms(took.cpu), holds,
		       usage.ru_maxrss / 1024);
		if (compares)
			printf("  %5.1f, %5.1f times as fast",
			       (double)other.real / (double)took.real,
			       (double)other.cpu / (double)took.cpu);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static pid_t pids[N_PROCESSES_MAX];
	int n = argc > 1 ? atoi(argv[1]) : 600;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	struct rlimit limit = {1024, 1024};

	if (n < 0 || n > N_PROCESSES_MAX || rounds < 1)
		return 2;
	setrlimit(RLIMIT_NOFILE, &limit);
	int err = start_all(pids, n);

	if (!err)
		measure(rounds);
	end_all(pids, n);
	return err ? 77 : 0;
}
