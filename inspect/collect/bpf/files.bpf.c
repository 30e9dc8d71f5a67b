/* SPDX-License-Identifier: MIT */
/*
 * All open files of all tasks, in the kernel: a program that the iterator of
 * task and file calls for each descriptor. It is only allowed to look.
 */
#include "inspect/collect/bpf/kernel.h"

/* What the kernel gives us are such structures. */
#define GET LOAD
#include "inspect/collect/bpf/file.h"

struct files_context {
	struct meta *meta;
	const void *task;
	__u64 fd;
	const void *file;
};

/* So many sets may watch one file; more are not told. */
#define WATCHES_MAX 64

struct watches {
	struct files_context *ctx;
	const void *node;
	__u64 file;
	__u32 pid, tid;
	__s32 fd;
};

/* The next one; 1: there is no more. */
static long tell_watch(__u32 i, void *arg)
{
	struct watches *w = arg;
	const void *item = AROUND(w->node, EPITEM_LINK);
	struct via__bpf_file r = {0};

	(void)i;
	if (!w->node)
		return 1;
	r.pid = w->pid;
	r.tid = w->tid;
	r.fd = w->fd;
	r.file = w->file;
	r.epoll = READ(__u64, READ(void *, item, EPITEM_EP), EVENTPOLL_FILE);
	r.level = READ(__u32, item, EPITEM_FD);
	r.flags = READ(__u32, item, EPITEM_EVENTS);
	seq_write(w->ctx->meta->seq, &r, sizeof(r));
	w->node = READ(void *, w->node, NODE_NEXT);
	return 0;
}

SEC("iter")
int files(struct files_context *ctx)
{
	const void *task = ctx->task, *file = ctx->file;
	__u32 level = HAS(OUTERMOST) ? 0 : own_level();
	struct via__bpf_file r = {0};

	if (!task || !file)
		return 0;
	const void *leader = LOAD(void *, task, TASK_LEADER);

	r.pid = id_of(LOAD(void *, leader, TASK_THREAD_PID),
		      LOAD(int, task, TASK_TGID), level);
	if (!r.pid)
		return 0;
	r.tid = id_of(LOAD(void *, task, TASK_THREAD_PID),
		      LOAD(int, task, TASK_PID), level);
	r.fd = (__s32)ctx->fd;
	r.table = LOAD(__u64, task, TASK_FILES);
	fill_file(file, &r);
	/* Without that of the iterator itself. */
	r.refs--;
	seq_write(ctx->meta->seq, &r, sizeof(r));
	if (!r.watched)
		return 0;
	const void *head = LOAD(void *, file, FILE_EP);
	struct watches w = {.ctx = ctx,
			    .node = READ(void *, head, HEAD_FIRST),
			    .file = r.file,
			    .pid = r.pid,
			    .tid = r.tid,
			    .fd = r.fd};

	loop(WATCHES_MAX, tell_watch, &w, 0);
	return 0;
}
