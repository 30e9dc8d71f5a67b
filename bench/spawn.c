/* SPDX-License-Identifier: MIT */
/*
 * What it costs to start a program and to collect it, with so much memory
 * resident as programs have that fork() is slow for, beside the ways there are
 * by hand.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/deadline.h>
#include <via/process.h>

#include "bench/subject.h"

#define RESIDENT  ((size_t)1 << 30)
#define PER_ROUND 10

static const char *const argv[] = {"/bin/true", NULL};

static pid_t by_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static pid_t by_posix_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)argv,
			   environ)
		       ? -1
		       : pid;
}

static pid_t by_via(void)
{
	const struct via_program program = {.argv = argv};
	pid_t pid;
	int pidfd = via_spawn(&program, &pid, NULL);

	if (pidfd < 0)
		return -1;
	close(pidfd);
	return pid;
}

static pid_t (*const ways[])(void) = {by_posix_spawn, by_vfork, by_fork};
#define N_WAYS (sizeof(ways) / sizeof(*ways))

#define PAIR(name)                                                             \
	{                                                                      \
		"start", "A program started and collected, us", "us", 0,       \
			"via_spawn", name                                      \
	}
static const struct bench_pair pairs[N_WAYS] = {
	PAIR("posix_spawn"), PAIR("vfork, exec"), PAIR("fork, exec")};
#undef PAIR

/* Microseconds for one, on average; negative: it cannot. */
static double measure(pid_t (*start)(void))
{
	int64_t begin = via_now();

	for (int i = 0; i < PER_ROUND; i++) {
		pid_t pid = start();
		int status;

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return -1;
	}
	return (double)(via_now() - begin) / 1e3 / PER_ROUND;
}

static void *memory = MAP_FAILED;

static const struct bench_pair *spawn_pair(unsigned int i)
{
	return &pairs[i];
}

/* In pages of the usual size, as the heaps of most programs are. */
static int spawn_begin(const struct bench_machine *machine,
		       struct via_error *error)
{
	(void)machine;
	memory = mmap(NULL, RESIDENT, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED ||
	    madvise(memory, RESIDENT, MADV_NOHUGEPAGE) < 0 ||
	    madvise(memory, RESIDENT, MADV_POPULATE_WRITE) < 0) {
		int err = -errno;

		snprintf(error->text, sizeof(error->text), "1 GiB: %s",
			 via_strerror(err));
		return err;
	}
	for (size_t i = 0; i < N_WAYS; i++)
		(void)measure(ways[i]);
	return 0;
}

static int spawn_round(int64_t time_ns, struct bench_figures *ret,
		       struct via_error *error)
{
	double via = measure(by_via);

	(void)time_ns;
	for (size_t i = 0; i < N_WAYS; i++) {
		ret[i].via = via;
		ret[i].other = measure(ways[i]);
		if (via < 0 || ret[i].other < 0) {
			snprintf(error->text, sizeof(error->text),
				 "%s cannot be run", argv[0]);
			return -EIO;
		}
	}
	return 0;
}

static void spawn_end(void)
{
	if (memory != MAP_FAILED)
		(void)munmap(memory, RESIDENT);
	memory = MAP_FAILED;
}

const struct bench_subject bench_spawn = {
	.name = "spawn",
	.n_pairs = N_WAYS,
	.rounds = 11,
	.pair = spawn_pair,
	.begin = spawn_begin,
	.round = spawn_round,
	.end = spawn_end,
};
