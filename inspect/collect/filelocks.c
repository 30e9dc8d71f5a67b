/* SPDX-License-Identifier: MIT */
/*
 * Locks on files and who has them. /proc/locks has them all, with who took
 * them; but those of flock(2) and F_OFD_SETLK belong to an open file
 * description, which may have outlived that process in others. The fdinfo of
 * each descriptor says which locks its description has, and only those of
 * locked files are read.
 */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/locks.h"
#include "inspect/collect/proc.h"
#include "inspect/model/array.h"

/* Numbers of locks that /proc/locks does not show. */
#define UNLISTED (UINT64_C(1) << 32)

struct locks {
	struct via_snapshot *s;
	/* What is held, and its objects: the first n_listed by file. */
	struct known {
		struct via__lock_line line;
		uint32_t object;
		/* A descriptor of who has it; 0: none was seen yet. */
		pid_t pid;
		int fd;
	} * at;
	size_t n, n_listed, max;
	/* Objects whose locks somebody waits for, in order. */
	uint32_t *wanted;
	size_t n_wanted;
	/* That are looked at: */
	uint32_t process;
	pid_t pid;
	int fd;
};

/* --- All there are --- */

static void keep(const struct via__lock_line *line, void *arg)
{
	struct locks *l = arg;

	if (line->waits || !via__room(&l->at, l->n, &l->max, sizeof(*l->at)))
		return;
	l->at[l->n++] = (struct known){.line = *line, .object = VIA_NONE};
}

static int by_file(const void *a, const void *b)
{
	const struct via__lock_line *x = &((const struct known *)a)->line;
	const struct via__lock_line *y = &((const struct known *)b)->line;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The file, as descriptors know it. */
static uint32_t find_file(const struct via_snapshot *s, uint64_t dev,
			  uint64_t ino)
{
	for (uint32_t kind = 0; kind < VIA_N_KINDS; kind++) {
		/* Where dev and ino are other things. */
		if (kind == VIA_KIND_LOCK || kind == VIA_KIND_FUTEX)
			continue;
		uint32_t object = via_snapshot_object(s, (enum via_kind)kind,
						      dev, ino, 0);

		if (object != VIA_NONE)
			return object;
	}
	return VIA_NONE;
}

static void add_object(struct locks *l, struct known *k, uint64_t number)
{
	const struct via__lock_line *line = &k->line;

	k->object = via__object(l->s, VIA_KIND_LOCK, line->dev, line->ino,
				number);
	*via__file_lock(l->s, k->object) = (struct via_file_lock){
		.object = k->object,
		.file = find_file(l->s, line->dev, line->ino),
		.type = line->type,
		.exclusive = line->exclusive,
		.start = line->start,
		.end = line->end,
		.pid = line->pid,
	};
}

static void add_objects(struct locks *l)
{
	uint64_t number = 0;

	l->n_listed = l->n;
	if (l->n)
		qsort(l->at, l->n, sizeof(*l->at), by_file);
	for (size_t i = 0; i < l->n; i++) {
		number = i && by_file(&l->at[i - 1], &l->at[i]) == 0
				 ? number + 1
				 : 0;
		add_object(l, &l->at[i], number);
	}
}

/* --- Who has them --- */

static void add_hold(struct locks *l, const struct known *k, uint32_t process)
{
	struct via_holding *h = via__add_hold(l->s, process, k->object,
					      VIA_HOLDS_LOCK);

	h->flags = (uint8_t)((k->line.exclusive ? VIA_HOLD_WRITE
						: VIA_HOLD_SHARED) |
			     VIA_HOLD_READ);
	h->start = k->line.start;
	h->end = k->line.end;
}

static bool is_same(const struct via__lock_line *a,
		    const struct via__lock_line *b)
{
	return a->type == b->type && a->exclusive == b->exclusive &&
	       a->pid == b->pid && a->dev == b->dev && a->ino == b->ino &&
	       a->start == b->start && a->end == b->end;
}

/*
 * Of several that look the same the one of this open file description: where
 * it was met before, else one that nobody was seen to have. NULL: not to be
 * told.
 */
static struct known *own(const struct locks *l,
			 const struct via__lock_line *line)
{
	struct known *new = NULL;

	for (size_t i = 0; i < l->n; i++) {
		struct known *k = &l->at[i];

		if (!is_same(&k->line, line))
			continue;
		if (!k->pid) {
			new = new ? new : k;
			continue;
		}
		long order = syscall(SYS_kcmp, k->pid, l->pid, KCMP_FILE,
				     (unsigned long)k->fd,
				     (unsigned long)l->fd);

		if (order <= 0)
			return order ? NULL : k;
	}
	return new;
}

static size_t n_same(const struct locks *l, const struct via__lock_line *line)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += is_same(&l->at[i].line, line);
	return n;
}

static void add_holds(struct locks *l, const struct via__lock_line *line)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_same(&l->at[i].line, line))
			add_hold(l, &l->at[i], l->process);
}

/*
 * Where it cannot be told which of those that look the same it is, who has one
 * has all: so nobody who could let go is forgotten. In a pid namespace the list
 * leaves out the locks of those who have died: locks_show() of fs/locks.c.
 */
static void of_descriptor(const struct via__lock_line *line, void *arg)
{
	struct locks *l = arg;
	size_t n = n_same(l, line);
	struct known *k = n > 1 ? own(l, line) : NULL;

	if (k) {
		k->pid = l->pid;
		k->fd = l->fd;
		add_hold(l, k, l->process);
		return;
	}
	add_holds(l, line);
	if (n)
		return;
	n = l->n;
	keep(line, l);
	if (l->n == n)
		return;
	add_object(l, &l->at[n], UNLISTED + n);
	add_hold(l, &l->at[n], l->process);
}

static bool is_locked(const struct locks *l, const struct via_object *o)
{
	struct known key = {.line = {.dev = o->dev, .ino = o->ino}};

	return l->n_listed &&
	       bsearch(&key, l->at, l->n_listed, sizeof(key), by_file);
}

/* File systems without a device say another one to fstat(2) than to the list:
 * there the inode number alone has to do, and fdinfo decides. */
static bool may_be_locked(const struct locks *l, uint32_t object)
{
	const struct via_object *o = &l->s->objects[object];

	if (is_locked(l, o) ||
	    (l->n_wanted && bsearch(&object, l->wanted, l->n_wanted,
				    sizeof(object), by_number)))
		return true;
	if (o->kind != VIA_KIND_FILE && o->kind != VIA_KIND_DIR)
		return false;
	for (size_t i = 0; major(o->dev) == 0 && i < l->n_listed; i++)
		if (l->at[i].line.ino == o->ino)
			return true;
	return false;
}

static void look_at_descriptors(struct locks *l, uint32_t process)
{
	const struct via_process *p = &l->s->processes[process];
	uint32_t first = p->first_hold, n = p->n_holds;
	int dir = -1;

	l->process = process;
	l->pid = p->task.pid;
	for (uint32_t i = first; i < first + n; i++) {
		const struct via_holding *h = &l->s->holds[i];
		char path[48];

		if (h->how != VIA_HOLDS_FD || !may_be_locked(l, h->object))
			continue;
		if (dir < 0)
			dir = via__proc_open(p->task.pid);
		if (dir < 0)
			return;
		l->fd = h->id;
		snprintf(path, sizeof(path), "fdinfo/%d", h->id);
		(void)via__locks_each(dir, path, "lock:", of_descriptor, l);
	}
	if (dir >= 0)
		close(dir);
}

/* Those of fcntl(F_SETLK) are of the process that took them and no other. */
static void add_posix(struct locks *l)
{
	for (size_t i = 0; i < l->n; i++) {
		uint32_t process = via_snapshot_process(l->s,
							l->at[i].line.pid);

		if (l->at[i].line.type == VIA_FILE_POSIX && process != VIA_NONE)
			add_hold(l, &l->at[i], process);
	}
}

/* --- Who waits --- */

static bool waits_for_lock(const struct via_thread *t)
{
	return t->call.nr == SYS_flock ||
	       (t->call.nr == SYS_fcntl && (t->call.args[1] == F_SETLKW ||
					    t->call.args[1] == F_OFD_SETLKW));
}

static void list_wanted(struct locks *l)
{
	const struct via_snapshot *s = l->s;
	size_t n = 0;

	for (uint32_t i = 0; i < s->n_threads; i++)
		n += waits_for_lock(&s->threads[i]);
	l->wanted = n ? reallocarray(NULL, n, sizeof(*l->wanted)) : NULL;
	for (uint32_t i = 0; l->wanted && i < s->n_threads; i++) {
		const struct via_thread *t = &s->threads[i];
		uint32_t hold = waits_for_lock(t)
					? via_snapshot_fd(s, t->process,
							  (int)t->call.args[0])
					: VIA_NONE;

		if (hold != VIA_NONE)
			l->wanted[l->n_wanted++] = s->holds[hold].object;
	}
	if (l->n_wanted)
		qsort(l->wanted, l->n_wanted, sizeof(*l->wanted), by_number);
}

static void filelocks_all(struct via__scene *scene)
{
	struct locks l = {.s = scene->s};

	(void)via__locks_each(AT_FDCWD, "/proc/locks", "", keep, &l);
	add_objects(&l);
	add_posix(&l);
	list_wanted(&l);
	for (uint32_t i = 0; (l.n || l.n_wanted) && i < scene->s->n_processes;
	     i++)
		look_at_descriptors(&l, i);
	free(l.at);
	free(l.wanted);
}

const struct via__collector via__collector_filelocks = {
	.name = "filelocks",
	.summary = "locks on files: /proc/locks, fdinfo of who may have them",
	.want = VIA_WANT_LOCKS,
	.all = filelocks_all,
};
