/* SPDX-License-Identifier: MIT */
/* Linux, kernel/bpf/ringbuf.c: a page that the reader writes, one that the kernel
 * writes, the bytes and the same bytes again. */
#include "inspect/collect/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t rest(const struct via__ring *ring)
{
	return page() + 2 * (size_t)ring->size;
}

int via__ring_map(struct via__ring *ring)
{
	void *ours = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, 0);
	void *theirs = mmap(NULL, rest(ring), PROT_READ, MAP_SHARED, ring->fd,
			    (off_t)page());

	ring->consumed = ours == MAP_FAILED ? NULL : ours;
	ring->produced = theirs == MAP_FAILED ? NULL : theirs;
	return ring->consumed && ring->produced ? 0 : -ENOMEM;
}

void via__ring_fini(struct via__ring *ring)
{
	if (ring->consumed)
		munmap(ring->consumed, page());
	if (ring->produced)
		munmap((void *)ring->produced, rest(ring));
	if (ring->fd >= 0)
		close(ring->fd);
	*ring = (struct via__ring){.fd = -1};
}

/* The program has run in a system call of ours: nothing is written meanwhile. */
const void *via__ring_take(struct via__ring *ring, size_t *ret_len)
{
	const char *bytes = (const char *)ring->produced + page();
	unsigned long at = *ring->consumed;

	*ret_len = *ring->produced - at;
	*ring->consumed = *ring->produced;
	return bytes + (at & (ring->size - 1));
}

/* Each has its length before it, and is filled up to eights. */
const void *via__ring_next(const void **bytes, size_t *len, size_t *ret_len)
{
	const char *at = *bytes;
	uint32_t n;

	if (*len < BPF_RINGBUF_HDR_SZ)
		return NULL;
	memcpy(&n, at, sizeof(n));
	size_t step = ((size_t)n + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;

	if (step > *len)
		return NULL;
	*bytes = at + step;
	*len -= step;
	*ret_len = n;
	return at + BPF_RINGBUF_HDR_SZ;
}
