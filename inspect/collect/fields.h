/* SPDX-License-Identifier: MIT */
/* Numbers in files of /proc that have lines of names and values. */
#ifndef INSPECT_COLLECT_FIELDS_H
#define INSPECT_COLLECT_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What follows a name at the start of a line, or NULL. */
const char *via__field(const char *text, const char *name);

/* The same as a number; false, and *ret as it was, without one. */
bool via__field_number(const char *text, const char *name, int base,
		       uint64_t *ret);

/* Of "NSpid: 4711 12 1" in status the last one, which is how the task is called
 * in its own namespace; 0 without. */
pid_t via__inner_id(const char *status);

/* se.exec_start in sched as ns, or VIA_UNKNOWN. */
int64_t via__exec_start(const char *sched);

#endif
