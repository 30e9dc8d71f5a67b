/* SPDX-License-Identifier: MIT */
/*
 * Where the running kernel has what programs in it look at, from its own
 * description: BTF, in /sys/kernel/btf/vmlinux. Gone through once, some 120,000
 * types in 1 ms: a library that takes any program needs 30.
 */
#ifndef INSPECT_COLLECT_BPF_LAYOUT_H
#define INSPECT_COLLECT_BPF_LAYOUT_H

#include <stddef.h>

#include "inspect/collect/bpf.h"

/* 0, -errno. */
int via__bpf_layout_read(struct via__bpf_layout *ret);

/* The same of a description in memory. 0, -EPROTO: it is none. */
int via__bpf_layout_of(const void *btf, size_t len,
		       struct via__bpf_layout *ret);

/* Of a row of bpf/members.def: what it is of, and whether a program may do
 * without. */
const char *via__bpf_member_name(enum via__bpf_member member);
int via__bpf_member_is_optional(enum via__bpf_member member);

#endif
