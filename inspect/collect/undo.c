/* SPDX-License-Identifier: MIT */
/*
 * Who holds units of System V semaphores: the kernel keeps it of those who took
 * them with SEM_UNDO, and a program in it tells. Nobody else does: without BPF,
 * and of who took them without SEM_UNDO, only the last user is known.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "inspect/collect/collector.h"

static int by_set(const void *a, const void *b)
{
	const struct via__bpf_undo *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Threads that share a list tell it once each. How many are left. */
static size_t once_each(struct via__bpf_undo *all, size_t n_all)
{
	size_t n = 0;

	if (n_all)
		qsort(all, n_all, sizeof(*all), by_set);
	for (size_t i = 0; i < n_all; i++)
		if (!n || by_set(&all[n - 1], &all[i]) != 0)
			all[n++] = all[i];
	return n;
}

/* A set that is known. One that has been removed meanwhile has id -1. */
static const struct via_ipc *set_of(const struct via_snapshot *s,
				    const struct via__bpf_undo *r)
{
	uint32_t object = r->id < 0 ? VIA_NONE
				    : via_snapshot_object(s, VIA_KIND_SYSVSEM,
							  r->ns,
							  (uint32_t)r->id, 0);

	return object == VIA_NONE || s->objects[object].detail == VIA_NONE
		       ? NULL
		       : &s->ipcs[s->objects[object].detail];
}

/* What will be added was taken: semop(2). Less than 0 was given. */
static void add_holds(struct via_snapshot *s, const struct via__bpf_undo *r)
{
	uint32_t process = via_snapshot_process(s, (pid_t)r->pid);
	const struct via_ipc *set = set_of(s, r);

	if (process == VIA_NONE || !set)
		return;
	for (uint32_t i = 0; i < VIA__BPF_SEMAPHORES && i < set->size; i++) {
		if (r->add[i] <= 0)
			continue;
		struct via_holding *h = via__add_hold(s, process, set->object,
						      VIA_HOLDS_LOCK);

		h->source = VIA_SOURCE_BPF;
		h->start = (uint64_t)r->add[i];
		h->end = i;
	}
}

static bool has_sets(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_SYSVSEM)
			return true;
	return false;
}

static void undo_all(struct via__scene *scene)
{
	void *told = NULL;
	size_t n = 0;

	if (!scene->bpf.open || !has_sets(scene->s) ||
	    via__bpf_tell(&scene->bpf, VIA__PROGRAM_UNDO,
			  sizeof(struct via__bpf_undo), &told, &n, NULL) < 0)
		return;
	n = once_each(told, n);
	for (size_t i = 0; i < n; i++)
		add_holds(scene->s, (const struct via__bpf_undo *)told + i);
	free(told);
}

const struct via__collector via__collector_undo = {
	.name = "undo",
	.summary = "who holds System V semaphores, told by the kernel",
	.want = VIA_WANT_IPC,
	.all = undo_all,
};
