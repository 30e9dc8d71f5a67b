/* SPDX-License-Identifier: MIT */
/* What a snapshot has behind its public part: for inspect/model alone. */
#ifndef INSPECT_MODEL_INSIDE_H
#define INSPECT_MODEL_INSIDE_H

#include <stdbool.h>

#include <via/inspect.h>

/* Open addressing; hash is the low half, index the element's plus one. */
struct via__table {
	struct via__slot {
		uint32_t hash, index;
	} * slot;
	size_t n, size; /* size: a power of two */
};

struct via__text_head {
	uint32_t len;
	char bytes[]; /* and a NUL */
};

struct via__inside {
	struct via_snapshot s; /* first: the one is the other */
	int error;
	bool sealed; /* nothing was added, moved or renamed since */
	size_t max_processes, max_threads, max_objects, max_holds, max_waits,
		max_links, max_sockets, max_ipcs, max_semaphores, max_locks,
		max_futexes, max_lanes;
	char *texts;
	size_t texts_len, texts_size;
	struct via__table text_table, object_table;
	/* What is added without memory. */
	union {
		struct via_process process;
		struct via_thread thread;
		struct via_object object;
		struct via_holding hold;
		struct via_wait wait;
		struct via_link link;
		struct via_socket socket;
		struct via_ipc ipc;
		struct via_semaphore semaphore;
		struct via_file_lock lock;
		struct via_futex futex;
		struct via_lane lane;
	} spare;
};

static inline struct via__inside *via__inside(struct via_snapshot *s)
{
	return (struct via__inside *)s;
}

#endif
