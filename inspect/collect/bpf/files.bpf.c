/* SPDX-License-Identifier: MIT */
/*
 * All open files of all tasks, in the kernel: a program that the iterator of
 * task and file calls for each descriptor. It is only allowed to look.
 */
#include "inspect/collect/bpf/file.h"

/* The file system of what has no file: include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

/* Most buffers that a pipe has by default's limit, 1 MiB. */
#define BUFS_MAX 256
/* So many sets may watch one file; more are not told. */
#define WATCHES_MAX 64

struct bufs {
	const char *at;
	__u32 head, tail, mask, unused;
	__u64 bytes;
};

static long add_buf(__u32 i, void *arg)
{
	struct bufs *b = arg;
	__u32 len = 0;

	(void)i;
	bpf_probe_read_kernel(
		&len, sizeof(len),
		b->at +
			(b->tail & b->mask) *
				bpf_core_type_size(struct pipe_buffer) +
			bpf_core_field_offset(struct pipe_buffer, len));
	b->bytes += len;
	return ++b->tail == b->head;
}

static inline void read_pipe(const struct pipe_inode_info *pipe,
			     struct via__bpf_file *r)
{
	struct bufs b = {
		.head = READ(pipe, head),
		.tail = READ(pipe, tail),
	};

	r->pages = READ(pipe, max_usage);
	r->files = READ(pipe, files);
	if (b.head != b.tail) {
		b.at = (const char *)READ(pipe, bufs);
		b.mask = READ(pipe, ring_size) - 1;
		/* A loop in C would be checked round by round: 20 ms. */
		bpf_loop(BUFS_MAX, add_buf, &b, 0);
	}
	r->level = b.bytes;
	r->known = b.tail == b.head;
}

static inline void read_anon(const struct file *file, struct via__bpf_file *r)
{
	const struct dentry *dentry = LOAD(file, f_path.dentry);

	bpf_probe_read_kernel_str(r->name, sizeof(r->name),
				  READ(dentry, d_name.name));
	/* "[eventfd]" */
	if (r->name[0] == '[' && r->name[1] == 'e' && r->name[2] == 'v' &&
	    r->name[3] == 'e' && r->name[6] == 'f') {
		const struct eventfd_ctx *event = LOAD(file, private_data);

		r->id = (__u32)READ(event, id);
		r->level = READ(event, count);
		r->known = 1;
	}
}

static inline void fill_file(const struct file *file, struct via__bpf_file *r)
{
	const struct inode *inode = LOAD(file, f_inode);
	const struct super_block *super = LOAD(inode, i_sb);

	r->file = (__u64)file;
	r->watched = LOAD(file, f_ep) != 0;
	r->refs = refs_of(file);
	r->ino = LOAD(inode, i_ino);
	r->size = (__u64)LOAD(inode, i_size);
	r->dev = LOAD(super, s_dev);
	r->rdev = LOAD(inode, i_rdev);
	r->nlink = LOAD(inode, i_nlink);
	r->mode = LOAD(inode, i_mode);
	r->flags = LOAD(file, f_flags);
	r->open_for = LOAD(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	if ((r->mode & S_IFMT) == S_IFIFO)
		read_pipe(LOAD(file, private_data), r);
	else if (LOAD(super, s_magic) == ANON_INODE_FS_MAGIC)
		read_anon(file, r);
}

/* --- Who watches it --- */

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
