/* SPDX-License-Identifier: MIT */
#include "inspect/collect/fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <via/inspect.h>

const char *via__field(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && strncmp(text, name, len) != 0) {
		text = strchr(text, '\n');
		text += !!text;
	}
	return text ? text + len : NULL;
}

bool via__field_number(const char *text, const char *name, int base,
		       uint64_t *ret)
{
	const char *at = via__field(text, name);
	char *end;
	uint64_t value = at ? strtoull(at, &end, base) : 0;

	if (!at || end == at)
		return false;
	*ret = value;
	return true;
}

pid_t via__inner_id(const char *status)
{
	const char *at = via__field(status, "NSpid:");
	long id = 0;
	char *end;

	/* Not beyond the line: what strtol() skips may be its end. */
	for (; at && (*at == '\t' || *at == ' '); at = end) {
		id = strtol(at, &end, 10);
		if (end == at)
			return 0;
	}
	return (pid_t)id;
}

int64_t via__exec_start(const char *sched)
{
	const char *at = via__field(sched, "se.exec_start");
	char *end;

	at = at ? strchr(at, ':') : NULL;
	if (!at)
		return VIA_UNKNOWN;
	/* Milliseconds, and six digits behind the point. */
	int64_t ms = strtoll(at + 1, &end, 10);
	int64_t ns = *end == '.' && isdigit((unsigned char)end[1])
			     ? strtoll(end + 1, NULL, 10)
			     : -1;

	return ms < 0 || ns < 0 || ms > INT64_MAX / 2000000 ? VIA_UNKNOWN
							    : ms * 1000000 + ns;
}
