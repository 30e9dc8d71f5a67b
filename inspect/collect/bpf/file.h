/* SPDX-License-Identifier: MIT */
/* What is told of an open file, wherever it is. */
#ifndef INSPECT_COLLECT_BPF_FILE_H
#define INSPECT_COLLECT_BPF_FILE_H

#include "inspect/collect/bpf/program.h"

#define S_IFMT	0170000
#define S_IFIFO 0010000

#define FMODE_READ  1
#define FMODE_WRITE 2

/* What f_ref counts begins with 0. */
static inline __s32 refs_of(const struct file *file)
{
	return bpf_core_field_exists(file->f_ref)
		       ? (__s32)READ(file, f_ref.refcnt.counter) + 1
		       : (__s32)READ(file, f_count.counter);
}

#endif
