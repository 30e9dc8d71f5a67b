/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/maps.h"

/* --- Text --- */

int via__maps_parse(const char *line, struct via__map *ret)
{
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	char perms[5];
	int name = 0;

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu%n", &start, &end, perms,
		   &offset, &major, &minor, &ino, &name) != 7 ||
	    strlen(perms) != 4 || end <= start)
		return -EPROTO;
	*ret = (struct via__map){
		.start = start,
		.end = end,
		.offset = offset,
		.dev = makedev(major, minor),
		.ino = ino,
		.flags = (uint8_t)((perms[0] == 'r') * VIA_HOLD_READ |
				   (perms[1] == 'w') * VIA_HOLD_WRITE |
				   (perms[2] == 'x') * VIA_HOLD_EXEC |
				   (perms[3] == 's') * VIA_HOLD_SHARED),
		.name = line + name + strspn(line + name, " "),
	};
	return 0;
}

static bool is_wanted(const struct via__map *map, enum via__maps_which which)
{
	return map->flags & VIA_HOLD_SHARED ||
	       (which == VIA__MAPS_FILES && map->ino);
}

static int each_line(int fd, bool (*f)(const struct via__map *map, void *arg),
		     void *arg)
{
	int ours = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = ours < 0 ? NULL : fdopen(ours, "r");
	char *line = NULL;
	struct via__map map;
	size_t size = 0;
	ssize_t len;

	if (!file) {
		int err = -errno;

		if (ours >= 0)
			close(ours);
		return err;
	}
	errno = 0;
	while ((len = getline(&line, &size, file)) > 0) {
		line[len - (line[len - 1] == '\n')] = '\0';
		if (via__maps_parse(line, &map) == 0 && !f(&map, arg))
			break;
	}
	int err = feof(file) || len > 0 ? 0 : -errno;

	free(line);
	fclose(file);
	return err;
}

/* --- Queries --- */

/* include/uapi/linux/fs.h of Linux 6.11; not in the headers of Debian 12. */
struct query {
	uint64_t size;
	uint64_t flags, address; /* in */
	uint64_t start, end, perms, page_size, offset, ino;
	uint32_t major, minor;
	uint32_t name_size, build_id_size; /* in and out */
	uint64_t name, build_id;	   /* addresses */
};
#define QUERY	    _IOWR('f', 17, struct query)
#define READABLE    0x01
#define WRITABLE    0x02
#define EXECUTABLE  0x04
#define SHARED	    0x08
#define OR_NEXT	    0x10 /* the one with the address, or the next */
#define FILE_BACKED 0x20

_Static_assert(sizeof(struct query) == 104, "as the kernel has it");

static uint8_t hold_flags(uint64_t perms)
{
	return (uint8_t)(!!(perms & READABLE) * VIA_HOLD_READ |
			 !!(perms & WRITABLE) * VIA_HOLD_WRITE |
			 !!(perms & EXECUTABLE) * VIA_HOLD_EXEC |
			 !!(perms & SHARED) * VIA_HOLD_SHARED);
}

/* 0; -ENOENT: none; -ENOTTY: the kernel does not have it; -errno. */
static int query(int fd, uint64_t flags, uint64_t address, struct via__map *ret,
		 char name[PATH_MAX])
{
	struct query q = {
		.size = sizeof(q),
		.flags = flags,
		.address = address,
		.name = (uintptr_t)name,
		.name_size = PATH_MAX,
	};

	name[0] = '\0';
	int r = ioctl(fd, QUERY, &q);

	/* A name that is longer is none. */
	if (r < 0 && errno == ENAMETOOLONG) {
		q.name = q.name_size = 0;
		r = ioctl(fd, QUERY, &q);
	}
	if (r < 0)
		return -errno;
	*ret = (struct via__map){
		.start = q.start,
		.end = q.end,
		.offset = q.offset,
		.dev = makedev(q.major, q.minor),
		.ino = q.ino,
		.flags = hold_flags(q.perms),
		.name = name,
	};
	return 0;
}

/* --- Either --- */

static int open_maps(int dir)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

struct each {
	enum via__maps_which which;
	void (*f)(const struct via__map *map, void *arg);
	void *arg;
};

static bool pass_on(const struct via__map *map, void *arg)
{
	const struct each *e = arg;

	if (is_wanted(map, e->which))
		e->f(map, e->arg);
	return true;
}

int via__maps_each(int dir, enum via__maps_which which,
		   void (*f)(const struct via__map *map, void *arg), void *arg)
{
	struct each each = {which, f, arg};
	/* What is shared is backed by a file, if one without a name. */
	uint64_t flags = OR_NEXT |
			 (which == VIA__MAPS_SHARED ? SHARED : FILE_BACKED);
	int fd = open_maps(dir), err;
	char name[PATH_MAX];
	struct via__map map = {0};

	if (fd < 0)
		return fd;
	while ((err = query(fd, flags, map.end, &map, name)) == 0)
		f(&map, arg);
	if (err == -ENOTTY)
		err = each_line(fd, pass_on, &each);
	close(fd);
	return err == -ENOENT ? 0 : err;
}

struct at {
	uint64_t address;
	struct via__map *map;
	char *name;
	bool found;
};

static bool is_it(const struct via__map *map, void *arg)
{
	struct at *at = arg;

	if (at->address < map->start || at->address >= map->end)
		return true;
	at->found = true;
	*at->map = *map;
	snprintf(at->name, PATH_MAX, "%s", map->name);
	at->map->name = at->name;
	return false;
}

int via__maps_at(int dir, uint64_t address, struct via__map *ret,
		 char name[PATH_MAX])
{
	struct at at = {address, ret, name, false};
	int fd = open_maps(dir), err;

	if (fd < 0)
		return fd;
	err = query(fd, 0, address, ret, name);
	if (err == -ENOTTY) {
		err = each_line(fd, is_it, &at);
		err = err ? err : at.found ? 0 : -ENOENT;
	}
	close(fd);
	return err;
}
