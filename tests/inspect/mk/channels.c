/* SPDX-License-Identifier: MIT */
/* via's own channels in shared memory. */
#include "tests/inspect/mk/mk.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <via/via.h>

static struct via_channel *opened(const char *url, unsigned int role)
{
	struct via_channel *ch;
	struct via_error error;

	if (via_open(url, role, VIA_NEVER, &ch, &error) < 0)
		mk_die("%s: %s", url, error.text);
	return ch;
}

static void url_of(struct mk *m, char *url, size_t size)
{
	char path[128];

	mk_path(m, "channel", path, sizeof(path));
	(void)snprintf(url, size, "shm:%s", path);
}

static void receives(const char *url)
{
	struct via_channel *ch = opened(url, VIA_RECV);
	char text[64];

	for (;;)
		if (via_recv(ch, text, sizeof(text), VIA_NEVER) < 0)
			mk_die("via_recv");
}

static void sends(struct mk *m, const char *url, int n)
{
	struct via_channel *ch = opened(url, VIA_SEND);
	static const char text[1024];

	for (int i = 0; n < 0 || i < n; i++)
		if (via_send(ch, text, n < 0 ? sizeof(text) : 5, VIA_NEVER) < 0)
			mk_die("via_send");
	(void)m;
	mk_pause();
}

void make_channel_idle(struct mk *m)
{
	char url[160];

	url_of(m, url, sizeof(url));
	CHILD(m, "receiver", -1)
		receives(url);
	CHILD(m, "sender", -1)
		sends(m, url, 3);
	mk_blocks(m, "receiver", SYS_ppoll, -1);
	mk_idle(m, "sender");
	mk_verdict(m, "receiver", "waiting|idle", NULL);
}

/* The receiver does not take what comes. */
void make_channel_full(struct mk *m)
{
	char url[160];

	url_of(m, url, sizeof(url));
	CHILD(m, "receiver", -1) {
		struct via_channel *ch = opened(url, VIA_RECV);
		char text[2048];

		(void)via_recv(ch, text, sizeof(text), VIA_NEVER);
		mk_pause();
	}
	CHILD(m, "sender", -1)
		sends(m, url, -1);
	mk_idle(m, "receiver");
	mk_blocks(m, "sender", SYS_ppoll, -1);
	mk_verdict(m, "sender", "waiting", NULL);
}
