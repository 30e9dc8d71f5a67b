/* SPDX-License-Identifier: MIT */
/* An address space from /proc/PID/smaps: proc_pid_smaps(5). */
#ifndef INSPECT_COLLECT_SMAPS_H
#define INSPECT_COLLECT_SMAPS_H

#include <stdio.h>

#include "inspect/model/space.h"

/* From the text of the file, kinds not told yet. 0, -EPROTO, -ENOMEM; whatever
 * it returns, the caller frees *ret. */
int via__smaps_parse(FILE *smaps, struct via_space *ret);

/*
 * Of the process whose /proc directory dir is, with kinds, and which stack is
 * which thread's where the kernel lets us know. As above; -ESRCH, -EACCES.
 */
int via__smaps_read(int dir, struct via_space *ret);

#endif
