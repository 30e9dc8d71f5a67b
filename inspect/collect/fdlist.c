/* SPDX-License-Identifier: MIT */
#include "inspect/collect/fdlist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <via/inspect.h>

/* What the link's mode says; a socket's is always the same, and via__anon()
 * knows those of its own. */
static uint8_t open_for(int dir, const struct via__fd_seen *seen)
{
	struct stat link;

	if (S_ISSOCK(seen->file.stx_mode))
		return VIA_HOLD_READ | VIA_HOLD_WRITE;
	if (!(seen->file.stx_mode & S_IFMT))
		return 0;
	if (fstatat(dir, seen->name, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint8_t)((link.st_mode & S_IRUSR ? VIA_HOLD_READ : 0) |
			 (link.st_mode & S_IWUSR ? VIA_HOLD_WRITE : 0));
}

static void read_link(int dir, struct via__fd_seen *seen)
{
	ssize_t len = readlinkat(dir, seen->name, seen->link,
				 sizeof(seen->link));

	seen->link[len > 0 && len < (ssize_t)sizeof(seen->link) ? len : 0] =
		'\0';
}

void via__fd_see(int dir, const char *name, struct via__fd_seen *seen)
{
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	*seen->link = '\0';
	seen->err = statx(dir, seen->name, VIA__STATX_FLAGS, VIA__STATX_MASK,
			  &seen->file) < 0
			    ? errno
			    : 0;
	if (seen->err)
		return;
	seen->open_for = open_for(dir, seen);
	if (!(seen->file.stx_mode & S_IFMT))
		read_link(dir, seen);
}

/* Whether it is not the file that may not be looked at, but its process. */
static bool is_closed(int dir, const struct via__fd_seen *seen)
{
	char byte;

	return seen->err == EACCES &&
	       readlinkat(dir, seen->name, &byte, 1) < 0 && errno == EACCES;
}

/* An entry is 24 bytes, or more. */
#define ENTRY_MIN 24

bool via__fdlist_next(struct via__fdlist *fds)
{
	_Alignas(struct dirent64) char list[VIA__FDLIST_MAX * ENTRY_MIN];
	const struct dirent64 *e;
	ssize_t len = fds->closed || fds->dir < 0
			      ? 0
			      : getdents64(fds->dir, list, sizeof(list));

	fds->n = 0;
	for (ssize_t i = 0; i < len && !fds->closed; i += e->d_reclen) {
		e = (const void *)(list + i);
		if (*e->d_name == '.')
			continue;
		struct via__fd_seen *seen = &fds->at[fds->n++];

		seen->fd = atoi(e->d_name);
		via__fd_see(fds->dir, e->d_name, seen);
		fds->closed = is_closed(fds->dir, seen);
	}
	return len > 0;
}

void via__fdlist_open(int process, struct via__fdlist *fds)
{
	fds->dir = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds->dir < 0)
		fds->dir = -errno;
	fds->opened = true;
	fds->closed = false;
	(void)via__fdlist_next(fds);
}

void via__fdlist_close(struct via__fdlist *fds)
{
	if (fds->opened && fds->dir >= 0)
		close(fds->dir);
	fds->opened = false;
}
