/* SPDX-License-Identifier: MIT */
/*
 * daemon FILE: a daemon that writes to FILE each second, for ten seconds.
 * A service manager makes most of this unnecessary: daemon(7).
 *
 * It leaves its parent, session, terminal and directory. The starter returns
 * when the daemon is ready, so what it starts next may rely on it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Returns in the daemon only, and tells the starter so. */
static void leave(void)
{
	int ready[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 0;

	if (null < 0 || pipe2(ready, O_CLOEXEC) < 0)
		err(1, "daemon");

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child > 0) {
		close(ready[1]); /* end of file if the daemon fails */
		_exit(read(ready[0], &byte, 1) != 1);
	}

	if (setsid() < 0 || chdir("/") < 0)
		err(1, "daemon");
	/* Only a leader of a session could get a terminal again. */
	if ((child = fork()) != 0)
		_exit(child < 0);
	dprintf(STDOUT_FILENO, "daemon %d\n", getpid());
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (write(ready[1], &byte, 1) != 1)
		_exit(1);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: daemon FILE");

	int log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		       0600);

	if (log < 0)
		err(1, "%s", argv[1]);
	leave();
	for (int i = 0; i < 10 && dprintf(log, "here for %d s\n", i) > 0; i++)
		sleep(1);
	return 0;
}
