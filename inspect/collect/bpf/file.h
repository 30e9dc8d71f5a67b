/* SPDX-License-Identifier: MIT */
/* What is told of an open file. GET says how members of it are read: LOAD or
 * READ. */
#ifndef INSPECT_COLLECT_BPF_FILE_H
#define INSPECT_COLLECT_BPF_FILE_H

#include "inspect/collect/bpf/program.h"

#define S_IFMT	0170000
#define S_IFIFO 0010000

/* The file system of what has no file: include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

#define FMODE_READ  1
#define FMODE_WRITE 2

/* Most buffers that a pipe has by default's limit, 1 MiB. */
#define BUFS_MAX 256

/* What f_ref counts begins with 0. */
static inline __s32 refs_of(const struct file *file)
{
	return bpf_core_field_exists(file->f_ref)
		       ? (__s32)READ(file, f_ref.refcnt.counter) + 1
		       : (__s32)READ(file, f_count.counter);
}

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
	const struct dentry *dentry = GET(file, f_path.dentry);

	bpf_probe_read_kernel_str(r->name, sizeof(r->name),
				  READ(dentry, d_name.name));
	/* "[eventfd]" */
	if (r->name[0] == '[' && r->name[1] == 'e' && r->name[2] == 'v' &&
	    r->name[3] == 'e' && r->name[6] == 'f') {
		const struct eventfd_ctx *event = GET(file, private_data);

		r->id = (__u32)READ(event, id);
		r->level = READ(event, count);
		r->known = 1;
	}
}

static inline void fill_file(const struct file *file, struct via__bpf_file *r)
{
	const struct inode *inode = GET(file, f_inode);
	const struct super_block *super = GET(inode, i_sb);

	r->file = (__u64)file;
	r->watched = GET(file, f_ep) != 0;
	r->refs = refs_of(file);
	r->ino = GET(inode, i_ino);
	r->size = (__u64)GET(inode, i_size);
	r->dev = GET(super, s_dev);
	r->rdev = GET(inode, i_rdev);
	r->nlink = GET(inode, i_nlink);
	r->mode = GET(inode, i_mode);
	r->flags = GET(file, f_flags);
	r->open_for = GET(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	if ((r->mode & S_IFMT) == S_IFIFO)
		read_pipe(GET(file, private_data), r);
	else if (GET(super, s_magic) == ANON_INODE_FS_MAGIC)
		read_anon(file, r);
}

#endif
