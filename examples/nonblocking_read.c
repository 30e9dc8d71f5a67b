/* SPDX-License-Identifier: MIT */
/*
 * The three answers of a read that does not wait: nothing yet, data, the end.
 *
 * O_NONBLOCK belongs to the open file description, which other processes may
 * share: do not set it on a standard input that the shell goes on using.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void try_read(int fd)
{
	char buf[64];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0)
		printf("%zd bytes: %.*s\n", n, (int)n, buf);
	else if (n == 0)
		puts("end of file: no writer is left");
	else if (errno == EAGAIN)
		puts("EAGAIN: nothing there yet");
	else
		err(1, "read");
}

int main(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(1, "pipe2");

	int flags = fcntl(fds[0], F_GETFL);

	if (flags < 0 || fcntl(fds[0], F_SETFL, flags | O_NONBLOCK) < 0)
		err(1, "fcntl");

	/* A program would poll() in between, not ask over and over. */
	try_read(fds[0]);
	if (write(fds[1], "hello", 5) < 0)
		err(1, "write");
	try_read(fds[0]);
	try_read(fds[0]);
	close(fds[1]);
	try_read(fds[0]);
	return 0;
}
