/* SPDX-License-Identifier: MIT */
/*
 * What processes have mapped, in the kernel: a program that the iterator of
 * mappings calls for each of each process, in the order of their addresses. It
 * is only allowed to look.
 */
#include "inspect/collect/bpf/program.h"

/* include/linux/mm.h; they have been these since Linux 2.6. */
#define VM_READ	     0x01
#define VM_WRITE     0x02
#define VM_EXEC	     0x04
#define VM_MAYSHARE  0x80 /* the "s" of /proc/PID/maps */
#define VM_GROWSDOWN 0x100

/* Of a mount that nobody sees: MNT_NS_INTERNAL of fs/mount.h. */
#define NO_NAMESPACE ((void *)-22)
/* Of file systems that the kernel has mounted for itself: include/linux/fs.h. */
#define SB_KERNMOUNT (1 << 22)

/* include/via/inspect.h, which is not for here. */
#define HOLD_SHARED   8
#define WANT_ALL_MAPS 8

/* A stack has no room for it. */
static struct {
	struct via__bpf_map r;
	char name[VIA__BPF_PATH + 8];
} told;

/*
 * An overlay maps the file that it found below, and /proc tells which it stands
 * for: under that one's name before Linux 6.7, since then through a mount of its
 * own. A flag of the file that says so has been another from version to version.
 */
static inline int stands_for_another(const struct file *file,
				     const struct super_block *super)
{
	const struct vfsmount *mnt = READ(file, f_path.mnt);

	if (READ(file, f_path.dentry, d_inode) != LOAD(file, f_inode))
		return 1;
	return READ(AROUND(struct mount, mnt, mnt), mnt_ns) == NO_NAMESPACE &&
	       !(READ(super, s_flags) & SB_KERNMOUNT);
}

/* The length of the name with its end; 0: it is longer than a path may be. */
static inline __u64 fill_file(struct file *file)
{
	const struct inode *inode = LOAD(file, f_inode);
	const struct super_block *super = LOAD(inode, i_sb);

	told.r.ino = LOAD(inode, i_ino);
	told.r.mode = LOAD(inode, i_mode);
	told.r.dev = LOAD(super, s_dev);
	told.r.magic = stands_for_another(file, super)
			       ? 0
			       : (__u32)LOAD(super, s_magic);
	long len = bpf_d_path(&file->f_path, told.name, VIA__BPF_PATH);

	return len > 0 ? (__u64)len : 0;
}

static inline __u16 hold_flags(unsigned long flags)
{
	return (flags & (VM_READ | VM_WRITE | VM_EXEC)) |
	       (flags & VM_MAYSHARE ? HOLD_SHARED : 0);
}

/* By the first thread, as in /proc; by the others, when that has ended. */
static inline int is_told_by(const struct task_struct *task)
{
	return task->pid == task->tgid || !READ(task, group_leader, mm);
}

SEC("iter/task_vma")
int vma(struct bpf_iter__task_vma *ctx)
{
	const struct task_struct *task = ctx->task;
	const struct vm_area_struct *vma = ctx->vma;

	if (!task || !vma)
		return 0;
	unsigned long flags = vma->vm_flags;
	struct file *file = flags & VM_MAYSHARE || want & WANT_ALL_MAPS
				    ? vma->vm_file
				    : 0;

	/* The stack is told for every process: to say that it was asked. */
	if ((!file && !(flags & VM_GROWSDOWN)) || !is_told_by(task))
		return 0;
	__u32 pid = id_of(READ(task, group_leader), task->tgid, own_level());

	if (!pid)
		return 0;
	told.r = (struct via__bpf_map){
		.pid = pid,
		.tid = (__u32)task->pid,
		.start = vma->vm_start,
		.end = vma->vm_end,
		.page = vma->vm_pgoff,
		.flags = hold_flags(flags),
	};
	__u64 len = file ? fill_file(file) : 0;

	/* Linux 6.1 knows what is in the register that was compared, not in its
	 * copies: the compiler is not to make one. */
	barrier_var(len);
	if (len > VIA__BPF_PATH)
		return 0;
	if (!len)
		told.name[len++] = '\0';
	told.r.len = (sizeof(told.r) + len + 7) & ~7u;
	bpf_seq_write(ctx->meta->seq, &told, told.r.len);
	return 0;
}
