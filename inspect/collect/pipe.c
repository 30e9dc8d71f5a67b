/* SPDX-License-Identifier: MIT */
#include "inspect/collect/pipe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int pipe_at(int dir, const char *path, struct via_pipe_id *ret)
{
	struct stat st;

	if (fstatat(dir, path, &st, 0) < 0)
		return -errno;
	if (!S_ISFIFO(st.st_mode))
		return -ENOTTY;
	*ret = (struct via_pipe_id){st.st_dev, st.st_ino};
	return 0;
}

int via__pipe_of(int dir, int fd, struct via_pipe_id *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "fd/%d", fd);
	return pipe_at(dir, path, ret);
}

int via__pipe_holds(int dir, struct via_pipe_hold *holds, unsigned int max)
{
	int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	unsigned int n = 0;
	struct dirent *e;

	if (!d) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err == -ENOENT ? -ESRCH : err;
	}
	while (n < max && (e = readdir(d))) {
		struct stat link;

		if (pipe_at(fd, e->d_name, &holds[n].id) < 0 ||
		    fstatat(fd, e->d_name, &link, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		holds[n].fd = atoi(e->d_name);
		/* The link's own mode is what the file is open for: proc(5). */
		holds[n].reads = link.st_mode & S_IRUSR;
		holds[n].writes = link.st_mode & S_IWUSR;
		n++;
	}
	closedir(d);
	return (int)n;
}

/* A reference to the pipe of a hold, if it still is that. */
static int take(int pidfd, const struct via_pipe_hold *hold)
{
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, hold->fd, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_dev == hold->id.dev &&
	    st.st_ino == hold->id.ino)
		return fd;
	close(fd);
	return -ESTALE;
}

int via__pipe_level(int pidfd, const struct via_pipe_hold *hold,
		    uint64_t *ret_fill, uint64_t *ret_capacity)
{
	int fd = take(pidfd, hold), fill;

	if (fd < 0)
		return fd;
	int capacity = fcntl(fd, F_GETPIPE_SZ);
	int err = capacity < 0 || ioctl(fd, FIONREAD, &fill) < 0 ? -errno : 0;

	close(fd);
	if (err)
		return err;
	*ret_fill = (uint64_t)fill;
	*ret_capacity = (uint64_t)capacity;
	return 0;
}

int via__pipe_set_room(int pidfd, const struct via_pipe_hold *hold,
		       uint64_t size)
{
	int fd = take(pidfd, hold);

	if (fd < 0)
		return fd;
	int err = size > INT_MAX			   ? -EINVAL
		  : fcntl(fd, F_SETPIPE_SZ, (int)size) < 0 ? -errno
							   : 0;

	close(fd);
	return err;
}
