/* SPDX-License-Identifier: MIT */
/* What the files of the io section share. */
#ifndef LAB_IO_H
#define LAB_IO_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put a descriptor into an epoll set. */
void io_add(int set, int fd, uint32_t events);

/* --- io_uring by its bare system calls, one read at a time --- */

struct io_ring {
	int fd;
	struct io_uring_params params;
	char *rings; /* both, since Linux 5.4 */
	struct io_uring_sqe *entries;
};

/* Ends the experiment as skipped where io_uring is not allowed. */
void io_ring_open(struct io_ring *ring);

/* Ask for a read, with IOSQE_* flags: how many requests the kernel has taken. */
int io_ring_read(struct io_ring *ring, int fd, void *buf, size_t len,
		 int flags);

/* Whether a completion lies in the ring; that takes no system call. */
bool io_ring_is_done(const struct io_ring *ring);

/* Wait for a completion: what read(2) would have given, or -errno. */
int io_ring_wait(struct io_ring *ring);

/* --- Waiting for many, in io_many.c --- */

void io_07(void);
void io_08(void);
void io_09(void);
void io_10(void);
void io_11(void);
void io_12(void);
void io_13(void);

#endif
