/* SPDX-License-Identifier: MIT */
/*
 * Whether all who hold a pipe or a socket are known, whoever else is hidden: a
 * program in the kernel counted the references to each open file. One that a
 * hidden process has, that is in a message on its way or registered with a
 * ring, is one more than there are descriptors. So is one that a thread uses at
 * the moment: then nothing is said.
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

static const struct via__bpf_file *at(const struct via__scene *scene,
				      const uint32_t *order, size_t i)
{
	return &scene->bpf.files[order[i]];
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct via__bpf_file *files = arg;
	const struct via__bpf_file *x = &files[*(const uint32_t *)a],
				   *y = &files[*(const uint32_t *)b];

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

/* Indices of the records that count, by open file and place in a table. */
static uint32_t *sort(const struct via__scene *scene, size_t *ret_n)
{
	const struct via__bpf *b = &scene->bpf;
	uint32_t *order = calloc(b->n_files + 1, sizeof(*order));
	size_t n = 0;

	for (size_t i = b->n_watches; order && i < b->n_files; i++)
		if (via__is_counted(&b->files[i]))
			order[n++] = (uint32_t)i;
	if (n)
		qsort_r(order, n, sizeof(*order), by_place, b->files);
	*ret_n = n;
	return order;
}

/* Whether the snapshot has who holds it: the process may have ended since. */
static bool is_taken(const struct via_snapshot *s,
		     const struct via__bpf_file *r)
{
	uint32_t process = via_snapshot_process(s, (pid_t)r->pid);

	return process != VIA_NONE &&
	       !(s->processes[process].hidden & VIA_HIDDEN_FDS);
}

/* Tables that processes share have one reference, and a record for each. */
static size_t count_file(const struct via__scene *scene, const uint32_t *order,
			 size_t n, size_t i, struct count *count)
{
	const struct via__bpf_file *r = at(scene, order, i);
	int32_t places = 0;
	size_t next = i;

	for (; next < n && at(scene, order, next)->file == r->file; next++)
		places += is_taken(scene->s, at(scene, order, next)) &&
			  (next == i || by_place(&order[next], &order[next - 1],
						 scene->bpf.files) != 0);
	count->files++;
	count->complete += places == r->refs;
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
	uint32_t *order = sort(scene, &n);
	struct count *counts = calloc(s->n_objects + (size_t)1,
				      sizeof(*counts));

	for (size_t i = 0; order && counts && i < n; i = next) {
		uint32_t object = object_of(scene, at(scene, order, i));

		/* Those that were not taken count for nobody. */
		next = count_file(
			scene, order, n, i,
			&counts[object == VIA_NONE ? s->n_objects : object]);
	}
	for (uint32_t i = 0; counts && i < s->n_objects; i++)
		if (counts[i].files && counts[i].complete == counts[i].files &&
		    counts[i].files == counts[i].expected)
			s->objects[i].seen = VIA_SEEN_ALL;
	free(order);
	free(counts);
}
