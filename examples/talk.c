/* SPDX-License-Identifier: MIT */
/* talk URL: print the first message. talk URL TEXT: send one. */
#include <stdio.h>
#include <string.h>
#include <via/via.h>

int main(int argc, char **argv)
{
	const char *url = argc > 1 ? argv[1] : "unix:@talk";
	struct via_channel *ch;
	struct via_error err;
	char text[100];

	if (via_open(url, argc > 2 ? VIA_SEND : VIA_RECV, VIA_NEVER, &ch, &err))
		return fprintf(stderr, "%s\n", err.text), 1;
	if (argc > 2)
		via_send(ch, argv[2], strlen(argv[2]), VIA_NEVER);
	else
		printf("%.*s\n",
		       (int)via_recv(ch, text, sizeof(text), VIA_NEVER), text);
	return via_close(ch, VIA_NEVER) ? 1 : 0;
}
