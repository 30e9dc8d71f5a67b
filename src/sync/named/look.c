/* SPDX-License-Identifier: MIT */
/*
 * Who holds a lock on a file, and who waits for it.
 *
 * /proc/locks names the process that once took a lock, which may have handed
 * it to a child and be gone (and says -1 of OFD locks). So holders are those
 * whose descriptors have it: /proc/PID/fdinfo lists the locks of the open file
 * (proc_pid_fdinfo(5), since Linux 4.1). Only /proc/locks knows who waits.
 */
#include "sync/named/file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/error.h"
#include "core/sys.h"

struct search {
	const struct via__file_lock *lock;
	struct statx file;
	char id[64]; /* of the file, as /proc/locks writes it */
	struct via_lock_view *view;
};

/* A line such as "1: -> FLOCK  ADVISORY  WRITE 4242 fe:00:11330411 0 EOF",
 * where "->" is one who waits. */
struct line {
	bool waits, shared;
	char type[16], id[64];
	int pid;
	int64_t from, to;
};

static bool read_line(const char *text, struct line *ret)
{
	const char *arrow = strstr(text, "-> "), *colon = strchr(text, ':');
	char mode[16], to[32];

	ret->waits = arrow;
	if (!colon ||
	    sscanf(arrow ? arrow + 2 : colon + 1,
		   "%15s %*s %15s %d %63s %" SCNd64 " %31s", ret->type, mode,
		   &ret->pid, ret->id, &ret->from, to) != 6)
		return false;
	ret->shared = !strcmp(mode, "READ");
	if (sscanf(to, "%" SCNd64, &ret->to) != 1)
		ret->to = INT64_MAX;
	return true;
}

/* Would it stand in this lock's way? */
static bool concerns(const struct line *line, const struct via__file_lock *f)
{
	int64_t to = f->range.l_len ? f->range.l_start + f->range.l_len - 1
				    : INT64_MAX;

	return f->records == (strcmp(line->type, "FLOCK") != 0) &&
	       line->from <= to && line->to >= f->range.l_start;
}

/* Threads and descriptors of one process are one holder. */
static void note_holder(struct search *s, pid_t pid, bool shared)
{
	struct via_lock_view *view = s->view;

	for (unsigned int i = 0; i < view->n_holders && i < VIA_LOCK_SHOWN; i++)
		if (view->holders[i].pid == pid &&
		    (view->holders[i].mode == VIA_LOCK_SHARED) == shared)
			return;
	via__lock_note(view->holders, &view->n_holders, pid, shared);
}

/* The locks of one descriptor, from its fdinfo. */
static void read_descriptor(struct search *s, pid_t pid, const char *fd)
{
	char path[64], text[256];
	struct line line;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", pid, fd);

	FILE *f = fopen(path, "re");

	while (f && fgets(text, sizeof(text), f)) {
		if (strncmp(text, "lock:", 5) || !read_line(text + 5, &line))
			continue;
		memcpy(s->id, line.id, sizeof(s->id));
		if (concerns(&line, s->lock))
			note_holder(s, pid, line.shared);
	}
	if (f)
		(void)fclose(f); /* was only read */
}

static bool is_file(const struct search *s, int dir, const char *fd)
{
	struct statx st;

	/* Whatever the others have open: ask no server about it. */
	return statx(dir, fd, AT_STATX_DONT_SYNC, STATX_INO, &st) == 0 &&
	       st.stx_ino == s->file.stx_ino &&
	       st.stx_dev_major == s->file.stx_dev_major &&
	       st.stx_dev_minor == s->file.stx_dev_minor;
}

static void read_process(struct search *s, pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);

	/* Gone meanwhile, or another user's. */
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.' && is_file(s, dirfd(dir), e->d_name))
			read_descriptor(s, pid, e->d_name);
	if (dir)
		(void)closedir(dir);
}

static int read_processes(struct search *s)
{
	DIR *dir = opendir("/proc");
	pid_t pid;

	if (!dir)
		return -errno;
	for (struct dirent *e; (e = readdir(dir));)
		if (sscanf(e->d_name, "%d", &pid) == 1)
			read_process(s, pid);
	(void)closedir(dir);
	return 0;
}

/* Those who wait; and, where other users' descriptors are hidden from us, who
 * took the lock, if that is still there. */
static int read_locks(struct search *s)
{
	FILE *f = fopen("/proc/locks", "re");
	bool hidden = s->view->n_holders == 0;
	char text[256];
	struct line line;

	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f)) {
		if (!read_line(text, &line) || strcmp(line.id, s->id) ||
		    !concerns(&line, s->lock))
			continue;
		if (line.pid < 0 || (kill(line.pid, 0) && errno == ESRCH))
			line.pid = 0;
		if (line.waits)
			via__lock_note(s->view->waiters, &s->view->n_waiters,
				       line.pid, line.shared);
		else if (hidden)
			via__lock_note(s->view->holders, &s->view->n_holders,
				       line.pid, line.shared);
	}
	(void)fclose(f);
	return 0;
}

int via__file_look(struct via_lock *lock, struct via_lock_view *ret,
		   struct via_error *err)
{
	struct search s = {.lock = (struct via__file_lock *)lock, .view = ret};

	if (statx(s.lock->fd, "", AT_EMPTY_PATH, STATX_INO, &s.file))
		return via__fail_errno(err, -errno, "%s", s.lock->path);
	/* Some file systems have another number in /proc/locks than in
	 * statx(2): the descriptor of a holder tells. */
	(void)snprintf(s.id, sizeof(s.id), "%02x:%02x:%" PRIu64,
		       s.file.stx_dev_major, s.file.stx_dev_minor,
		       (uint64_t)s.file.stx_ino);

	int r = read_processes(&s);

	if (r == 0)
		r = read_locks(&s);
	return r < 0 ? via__fail_errno(err, r, "/proc") : 0;
}
