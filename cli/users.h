/* SPDX-License-Identifier: MIT */
/* What a user is called. */
#ifndef CLI_USERS_H
#define CLI_USERS_H

#include <stddef.h>
#include <sys/types.h>

/* The user's name, or the number of one without; safe to print. Writes to buf,
 * of size bytes (at least 16), and returns it. */
const char *user_name(uid_t uid, char *buf, size_t size);

#endif
