/* SPDX-License-Identifier: MIT */
/* Who may come in: see access.h. */
#include "core/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

/* More groups than this make only the primary one count. */
#define GROUPS_MAX 256

void via__access_init(struct via__access *a)
{
	*a = (struct via__access){
		.mode = 0600,
		.owner = VIA__ACCESS_KEEP,
		.group = VIA__ACCESS_KEEP,
	};
}

int via__access_apply(const struct via__access *a, int fd, const char *name,
		      struct via_error *err)
{
	char path[32];
	struct stat st;

	if ((a->owner != VIA__ACCESS_KEEP || a->group != VIA__ACCESS_KEEP) &&
	    fchownat(fd, "", a->owner, a->group, AT_EMPTY_PATH))
		return via__fail_errno(err, -errno,
				       "%s: cannot set owner and group", name);
	if (!fstat(fd, &st) && (st.st_mode & 07777) == a->mode)
		return 0;
	/* fchmod() refuses O_PATH; this does not. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (chmod(path, a->mode))
		return via__fail_errno(err, -errno, "%s: cannot set mode %04o",
				       name, a->mode);
	return 0;
}

void via__access_cred(int fd, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &len))
		*ret = (struct ucred){0, (uid_t)-1, (gid_t)-1};
	if (!ret->pid)
		ret->pid = -1;
}

static bool has_id(const struct via__ids *ids, uint32_t id)
{
	for (unsigned int i = 0; i < ids->n; i++)
		if (ids->id[i] == id)
			return true;
	return ids->any;
}

/* Whether a supplementary group of the peer is listed (Linux 4.13). */
static bool has_group_of(const struct via__ids *ids, int fd)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (!ids->n || fd < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		if (has_id(ids, groups[i]))
			return true;
	return false;
}

int via__access_check(const struct via__access *a, const struct ucred *peer,
		      int fd, bool has_mode, struct via_error *err)
{
	bool listed = a->uids.n || a->uids.any || a->gids.n || a->gids.any;

	if (peer->uid == 0 || peer->uid == geteuid() || (has_mode && !listed) ||
	    has_id(&a->uids, peer->uid) || has_id(&a->gids, peer->gid) ||
	    has_group_of(&a->gids, fd))
		return 0;
	return via__fail(err, -EACCES,
			 "process %ld of user %ld is not admitted: "
			 "allow-uid=%ld would",
			 (long)peer->pid, (long)peer->uid, (long)peer->uid);
}
