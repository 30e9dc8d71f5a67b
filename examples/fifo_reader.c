/* SPDX-License-Identifier: MIT */
/*
 * fifo_reader PATH: print what comes out of a FIFO.
 *
 * A FIFO is a pipe with a name, so that processes that are not related can
 * meet. Opening waits for the other side; the last writer's close is the end.
 * The name stays until somebody removes it, like that of any file.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;

	if (argc != 2)
		errx(2, "usage: fifo_reader PATH");
	/* Whoever comes first makes the name. */
	if (mkfifo(argv[1], 0600) < 0 && errno != EEXIST)
		err(1, "%s", argv[1]);

	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", argv[1]);

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	if (n < 0)
		err(1, "read");
	return fflush(stdout) != 0;
}
