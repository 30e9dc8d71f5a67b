/* SPDX-License-Identifier: MIT */
/*
 * What tasks hold of System V semaphores, in the kernel: a program that the
 * iterator of tasks calls for each. It is only allowed to look.
 */
#include "inspect/collect/bpf/program.h"

/* Of so many sets a list tells; more are ignored, as are all semaphores of a
 * set behind the first VIA__BPF_SEMAPHORES. */
#define UNDO_MAX 64

/* Going through a list of sets. */
struct sets {
	struct bpf_iter__task *ctx;
	const struct list_head *head, *at;
	struct via__bpf_undo r;
};

static inline const char *first_of(const struct sem_undo *undo)
{
	const struct sem_undo___pointer *old = (const void *)undo;

	if (bpf_core_field_exists(old->semadj))
		return (const char *)READ(old, semadj);
	return (const char *)undo +
	       bpf_core_field_offset(struct sem_undo, semadj);
}

/* The next one; 1: there is no more. */
static long tell_set(__u32 i, void *arg)
{
	struct sets *w = arg;
	struct via__bpf_undo *r = &w->r;
	const struct list_head *at = w->at;
	const struct sem_undo *undo = AROUND(struct sem_undo, at, list_proc);

	if (!at || at == w->head)
		return 1;
	const char *from = first_of(undo);

	r->id = READ(undo, semid);
	/* One by one: behind the last there may be no memory. */
	for (i = 0; i < VIA__BPF_SEMAPHORES; i++)
		bpf_probe_read_kernel(&r->add[i], sizeof(r->add[i]),
				      from + i * sizeof(r->add[i]));
	bpf_seq_write(w->ctx->meta->seq, r, sizeof(*r));
	w->at = READ(at, next);
	return 0;
}

SEC("iter/task")
int undo(struct bpf_iter__task *ctx)
{
	const struct task_struct *task = ctx->task;
	struct sets w = {.ctx = ctx};

	if (!task)
		return 0;
	const struct sem_undo_list *list = READ(task, sysvsem.undo_list);

	if (!list)
		return 0;
	w.r.pid = id_of(READ(task, group_leader), task->tgid, own_level());
	if (!w.r.pid)
		return 0;
	w.r.ns = READ(task, nsproxy, ipc_ns, ns.inum);
	w.r.list = (__u64)list;
	w.head = &list->list_proc;
	w.at = READ(list, list_proc.next);
	bpf_loop(UNDO_MAX, tell_set, &w, 0);
	return 0;
}
