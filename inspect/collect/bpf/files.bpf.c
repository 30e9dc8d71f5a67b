/* SPDX-License-Identifier: MIT */
/*
 * All open files of all tasks, in the kernel: a program that the iterator of
 * task and file calls for each descriptor. It is only allowed to look.
 */

/* What the kernel gives us are such structures. */
#define GET LOAD
#include "inspect/collect/bpf/file.h"

/* So many sets may watch one file; more are not told. */
#define WATCHES_MAX 64

struct watches {
	struct bpf_iter__task_file *ctx;
	const struct hlist_node *node;
	__u64 file;
	__u32 pid, tid;
	__s32 fd;
};

/* The next one; 1: there is no more. */
static long tell_watch(__u32 i, void *arg)
{
	struct watches *w = arg;
	const struct hlist_node *node = w->node;
	const struct epitem *item = AROUND(struct epitem, node, fllink);
	struct via__bpf_file r = {0};

	(void)i;
	if (!node)
		return 1;
	r.pid = w->pid;
	r.tid = w->tid;
	r.fd = w->fd;
	r.file = w->file;
	r.epoll = (__u64)READ(item, ep, file);
	r.level = (__u32)READ(item, ffd.fd);
	r.flags = READ(item, event.events);
	bpf_seq_write(w->ctx->meta->seq, &r, sizeof(r));
	w->node = READ(node, next);
	return 0;
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	const struct file *file = ctx->file;
	__u32 level = own_level();
	struct via__bpf_file r = {0};

	if (!task || !file)
		return 0;
	r.pid = id_of(READ(task, group_leader), task->tgid, level);
	if (!r.pid)
		return 0;
	r.tid = id_of(task, task->pid, level);
	r.fd = (__s32)ctx->fd;
	r.table = (__u64)READ(task, files);
	fill_file(file, &r);
	/* Without that of the iterator itself. */
	r.refs--;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	if (!r.watched)
		return 0;
	const struct hlist_head *head = file->f_ep;
	struct watches w = {.ctx = ctx,
			    .node = READ(head, first),
			    .file = r.file,
			    .pid = r.pid,
			    .tid = r.tid,
			    .fd = r.fd};

	bpf_loop(WATCHES_MAX, tell_watch, &w, 0);
	return 0;
}
