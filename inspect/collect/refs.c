/* SPDX-License-Identifier: MIT */
/*
 * Whether all who hold a pipe or a socket are known, whoever else is hidden: a
 * program in the kernel counted the references to each open file. One that a
 * hidden process has, that is registered with a ring or, where that is not told
 * (flight.c), in a message on its way, is one more than are known. So is one
 * that a thread uses at the moment: then nothing is said.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/collect/fd.h"

/* What is known of an object's open files. */
struct count {
	uint32_t files, complete; /* seen; of those, with all references */
	uint32_t expected;	  /* as the kernel has it */
};

typedef const struct via__bpf_file *record;

static int by_place(const void *a, const void *b)
{
	record x = *(const record *)a, y = *(const record *)b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

bool via__is_counted(const struct via__bpf_file *r)
{
	return S_ISFIFO(r->mode) || S_ISSOCK(r->mode);
}

/* The records that count, by open file and place in a table. A message has no
 * table. */
static record *sort(const struct via__scene *scene, size_t *ret_n)
{
	const struct via__bpf *b = &scene->bpf;
	record *all = calloc(b->n_files + b->n_flights + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = b->n_watches; all && i < b->n_files; i++)
		if (via__is_counted(&b->files[i]))
			all[n++] = &b->files[i];
	for (size_t i = 0; all && i < b->n_flights; i++)
		if (via__is_counted(&b->flights[i].file))
			all[n++] = &b->flights[i].file;
	if (n)
		qsort(all, n, sizeof(*all), by_place);
	*ret_n = n;
	return all;
}

/* Whether the snapshot has who holds it: a message, or a process that has not
 * ended since. */
static bool is_taken(const struct via_snapshot *s,
		     const struct via__bpf_file *r)
{
	uint32_t process = r->pid ? via_snapshot_process(s, (pid_t)r->pid)
				  : VIA_NONE;

	return process == VIA_NONE
		       ? !r->pid
		       : !(s->processes[process].hidden & VIA_HIDDEN_FDS);
}

/* Tables that processes share have one reference, and a record for each. Those
 * in messages were counted later. */
static size_t count_file(const struct via__scene *scene, const record *all,
			 size_t n, size_t i, struct count *count)
{
	record r = all[i];
	int32_t places = 0;
	bool steady = true;
	size_t next = i;

	for (; next < n && all[next]->file == r->file; next++) {
		steady &= all[next]->refs == r->refs;
		places += is_taken(scene->s, all[next]) &&
			  (next == i ||
			   by_place(&all[next], &all[next - 1]) != 0);
	}
	count->files++;
	count->complete += steady && places == r->refs;
	count->expected = S_ISSOCK(r->mode) ? 1 : r->files;
	return next;
}

/* What a record is of. Our own files are read from /proc, not noted. */
static uint32_t object_of(const struct via__scene *scene,
			  const struct via__bpf_file *r)
{
	const struct via_snapshot *s = scene->s;
	uint32_t object = via__noted_object(scene, r->file);
	uint32_t self, hold;

	if (object != VIA_NONE || (pid_t)r->pid != getpid())
		return object;
	self = via_snapshot_process(s, getpid());
	hold = self == VIA_NONE ? VIA_NONE : via_snapshot_fd(s, self, r->fd);
	return hold == VIA_NONE ? VIA_NONE : s->holds[hold].object;
}

void via__refs(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;
	size_t n, next;
	record *all = sort(scene, &n);
	struct count *counts = calloc(s->n_objects + (size_t)1,
				      sizeof(*counts));

	for (size_t i = 0; all && counts && i < n; i = next) {
		uint32_t object = object_of(scene, all[i]);

		/* Those that were not taken count for nobody. */
		next = count_file(
			scene, all, n, i,
			&counts[object == VIA_NONE ? s->n_objects : object]);
	}
	for (uint32_t i = 0; counts && i < s->n_objects; i++)
		if (counts[i].files && counts[i].complete == counts[i].files &&
		    counts[i].files == counts[i].expected)
			s->objects[i].seen = VIA_SEEN_ALL;
	free(all);
	free(counts);
}
