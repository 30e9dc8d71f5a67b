/* SPDX-License-Identifier: MIT */
/* What a process is doing: the state of its threads and what they wait for. */
#ifndef INSPECT_COLLECT_DOING_H
#define INSPECT_COLLECT_DOING_H

#include "inspect/model/pipeline.h"

/*
 * Fill in doing, nr, fd and pipe of a stage whose task has just been read from
 * dir, and call child for each process that one of its threads has started. Of
 * very many threads, the first ones.
 */
void via__doing(int dir, struct via_stage *stage,
		void (*child)(pid_t pid, void *arg), void *arg);

#endif
