/* SPDX-License-Identifier: MIT */
#include "inspect/collect/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many of the fields below this line has: 0 or all of its own. */
static int parse_line(const char *line, struct via_task_signals *s)
{
	const struct {
		const char *name;
		uint64_t *set;
	} sets[] = {
		{"SigPnd:", &s->pending}, {"ShdPnd:", &s->shared},
		{"SigBlk:", &s->blocked}, {"SigIgn:", &s->ignored},
		{"SigCgt:", &s->caught},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		size_t len = strlen(sets[i].name);

		if (strncmp(line, sets[i].name, len) == 0)
			return sscanf(line + len, "%" SCNx64, sets[i].set);
	}
	if (sscanf(line, "SigQ: %" SCNu64 "/%" SCNu64, &s->queued,
		   &s->queue_max) == 2)
		return 1;
	return sscanf(line, "Uid: %u", &s->uid) == 1;
}
#define N_FIELDS 7

int via__signals_parse(FILE *status, struct via_task_signals *ret)
{
	char *line = NULL;
	size_t size = 0;
	int found = 0;

	/* Not into a buffer of our own: a user may be in 65536 groups, and all
	 * of them come first. */
	errno = 0;
	while (getline(&line, &size, status) > 0)
		found += parse_line(line, ret);
	int err = feof(status) ? -EPROTO : -errno;

	free(line);
	return found == N_FIELDS ? 0 : err;
}

int via__signals_read(int dir, struct via_task_signals *ret)
{
	int fd = openat(dir, "status", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	FILE *status = fdopen(fd, "r");

	if (!status) {
		close(fd);
		return -ENOMEM;
	}
	int err = via__signals_parse(status, ret);

	fclose(status);
	return err;
}
