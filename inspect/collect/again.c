/* SPDX-License-Identifier: MIT */
/*
 * The second look. A snapshot is not of one moment: what a thread waits for
 * and who could end that are read one after the other. Whoever has not run in
 * between has waited for the same thing all the time, and let go of nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/proc.h"
#include "inspect/model/build.h"

static bool same_call(const struct via_syscall *a, const struct via_syscall *b)
{
	return a->nr == b->nr && memcmp(a->args, b->args, sizeof(a->args)) == 0;
}

/* How often it was put on a CPU; -1: the kernel does not count. */
static int read_ran(int dir, uint64_t *ret)
{
	char text[128];
	unsigned long long slices;

	if (via__proc_read_once(dir, "schedstat", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%*u %*u %llu", &slices) != 1)
		return -1;
	*ret = slices;
	return 0;
}

/* To wake up is to be on a CPU once, or twice if another comes in between. */
#define WAKING_MAX 2

static uint32_t moved(int dir, const struct via_thread *t, pid_t pid)
{
	struct via_task task;
	struct via_syscall call;
	uint64_t ran;

	if (via__proc_task(dir, pid, &task) < 0 || task.start != t->start ||
	    task.state != t->state || read_ran(dir, &ran) < 0)
		return VIA_THREAD_MOVED;
	/* Where the kernel does not count, or has just let it go. */
	if (via__proc_syscall(dir, &call) < 0 || !same_call(&call, &t->call))
		return VIA_THREAD_MOVED;
	if (ran == t->ran)
		return 0;
	return VIA_THREAD_MOVED |
	       (ran - t->ran <= WAKING_MAX ? VIA_THREAD_WOKEN : 0);
}

static bool has_waits(const struct via_snapshot *s, const struct via_process *p)
{
	for (uint32_t i = 0; i < p->n_threads; i++)
		if (s->threads[p->first_thread + i].n_waits)
			return true;
	return false;
}

static void look_at_process(struct via_snapshot *s, const struct via_process *p)
{
	int dir = has_waits(s, p) ? via__proc_open(p->task.pid) : -1;

	for (uint32_t i = 0; i < p->n_threads; i++) {
		struct via_thread *t = &s->threads[p->first_thread + i];

		if (!t->n_waits)
			continue;
		int thread = dir < 0 ? -1 : via__proc_open_thread(dir, t->tid);

		t->flags |= thread < 0 ? VIA_THREAD_MOVED
				       : moved(thread, t, p->task.pid);
		if (thread >= 0)
			close(thread);
	}
	if (dir >= 0)
		close(dir);
}

int via_snapshot_look_again(struct via_snapshot *s)
{
	if (access("/proc/self/stat", R_OK) < 0)
		return -ENOENT;
	for (uint32_t i = 0; i < s->n_processes; i++)
		look_at_process(s, &s->processes[i]);
	return 0;
}
