/* SPDX-License-Identifier: MIT */
/*
 * A ring that a program in the kernel tells by (BPF_MAP_TYPE_RINGBUF), read when
 * it has told all: what had no room in it is lost, and the program says so in
 * its own way.
 */
#ifndef INSPECT_COLLECT_RING_H
#define INSPECT_COLLECT_RING_H

#include <stddef.h>
#include <stdint.h>

struct via__ring {
	uint32_t size; /* a power of two, of whole pages */
	int fd;	       /* the map, or -1 */
	/* What has been read, by us; what has been written, and behind it the
	 * bytes, twice so that none is cut at the end. */
	unsigned long *consumed;
	const unsigned long *produced;
};

/* Map it, of this size and descriptor: 0, and closed by fini, or -errno. */
int via__ring_map(struct via__ring *ring);
void via__ring_fini(struct via__ring *ring);

/* What has been told since: bytes, until the program tells more. */
const void *via__ring_take(struct via__ring *ring, size_t *ret_len);
/* The first record of such bytes, and what is behind it; NULL: there is none. */
const void *via__ring_next(const void **bytes, size_t *len, size_t *ret_len);

#endif
