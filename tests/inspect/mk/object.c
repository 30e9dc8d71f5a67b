/* SPDX-License-Identifier: MIT */
/* Objects: how they are known, and making the usual ones. */
#include "tests/inspect/mk/mk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

int mk_object(struct mk *m, const char *kind, uint64_t dev, uint64_t ino,
	      uint64_t sub)
{
	if (m->n_objects == MK_MAX)
		mk_die("too many objects");

	struct mk_object *o = &m->objects[m->n_objects];

	o->kind = kind;
	o->dev = dev;
	o->ino = ino;
	o->sub = sub;
	o->peer = o->fd = -1;
	o->level = o->capacity = MK_UNKNOWN;
	return m->n_objects++;
}

int mk_object_of(struct mk *m, const char *kind, int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));

	int object = mk_object(m, kind, S_ISSOCK(st.st_mode) ? 0 : st.st_dev,
			       st.st_ino, 0);

	mk_end(m, fd, object);
	return object;
}

void mk_end(struct mk *m, int fd, int object)
{
	if (fd >= MK_FDS_MAX)
		mk_die("descriptor %d is too high", fd);
	m->ends[fd] = object;
	if (m->objects[object].fd < 0)
		m->objects[object].fd = fd;
}

int mk_of(const struct mk *m, int fd)
{
	return fd >= 0 && fd < MK_FDS_MAX ? m->ends[fd] : -1;
}

void mk_level(struct mk *m, int object, int64_t level, int64_t capacity)
{
	m->objects[object].level = level;
	m->objects[object].capacity = capacity;
}

void mk_peers(struct mk *m, int a, int b)
{
	m->objects[a].peer = b;
	m->objects[b].peer = a;
}

void mk_text(struct mk *m, int object, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(m->objects[object].text,
			sizeof(m->objects[object].text), format, args);
	va_end(args);
}

struct mk_place_in_memory mk_mapped(const void *address)
{
	uint64_t at = (uintptr_t)address;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long start, end, offset, ino;
		unsigned int major, minor;

		if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu", &start, &end,
			   &offset, &major, &minor, &ino) != 6 ||
		    at < start || at >= end)
			continue;
		(void)fclose(f);
		return (struct mk_place_in_memory){makedev(major, minor), ino,
						   at - start + offset};
	}
	mk_die("nothing is mapped at %p", address);
}

void mk_pipe(struct mk *m, int fds[2])
{
	MUST(pipe2(fds, 0));

	int pipe = mk_object_of(m, "pipe", fds[0]);

	mk_text(m, pipe, "pipe:[%llu]",
		(unsigned long long)m->objects[pipe].ino);
	mk_end(m, fds[1], pipe);
}

void mk_fifo(struct mk *m, int fds[2], char *path, size_t size)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "fifo%d", m->n_objects);
	mk_path(m, name, path, size);
	MUST(mkfifo(path, 0666));
	fds[0] = (int)MUST(open(path, O_RDONLY | O_NONBLOCK));
	fds[1] = (int)MUST(open(path, O_WRONLY));
	MUST(fcntl(fds[0], F_SETFL, 0));

	int fifo = mk_object_of(m, "fifo", fds[0]);

	mk_end(m, fds[1], fifo);
	mk_text(m, fifo, "%s", path);
}

void mk_pair(struct mk *m, int type, int fds[2])
{
	MUST(socketpair(AF_UNIX, type, 0, fds));
	mk_peers(m, mk_object_of(m, "unix", fds[0]),
		 mk_object_of(m, "unix", fds[1]));
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

static socklen_t loopback(union address *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->any.sa_family = (sa_family_t)family;
	if (family == AF_INET6) {
		a->v6.sin6_addr = in6addr_loopback;
		return sizeof(a->v6);
	}
	a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(a->v4);
}

int mk_tcp_listen(struct mk *m, int family, int backlog)
{
	union address a;
	socklen_t len = loopback(&a, family);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, &a.any, len) < 0)
		mk_skip(family == AF_INET ? "IPv4 on loopback"
					  : "IPv6 on loopback");
	MUST(listen(fd, backlog));
	mk_object_of(m, "tcp", fd);
	return fd;
}

void mk_tcp(struct mk *m, int family, int fds[2])
{
	union address a;
	socklen_t len = loopback(&a, family);
	int listener = socket(family, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, &a.any, len) < 0)
		mk_skip(family == AF_INET ? "IPv4 on loopback"
					  : "IPv6 on loopback");
	MUST(listen(listener, 1));
	MUST(getsockname(listener, &a.any, &len));
	fds[0] = (int)MUST(socket(family, SOCK_STREAM, 0));
	MUST(connect(fds[0], &a.any, len));
	fds[1] = (int)MUST(accept4(listener, NULL, NULL, 0));
	MUST(close(listener));
	mk_peers(m, mk_object_of(m, "tcp", fds[0]),
		 mk_object_of(m, "tcp", fds[1]));
}

int mk_unix_listen(struct mk *m, int type, const char *name, int backlog)
{
	union address a = {.path.sun_family = AF_UNIX};
	socklen_t len = sizeof(a.path);
	int fd = (int)MUST(socket(AF_UNIX, type, 0));
	int object = mk_object_of(m, "unix", fd);

	if (name[0] == '@') {
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  (size_t)snprintf(a.path.sun_path,
						   sizeof(a.path.sun_path),
						   "@%s-%d", name + 1,
						   m->maker));
		mk_text(m, object, "%s", a.path.sun_path);
		a.path.sun_path[0] = '\0';
	} else {
		mk_path(m, name, a.path.sun_path, sizeof(a.path.sun_path));
		mk_text(m, object, "%s", a.path.sun_path);
	}
	MUST(bind(fd, &a.any, len));
	if (type != SOCK_DGRAM)
		MUST(listen(fd, backlog));
	return fd;
}

void mk_mapping(struct mk *m, void *start, size_t size)
{
	m->maps[m->n_maps].start = start;
	m->maps[m->n_maps++].size = size;
}

void *mk_shared(struct mk *m, size_t size, int *ret_object)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		mk_die("mmap");

	mk_mapping(m, memory, size);

	struct mk_place_in_memory at = mk_mapped(memory);

	*ret_object = mk_object(m, "anon", at.dev, at.ino, 0);
	return memory;
}

static void measure_mq(struct mk_object *o)
{
	struct mq_attr attr;

	MUST(mq_getattr(o->fd, &attr));
	o->level = attr.mq_curmsgs;
	o->capacity = attr.mq_maxmsg;
}

void mk_measure(struct mk *m)
{
	for (int i = 0; i < m->n_objects; i++) {
		struct mk_object *o = &m->objects[i];
		int n;

		if (o->fd < 0 || o->level != MK_UNKNOWN)
			continue;
		if (!strcmp(o->kind, "mq"))
			measure_mq(o);
		if (!strcmp(o->kind, "pipe") || !strcmp(o->kind, "fifo"))
			o->capacity = MUST(fcntl(o->fd, F_GETPIPE_SZ));
		else if (strcmp(o->kind, "unix") != 0 &&
			 strcmp(o->kind, "tcp") != 0)
			continue;
		/* A listener has none. */
		if (ioctl(o->fd, FIONREAD, &n) == 0)
			o->level = n;
	}
}
