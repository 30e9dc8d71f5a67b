/* SPDX-License-Identifier: MIT */
/* Ranges of files, which ofd: and fcntl: lock: "/path#from-to". */
#ifndef VIA_SYNC_NAMED_RECORD_H
#define VIA_SYNC_NAMED_RECORD_H

#include "sync/named/file.h"

/* The open and remove slots. f->call has been set. */
int via__record_open(struct via__file_lock *f,
		     const struct via__lock_name *name, unsigned int flags,
		     struct via_error *err);
int via__record_remove(const struct via__lock_name *name,
		       struct via_error *err);

/* fcntl(fd, command, the range with that type). */
struct via__file_call via__record_call(const struct via__file_lock *f,
				       int command, short type);

#endif
