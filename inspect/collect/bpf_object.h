/* SPDX-License-Identifier: MIT */
/* The programs of bpf/, compiled, and put here by bpf/embed.py. */
#ifndef INSPECT_COLLECT_BPF_OBJECT_H
#define INSPECT_COLLECT_BPF_OBJECT_H

#include <stddef.h>

extern const unsigned char via__bpf_object[];
extern const size_t via__bpf_object_len;

#endif
