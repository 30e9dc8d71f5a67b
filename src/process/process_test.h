/* SPDX-License-Identifier: MIT */
/* What the tests of processes share. */
#ifndef VIA_PROCESS_PROCESS_TEST_H
#define VIA_PROCESS_PROCESS_TEST_H

#include <fcntl.h>
#include <signal.h>

#include <via/process.h>
#include <via/signal.h>

#include "core/clock.h"
#include "core/sys.h"
#include "tests/check.h"

/* Far beyond what anything here takes: reached, it is a failure. */
#define SOON via__deadline(20 * VIA__NS_PER_S)

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct via_exit wait_for_end(int pidfd)
{
	struct via_error err = {0};
	struct via_exit ended;
	int r = via_process_wait(pidfd, SOON, &ended, &err);

	if (r < 0)
		print_error("%s\n", err.text);
	assert_int_equal(r, 0);
	close(pidfd);
	return ended;
}

static inline int start(const struct via_program *program)
{
	struct via_error err = {0};
	int pidfd = via_spawn(program, NULL, &err);

	if (pidfd < 0)
		print_error("%s\n", err.text);
	assert_true(pidfd >= 0);
	return pidfd;
}

/* Run it to its end; returns the exit status as a shell gives it. */
static inline int run(const struct via_program *program)
{
	struct via_exit ended = wait_for_end(start(program));

	return via_exit_status(&ended);
}

/* Read to the end of the stream; text is terminated. */
static inline void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		assert_int_equal(via__poll(&pfd, 1, SOON), 1);
		ssize_t n = via__read(fd, text + len, size - 1 - len);

		assert_true(n >= 0);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
}

#define OUTPUT_MAX 4096

/*
 * What it writes to descriptor 1; it must succeed. Its fds gain a mapping, so
 * there must be none yet or room behind them.
 */
static inline const char *output_of(const struct via_program *program)
{
	static char text[OUTPUT_MAX];
	struct via_program_fd fds[VIA_PROGRAM_FDS_MAX];
	struct via_program piped = *program;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if (program->n_fds)
		memcpy(fds, program->fds, program->n_fds * sizeof(*fds));
	fds[piped.n_fds++] = (struct via_program_fd){1, ends[1]};
	piped.fds = fds;
	int pidfd = start(&piped);

	close(ends[1]);
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	struct via_exit ended = wait_for_end(pidfd);

	assert_int_equal(via_exit_status(&ended), 0);
	return text;
}

/* Run a function in a forked child; its result must be 0. */
static inline void in_child(int (*function)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(function());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#endif
