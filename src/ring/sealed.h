/* SPDX-License-Identifier: MIT */
/*
 * Sealed memory: a memfd that one process writes and others read.
 *
 * The maker maps it, then seals it: F_SEAL_FUTURE_WRITE (Linux 5.1) leaves
 * its own mapping writable and makes every later one read-only; SHRINK keeps
 * readers from SIGBUS. Readers believe nothing and check the seals, the size
 * and that every page is there.
 *
 * Layout: one page for what the maker shows (lane.h), then the ring, which is
 * mapped twice in a row so that what crosses its end is contiguous.
 */
#ifndef VIA_RING_SEALED_H
#define VIA_RING_SEALED_H

#include <stdbool.h>
#include <stddef.h>

#include <via/error.h>

struct via__sealed {
	char *base; /* NULL: not mapped */
	char *ring;
	size_t len; /* of the whole mapping */
};

enum via__sealed_flag {
	VIA__SEALED_PREFAULT = 1, /* no page faults later */
	VIA__SEALED_LOCK = 2,	  /* and no swapping: mlock(2) */
};

/*
 * Make memory with a ring of so many bytes (0: none; a multiple of the page
 * size), all of it reserved. name is for /proc/PID/maps. ret_fd is the
 * caller's. 0, or -ENOMEM, -ENOSPC, -EPERM, ... with a sentence.
 */
int via__sealed_make(const char *name, size_t ring, unsigned int flags,
		     struct via__sealed *ret, int *ret_fd,
		     struct via_error *err);

/*
 * Map the memory behind fd, which stays the caller's, for reading. 0; -EPROTO
 * with a sentence: it is not what via__sealed_make() makes; -ENOMEM, ...
 */
int via__sealed_adopt(int fd, size_t ring, unsigned int flags,
		      struct via__sealed *ret, struct via_error *err);

/* Harmless when not mapped. */
void via__sealed_unmap(struct via__sealed *s);

/* The size of the first page, and what rings are a multiple of. */
size_t via__sealed_page(void);

#endif
