/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks among locks in files: each file says who holds its lock and who
 * waits for it, so all files of a directory together are the graph of who waits
 * for whom. A thread that is about to sleep, and shown as one that waits,
 * reads them and follows it from the lock it wants: to the holders, to the
 * locks that these wait for, and so on. Back at itself it must not sleep.
 *
 * Of two that close a cycle at once each is shown before it looks: at least
 * one sees it. Files are read one after the other, while others go on; but a
 * cycle stands still, so it has to be there at a second look.
 *
 * A process that only waits for the end of another holds its locks for that
 * one: "via lock A -- via lock B -- x" are two. VIA_LOCK_FOR in the environment
 * of a process says for which, by pid.
 */
#include "sync/named/deadlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"

/* More than that, and later ones are not looked at. */
#define LOCKS_MAX 1024
/* Longer cycles are not found, nor are processes within so many others. */
#define STEPS_MAX 16
#define OUTER_MAX 8

#define PREFIX "via."

/* A thread that waits, and the processes that wait for it. */
struct waiter {
	struct via_owner thread;
	pid_t outer[OUTER_MAX]; /* up to a 0 */
};

struct lock {
	char name[NAME_MAX + 1];
	unsigned int n_holders, n_waiters;
	struct via_owner holders[VIA_HOLDERS_MAX];
	struct waiter waiters[VIA_WAITERS_SHOWN];
	bool seen; /* by the search */
};

struct step {
	const struct lock *lock;	/* is waited for */
	const struct via_owner *holder; /* is who has it */
	const struct waiter *waiter;	/* is why the holder does not go on */
};

struct graph {
	struct lock *locks;
	size_t n;
	struct waiter me;
	struct step steps[STEPS_MAX];
	unsigned int n_steps;
};

/* --- Reading --- */

static void read_outer(const char *text, pid_t outer[OUTER_MAX])
{
	unsigned int n = 0;

	while (text && n < OUTER_MAX) {
		outer[n++] = (pid_t)strtol(text, NULL, 10);
		text = strchr(text, ',');
		text = text ? text + 1 : NULL;
	}
	if (n < OUTER_MAX)
		outer[n] = 0;
}

/* What a process was started with; nothing if it may not be read. */
static void find_outer(struct waiter *w)
{
	static const char name[] = "VIA_LOCK_FOR=";
	char path[64], *text = NULL;
	size_t size = 0;

	read_outer(NULL, w->outer);
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", w->thread.pid);

	FILE *file = fopen(path, "re");

	while (file && getdelim(&text, &size, '\0', file) > 0)
		if (!strncmp(text, name, sizeof(name) - 1))
			read_outer(text + sizeof(name) - 1, w->outer);
	free(text);
	if (file)
		(void)fclose(file);
}

/* Not mapped: a file that is cut off meanwhile is read short. */
static bool read_lock(int fd, const struct via__deadlock *d, struct lock *ret)
{
	VIA_SYNC_ALIGNED char object[sizeof(struct via_rwlock)];
	struct via_sync_view view;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != d->owner))
		return false;

	ssize_t len = pread(fd, object, sizeof(object), 0);

	if (len != st.st_size || len < (ssize_t)sizeof(struct via_sync) ||
	    via_sync_look(object, (size_t)len, &view) ||
	    (view.kind != VIA_SYNC_MUTEX && view.kind != VIA_SYNC_RWLOCK))
		return false;
	ret->seen = false;
	ret->n_holders = view.n_holders;
	memcpy(ret->holders, view.holders, sizeof(view.holders));
	ret->n_waiters = view.n_waiters;
	for (unsigned int i = 0; i < view.n_waiters; i++) {
		ret->waiters[i].thread = view.waiters[i];
		find_outer(&ret->waiters[i]);
	}
	return true;
}

static void read_entry(struct graph *g, int dir, const char *name,
		       const struct via__deadlock *d)
{
	VIA__CLEANUP_FD int fd = openat(dir, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
						O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || g->n == LOCKS_MAX)
		return;

	struct lock *more = realloc(g->locks, (g->n + 1) * sizeof(*more));

	if (!more)
		return;
	g->locks = more;
	if (read_lock(fd, d, &more[g->n]))
		(void)snprintf(more[g->n++].name, sizeof(more->name), "%s",
			       name);
}

static void read_locks(struct graph *g, const struct via__deadlock *d)
{
	const char *slash = strrchr(d->path, '/');
	bool prefixed = !strncmp(slash + 1, PREFIX, strlen(PREFIX));
	char *path = strndup(d->path, (size_t)(slash - d->path) + 1);
	DIR *dir = path ? opendir(path) : NULL;

	free(path);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if ((e->d_type == DT_REG || e->d_type == DT_UNKNOWN) &&
		    (!prefixed || !strncmp(e->d_name, PREFIX, strlen(PREFIX))))
			read_entry(g, dirfd(dir), e->d_name, d);
	if (dir)
		(void)closedir(dir);
}

/* --- Following --- */

/* Does the holder stand still while this one waits? */
static bool stands_for(const struct waiter *w, const struct via_owner *holder)
{
	if (w->thread.pid == holder->pid && w->thread.tid == holder->tid)
		return true;
	for (unsigned int i = 0; i < OUTER_MAX && w->outer[i]; i++)
		if (w->outer[i] == holder->pid)
			return true;
	return false;
}

static bool leads_back(struct graph *g, struct lock *lock);

/* Through the locks that the holder waits for. */
static bool goes_on(struct graph *g, struct step *step)
{
	for (size_t i = 0; i < g->n; i++) {
		struct lock *next = &g->locks[i];

		for (unsigned int k = 0; k < next->n_waiters; k++) {
			step->waiter = &next->waiters[k];
			if (!next->seen &&
			    stands_for(step->waiter, step->holder) &&
			    leads_back(g, next))
				return true;
		}
	}
	return false;
}

/* Whether who waits for the lock waits for us in the end. */
static bool leads_back(struct graph *g, struct lock *lock)
{
	if (g->n_steps == STEPS_MAX)
		return false;

	struct step *step = &g->steps[g->n_steps++];

	lock->seen = true;
	step->lock = lock;
	for (unsigned int i = 0; i < lock->n_holders; i++) {
		step->holder = &lock->holders[i];
		step->waiter = NULL;
		if (stands_for(&g->me, step->holder) || goes_on(g, step))
			return true;
	}
	g->n_steps--;
	return false;
}

/* "this process waits for the lock a of process 7, which waits for ..." */
static void tell(const struct graph *g, char text[VIA_ERROR_TEXT_MAX])
{
	size_t len = (size_t)snprintf(text, VIA_ERROR_TEXT_MAX, "this process");

	for (unsigned int i = 0; i < g->n_steps; i++) {
		const struct step *s = &g->steps[i];
		const char *name = s->lock->name;
		size_t skip = strncmp(name, PREFIX, strlen(PREFIX))
				      ? 0
				      : strlen(PREFIX);
		bool last = i + 1 == g->n_steps;

		if (len >= VIA_ERROR_TEXT_MAX)
			return;
		len += (size_t)snprintf(text + len, VIA_ERROR_TEXT_MAX - len,
					" waits for the lock %s of process %d",
					name + skip, s->holder->pid);
		if (len >= VIA_ERROR_TEXT_MAX)
			return;
		if (last)
			(void)snprintf(text + len, VIA_ERROR_TEXT_MAX - len,
				       "%s",
				       s->holder->pid == g->me.thread.pid
					       ? ", which is this one"
					       : ", whose command this one is");
		else if (s->waiter->thread.pid == s->holder->pid)
			len += (size_t)snprintf(text + len,
						VIA_ERROR_TEXT_MAX - len,
						", which");
		else
			len += (size_t)snprintf(text + len,
						VIA_ERROR_TEXT_MAX - len,
						", whose command, process %d,",
						s->waiter->thread.pid);
	}
}

/* One look: whether there is a cycle, and in words which. */
static bool find_cycle(const struct via__deadlock *d,
		       char text[VIA_ERROR_TEXT_MAX])
{
	struct graph g = {.me.thread = {.pid = getpid(), .tid = gettid()}};
	const char *wanted = strrchr(d->path, '/') + 1;
	bool found = false;

	read_outer(getenv("VIA_LOCK_FOR"), g.me.outer);
	read_locks(&g, d);
	for (size_t i = 0; i < g.n && !found; i++)
		if (!strcmp(g.locks[i].name, wanted))
			found = leads_back(&g, &g.locks[i]);
	if (found)
		tell(&g, text);
	free(g.locks);
	return found;
}

int via__deadlock_look(void *deadlock)
{
	struct via__deadlock *d = deadlock;
	char text[VIA_ERROR_TEXT_MAX], again[VIA_ERROR_TEXT_MAX];

	if (!find_cycle(d, text) || !find_cycle(d, again) ||
	    strcmp(text, again) != 0)
		return 0;
	d->found = true;
	return via__fail(d->report ? &d->report->error : NULL, -EDEADLK,
			 "deadlock: %s", text);
}
