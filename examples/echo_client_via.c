/* SPDX-License-Identifier: MIT */
/*
 * echo_client_via URL TEXT...: send each text to an echo server and print what
 * comes back, with libvia.
 *
 * Simpler: the server may start later, a lost one is an error after a second,
 * and each answer is one message.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <via/via.h>

int main(int argc, char **argv)
{
	const int64_t second = 1000000000;
	struct via_channel *ch;
	struct via_error error;
	struct via_msg msg;

	if (argc < 3)
		errx(2, "usage: echo_client_via URL TEXT...");
	if (via_open(argv[1], VIA_SEND | VIA_DUPLEX, via_deadline(second), &ch,
		     &error) < 0)
		errx(1, "%s", error.text);

	for (int i = 2; i < argc; i++) {
		int64_t deadline = via_deadline(second);

		if (via_send(ch, argv[i], strlen(argv[i]), deadline) < 0 ||
		    via_take(ch, &msg, deadline) < 0)
			errx(1, "%s", via_last_error(ch)->text);
		printf("%.*s\n", (int)msg.len, (char *)msg.data);
	}
	return via_close(ch, VIA_NEVER) < 0;
}
