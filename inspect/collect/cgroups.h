/* SPDX-License-Identifier: MIT */
/* Control groups, as far as they keep processes from running: the freezers of
 * both versions, which a machine may have at once. */
#ifndef INSPECT_COLLECT_CGROUPS_H
#define INSPECT_COLLECT_CGROUPS_H

#include <stdbool.h>

#include "inspect/collect/proc.h"

/* Where the freezers are, and what was found: zeros at first. */
struct via__cgroups {
	bool known;    /* the two below */
	char *v1, *v2; /* where they are mounted, or NULL */
	char *v1_root, *v2_root;
	struct via__cgroup {
		char *path;
		bool frozen;
	} * seen;
	size_t n, max;
};

/* Whether the process of this directory in /proc is frozen. */
bool via__frozen(struct via__cgroups *c, int dir, struct via__buf *buf);

void via__cgroups_fini(struct via__cgroups *c);

/* Of the text of /proc/PID/cgroup the path of the first version's freezer
 * ("freezer"), or the second version's (""): its length, 0 without; not
 * terminated. */
size_t via__cgroup_path(const char *text, const char *controller,
			const char **ret);

#endif
