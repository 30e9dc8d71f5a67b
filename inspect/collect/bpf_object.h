/* SPDX-License-Identifier: MIT */
/* The programs of bpf/, compiled, and put here by build-aux/embed.py. */
#ifndef INSPECT_COLLECT_BPF_OBJECT_H
#define INSPECT_COLLECT_BPF_OBJECT_H

extern const char via__files_bpf_o[];
extern const unsigned long via__files_bpf_o_len;

#endif
