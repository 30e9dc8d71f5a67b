/* SPDX-License-Identifier: MIT */
/*
 * The kernel's structures, as far as the programs here look at them. Only the
 * names of members count: where they are is filled in when a program is loaded,
 * from the running kernel's own description (BTF).
 */
#ifndef INSPECT_COLLECT_BPF_KERNEL_H
#define INSPECT_COLLECT_BPF_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/un.h>

/* Those without the mark are what they always were: to look for one takes the
 * kernel 0.1 ms. */
#ifdef __bpf__
#define KERNEL __attribute__((preserve_access_index))
#else
#define KERNEL /* gcc does not know it */
#endif

struct upid {
	int nr;
} KERNEL;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL;

struct list_head {
	struct list_head *next;
};

struct sem_undo {
	struct list_head list_proc;
	int semid;
	short semadj[1];
} KERNEL;

/* Before Linux 6.6. What is behind ___ is not part of the name. */
struct sem_undo___pointer {
	short *semadj;
} KERNEL;

struct sem_undo_list {
	struct list_head list_proc;
} KERNEL;

struct sysv_sem {
	struct sem_undo_list *undo_list;
} KERNEL;

struct ns_common {
	unsigned int inum;
} KERNEL;

struct ipc_namespace {
	struct ns_common ns;
} KERNEL;

struct nsproxy {
	struct ipc_namespace *ipc_ns;
} KERNEL;

struct task_struct {
	int pid, tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	void *mm, *files;
	struct nsproxy *nsproxy;
	struct sysv_sem sysvsem;
} KERNEL;

struct super_block {
	__u32 s_dev;
	unsigned long s_flags, s_magic;
} KERNEL;

struct inode {
	__u16 i_mode;
	__u32 i_rdev;
	unsigned int i_nlink;
	unsigned long i_ino;
	__s64 i_size;
	struct super_block *i_sb;
} KERNEL;

struct qstr {
	const unsigned char *name;
} KERNEL;

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
} KERNEL;

struct vfsmount {
	int mnt_flags;
} KERNEL;

struct mount {
	struct vfsmount mnt;
	void *mnt_ns; /* or an error */
} KERNEL;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

typedef struct {
	__s64 counter;
} KERNEL atomic64_t;

typedef struct {
	atomic64_t refcnt;
} KERNEL file_ref_t;

struct file {
	file_ref_t f_ref;   /* since Linux 6.13 */
	atomic64_t f_count; /* before */
	unsigned int f_mode, f_flags;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
	struct hlist_head *f_ep;
} KERNEL;

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_pgoff, vm_flags;
	struct file *vm_file;
} KERNEL;

struct eventpoll {
	struct file *file;
} KERNEL;

struct epoll_filefd {
	int fd;
} KERNEL;

struct epoll_event {
	__u32 events;
} KERNEL;

struct epitem {
	struct epoll_filefd ffd;
	struct eventpoll *ep;
	struct hlist_node fllink;
	struct epoll_event event;
} KERNEL;

struct eventfd_ctx {
	__u64 count;
	int id;
} KERNEL;

struct pipe_buffer {
	unsigned int len;
} KERNEL;

struct pipe_inode_info {
	unsigned int head, tail, max_usage, ring_size, files;
	struct pipe_buffer *bufs;
} KERNEL;

struct socket {
	void *sk;
} KERNEL;

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
} KERNEL;

struct scm_fp_list {
	short count;
	struct file *fp[1];
} KERNEL;

struct unix_skb_parms {
	struct scm_fp_list *fp;
	__u32 consumed;
} KERNEL;

struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	char cb[1];
	unsigned int len;
} KERNEL;

struct sk_buff_head {
	struct sk_buff *next, *prev;
	__u32 qlen;
};

typedef struct {
	int counter;
} KERNEL atomic_t;

typedef struct {
	atomic_t refs;
} KERNEL refcount_t;

struct sock_common {
	unsigned char skc_state;
} KERNEL;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct sk_buff_head sk_receive_queue;
	refcount_t sk_wmem_alloc;
	int sk_sndbuf;
	__u32 sk_max_ack_backlog;
	__u16 sk_type;
	__u8 sk_shutdown;
	unsigned long sk_ino; /* since Linux 6.17 */
} KERNEL;

struct scm_stat {
	atomic_t nr_fds;
} KERNEL;

struct unix_address {
	int len;
	struct sockaddr_un name[1];
} KERNEL;

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
	struct scm_stat scm_stat;
	int inq_len; /* since Linux 6.18 */
} KERNEL;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__unix {
	struct bpf_iter_meta *meta;
	struct unix_sock *unix_sk;
	__u32 uid;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

#endif
