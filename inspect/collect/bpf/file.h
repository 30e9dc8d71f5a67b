/* SPDX-License-Identifier: MIT */
/* What is told of an open file. GET says how members of it are read: LOAD of
 * one that the kernel knows to be one, READ of any other. */
#ifndef INSPECT_COLLECT_BPF_FILE_H
#define INSPECT_COLLECT_BPF_FILE_H

#include "inspect/collect/bpf/kernel.h"
#include "inspect/collect/bpf/record.h"

#define S_IFMT	0170000
#define S_IFIFO 0010000

/* The file system of what has no file: include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

#define FMODE_READ  1
#define FMODE_WRITE 2

/* Most buffers that a pipe has by default's limit, 1 MiB. */
#define BUFS_MAX 256

/* What f_ref counts begins with 0. */
INLINE __s32 refs_of(const void *file)
{
	return HAS(FILE_REF) ? (__s32)GET(__s64, file, FILE_REF) + 1
			     : (__s32)GET(__s64, file, FILE_COUNT);
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
	probe_read(&len, sizeof(len),
		   b->at + (b->tail & b->mask) * OFFSET(BUFFER) +
			   OFFSET(BUFFER_LEN));
	b->bytes += len;
	return ++b->tail == b->head;
}

INLINE void read_pipe(const void *pipe, struct via__bpf_file *r)
{
	struct bufs b = {
		.head = READ(__u32, pipe, PIPE_HEAD),
		.tail = READ(__u32, pipe, PIPE_TAIL),
	};

	r->pages = READ(__u32, pipe, PIPE_USAGE);
	r->files = READ(__u32, pipe, PIPE_FILES);
	if (b.head != b.tail) {
		b.at = READ(void *, pipe, PIPE_BUFS);
		b.mask = READ(__u32, pipe, PIPE_SIZE) - 1;
		loop(BUFS_MAX, add_buf, &b, 0);
	}
	r->level = b.bytes;
	r->known = b.tail == b.head;
}

INLINE void read_anon(const void *file, struct via__bpf_file *r)
{
	const void *dentry = GET(void *, file, FILE_DENTRY);

	probe_read_str(r->name, sizeof(r->name),
		       READ(void *, dentry, DENTRY_NAME));
	/* "[eventfd]" */
	if (r->name[0] == '[' && r->name[1] == 'e' && r->name[2] == 'v' &&
	    r->name[3] == 'e' && r->name[6] == 'f') {
		const void *event = GET(void *, file, FILE_DATA);

		r->id = READ(__u32, event, EVENTFD_ID);
		r->level = READ(__u64, event, EVENTFD_COUNT);
		r->known = 1;
	}
}

INLINE void fill_file(const void *file, struct via__bpf_file *r)
{
	const void *inode = GET(void *, file, FILE_INODE);
	const void *super = GET(void *, inode, INODE_SB);

	r->file = (__u64)file;
	r->watched = GET(void *, file, FILE_EP) != 0;
	r->refs = refs_of(file);
	r->ino = GET(__u64, inode, INODE_INO);
	r->size = GET(__u64, inode, INODE_SIZE);
	r->dev = GET(__u32, super, SB_DEV);
	r->rdev = GET(__u32, inode, INODE_RDEV);
	r->nlink = GET(__u32, inode, INODE_NLINK);
	r->mode = GET(__u16, inode, INODE_MODE);
	r->flags = GET(__u32, file, FILE_FLAGS);
	r->open_for = GET(__u32, file, FILE_MODE) & (FMODE_READ | FMODE_WRITE);
	if ((r->mode & S_IFMT) == S_IFIFO)
		read_pipe(GET(void *, file, FILE_DATA), r);
	else if (GET(__u64, super, SB_MAGIC) == ANON_INODE_FS_MAGIC)
		read_anon(file, r);
}

#endif
