/* SPDX-License-Identifier: MIT */
/*
 * bench-spawn [MIB]: what it costs to start a program and to collect it, with
 * so much memory resident (1024), beside the ways there are by hand.
 *
 * Every round measures all of them, so that whatever else the machine does
 * meets them alike. Medians of the rounds; ratios to posix_spawn().
 */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <via/process.h>

#define ROUNDS	  11
#define PER_ROUND 10
#define MIB_MAX	  1024

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

static const struct {
	const char *name;
	pid_t (*start)(void);
} ways[] = {
	{"posix_spawn", by_posix_spawn},
	{"via_spawn", by_via},
	{"vfork + exec", by_vfork},
	{"fork + exec", by_fork},
};
#define WAYS (sizeof(ways) / sizeof(*ways))

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Microseconds for one, on average; the process ends if it cannot. */
static double measure(pid_t (*start)(void))
{
	double begin = now_us();

	for (int i = 0; i < PER_ROUND; i++) {
		pid_t pid = start();
		int status;

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
			fprintf(stderr, "bench-spawn: cannot run %s\n",
				argv[0]);
			exit(1);
		}
	}
	return (now_us() - begin) / PER_ROUND;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* In pages of the usual size, as the heaps of most programs are. */
static void *occupy(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, len, MADV_NOHUGEPAGE) ||
	    madvise(memory, len, MADV_POPULATE_WRITE)) {
		fprintf(stderr, "bench-spawn: %s\n", strerror(errno));
		exit(1);
	}
	return memory;
}

int main(int argc, char **args)
{
	size_t mib = argc > 1 ? strtoul(args[1], NULL, 10) : MIB_MAX;
	double us[WAYS][ROUNDS];

	if (mib < 1 || mib > MIB_MAX) {
		fprintf(stderr, "usage: bench-spawn [MIB], 1 to %d\n", MIB_MAX);
		return 2;
	}
	void *memory = occupy(mib << 20);

	for (size_t i = 0; i < WAYS; i++)
		(void)measure(ways[i].start);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < WAYS; i++)
			us[i][round] = measure(ways[i].start);
	munmap(memory, mib << 20);

	printf("%zu MiB resident\n%-14s %8s %8s %8s %6s\n", mib, "", "min us",
	       "median", "max", "ratio");
	for (size_t i = 0; i < WAYS; i++) {
		qsort(us[i], ROUNDS, sizeof(**us), by_value);
		printf("%-14s %8.0f %8.0f %8.0f %6.2f\n", ways[i].name,
		       us[i][0], us[i][ROUNDS / 2], us[i][ROUNDS - 1],
		       us[i][ROUNDS / 2] / us[0][ROUNDS / 2]);
	}
	return 0;
}
