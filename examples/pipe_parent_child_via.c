/* SPDX-License-Identifier: MIT */
/*
 * A parent sends to its child through a pipe, with libvia.
 *
 * Simpler: what is sent in one piece arrives in one piece, and a child that
 * died is an error code, not a signal.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <via/via.h>

static int receive_all(struct via_channel *receiver)
{
	char buf[64];
	ssize_t n;

	while ((n = via_recv(receiver, buf, sizeof(buf), VIA_NEVER)) >= 0)
		printf("%.*s\n", (int)n, buf);
	if (n != -EPIPE)
		errx(1, "%s", via_last_error(receiver)->text);
	puts("child: end of stream");
	return via_close(receiver, VIA_NEVER) < 0;
}

static void send_line(struct via_channel *sender, const char *line)
{
	if (via_send(sender, line, strlen(line), VIA_NEVER) < 0)
		errx(1, "%s", via_last_error(sender)->text);
}

int main(void)
{
	struct via_channel *receiver, *sender;
	struct via_error error;
	int status;

	if (via_pair("pipe:", &receiver, &sender, &error) < 0)
		errx(1, "%s", error.text);

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		via_close(sender, VIA_NO_WAIT);
		return receive_all(receiver);
	}

	via_close(receiver, VIA_NO_WAIT);
	send_line(sender, "hello from the parent");
	send_line(sender, "and goodbye");
	if (via_close(sender, VIA_NEVER) < 0 || waitpid(child, &status, 0) < 0)
		errx(1, "the child did not take it all");
	return status != 0;
}
