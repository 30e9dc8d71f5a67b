/* SPDX-License-Identifier: MIT */
/*
 * All descriptors of all processes in one pass, and who holds semaphores with
 * SEM_UNDO, from programs in the kernel (BPF iterators), which need CAP_BPF and CAP_PERFMON. Loading them costs some
 * 30 ms, so that it pays where there are many.
 *
 * libbpf is loaded when it is asked for: who has none has the files of /proc.
 */
#ifndef INSPECT_COLLECT_BPF_H
#define INSPECT_COLLECT_BPF_H

#include <stddef.h>

#include <via/inspect.h>

#include "inspect/collect/bpf/record.h"

struct via__bpf {
	/* By process, thread and descriptor; watches come first. */
	struct via__bpf_file *files;
	size_t n_files, n_watches;
	/* By process, list and set, once each. */
	struct via__bpf_undo *undo;
	size_t n_undo;
};

/* Read them. 0, and *ret to be freed; -EOPNOTSUPP with a sentence: this build,
 * this machine or this user cannot; -ENOMEM. */
int via__bpf_read(struct via__bpf *ret, struct via_error *reterr);
void via__bpf_fini(struct via__bpf *b);

/* The records of a process: the first one and how many. */
const struct via__bpf_file *via__bpf_of(const struct via__bpf *b, pid_t pid,
					size_t *ret_n);

/* Whether it is quicker than /proc, as far as that can be told at once. */
int via__bpf_pays(void);

#endif
