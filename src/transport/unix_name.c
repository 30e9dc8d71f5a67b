/* SPDX-License-Identifier: MIT */
/* The name of a Unix socket: see unix_name.h. */
#include "transport/unix_name.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"

/* Without the NUL that ends a path, or begins an abstract name. */
#define NAME_MAX_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

int via__unix_name_parse(struct via__unix_name *name, const char *text,
			 struct via_error *err)
{
	bool abstract = *text == '@';
	const char *rest = abstract ? text + 1 : text;
	size_t len = strlen(rest);

	if (!len)
		return via__fail(err, -EINVAL,
				 "a name is missing: /path or @name");
	if (len > NAME_MAX_LEN)
		return via__fail(err, -ENAMETOOLONG,
				 "the name has %zu bytes, a Unix socket's at "
				 "most %zu: %s",
				 len, NAME_MAX_LEN, text);
	*name = (struct via__unix_name){
		.addr = {.sun_family = AF_UNIX},
		.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				   len + 1),
	};
	memcpy(name->addr.sun_path + abstract, rest, len);
	return 0;
}

/* For sentences. */
static const char *text_of(const struct via__unix_name *name)
{
	return name->addr.sun_path + !via__unix_name_is_path(name);
}

static int bind_once(const struct via__unix_name *name, int fd)
{
	return bind(fd, (const struct sockaddr *)&name->addr, name->len)
		       ? -errno
		       : 0;
}

static int taken(const struct via__unix_name *name, struct via_error *err)
{
	return via__fail(err, -EADDRINUSE,
			 "%s: another receiver is using this name",
			 text_of(name));
}

/*
 * Is there a socket behind the file? A datagram socket asks without a trace:
 * the kernel compares types (EPROTOTYPE) only when it has found a live one,
 * and says ECONNREFUSED when not: unix_find_bsd() in net/unix/af_unix.c.
 */
static int probe(const struct via__unix_name *name)
{
	VIA__CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&name->addr, name->len))
		return 0;
	return errno == EPROTOTYPE ? 0 : -errno;
}

/* The directory of a path, locked against others who clean up in it. */
static int lock_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = open(len	  ? dir
		  : slash ? "/"
			  : ".",
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int r = -errno;

		via__close(&fd);
		return r; /* -EWOULDBLOCK, which is -EAGAIN */
	}
	return fd;
}

/* The file is there already: replace it if nobody is behind it. */
static int bind_over(const struct via__unix_name *name, int fd,
		     struct via_error *err)
{
	const char *path = text_of(name);
	VIA__CLEANUP_FD int dir = lock_directory(path);
	struct stat st;
	int r;

	if (dir < 0)
		return via__fail_errno(err, dir, "%s: its directory", path);
	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return via__fail(err, -EADDRINUSE,
				 "%s: is there and is no socket", path);
	r = probe(name);
	if (!r)
		return taken(name, err);
	if (r != -ECONNREFUSED && r != -ENOENT)
		return via__fail_errno(
			err, r, "%s: cannot find out who has this name", path);
	if (r == -ECONNREFUSED && unlink(path) && errno != ENOENT)
		return via__fail_errno(err, -errno,
				       "%s: cannot remove what a dead "
				       "receiver left",
				       path);
	r = bind_once(name, fd);
	if (r == -EADDRINUSE)
		return via__fail(err, -EAGAIN, "%s: another receiver comes",
				 path);
	return r ? via__fail_errno(err, r, "%s", path) : 0;
}

/* Remember which file it is and give it what access says. */
static int own(struct via__unix_name *name, const struct via__access *access,
	       struct via_error *err)
{
	const char *path = text_of(name);
	VIA__CLEANUP_FD int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st))
		return via__fail_errno(err, -errno, "%s", path);
	name->ours = true;
	name->dev = st.st_dev;
	name->ino = st.st_ino;
	r = via__access_apply(access, fd, path, err);
	if (r)
		via__unix_name_remove(name);
	return r;
}

int via__unix_name_bind(struct via__unix_name *name, int fd,
			const struct via__access *access, struct via_error *err)
{
	bool path = via__unix_name_is_path(name);
	int r;

	/* bind() makes the file with the socket's own mode, less the umask. */
	if (path && fchmod(fd, access->mode))
		return via__fail_errno(err, -errno, "%s", text_of(name));
	r = bind_once(name, fd);
	if (r == -EADDRINUSE)
		r = path ? bind_over(name, fd, err) : taken(name, err);
	else if (r)
		r = via__fail_errno(err, r, "%s", text_of(name));
	return r || !path ? r : own(name, access, err);
}

void via__unix_name_remove(struct via__unix_name *name)
{
	struct stat st;

	if (name->ours && !lstat(text_of(name), &st) &&
	    st.st_dev == name->dev && st.st_ino == name->ino)
		(void)unlink(text_of(name)); /* nobody to tell */
	name->ours = false;
}

static int not_connected(const struct via__unix_name *name, int r,
			 struct via_error *err)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		return via__fail(err, -EAGAIN, "%s: nobody is receiving there",
				 text_of(name));
	case -EAGAIN:
		return via__fail(err, -EAGAIN,
				 "%s: the receiver has not accepted those "
				 "before us yet",
				 text_of(name));
	case -EPROTOTYPE:
		return via__fail(err, r,
				 "%s: is a socket of another type: see type=",
				 text_of(name));
	}
	return via__fail_errno(err, r, "%s", text_of(name));
}

int via__unix_name_connect(const struct via__unix_name *name, int fd,
			   const struct via__access *access,
			   struct via_error *err)
{
	struct ucred cred;
	int type;
	socklen_t len = sizeof(type);

	if (connect(fd, (const struct sockaddr *)&name->addr, name->len))
		return not_connected(name, -errno, err);
	/* A datagram socket is not told who is at the other side. */
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    type == SOCK_DGRAM)
		return 0;
	via__access_cred(fd, &cred);
	return via__access_check(access, &cred, fd,
				 via__unix_name_is_path(name), err);
}
