/* SPDX-License-Identifier: MIT */
/* What the programs here have in common. */
#ifndef INSPECT_COLLECT_BPF_PROGRAM_H
#define INSPECT_COLLECT_BPF_PROGRAM_H

#include "inspect/collect/bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "inspect/collect/bpf/record.h"

/* The kernel asks for it; the repository's is MIT. */
static const char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Of enum via_want, set before a program is loaded: the kernel leaves out what is
 * for nothing else. */
const volatile __u32 want SEC(".rodata");

/* A member of what the kernel knows to be such a structure, which is quicker;
 * and of whatever is there. A pointer that is loaded makes the kernel search its
 * types by name, 0.2 ms, when it checks the program. */
#define LOAD(base, member) ((base)->member)
#define READ(base, ...)	   BPF_CORE_READ(base, __VA_ARGS__)

/* The structure that a member is in. */
#define AROUND(type, at, member)                                               \
	((const type *)((const char *)(at)-bpf_core_field_offset(type, member)))

/* How deep the pid namespace of whoever reads this is. */
static inline __u32 own_level(void)
{
	return READ((const struct task_struct *)bpf_get_current_task_btf(),
		    thread_pid, level);
}

/* The number of a task in there, whose id is this in the outermost one. */
static inline __u32 id_of(const struct task_struct *task, int id, __u32 level)
{
	__u32 nr = 0;

	if (level == 0)
		return (__u32)id;
	const struct pid *pid = READ(task, thread_pid);

	if (!pid || READ(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(
		&nr, sizeof(nr),
		(const char *)pid + bpf_core_field_offset(struct pid, numbers) +
			level * bpf_core_type_size(struct upid) +
			bpf_core_field_offset(struct upid, nr));
	return nr;
}

#endif
