/* SPDX-License-Identifier: MIT */
/*
 * Who may come in: the options mode=, owner=, group= of a name that is a file,
 * and allow-uid=, allow-gid= checked against what the kernel says of a peer.
 *
 * The rule: our own user and root are admitted always. Of the others, if a
 * list was given, those on it; without a list, everybody whom the mode of the
 * name has let through, and nobody where the name has no mode (abstract).
 *
 * Who makes a name embeds struct via__access in its options and puts the
 * macros below in its tables:
 *
 *	struct options { struct via__access access; ... };
 *
 *	static const struct via_option options[] = {
 *		VIA__ACCESS_NAME_OPTIONS,
 *		VIA__ACCESS_PEER_OPTIONS,
 *		{ NULL },
 *	};
 *	static const struct via__option_rule rules[] = {
 *		VIA__ACCESS_NAME_RULES(struct options, access),
 *		VIA__ACCESS_PEER_RULES(struct options, access),
 *		{ NULL },
 *	};
 */
#ifndef VIA_CORE_ACCESS_H
#define VIA_CORE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <via/error.h>

#include "core/url.h"

#define VIA__ACCESS_KEEP UINT32_MAX /* owner, group: as the kernel made it */

struct via__access {
	uint32_t mode;
	uint32_t owner;
	uint32_t group;
	struct via__ids uids;
	struct via__ids gids;
};

/* clang-format off */
#define VIA__ACCESS_NAME_OPTIONS                                       \
	{ "mode", "OCTAL", "0600", "permissions of the name" },        \
	{ "owner", "USER", "", "owner of the name" },                  \
	{ "group", "GROUP", "", "group of the name" }

#define VIA__ACCESS_PEER_OPTIONS                                       \
	{ "allow-uid", "USER,...|any", "", "users to admit" },         \
	{ "allow-gid", "GROUP,...|any", "", "groups to admit" }

#define VIA__ACCESS_NAME_RULES(type, member)                           \
	{ "mode", VIA__OCTAL, offsetof(type, member.mode) },           \
	{ "owner", VIA__UID, offsetof(type, member.owner) },           \
	{ "group", VIA__GID, offsetof(type, member.group) }

#define VIA__ACCESS_PEER_RULES(type, member)                           \
	{ "allow-uid", VIA__UID_LIST, offsetof(type, member.uids) },   \
	{ "allow-gid", VIA__GID_LIST, offsetof(type, member.gids) }
/* clang-format on */

/* Mode 0600, owner and group kept, no lists. */
void via__access_init(struct via__access *a);

/*
 * Give the file behind fd (an O_PATH descriptor will do) the owner, group and
 * mode. The caller has created it with no more than the mode's bits, so that
 * nobody slips in before. 0, or -errno with a sentence that names `name`.
 */
int via__access_apply(const struct via__access *a, int fd, const char *name,
		      struct via_error *err);

/* What the kernel says of the peer of a connected Unix socket, as it was when
 * it connected or listened. Unknown (another kind of socket, a process in a
 * namespace that we do not see) is -1. */
void via__access_cred(int fd, struct ucred *ret);

/*
 * Is this peer admitted? fd: its connected socket, asked for the peer's
 * supplementary groups, or -1 where there is none. has_mode: the name is a
 * file. 0, or -EACCES with a sentence.
 */
int via__access_check(const struct via__access *a, const struct ucred *peer,
		      int fd, bool has_mode, struct via_error *err);

#endif
