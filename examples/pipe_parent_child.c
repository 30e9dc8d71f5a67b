/* SPDX-License-Identifier: MIT */
/*
 * A parent writes to its child through a pipe.
 *
 * Each side closes the end that it does not use. The child sees end of file
 * once no process has the write end open: its own copy would count as well.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_all(int fd)
{
	char buf[64];
	ssize_t n;

	/* A pipe has no messages: a read may bring part of a line, or many. */
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	if (n < 0)
		err(1, "read");
	puts("child: end of file");
}

static void write_line(int fd, const char *line)
{
	/* Whole up to PIPE_BUF bytes. Without a reader: death by SIGPIPE. */
	if (write(fd, line, strlen(line)) < 0)
		err(1, "write");
}

int main(void)
{
	int fds[2], status;

	if (pipe(fds) < 0)
		err(1, "pipe");

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		close(fds[1]);
		read_all(fds[0]);
		return 0;
	}

	close(fds[0]);
	write_line(fds[1], "hello from the parent\n");
	write_line(fds[1], "and goodbye\n");
	close(fds[1]);
	if (waitpid(child, &status, 0) < 0)
		err(1, "waitpid");
	return status != 0;
}
