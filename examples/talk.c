/* SPDX-License-Identifier: MIT */
/*
 * talk URL: print the first message. talk URL TEXT: send one.
 *
 * The URL chooses the mechanism: fifo:/path, unix:/path, tcp:host:port,
 * shm:name. Either side may start first.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <via/via.h>

int main(int argc, char **argv)
{
	const char *url = argc > 1 ? argv[1] : "unix:@talk";
	struct via_channel *ch;
	struct via_error error;
	char text[100];
	ssize_t r;

	if (via_open(url, argc > 2 ? VIA_SEND : VIA_RECV, VIA_NEVER, &ch,
		     &error) < 0)
		errx(1, "%s", error.text);
	if (argc > 2)
		r = via_send(ch, argv[2], strlen(argv[2]), VIA_NEVER);
	else if ((r = via_recv(ch, text, sizeof(text), VIA_NEVER)) >= 0)
		printf("%.*s\n", (int)r, text);
	if (r < 0)
		warnx("%s", via_last_error(ch)->text);
	return via_close(ch, VIA_NEVER) < 0 || r < 0;
}
