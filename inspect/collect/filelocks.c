/* SPDX-License-Identifier: MIT */
/*
 * Locks on files and who has them. /proc/locks has them all, with who took
 * them; but those of flock(2) and F_OFD_SETLK belong to an open file
 * description, which may have outlived that process in others. The fdinfo of
 * each descriptor says which locks its description has, and only those of
 * locked files are read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/locks.h"
#include "inspect/collect/proc.h"

struct locks {
	struct via_snapshot *s;
	/* What is held, and its objects, by file. */
	struct known {
		struct via__lock_line line;
		uint32_t object;
	} * at;
	size_t n, max;
	uint32_t process; /* that is looked at */
	int fd;
};

/* --- All there are --- */

static void keep(const struct via__lock_line *line, void *arg)
{
	struct locks *l = arg;

	if (line->waits)
		return;
	if (l->n == l->max) {
		size_t max = l->max ? 2 * l->max : 64;
		void *more = reallocarray(l->at, max, sizeof(*l->at));

		if (!more)
			return;
		l->at = more;
		l->max = max;
	}
	l->at[l->n++] = (struct known){*line, VIA_NONE};
}

static int by_file(const void *a, const void *b)
{
	const struct via__lock_line *x = &((const struct known *)a)->line;
	const struct via__lock_line *y = &((const struct known *)b)->line;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
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

/* Two that look the same are both held by who has one of them: so nobody who
 * could let go is forgotten. */
static void of_descriptor(const struct via__lock_line *line, void *arg)
{
	struct locks *l = arg;

	for (size_t i = 0; i < l->n; i++)
		if (is_same(&l->at[i].line, line))
			add_hold(l, &l->at[i], l->process);
}

static bool is_locked(const struct locks *l, const struct via_object *o)
{
	struct known key = {.line = {.dev = o->dev, .ino = o->ino}};

	return bsearch(&key, l->at, l->n, sizeof(key), by_file) != NULL;
}

/* File systems without a device say another one to fstat(2) than to the list:
 * there the inode number alone has to do, and fdinfo decides. */
static bool may_be_locked(const struct locks *l, const struct via_object *o)
{
	if (o->kind != VIA_KIND_FILE && o->kind != VIA_KIND_DIR)
		return is_locked(l, o);
	if (is_locked(l, o))
		return true;
	for (size_t i = 0; o->dev >> 8 == 0 && i < l->n; i++)
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
	for (uint32_t i = first; i < first + n; i++) {
		const struct via_holding *h = &l->s->holds[i];
		char path[48];

		if (h->how != VIA_HOLDS_FD ||
		    !may_be_locked(l, &l->s->objects[h->object]))
			continue;
		if (dir < 0)
			dir = via__proc_open(p->task.pid);
		if (dir < 0)
			return;
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

static void filelocks_all(struct via__scene *scene)
{
	struct locks l = {.s = scene->s};

	(void)via__locks_each(AT_FDCWD, "/proc/locks", "", keep, &l);
	add_objects(&l);
	add_posix(&l);
	for (uint32_t i = 0; l.n && i < scene->s->n_processes; i++)
		look_at_descriptors(&l, i);
	free(l.at);
}

const struct via__collector via__collector_filelocks = {
	.name = "filelocks",
	.summary = "locks on files: /proc/locks, fdinfo of who may have them",
	.want = VIA_WANT_LOCKS,
	.all = filelocks_all,
};
