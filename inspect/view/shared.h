/* SPDX-License-Identifier: MIT */
/* Which objects are worth a line: what is shared, not thousands of files. */
#ifndef INSPECT_VIEW_SHARED_H
#define INSPECT_VIEW_SHARED_H

#include "inspect/view/view.h"

/* Of an object and its other end one stands for both: that with a name. */
bool via__is_leader(const struct via_snapshot *s, uint32_t object);

/*
 * Whether an object is shown: if the filter fits, and with show->all always;
 * else what is made for processes to talk. Without a filter it has to be in use
 * between two of them, or to be there for others to come.
 */
bool via__is_shown(const struct via__show *show, uint32_t object);

/* Whether it is made for processes to talk, or used so: a file that one
 * process maps to write and another one maps too. */
bool via__is_ipc(const struct via_snapshot *s, uint32_t object);

/* The next message that has it: a link behind this one, or the first one for
 * VIA_NONE, or VIA_NONE. */
uint32_t via__next_flight(const struct via_snapshot *s, uint32_t object,
			  uint32_t link);

#endif
