/* SPDX-License-Identifier: MIT */
/*
 * How much a pipe holds, and what PIPE_BUF is: two different things.
 *
 * The capacity is how much is kept until somebody reads, PIPE_BUF how much a
 * single write puts in as a whole.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static char block[2 * PIPE_BUF];

static void try_write(int fd, size_t len)
{
	ssize_t n = write(fd, block, len);

	if (n >= 0)
		printf("write of %zu: %zd taken\n", len, n);
	else if (errno == EAGAIN)
		printf("write of %zu: EAGAIN, nothing taken\n", len);
	else
		err(1, "write");
}

int main(void)
{
	size_t total = 0;
	ssize_t n;
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		err(1, "pipe2");

	/* Without O_NONBLOCK the write into the full pipe would wait. */
	while ((n = write(fds[1], block, PIPE_BUF)) > 0)
		total += n;
	if (errno != EAGAIN)
		err(1, "write");
	printf("a full pipe holds %zu bytes\n", total);
	printf("F_GETPIPE_SZ says %d, PIPE_BUF is %d\n",
	       fcntl(fds[1], F_GETPIPE_SZ), PIPE_BUF);

	/* Room for one page: a longer write than PIPE_BUF is cut in two. */
	if (read(fds[0], block, PIPE_BUF) != PIPE_BUF)
		err(1, "read");
	try_write(fds[1], 2 * PIPE_BUF);

	/* Room for all but 96 bytes of PIPE_BUF: all or nothing. */
	if (read(fds[0], block, PIPE_BUF) != PIPE_BUF)
		err(1, "read");
	try_write(fds[1], 96);
	try_write(fds[1], PIPE_BUF);
	try_write(fds[1], PIPE_BUF - 96);
	return 0;
}
