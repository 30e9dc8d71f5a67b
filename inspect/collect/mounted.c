/* SPDX-License-Identifier: MIT */
#include "inspect/collect/mounted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/fields.h"
#include "inspect/collect/mounts.h"

#ifndef RESOLVE_CACHED /* linux/openat2.h, since Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

static int open_cached(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_CACHED | RESOLVE_IN_ROOT,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int open_path(const struct via__space *space, const char *path)
{
	int root = openat(space->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	int fd = open_cached(root, path);

	/* Our own files are ours to wait for. */
	if (fd < 0 && space->own) {
		fd = openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	close(root);
	return fd;
}

/* The mount that a descriptor is on, without asking it. */
static bool find_mount(int fd, uint64_t *ret)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	return via__proc_read(AT_FDCWD, name, text, sizeof(text)) > 0 &&
	       via__field_number(text, "mnt_id:", 10, ret);
}

static bool is_of_type(int dir, uint64_t id, const char *type,
		       struct via__buf *buf)
{
	struct via__mount m;

	if (via__proc_read_long(dir, "mountinfo", buf) < 0)
		return false;
	for (char *text = buf->text; (text = via__mount_next(text, &m));)
		if (m.id == id)
			return strcmp(m.type, type) == 0;
	return false;
}

int via__open_mounted(const struct via__space *space, const char *path,
		      const char *type, struct via__buf *buf)
{
	int fd = open_path(space, path), ret = -ENOENT;
	uint64_t id;

	if (fd < 0)
		return fd;
	if (!type ||
	    (find_mount(fd, &id) && is_of_type(space->dir, id, type, buf))) {
		ret = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = ret < 0 ? -errno : ret;
	}
	close(fd);
	return ret;
}

void via__each_name(int dir, void (*f)(int dir, const char *name, void *arg),
		    void *arg)
{
	DIR *d = fdopendir(dir);
	const struct dirent *e;

	if (!d) {
		close(dir);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			f(dirfd(d), e->d_name, arg);
	closedir(d);
}
