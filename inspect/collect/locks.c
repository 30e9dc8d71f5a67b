/* SPDX-License-Identifier: MIT */
#include "inspect/collect/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int parse_type(const char *type, const char *mode,
		      struct via__lock_line *l)
{
	static const struct {
		const char *name;
		enum via_lock_type type;
	} types[] = {
		{"FLOCK", VIA_FILE_FLOCK}, {"POSIX", VIA_FILE_POSIX},
		{"OFDLCK", VIA_FILE_OFD},  {"LEASE", VIA_FILE_LEASE},
		{"DELEG", VIA_FILE_LEASE},
	};

	l->breaking = strcmp(mode, "BREAKING") == 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(type, types[i].name) != 0)
			continue;
		l->type = types[i].type;
		return 0;
	}
	return -EPROTO;
}

int via__locks_parse(const char *line, struct via__lock_line *ret)
{
	char type[16], mode[16], access[8], start[24], end[24];
	unsigned int major, minor;
	unsigned long long ino;
	int at = 0;

	*ret = (struct via__lock_line){0};
	if (sscanf(line, "%*u: %n", &at) < 0 || !at)
		return -EPROTO;
	/* One "->" and a space for each lock that it is behind. */
	line += at;
	at = (int)strspn(line, " ");
	ret->waits = strncmp(line + at, "->", 2) == 0;
	if (ret->waits)
		line += at + 2;
	if (sscanf(line, "%15s %15s %7s %d %x:%x:%llu %23s %23s", type, mode,
		   access, &ret->pid, &major, &minor, &ino, start, end) != 9)
		return -EPROTO;
	ret->exclusive = strcmp(access, "READ") != 0;
	ret->dev = makedev(major, minor);
	ret->ino = ino;
	ret->start = strtoull(start, NULL, 10);
	ret->end = strcmp(end, "EOF") == 0 ? UINT64_MAX
					   : strtoull(end, NULL, 10);
	return parse_type(type, mode, ret);
}

int via__locks_each(int dir, const char *path, const char *prefix,
		    void (*f)(const struct via__lock_line *line, void *arg),
		    void *arg)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	size_t len = strlen(prefix), size = 0;
	struct via__lock_line line;
	char *text = NULL;

	if (!file) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	while (getline(&text, &size, file) > 0)
		if (strncmp(text, prefix, len) == 0 &&
		    via__locks_parse(text + len, &line) == 0)
			f(&line, arg);
	free(text);
	fclose(file);
	return 0;
}
