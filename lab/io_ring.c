/* SPDX-License-Identifier: MIT */
/* As io_uring(7) describes it; there is no need of liburing for so little. */
#include "lab/io.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

static int io_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	return (int)syscall(SYS_io_uring_setup, entries, params);
}

static int io_uring_enter(int fd, unsigned int to_submit, unsigned int wait_for,
			  unsigned int flags)
{
	return (int)syscall(SYS_io_uring_enter, fd, to_submit, wait_for, flags,
			    NULL, 0);
}

/* A field of the rings, by the offset that the kernel has given. */
static unsigned int *field(const struct io_ring *r, unsigned int offset)
{
	return (unsigned int *)(void *)(r->rings + offset);
}

void io_ring_open(struct io_ring *r)
{
	r->params = (struct io_uring_params){0};
	r->fd = CALL(io_uring_setup, 4, &r->params);
	if (r->fd < 0)
		SKIP("needs io_uring");

	const struct io_uring_params *p = &r->params;
	size_t len = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	size_t cq_len = p->cq_off.cqes +
			p->cq_entries * sizeof(struct io_uring_cqe);

	len = len > cq_len ? len : cq_len;
	r->rings = MUST(mmap, NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED,
			r->fd, IORING_OFF_SQ_RING);
	len = p->sq_entries * sizeof(*r->entries);
	r->entries = MUST(mmap, NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED,
			  r->fd, IORING_OFF_SQES);
}

int io_ring_read(struct io_ring *r, int fd, void *buf, size_t len, int flags)
{
	unsigned int *tail = field(r, r->params.sq_off.tail);
	unsigned int i = *tail & *field(r, r->params.sq_off.ring_mask);

	r->entries[i] = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.flags = (unsigned char)flags,
		.fd = fd,
		.off = (uint64_t)-1,
		.addr = (uintptr_t)buf,
		.len = (unsigned int)len,
	};
	field(r, r->params.sq_off.array)[i] = i;
	/* Release: the kernel acquires the tail before it reads the entry. */
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return CALL(io_uring_enter, r->fd, 1, 0, 0);
}

bool io_ring_is_done(const struct io_ring *r)
{
	/* Acquire, with the kernel's release of what it has completed. */
	return __atomic_load_n(field(r, r->params.cq_off.tail),
			       __ATOMIC_ACQUIRE) !=
	       *field(r, r->params.cq_off.head);
}

int io_ring_wait(struct io_ring *r)
{
	unsigned int *head = field(r, r->params.cq_off.head);

	while (!io_ring_is_done(r))
		MUST(io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS);

	const struct io_uring_cqe *done =
		(const void *)(r->rings + r->params.cq_off.cqes);
	int result = done[*head & *field(r, r->params.cq_off.ring_mask)].res;

	/* Release: the kernel may use the place again. */
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}
