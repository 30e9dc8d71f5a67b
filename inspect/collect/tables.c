/* SPDX-License-Identifier: MIT */
/*
 * Threads that have descriptors of their own: unshare(CLONE_FILES), or because
 * the first thread has ended and has none any more. What the process has by
 * the same descriptor is told once.
 */
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/fd.h"

struct tables {
	struct via__scene *scene;
	const struct via__at *at;
	uint32_t first; /* hold of the process */
	pid_t last;	/* thread whose descriptors are known, as others' */
};

/* Whether one of those from first to end, which are in order, is the same. */
static bool is_known(const struct via_snapshot *s, uint32_t first, uint32_t end,
		     const struct via_holding *h)
{
	uint32_t low = first, high = end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->holds[middle].id < h->id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && s->holds[low].id == h->id &&
	       s->holds[low].object == h->object;
}

void via__drop_known(struct via_snapshot *s, uint32_t first, uint32_t end)
{
	uint32_t n = end;

	for (uint32_t i = end; i < s->n_holds; i++)
		if (!is_known(s, first, end, &s->holds[i]))
			s->holds[n++] = s->holds[i];
	s->n_holds = n;
	via__unseal(s);
}

static bool shares(pid_t a, pid_t b)
{
	return a == b || syscall(SYS_kcmp, a, b, KCMP_FILES, 0, 0) == 0;
}

static int thread(pid_t tid, void *arg)
{
	struct tables *t = arg;
	struct via_snapshot *s = t->scene->s;
	uint32_t end = s->n_holds;
	struct via__at at = *t->at;

	/* Threads that come one after the other often share theirs. */
	if (shares(at.pid, tid) || shares(t->last, tid))
		return 0;
	at.dir = via__proc_open_thread(t->at->dir, tid);
	at.pid = tid;
	if (at.dir < 0)
		return 0;
	(void)via__fds_of(t->scene, &at);
	via__drop_known(s, t->first, end);
	via__fdlist_close(at.fds);
	close(at.dir);
	t->last = tid;
	return via__build_error(s);
}

void via__tables(struct via__scene *scene, const struct via__at *at,
		 uint32_t first)
{
	struct tables t = {scene, at, first, at->pid};

	if (scene->s->processes[at->process].task.n_threads > 1)
		(void)via__proc_each_thread(at->dir, thread, &t);
}
