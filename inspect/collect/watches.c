/* SPDX-License-Identifier: MIT */
/*
 * What epoll sets watch, as a program in the kernel told it: both are open
 * files with numbers. The objects of such files are noted as they are made, in
 * a hash table that is never more than half full.
 */
#include <stdlib.h>
#include <unistd.h>

#include "inspect/collect/fd.h"
#include "inspect/model/array.h"

/* Where a file is, or would be: they are addresses, whose middle bits differ. */
static struct via__noted *place(const struct via__scene *scene, uint64_t file)
{
	uint64_t hash = file * UINT64_C(0x9E3779B97F4A7C15) >> 32;
	size_t mask = scene->max_noted - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask)
		if (scene->noted[i].file == file || !scene->noted[i].file)
			return &scene->noted[i];
}

static bool grow(struct via__scene *scene)
{
	struct via__scene bigger = {
		.max_noted = scene->max_noted ? 2 * scene->max_noted : 1024};

	/* Most of what there is is noted. */
	while (bigger.max_noted < scene->bpf.n_files)
		bigger.max_noted *= 2;
	bigger.noted = via__zeroed(bigger.max_noted * sizeof(*bigger.noted));
	if (!bigger.noted)
		return false;
	for (size_t i = 0; i < scene->max_noted; i++)
		if (scene->noted[i].file)
			*place(&bigger, scene->noted[i].file) = scene->noted[i];
	free(scene->noted);
	scene->noted = bigger.noted;
	scene->max_noted = bigger.max_noted;
	return true;
}

struct via__noted *via__note(struct via__scene *scene, uint64_t file,
			     uint32_t object)
{
	if (2 * scene->n_noted >= scene->max_noted && !grow(scene))
		return NULL;
	struct via__noted *n = place(scene, file);

	scene->n_noted += !n->file;
	n->file = file;
	n->object = object;
	return n;
}

struct via__noted *via__noted(const struct via__scene *scene, uint64_t file)
{
	struct via__noted *n = scene->max_noted ? place(scene, file) : NULL;

	return n && n->file ? n : NULL;
}

/* --- Watches --- */

static int by_watch(const void *a, const void *b)
{
	const struct via__bpf_file *x = *(const struct via__bpf_file *const *)a,
				   *y = *(const struct via__bpf_file *const *)b;

	if (x->epoll != y->epoll)
		return x->epoll < y->epoll ? -1 : 1;
	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return (x->file > y->file) - (x->file < y->file);
}

static void add_link(struct via__scene *scene, const struct via__bpf_file *w)
{
	const struct via__noted *from = via__noted(scene, w->epoll);
	const struct via__noted *to = via__noted(scene, w->file);

	/* Our own are read from /proc. */
	if (!from ||
	    scene->s->objects[from->object].dev == (uint64_t)scene->self)
		return;
	if (!to) {
		scene->s->sight.n_dropped++;
		return;
	}
	via__add_link(scene->s, from->object, to->object, VIA_LINK_WATCHES)
		->events = w->flags;
}

/* Each is told for each descriptor of what is watched. */
void via__watches(struct via__scene *scene)
{
	const struct via__bpf *b = &scene->bpf;
	size_t n = 0, all = 0;

	for (size_t i = 0; i < b->n_files; i++)
		all += b->files[i].epoll != 0;
	const struct via__bpf_file **w = all ? calloc(all, sizeof(*w)) : NULL;

	for (size_t i = 0; w && i < b->n_files; i++)
		if (b->files[i].epoll)
			w[n++] = &b->files[i];
	if (n)
		qsort(w, n, sizeof(*w), by_watch);
	for (size_t i = 0; i < n; i++)
		if (!i || by_watch(&w[i - 1], &w[i]) != 0)
			add_link(scene, w[i]);
	free(w);
}
