/* SPDX-License-Identifier: MIT */
/*
 * All open files of all tasks, in the kernel: a program that the iterator of
 * task and file calls for each descriptor; and what they hold of System V
 * semaphores: one for each task. They are only allowed to look.
 */
#include "inspect/collect/bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "inspect/collect/bpf/record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define S_IFMT	0170000
#define S_IFIFO 0010000

/* The file system of what has no file: include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

#define FMODE_READ  1
#define FMODE_WRITE 2

/* Most buffers that a pipe has by default's limit, 1 MiB. */
#define BUFS_MAX 256

/* The number of a task as whoever reads this would call it. */
static __u32 id_of(const struct pid *pid, int id)
{
	const struct task_struct *reader = bpf_get_current_task_btf();
	unsigned int level = reader->thread_pid->level;
	int nr = 0;

	if (level == 0)
		return (__u32)id;
	if (!pid || pid->level < level)
		return 0;
	bpf_probe_read_kernel(
		&nr, sizeof(nr),
		(const char *)pid + bpf_core_field_offset(struct pid, numbers) +
			level * bpf_core_type_size(struct upid) +
			bpf_core_field_offset(struct upid, nr));
	return (__u32)nr;
}

/* Without that of the iterator itself. What f_ref counts begins with 0. */
static __s32 refs_of(const struct file *file)
{
	if (bpf_core_field_exists(file->f_ref))
		return (__s32)BPF_CORE_READ(file, f_ref.refcnt.counter);
	return (__s32)BPF_CORE_READ(file, f_count.counter) - 1;
}

static void read_pipe(const struct file *file, struct via__bpf_file *r)
{
	const struct pipe_inode_info *pipe = file->private_data;
	unsigned int head = BPF_CORE_READ(pipe, head);
	unsigned int tail = BPF_CORE_READ(pipe, tail);
	unsigned int size = BPF_CORE_READ(pipe, ring_size);
	const char *bufs = (const char *)BPF_CORE_READ(pipe, bufs);

	r->pages = BPF_CORE_READ(pipe, max_usage);
	r->files = BPF_CORE_READ(pipe, files);
	for (int i = 0; i < BUFS_MAX && tail != head; i++, tail++) {
		unsigned int len = 0;

		bpf_probe_read_kernel(
			&len, sizeof(len),
			bufs +
				(tail & (size - 1)) *
					bpf_core_type_size(struct pipe_buffer) +
				bpf_core_field_offset(struct pipe_buffer, len));
		r->level += len;
	}
	r->known = tail == head;
}

static void read_anon(const struct file *file, struct via__bpf_file *r)
{
	bpf_probe_read_kernel_str(r->name, sizeof(r->name),
				  file->f_path.dentry->d_name.name);
	/* "[eventfd]" */
	if (r->name[0] == '[' && r->name[1] == 'e' && r->name[2] == 'v' &&
	    r->name[3] == 'e' && r->name[6] == 'f') {
		const struct eventfd_ctx *ctx = file->private_data;

		r->id = (__u32)BPF_CORE_READ(ctx, id);
		r->level = BPF_CORE_READ(ctx, count);
		r->known = 1;
	}
}

/* So many sets may watch one file; more are not told. */
#define WATCHES_MAX 64

static void tell_watches(struct bpf_iter__task_file *ctx,
			 const struct file *file)
{
	const struct hlist_head *head = file->f_ep;
	const struct hlist_node *node = BPF_CORE_READ(head, first);

	for (int i = 0; i < WATCHES_MAX && node; i++) {
		const struct epitem *item =
			(const void *)((const char *)node -
				       bpf_core_field_offset(struct epitem,
							     fllink));
		struct via__bpf_file r = {0};

		r.file = (__u64)file;
		r.epoll = (__u64)BPF_CORE_READ(item, ep, file);
		r.fd = BPF_CORE_READ(item, ffd.fd);
		r.flags = BPF_CORE_READ(item, event.events);
		bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
		node = BPF_CORE_READ(node, next);
	}
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	const struct file *file = ctx->file;
	struct via__bpf_file r = {0};

	if (!task || !file)
		return 0;
	const struct inode *inode = file->f_inode;

	r.pid = id_of(task->group_leader->thread_pid, task->tgid);
	if (!r.pid)
		return 0;
	r.tid = id_of(task->thread_pid, task->pid);
	r.watched = file->f_ep != 0;
	r.fd = (__s32)ctx->fd;
	r.file = (__u64)file;
	r.table = (__u64)task->files;
	r.refs = refs_of(file);
	r.ino = inode->i_ino;
	r.size = (__u64)inode->i_size;
	r.dev = inode->i_sb->s_dev;
	r.rdev = inode->i_rdev;
	r.nlink = inode->i_nlink;
	r.mode = inode->i_mode;
	r.flags = file->f_flags;
	r.open_for = file->f_mode & (FMODE_READ | FMODE_WRITE);
	if ((r.mode & S_IFMT) == S_IFIFO)
		read_pipe(file, &r);
	else if (inode->i_sb->s_magic == ANON_INODE_FS_MAGIC)
		read_anon(file, &r);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	if (r.watched)
		tell_watches(ctx, file);
	return 0;
}

/* Of so many sets a list tells; more are ignored, as are all semaphores of a
 * set behind the first VIA__BPF_SEMAPHORES. */
#define UNDO_MAX 64

/* Going through a list of sets. */
struct undo_walk {
	struct bpf_iter__task *ctx;
	const struct list_head *head, *at;
	struct via__bpf_undo r;
};

/* The next one; 1: there is no more. */
static int tell_undo(__u32 i, void *arg)
{
	struct undo_walk *w = arg;
	struct via__bpf_undo *r = &w->r;
	const struct list_head *at = w->at;
	const char *undo = (const char *)at -
			   bpf_core_field_offset(struct sem_undo, list_proc);
	const char *from = undo +
			   bpf_core_field_offset(struct sem_undo, semadj);

	if (!at || at == w->head)
		return 1;
	r->id = BPF_CORE_READ((const struct sem_undo *)undo, semid);
	/* One by one: behind the last there may be no memory. */
	for (i = 0; i < VIA__BPF_SEMAPHORES; i++)
		bpf_probe_read_kernel(&r->add[i], sizeof(r->add[i]),
				      from + i * sizeof(r->add[i]));
	bpf_seq_write(w->ctx->meta->seq, r, sizeof(*r));
	w->at = BPF_CORE_READ(at, next);
	return 0;
}

SEC("iter/task")
int undo(struct bpf_iter__task *ctx)
{
	const struct task_struct *task = ctx->task;
	struct undo_walk w = {.ctx = ctx};

	if (!task || !bpf_core_field_exists(task->sysvsem.undo_list) ||
	    !bpf_core_field_exists(((struct sem_undo *)0)->semadj))
		return 0;
	const struct sem_undo_list *list = BPF_CORE_READ(task,
							 sysvsem.undo_list);

	w.r.pid = id_of(task->group_leader->thread_pid, task->tgid);
	if (!list || !w.r.pid)
		return 0;
	w.r.ns = BPF_CORE_READ(task, nsproxy, ipc_ns, ns.inum);
	w.r.list = (__u64)list;
	w.head = &list->list_proc;
	w.at = BPF_CORE_READ(list, list_proc.next);
	/* A loop in C would be checked round by round: 20 ms. */
	bpf_loop(UNDO_MAX, tell_undo, &w, 0);
	return 0;
}
