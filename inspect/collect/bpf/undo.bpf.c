/* SPDX-License-Identifier: MIT */
/*
 * What tasks hold of System V semaphores, in the kernel: a program that the
 * iterator of tasks calls for each. It is only allowed to look.
 */
#include "inspect/collect/bpf/kernel.h"
#include "inspect/collect/bpf/record.h"

struct task_context {
	struct meta *meta;
	const void *task;
};

/* Of so many sets a list tells; more are ignored, as are all semaphores of a
 * set behind the first VIA__BPF_SEMAPHORES. */
#define UNDO_MAX 64

/* Going through a list of sets. */
struct sets {
	struct task_context *ctx;
	const void *head, *at;
	struct via__bpf_undo r;
};

/* The next one; 1: there is no more. */
static long tell_set(__u32 i, void *arg)
{
	struct sets *w = arg;
	struct via__bpf_undo *r = &w->r;
	const void *undo = AROUND(w->at, UNDO_SET);

	if (!w->at || w->at == w->head)
		return 1;
	r->id = READ(__s32, undo, UNDO_ID);
	/* One by one: behind the last there may be no memory. */
	for (i = 0; i < VIA__BPF_SEMAPHORES; i++)
		probe_read(&r->add[i], sizeof(r->add[i]),
			   (const char *)AT(undo, UNDO_ADD) +
				   i * sizeof(r->add[i]));
	seq_write(w->ctx->meta->seq, r, sizeof(*r));
	w->at = READ(void *, w->at, LIST_NEXT);
	return 0;
}

SEC("iter")
int undo(struct task_context *ctx)
{
	const void *task = ctx->task;
	struct sets w = {.ctx = ctx};

	if (!task)
		return 0;
	const void *list = READ(void *, task, TASK_UNDO);
	const void *leader = READ(void *, task, TASK_LEADER);

	if (!list)
		return 0;
	w.r.pid = id_of(READ(void *, leader, TASK_THREAD_PID),
			READ(int, task, TASK_TGID), own_level());
	if (!w.r.pid)
		return 0;
	w.r.ns = READ(
		__u32,
		READ(void *, READ(void *, task, TASK_NSPROXY), NSPROXY_IPC),
		IPC_INUM);
	w.r.list = (__u64)list;
	w.head = AT(list, UNDO_SETS);
	w.at = READ(void *, w.head, LIST_NEXT);
	loop(UNDO_MAX, tell_set, &w, 0);
	return 0;
}
