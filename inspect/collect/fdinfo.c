/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of a process whose fd/ may not be read though its fdinfo/ may:
 * the one asks for permission to trace, the other for that of the file too
 * (CAP_DAC_READ_SEARCH). There is the inode's number and the mount, but not
 * its device and type: enough for what the kernel mounts for itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspect/collect/fd.h"
#include "inspect/collect/fields.h"

/* Of flags, what it is open for. */
static uint8_t open_for(const char *info)
{
	uint64_t flags = 0;

	if (!via__field_number(info, "flags:", 8, &flags) || flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return VIA_HOLD_READ;
	case O_WRONLY:
		return VIA_HOLD_WRITE;
	default:
		return VIA_HOLD_READ | VIA_HOLD_WRITE;
	}
}

static uint32_t object_of(struct via__scene *scene, const char *info)
{
	uint64_t mount, ino, id;
	const struct via__device *d;

	if (via__field_number(info, "eventfd-id:", 10, &id))
		return via__object(scene->s, VIA_KIND_EVENTFD, 0, id, 0);
	/* The inode's number since Linux 5.14. */
	if (!via__field_number(info, "mnt_id:", 10, &mount) ||
	    !via__field_number(info, "ino:", 10, &ino))
		return VIA_NONE;
	d = via__device_mounted(&scene->devices, mount);
	switch (d ? d->place : VIA__PLACE_FILES) {
	case VIA__PLACE_PIPES:
		return via__object(scene->s, VIA_KIND_PIPE, d->dev, ino, 0);
	case VIA__PLACE_SOCKETS:
		return via__object(scene->s, VIA_KIND_SOCKET, 0, ino, 0);
	case VIA__PLACE_MEMORY:
		return via__object(scene->s, VIA_KIND_MEMFD, d->dev, ino, 0);
	default:
		return VIA_NONE;
	}
}

static void look_at(struct via__scene *scene, const struct via__at *at, int dir,
		    const char *name)
{
	char info[1024];

	if (via__proc_read_once(dir, name, info, sizeof(info)) < 0)
		return;
	uint32_t object = object_of(scene, info);

	if (object == VIA_NONE)
		return;
	struct via_holding *h = via__add_hold(scene->s, at->process, object,
					      VIA_HOLDS_FD);

	h->id = atoi(name);
	h->flags = (uint8_t)(open_for(info) | via__fd_flags(info));
}

void via__fdinfo(struct via__scene *scene, const struct via__at *at)
{
	int fd = openat(at->dir, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			look_at(scene, at, dirfd(d), e->d_name);
	closedir(d);
}
