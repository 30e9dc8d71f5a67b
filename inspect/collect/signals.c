/* SPDX-License-Identifier: MIT */
#include "inspect/collect/signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/collect/proc.h"

/* The number behind a name at the start of a line; where it ends, or NULL. */
static const char *number(const char *line, const char *name, int base,
			  uint64_t *ret)
{
	size_t len = strlen(name);
	char *end;

	if (strncmp(line, name, len) != 0)
		return NULL;
	*ret = strtoull(line + len, &end, base);
	return end > line + len ? end : NULL;
}

/* Whether this line has one of the fields below. */
static bool parse_line(const char *line, struct via_task_signals *s)
{
	const struct {
		const char *name;
		int base;
		uint64_t *value;
	} fields[] = {
		{"SigPnd:", 16, &s->pending}, {"ShdPnd:", 16, &s->shared},
		{"SigBlk:", 16, &s->blocked}, {"SigIgn:", 16, &s->ignored},
		{"SigCgt:", 16, &s->caught},
	};
	const char *end;
	uint64_t uid;

	if (*line != 'S' && *line != 'U')
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (number(line, fields[i].name, fields[i].base,
			   fields[i].value))
			return true;
	end = number(line, "SigQ:", 10, &s->queued);
	if (end)
		return number(end, "/", 10, &s->queue_max);
	if (!number(line, "Uid:", 10, &uid))
		return false;
	s->uid = (uid_t)uid;
	return true;
}
#define N_FIELDS 7

int via__signals_parse(const char *status, struct via_task_signals *ret)
{
	int found = 0;

	for (const char *end; *status; status = end + !!*end) {
		end = strchrnul(status, '\n');
		found += parse_line(status, ret);
	}
	return found == N_FIELDS ? 0 : -EPROTO;
}

int via__signals_read(int dir, struct via_task_signals *ret)
{
	/* Of any length: a user may be in 65536 groups, and all of them come
	 * before the signals. */
	struct via__buf buf = {0};
	ssize_t len = via__proc_read_record(dir, "status", &buf);
	int err = len < 0 ? (int)len : via__signals_parse(buf.text, ret);

	via__buf_fini(&buf);
	return err == -ENOENT ? -ESRCH : err;
}
