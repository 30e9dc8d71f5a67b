/* SPDX-License-Identifier: MIT */
/*
 * Pass an open pipe to a process that did not inherit it, with libvia.
 *
 * Simpler: descriptors are a field of the message.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <via/via.h>

static struct via_channel *open_or_exit(const char *url, unsigned int role)
{
	struct via_channel *ch;
	struct via_error error;

	if (via_open(url, role, VIA_NEVER, &ch, &error) < 0)
		errx(1, "%s", error.text);
	return ch;
}

static int write_to_passed(const char *url)
{
	struct via_channel *ch = open_or_exit(url, VIA_RECV);
	struct via_msg msg = {0};

	if (via_recvmsg(ch, &msg, VIA_NEVER) < 0 || msg.n_fds != 1)
		errx(1, "no descriptor came");
	return dprintf(msg.fds[0], "hello from the child") < 0 ||
	       via_close(ch, VIA_NO_WAIT) < 0;
}

int main(void)
{
	char url[64], text[64];
	int fds[2], status;

	snprintf(url, sizeof(url), "unix:@pass_descriptor-%d", getpid());

	pid_t child = fork();

	if (child == 0)
		return write_to_passed(url);
	if (child < 0 || pipe2(fds, O_CLOEXEC) < 0)
		err(1, "setup");

	struct via_channel *ch = open_or_exit(url, VIA_SEND);
	struct via_msg msg = {.fds = &fds[1], .n_fds = 1};

	if (via_sendmsg(ch, &msg, VIA_NEVER) < 0 || via_close(ch, VIA_NEVER))
		errx(1, "the child did not take it");
	close(fds[1]);

	ssize_t n = read(fds[0], text, sizeof(text));

	return n <= 0 || printf("from the pipe: %.*s\n", (int)n, text) < 0 ||
	       waitpid(child, &status, 0) < 0 || status;
}
