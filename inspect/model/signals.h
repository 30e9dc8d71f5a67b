/* SPDX-License-Identifier: MIT */
/* What signals mean to a task at this moment. Plain data. */
#ifndef INSPECT_MODEL_SIGNALS_H
#define INSPECT_MODEL_SIGNALS_H

#include <stdint.h>
#include <sys/types.h>

/* Sets have bit N - 1 for signal N. */
struct via_task_signals {
	uint64_t pending; /* for this thread */
	uint64_t shared;  /* pending for the process: any thread may take it */
	uint64_t blocked; /* by this thread */
	uint64_t ignored, caught;   /* by the process */
	uint64_t queued, queue_max; /* of its user: RLIMIT_SIGPENDING */
	uid_t uid;		    /* real, whose queue it is */
};

#endif
