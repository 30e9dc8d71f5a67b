/* SPDX-License-Identifier: MIT */
/*
 * fifo_writer PATH TEXT: write a line into a FIFO for fifo_reader.
 *
 * Many may write at once: a line of at most PIPE_BUF bytes that goes out in
 * one write is never torn apart.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[PIPE_BUF];
	struct stat st;

	if (argc != 3)
		errx(2, "usage: fifo_writer PATH TEXT");

	int len = snprintf(line, sizeof(line), "%s\n", argv[2]);

	if (len < 0 || (size_t)len >= sizeof(line))
		errx(2, "the text is too long to be written in one piece");
	if (mkfifo(argv[1], 0600) < 0 && errno != EEXIST)
		err(1, "%s", argv[1]);

	/* Waits for a reader; with O_NONBLOCK it would fail with ENXIO. */
	int fd = open(argv[1], O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISFIFO(st.st_mode)) /* a file would be written over */
		errx(1, "%s: not a FIFO", argv[1]);
	/* A reader that has left meanwhile would be death by SIGPIPE. */
	if (write(fd, line, len) < 0)
		err(1, "write");
	return 0;
}
