/* SPDX-License-Identifier: MIT */
#include "cli/users.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "inspect/view/escape.h"

/* The one that was asked for last stays: most lines have the same. */
const char *user_name(uid_t uid, char *buf, size_t size)
{
	static char last[64];
	static uid_t last_uid;

	if (!*last || uid != last_uid) {
		const struct passwd *pw = getpwuid(uid);

		last_uid = uid;
		if (pw && *pw->pw_name)
			via__escape(pw->pw_name, strlen(pw->pw_name), last,
				    sizeof(last));
		else
			snprintf(last, sizeof(last), "%u", uid);
	}
	snprintf(buf, size, "%s", last);
	return buf;
}
