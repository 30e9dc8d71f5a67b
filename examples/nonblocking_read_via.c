/* SPDX-License-Identifier: MIT */
/*
 * A read that does not wait, or not for long, with libvia.
 *
 * Simpler: how long to wait is said with each call, so nobody else who shares
 * the pipe is affected, and there is a middle between never and for ever.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <via/via.h>

static void try_recv(struct via_channel *ch, int64_t deadline)
{
	char buf[64];
	ssize_t n = via_recv(ch, buf, sizeof(buf), deadline);

	if (n >= 0)
		printf("%zd bytes: %.*s\n", n, (int)n, buf);
	else if (n == -EPIPE)
		puts("EPIPE: no sender is left");
	else if (n == -EAGAIN)
		puts("EAGAIN: nothing there yet");
	else if (n == -ETIMEDOUT)
		puts("ETIMEDOUT: nothing came in time");
	else
		errx(1, "%s", via_last_error(ch)->text);
}

int main(void)
{
	const int64_t ms = 1000000;
	struct via_channel *receiver, *sender;
	struct via_error error;

	if (via_pair("pipe:", &receiver, &sender, &error) < 0)
		errx(1, "%s", error.text);

	try_recv(receiver, VIA_NO_WAIT);
	try_recv(receiver, via_deadline(100 * ms));
	if (via_send(sender, "hello", 5, VIA_NO_WAIT) < 0)
		errx(1, "%s", via_last_error(sender)->text);
	try_recv(receiver, VIA_NO_WAIT);
	if (via_close(sender, VIA_NO_WAIT) < 0)
		errx(1, "the sender could not be closed");
	try_recv(receiver, VIA_NO_WAIT);
	return via_close(receiver, VIA_NO_WAIT) < 0;
}
