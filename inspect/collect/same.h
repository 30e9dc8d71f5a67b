/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors are of the same open file, where the kernel shows no number
 * for it: epoll sets, timers and the like. kcmp(2) compares two, and so gives
 * them an order to search in. A program in the kernel has numbers for them.
 */
#ifndef INSPECT_COLLECT_SAME_H
#define INSPECT_COLLECT_SAME_H

#include <via/inspect.h>

struct via__same_file {
	pid_t pid;
	int fd;
	uint64_t number;
	uint32_t object;
};

struct via__same {
	/* In the order that the kernel gives them. */
	struct via__same_kind {
		struct via__same_file *files;
		size_t n, max;
	} kinds[VIA_N_KINDS];
};

/*
 * Where the object of this open file is kept: VIA_NONE if it is seen for the
 * first time, for the caller to set. Until the next call; NULL without memory.
 * Where kcmp() is not allowed none is the same as another. number is that of
 * the open file if it is known, 0 if not: the same for all of a snapshot.
 */
uint32_t *via__same(struct via__same *same, enum via_kind kind, pid_t pid,
		    int fd, uint64_t number);

void via__same_fini(struct via__same *same);

#endif
