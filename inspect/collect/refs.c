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
#include "inspect/model/array.h"

/* What is known of an object's open files. */
struct count {
	uint32_t files, complete; /* seen; of those, with all references */
	uint32_t expected;	  /* as the kernel has it */
};

bool via__is_counted(const struct via__bpf_file *r)
{
	return S_ISFIFO(r->mode) || S_ISSOCK(r->mode);
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

/* --- Tables --- */

/* The records of a thread, which has a table. */
struct run {
	uint64_t table;
	size_t first, end;
};

static int by_table(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static bool one_run(const struct via__bpf_file *a,
		    const struct via__bpf_file *b)
{
	return a->pid == b->pid && a->tid == b->tid;
}

/* All runs, sorted. */
static struct run *find_runs(const struct via__bpf *b, size_t *ret_n)
{
	struct run *runs = NULL;
	size_t n = 0, max = 0;

	for (size_t i = 0, end; i < b->n_files; i = end) {
		if (!via__room(&runs, n, &max, sizeof(*runs)))
			break;
		for (end = i + 1;
		     end < b->n_files && one_run(&b->files[i], &b->files[end]);)
			end++;
		runs[n++] = (struct run){b->files[i].table, i, end};
	}
	if (n)
		qsort(runs, n, sizeof(*runs), by_table);
	*ret_n = n;
	return runs;
}

/* --- Counting --- */

/* What a record is of. Our own files are read from /proc, not noted. */
static uint32_t object_of(const struct via_snapshot *s,
			  const struct via__bpf_file *r)
{
	uint32_t self, hold;

	if ((pid_t)r->pid != getpid())
		return VIA_NONE;
	self = via_snapshot_process(s, (pid_t)r->pid);
	hold = self == VIA_NONE ? VIA_NONE : via_snapshot_fd(s, self, r->fd);
	return hold == VIA_NONE ? VIA_NONE : s->holds[hold].object;
}

static void count_record(struct via__scene *scene,
			 const struct via__bpf_file *r)
{
	struct via__noted *n = via__noted(scene, r->file);

	if (r->epoll || !via__is_counted(r))
		return;
	if (!n || n->object == VIA_NONE)
		n = via__note(scene, r->file, object_of(scene->s, r));
	if (!n)
		return;
	/* Those in messages were counted later. */
	n->unsteady |= n->n_files && n->refs != r->refs;
	n->refs = r->refs;
	n->places += is_taken(scene->s, r);
	n->n_files = S_ISSOCK(r->mode) ? 1 : r->files;
}

/* Tables that threads and processes share have one reference: the first one's
 * records are counted. */
static void count_all(struct via__scene *scene)
{
	const struct via__bpf *b = &scene->bpf;
	size_t n;
	struct run *runs = find_runs(b, &n);

	for (size_t i = 0; i < n; i++)
		if (!i || runs[i].table != runs[i - 1].table)
			for (size_t k = runs[i].first; k < runs[i].end; k++)
				count_record(scene, &b->files[k]);
	for (size_t i = 0; i < b->n_flights; i++)
		count_record(scene, &b->flights[i].file);
	free(runs);
}

void via__refs(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;
	struct count *counts = calloc(s->n_objects + (size_t)1,
				      sizeof(*counts));

	count_all(scene);
	for (size_t i = 0; counts && i < scene->max_noted; i++) {
		const struct via__noted *n = &scene->noted[i];

		if (!n->n_files || n->object == VIA_NONE)
			continue;
		counts[n->object].files++;
		counts[n->object].complete += !n->unsteady &&
					      n->places == n->refs;
		counts[n->object].expected = n->n_files;
	}
	for (uint32_t i = 0; counts && i < s->n_objects; i++)
		if (counts[i].files && counts[i].complete == counts[i].files &&
		    counts[i].files == counts[i].expected)
			s->objects[i].seen = VIA_SEEN_ALL;
	free(counts);
}
