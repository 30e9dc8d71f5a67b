/* SPDX-License-Identifier: MIT */
/*
 * The name of a Unix socket: a file, whose mode says who may connect and which
 * outlives a killed owner, or an abstract one ("@name"), which does neither:
 * unix(7).
 */
#ifndef VIA_TRANSPORT_UNIX_NAME_H
#define VIA_TRANSPORT_UNIX_NAME_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <via/error.h>

#include "core/access.h"

struct via__unix_name {
	struct sockaddr_un addr;
	socklen_t len;
	/* Set by bind: the file that is ours. */
	bool ours;
	dev_t dev;
	ino_t ino;
};

/* Read "/path" or "@name". 0, or -EINVAL, -ENAMETOOLONG with a sentence. */
int via__unix_name_parse(struct via__unix_name *name, const char *text,
			 struct via_error *err);

/* Whether it is a file. */
static inline bool via__unix_name_is_path(const struct via__unix_name *name)
{
	return name->addr.sun_path[0] != '\0';
}

/*
 * Give the socket fd this name, born with no more than access->mode and then
 * given mode, owner and group. A file whose owner is dead is replaced. 0;
 * -EADDRINUSE: a live socket has it; -EAGAIN: another process is binding it
 * just now; -errno; all with a sentence.
 */
int via__unix_name_bind(struct via__unix_name *name, int fd,
			const struct via__access *access,
			struct via_error *err);

/* Remove the file if it is still ours. Call it before the socket is closed,
 * so that nobody takes it for stale meanwhile. */
void via__unix_name_remove(struct via__unix_name *name);

/*
 * connect(). 0; -EAGAIN: nobody is there yet, or it is too busy to accept;
 * -EACCES: not allowed, or an abstract name held by a user who is not
 * admitted by access; -EPROTOTYPE: another type of socket; with a sentence.
 */
int via__unix_name_connect(const struct via__unix_name *name, int fd,
			   const struct via__access *access,
			   struct via_error *err);

#endif
