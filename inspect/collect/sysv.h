/* SPDX-License-Identifier: MIT */
/* Lines of /proc/sysvipc/shm, sem and msg: proc_sysvipc(5). */
#ifndef INSPECT_COLLECT_SYSV_H
#define INSPECT_COLLECT_SYSV_H

#include <via/inspect.h>

/* What a line says; of sem the size is how many there are, of msg the resident
 * bytes are those in messages. 0 or -EPROTO. */
int via__sysv_parse_shm(const char *line, struct via_ipc *ret);
int via__sysv_parse_sem(const char *line, struct via_ipc *ret);
int via__sysv_parse_msg(const char *line, struct via_ipc *ret);

#endif
