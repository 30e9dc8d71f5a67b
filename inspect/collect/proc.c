/* SPDX-License-Identifier: MIT */
#include "inspect/collect/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Files --- */

static int open_dir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

int via__proc_open(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return open_dir(AT_FDCWD, path);
}

int via__proc_open_thread(int dir, pid_t tid)
{
	char path[32];

	snprintf(path, sizeof(path), "task/%d", tid);
	return open_dir(dir, path);
}

static int open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* Read on behind len bytes, once: how many there are then, or -errno. */
static ssize_t read_more(int fd, char *buf, size_t len, size_t size)
{
	ssize_t n;

	while ((n = read(fd, buf + len, size - len)) < 0 && errno == EINTR)
		;
	return n < 0 ? -errno : (ssize_t)len + n;
}

/* The same until the end, or until size is full: lists come in pieces. */
static ssize_t read_on(int fd, char *buf, size_t len, size_t size)
{
	ssize_t now;

	while ((now = read_more(fd, buf, len, size)) > (ssize_t)len)
		len = (size_t)now;
	return now;
}

static ssize_t ended(int fd, char *buf, ssize_t len)
{
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

ssize_t via__proc_read(int dir, const char *name, char *buf, size_t size)
{
	int fd = open_file(dir, name);

	return fd < 0 ? fd : ended(fd, buf, read_on(fd, buf, 0, size - 1));
}

ssize_t via__proc_read_once(int dir, const char *name, char *buf, size_t size)
{
	int fd = open_file(dir, name);

	return fd < 0 ? fd : ended(fd, buf, read_more(fd, buf, 0, size - 1));
}

#define LONG_MAX_LEN ((size_t)64 << 20)

static bool room(struct via__buf *b, size_t len)
{
	if (len + 1 < b->size)
		return true;
	size_t size = b->size ? 2 * b->size : 8192;
	char *more = size <= LONG_MAX_LEN ? realloc(b->text, size) : NULL;

	if (!more)
		return false;
	b->text = more;
	b->size = size;
	return true;
}

static ssize_t read_long(int dir, const char *name, struct via__buf *b,
			 ssize_t (*more)(int fd, char *buf, size_t len,
					 size_t size))
{
	int fd = open_file(dir, name);
	ssize_t len = 0;

	if (fd < 0)
		return fd;
	if (!room(b, 0)) {
		close(fd);
		return -ENOMEM;
	}
	do
		len = room(b, (size_t)len)
			      ? more(fd, b->text, (size_t)len, b->size - 1)
			      : -ENOMEM;
	while (len > 0 && (size_t)len == b->size - 1);
	return ended(fd, b->text, len);
}

ssize_t via__proc_read_long(int dir, const char *name, struct via__buf *b)
{
	return read_long(dir, name, b, read_on);
}

ssize_t via__proc_read_record(int dir, const char *name, struct via__buf *b)
{
	return read_long(dir, name, b, read_more);
}

void via__buf_fini(struct via__buf *b)
{
	free(b->text);
}

/* --- Parsing --- */

/* Fields 4 to 39 of stat, counted from 1, and where they go. */
struct field {
	unsigned int number;
	size_t offset, size;
};
#define FIELD(number, member)                                                  \
	{                                                                      \
		number, offsetof(struct via_task, member),                     \
			sizeof(((struct via_task *)0)->member)                 \
	}

static const struct field fields[] = {
	FIELD(4, ppid),	      FIELD(5, pgid),	  FIELD(6, sid),
	FIELD(7, tty),	      FIELD(8, tty_pgid), FIELD(9, flags),
	FIELD(14, utime),     FIELD(15, stime),	  FIELD(19, nice),
	FIELD(20, n_threads), FIELD(22, start),	  FIELD(23, vsize),
	FIELD(24, rss),	      FIELD(39, cpu),
};

static void store(struct via_task *task, const struct field *f, uint64_t value)
{
	uint32_t half = (uint32_t)value;

	if (f->size == sizeof(value))
		memcpy((char *)task + f->offset, &value, sizeof(value));
	else
		memcpy((char *)task + f->offset, &half, sizeof(half));
}

int via__proc_parse_stat(const char *text, struct via_task *ret)
{
	/* The name may have anything in it, ") R 1" too. */
	const char *name = strchr(text, '('), *end = strrchr(text, ')');
	const struct field *f = fields,
			   *last = fields + sizeof(fields) / sizeof(*fields);

	if (!name || !end || end < name || end[1] != ' ' || !isalpha(end[2]))
		return -EPROTO;
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(end - name - 1),
		 name + 1);
	ret->state = end[2];

	char *at = (char *)end + 3, *next;

	for (unsigned int number = 4; f < last; number++, at = next) {
		/* Negative ones keep their bits. */
		uint64_t value = strtoull(at, &next, 10);

		if (next == at)
			return -EPROTO;
		if (number == f->number)
			store(ret, f++, value);
	}
	ret->rss *= (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

int via__proc_parse_syscall(const char *text, struct via_syscall *ret)
{
	char *at, *next;

	if (strncmp(text, "running", 7) == 0) {
		ret->nr = VIA_SYSCALL_RUNNING;
		return 0;
	}
	ret->nr = strtol(text, &at, 10);
	if (at == text || ret->nr < -1)
		return -EPROTO;
	for (size_t i = 0; ret->nr >= 0 && i < 6; i++, at = next) {
		ret->args[i] = strtoull(at, &next, 16);
		if (next == at)
			return -EPROTO;
	}
	return 0;
}

int via__proc_task(int dir, pid_t pid, struct via_task *ret)
{
	char buf[2048];
	ssize_t len = via__proc_read_once(dir, "stat", buf, sizeof(buf));
	int err = len < 0 ? (int)len : via__proc_parse_stat(buf, ret);

	if (err)
		return err == -ENOENT ? -ESRCH : err;
	ret->pid = pid;
	ret->tid = (pid_t)strtol(buf, NULL, 10);
	return 0;
}

int via__proc_syscall(int dir, struct via_syscall *ret)
{
	char buf[256];
	ssize_t len = via__proc_read_once(dir, "syscall", buf, sizeof(buf));

	if (len == -ESRCH)
		return -ESRCH;
	if (len < 0 || via__proc_parse_syscall(buf, ret) < 0)
		*ret = (struct via_syscall){.nr = VIA_SYSCALL_UNKNOWN};
	return 0;
}

/* --- Lists --- */

static int each(int dir, int (*f)(pid_t id, void *arg), void *arg)
{
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = dir < 0 ? dir : -errno;
		if (dir >= 0)
			close(dir);
		return r;
	}
	while (!r && (e = readdir(d)))
		if (isdigit((unsigned char)*e->d_name))
			r = f((pid_t)strtol(e->d_name, NULL, 10), arg);
	closedir(d);
	return r;
}

int via__proc_each(int (*f)(pid_t pid, void *arg), void *arg)
{
	return each(open_dir(AT_FDCWD, "/proc"), f, arg);
}

int via__proc_each_thread(int dir, int (*f)(pid_t tid, void *arg), void *arg)
{
	return each(open_dir(dir, "task"), f, arg);
}
