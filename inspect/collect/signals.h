/* SPDX-License-Identifier: MIT */
/* Signals from /proc/PID/status: proc_pid_status(5). */
#ifndef INSPECT_COLLECT_SIGNALS_H
#define INSPECT_COLLECT_SIGNALS_H

#include <via/inspect.h>

/* From the text of the file. 0, -EPROTO: fields are missing. */
int via__signals_parse(const char *status, struct via_task_signals *ret);

/* Of the task in this directory: see proc.h. As above; -ESRCH, -ENOMEM,
 * -errno. */
int via__signals_read(int dir, struct via_task_signals *ret);

#endif
