/* SPDX-License-Identifier: MIT */
/* A number for each row of members.def, and the marks that stand for them in
 * a program: of an instruction that loads a constant. */
#ifndef INSPECT_COLLECT_BPF_MEMBERS_H
#define INSPECT_COLLECT_BPF_MEMBERS_H

/* No constant of a program has these upper bits. */
#define VIA__BPF_MARK 0x56494100

enum via__bpf_member {
#define MEMBER(name, in, path, bytes) VIA__AT_##name,
#define MAYBE(name, in, path, bytes)  VIA__AT_##name,
#define ARRAY(name, in, path, bytes)  VIA__AT_##name,
#define SIZE(name, in)		      VIA__AT_##name,
#include "inspect/collect/bpf/members.def"
#undef MEMBER
#undef MAYBE
#undef ARRAY
#undef SIZE
	VIA__BPF_N_MEMBERS
};

#endif
