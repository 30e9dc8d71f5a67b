/* SPDX-License-Identifier: MIT */
/*
 * The bare counterparts: what a careful programmer would write by hand for
 * one mechanism, one sender and one receiver, with the same work per message
 * as via's: a header of 32 bytes before each piece, the same cuts, the same
 * buffer sizes; no more calls than needed, all of them blocking.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "bench/engine.h"

struct bare_header {
	uint32_t magic;
	uint32_t len; /* of the piece that follows */
	uint64_t sender;
	uint64_t seq;	/* of the message */
	uint64_t total; /* of the message */
};
_Static_assert(sizeof(struct bare_header) == 32, "as long as via's");

#define BARE_MAGIC 0x65726162

/* One end: an inherited descriptor, and a stream's read-ahead buffer. */
struct bare_end {
	int fd;
	size_t cut;   /* the longest piece, with its header */
	uint64_t seq; /* of the next message */
	uint8_t *ahead;
	size_t head, tail; /* unread bytes in it */
};

/* struct bench_engine's make, unmake, open and close for socket pairs and
 * what is like them. */
int bare_socketpair(struct bench_plan *plan, struct bench_channel *channel,
		    int type);
void bare_unmake(struct bench_channel *channel);
int bare_open(struct bench_channel *channel, enum bench_role role, size_t cut,
	      void **ret);
void bare_close(void *end);

/* The size that via's own option of this name has when it is not given; 0
 * when that is the kernel's. */
size_t bare_initial(const char *scheme, const char *option);
/* Give a socket the buffers that via gives those of this scheme. */
void bare_buffers(int fd, const char *scheme);

/* Why make failed, from errno. */
int bare_fail(struct bench_plan *plan, const char *what);

#endif
