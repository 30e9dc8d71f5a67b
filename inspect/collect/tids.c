/* SPDX-License-Identifier: MIT */
/* Threads by the ids that processes of a namespace know them by. */
#include <stdlib.h>

#include "inspect/collect/wait.h"

static int by_tid(const void *a, const void *b)
{
	const struct via__tid_of *x = a, *y = b;

	if (x->pid_ns != y->pid_ns)
		return x->pid_ns < y->pid_ns ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void list_tids(struct via__waiting *w)
{
	const struct via_snapshot *s = w->scene->s;

	w->tids = reallocarray(NULL, s->n_threads + (size_t)1,
			       sizeof(*w->tids));
	for (uint32_t i = 0; w->tids && i < s->n_threads; i++) {
		const struct via_thread *t = &s->threads[i];

		w->tids[w->n_tids++] = (struct via__tid_of){
			s->processes[t->process].pid_ns, t->inner_tid, i};
	}
	if (w->n_tids)
		qsort(w->tids, w->n_tids, sizeof(*w->tids), by_tid);
}

uint32_t via__thread_by_tid(struct via__waiting *w, uint32_t pid_ns, pid_t tid)
{
	struct via__tid_of key = {pid_ns, tid, 0}, *found;

	if (!w->tids)
		list_tids(w);
	found = w->n_tids && tid > 0
			? bsearch(&key, w->tids, w->n_tids, sizeof(key), by_tid)
			: NULL;
	return found ? found->thread : VIA_NONE;
}
