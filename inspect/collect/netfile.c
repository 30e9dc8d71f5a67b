/* SPDX-License-Identifier: MIT */
#include "inspect/collect/netfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS 0x10000 /* __SO_ACCEPTCON of include/linux/net.h */

/* --- Lines --- */

int via__net_parse_unix(const char *line, struct via__net_unix *ret)
{
	unsigned int flags, state;
	int n = 0;

	*ret = (struct via__net_unix){0};
	if (sscanf(line, "%*x: %*x %*x %x %" SCNx32 " %x %" SCNu32 "%n", &flags,
		   &ret->type, &state, &ret->ino, &n) < 4 ||
	    !n || !ret->ino)
		return -EPROTO;
	/* SS_CONNECTED of linux/net.h; the others as tcp(7) calls them. */
	ret->state = flags & ACCEPTS ? 10 : state == 3 ? 1 : 7;
	if (line[n] == ' ')
		n++;
	ret->name = line + n;
	ret->name_len = strcspn(ret->name, "\n");
	return 0;
}

/* An address is in words of the machine's order: 0100007F is 127.0.0.1. */
static int parse_address(const char *text, size_t len, uint8_t ret[16])
{
	if (len != 8 && len != 32)
		return -EPROTO;
	for (size_t i = 0; i < len / 8; i++) {
		char word[9];
		uint32_t value;

		memcpy(word, text + 8 * i, 8);
		word[8] = '\0';
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(ret + 4 * i, &value, sizeof(value));
	}
	return 0;
}

int via__net_parse_inet(const char *line, struct via__net_inet *ret)
{
	char local[33], remote[33];
	int n = 0;

	*ret = (struct via__net_inet){0};
	if (sscanf(line,
		   "%*u: %32[0-9A-F]:%" SCNx16 " %32[0-9A-F]:%" SCNx16
		   " %" SCNx32 " %" SCNx32 ":%" SCNx32
		   " %*x:%*x %*x %u %*u %" SCNu32 "%n",
		   local, &ret->local_port, remote, &ret->remote_port,
		   &ret->state, &ret->send, &ret->receive, &ret->uid, &ret->ino,
		   &n) < 9)
		return -EPROTO;
	/* Behind that a count, an address, and with datagrams the drops. */
	(void)sscanf(line + n, "%*u %*s %" SCNu64, &ret->dropped);
	if (parse_address(local, strlen(local), ret->local) < 0)
		return -EPROTO;
	return parse_address(remote, strlen(remote), ret->remote);
}

int via__net_parse_netlink(const char *line, struct via__net_plain *ret)
{
	*ret = (struct via__net_plain){.type = 3}; /* SOCK_RAW */
	return sscanf(line,
		      "%*x %" SCNu32 " %" SCNu32 " %*x %" SCNd64
		      " %*d %*d %*d %*d %" SCNu32,
		      &ret->protocol, &ret->port, &ret->receive, &ret->ino) == 4
		       ? 0
		       : -EPROTO;
}

int via__net_parse_packet(const char *line, struct via__net_plain *ret)
{
	*ret = (struct via__net_plain){0};
	return sscanf(line,
		      "%*x %*d %" SCNu32 " %" SCNx32 " %*d %*d %" SCNd64
		      " %*u %" SCNu32,
		      &ret->type, &ret->protocol, &ret->receive, &ret->ino) == 4
		       ? 0
		       : -EPROTO;
}

/* --- Tables --- */

int via__net_each(int dir, const char *name,
		  void (*f)(const char *line, void *arg), void *arg)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	for (unsigned int n = 0; getline(&line, &size, file) > 0; n++)
		if (n)
			f(line, arg);
	free(line);
	fclose(file);
	return 0;
}

struct each {
	void (*f)(const struct via__net_unix *u, void *arg);
	void *arg;
};

static void take_unix(const char *line, void *arg)
{
	const struct each *e = arg;
	struct via__net_unix u;

	if (via__net_parse_unix(line, &u) == 0)
		e->f(&u, e->arg);
}

int via__net_unix_each(int dir,
		       void (*f)(const struct via__net_unix *u, void *arg),
		       void *arg)
{
	struct each e = {f, arg};

	return via__net_each(dir, "net/unix", take_unix, &e);
}
