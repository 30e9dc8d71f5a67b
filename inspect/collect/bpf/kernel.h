/* SPDX-License-Identifier: MIT */
/*
 * What the programs here are made of: helpers of the kernel, and members of its
 * structures by the names of members.def. The compiler puts a mark where the
 * offset of one belongs; whoever loads the program puts the offset there.
 */
#ifndef INSPECT_COLLECT_BPF_KERNEL_H
#define INSPECT_COLLECT_BPF_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "inspect/collect/bpf/members.h"

#define SEC(name) __attribute__((section(name), used))
#define INLINE	  static inline __attribute__((always_inline))

/* --- Helpers: bpf-helpers(7) --- */

static long (*const probe_read)(void *to, __u32 size, const void *from) =
	(void *)BPF_FUNC_probe_read_kernel;
static long (*const probe_read_str)(void *to, __u32 size, const void *from) =
	(void *)BPF_FUNC_probe_read_kernel_str;
static long (*const seq_write)(void *seq, const void *from,
			       __u32 len) = (void *)BPF_FUNC_seq_write;
static void *(*const current_task)(void) = (void *)
	BPF_FUNC_get_current_task_btf;
/* Linux 5.17. A loop in C would be checked round by round: 20 ms. */
static long (*const loop)(__u32 rounds, void *f, void *arg,
			  __u64 flags) = (void *)BPF_FUNC_loop;

/* --- Members --- */

#define OFFSET(name)                                                           \
	({                                                                     \
		long offset_;                                                  \
		__asm__("%0 = %1"                                              \
			: "=r"(offset_)                                        \
			: "i"(VIA__BPF_MARK + VIA__AT_##name));                \
		offset_;                                                       \
	})
/* Of a MAYBE. */
#define HAS(name)      (OFFSET(name) >= 0)
#define AT(base, name) ((const void *)((const char *)(base) + OFFSET(name)))
/* What a member is in. */
#define AROUND(at, name) ((const void *)((const char *)(at)-OFFSET(name)))
/* Of what the kernel knows to be such a structure: quicker. */
#define LOAD(type, base, name) (*(type const *)AT(base, name))
/* Of whatever is there. */
#define READ(type, base, name)                                                 \
	({                                                                     \
		type value_ = 0;                                               \
		probe_read(&value_, sizeof(value_), AT(base, name));           \
		value_;                                                        \
	})

/* --- What iterators give --- */

struct meta {
	void *seq;
};

/* How deep the pid namespace of whoever reads this is. */
INLINE __u32 own_level(void)
{
	return READ(__u32, READ(void *, current_task(), TASK_THREAD_PID),
		    PID_LEVEL);
}

/* The number of a task in there. */
INLINE __u32 id_of(const void *pid, int id, __u32 level)
{
	__u32 nr = 0;

	if (level == 0)
		return (__u32)id;
	if (!pid || READ(__u32, pid, PID_LEVEL) < level)
		return 0;
	probe_read(&nr, sizeof(nr),
		   (const char *)AT(pid, PID_NUMBERS) + level * OFFSET(UPID) +
			   OFFSET(UPID_NR));
	return nr;
}

#endif
