/* SPDX-License-Identifier: MIT */
#include "inspect/collect/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Space, tab, line feed and backslash are written as \ooo. */
static char *unescape(char *s)
{
	char *to = s;

	for (const char *from = s; from && *from; to++) {
		unsigned int code;

		if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1 &&
		    strspn(from + 1, "01234567") >= 3) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	if (s)
		*to = '\0';
	return s;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void parse(char *line, struct via__mount *ret)
{
	unsigned long long id;
	unsigned int major, minor;
	int at = 0;

	*ret = (struct via__mount){
		.root = "", .point = "", .type = "", .options = ""};
	if (sscanf(line, "%llu %*d %u:%u %n", &id, &major, &minor, &at) != 3 ||
	    !at)
		return;
	/* Fields that may be there end with a dash. */
	char *rest = strstr(line + at, " - ");

	if (!rest)
		return;
	*rest = '\0';
	rest += 3;
	ret->id = id;
	ret->dev = makedev(major, minor);

	char *next = line + at;

	ret->root = or_empty(unescape(strsep(&next, " ")));
	ret->point = or_empty(unescape(strsep(&next, " ")));
	ret->type = or_empty(strsep(&rest, " "));
	(void)strsep(&rest, " "); /* what is mounted */
	ret->options = or_empty(strsep(&rest, " "));
}

char *via__mount_next(char *text, struct via__mount *ret)
{
	if (!text || !*text)
		return NULL;
	char *end = strchrnul(text, '\n');
	char *next = end + !!*end;

	*end = '\0';
	parse(text, ret);
	return next;
}
