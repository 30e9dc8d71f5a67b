/* SPDX-License-Identifier: MIT */
/*
 * What epoll sets watch, as a program in the kernel told it: both are open
 * files with numbers. The objects of such files are noted as they are made.
 */
#include <stdlib.h>
#include <unistd.h>

#include "inspect/collect/fd.h"

void via__note(struct via__scene *scene, uint64_t file, uint32_t object)
{
	if (scene->n_noted == scene->max_noted) {
		size_t max = scene->max_noted ? 2 * scene->max_noted : 256;
		void *more = reallocarray(scene->noted, max,
					  sizeof(*scene->noted));

		if (!more)
			return;
		scene->noted = more;
		scene->max_noted = max;
	}
	scene->noted[scene->n_noted++] = (struct via__noted){file, object};
}

static int by_file(const void *a, const void *b)
{
	const struct via__noted *x = a, *y = b;

	return x->file < y->file ? -1 : x->file > y->file;
}

uint32_t via__noted_object(const struct via__scene *scene, uint64_t file)
{
	const struct via__noted key = {file, 0};
	const struct via__noted *found = scene->n_noted
						 ? bsearch(&key, scene->noted,
							   scene->n_noted,
							   sizeof(key), by_file)
						 : NULL;

	return found ? found->object : VIA_NONE;
}

void via__sort_noted(struct via__scene *scene)
{
	if (scene->n_noted)
		qsort(scene->noted, scene->n_noted, sizeof(*scene->noted),
		      by_file);
}

void via__watches(struct via__scene *scene)
{
	for (size_t i = 0; i < scene->bpf.n_watches; i++) {
		const struct via__bpf_file *w = &scene->bpf.files[i];
		uint32_t from = via__noted_object(scene, w->epoll);
		uint32_t to = via__noted_object(scene, w->file);

		/* Our own are read from /proc. */
		if (from == VIA_NONE ||
		    scene->s->objects[from].dev == (uint64_t)getpid())
			continue;
		if (to == VIA_NONE) {
			scene->s->sight.n_dropped++;
			continue;
		}
		via__add_link(scene->s, from, to, VIA_LINK_WATCHES)->events =
			w->flags;
	}
}
