/* SPDX-License-Identifier: MIT */
#include "inspect/collect/early.h"

#include <fcntl.h>

#include "inspect/collect/proc.h"

static void read_locks(void *unused)
{
	char first[2];

	(void)unused;
	(void)via__proc_read_once(AT_FDCWD, "/proc/locks", first,
				  sizeof(first));
}

void via__early_locks(struct via__early *e)
{
	e->asked = via__helper_start(&e->helper, read_locks, NULL);
}

void via__early_wait(struct via__early *e)
{
	if (e->asked)
		via__helper_end(&e->helper);
	e->asked = false;
}
