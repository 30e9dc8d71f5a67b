/* SPDX-License-Identifier: MIT */
/* Threads by the ids that processes of a namespace know them by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/proc.h"
#include "inspect/collect/wait.h"

static int by_tid(const void *a, const void *b)
{
	const struct via__tid_of *x = a, *y = b;

	if (x->pid_ns != y->pid_ns)
		return x->pid_ns < y->pid_ns ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* The last number of "NSpid: 4711 12 1" in a thread's status. */
static pid_t read_inner(pid_t pid, pid_t tid)
{
	char path[48], text[4096];
	int dir = via__proc_open(pid);
	const char *at = NULL;

	snprintf(path, sizeof(path), "task/%d/status", tid);
	if (dir >= 0 && via__proc_read(dir, path, text, sizeof(text)) > 0)
		at = strstr(text, "\nNSpid:");
	if (dir >= 0)
		close(dir);
	size_t len = at ? strcspn(at + 1, "\n") : 0;

	for (at += len; len && at[0] != '\t'; at--)
		len--;
	return len ? atoi(at) : 0;
}

static pid_t inner_tid(struct via_snapshot *s, struct via_thread *t)
{
	const struct via_process *p = &s->processes[t->process];

	if (t->inner_tid)
		return t->inner_tid;
	if (t->tid == p->task.pid)
		t->inner_tid = p->inner_pid;
	else if (p->inner_pid == p->task.pid)
		t->inner_tid = t->tid;
	else
		t->inner_tid = read_inner(p->task.pid, t->tid);
	return t->inner_tid;
}

static void list_tids(struct via__waiting *w)
{
	struct via_snapshot *s = w->scene->s;

	w->tids = reallocarray(NULL, s->n_threads + (size_t)1,
			       sizeof(*w->tids));
	for (uint32_t i = 0; w->tids && i < s->n_threads; i++) {
		struct via_thread *t = &s->threads[i];

		w->tids[w->n_tids++] = (struct via__tid_of){
			s->processes[t->process].pid_ns, inner_tid(s, t), i};
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
