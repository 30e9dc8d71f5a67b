/* SPDX-License-Identifier: MIT */
/*
 * A shared-memory queue by hand: one producer, one consumer, slots of one
 * message each, both sides spinning. Each keeps the other's index in a copy
 * and looks again only when that says full or empty, so that the index lines
 * cross over once in many messages instead of at each.
 *
 * It trusts its peer, has one message size, cannot sleep and notices no death:
 * the speed to compare with, not a queue to use.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/loops.h"

#define RING_SIZE  (1u << 20) /* as via's, but never under four slots */
#define SLOT_ALIGN 64u
/* So often it looks before it believes that the other is not running. */
#define PATIENCE 20000

/* On lines of their own; two, for CPUs fetch lines in pairs. */
struct ring {
	_Alignas(128) uint64_t tail; /* the producer's: messages put in */
	_Alignas(128) uint64_t head; /* the consumer's: messages taken out */
	_Alignas(128) uint8_t slots[];
};

struct ring_end {
	struct ring *ring;
	size_t map_len, slot_len;
	uint64_t mask;
	uint64_t own, seen; /* our index, and the other's as last seen */
};

static size_t slot_len(const struct bench_plan *plan)
{
	return (plan->size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

static uint64_t n_slots(const struct bench_plan *plan)
{
	uint64_t n = 4;

	while (2 * n * slot_len(plan) <= RING_SIZE)
		n *= 2;
	return n;
}

static size_t map_len(const struct bench_plan *plan)
{
	return sizeof(struct ring) + n_slots(plan) * slot_len(plan);
}

/* Leave the line to its writer for a moment, so that more is there at the next
 * look. */
static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Wait until *index is no longer the value. Acquire: pairs with advance(). */
static uint64_t wait_past(const uint64_t *index, uint64_t value)
{
	uint64_t now;

	for (unsigned int i = 1;; i++) {
		now = __atomic_load_n(index, __ATOMIC_ACQUIRE);
		if (now != value)
			return now;
		if (i % PATIENCE == 0)
			sched_yield();
		pause_cpu();
	}
}

static void advance(uint64_t *index, uint64_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* The commonest length as a constant: then it is copied in registers. */
static void copy(void *to, const void *from, size_t len)
{
	if (len == SLOT_ALIGN)
		memcpy(to, from, SLOT_ALIGN);
	else
		memcpy(to, from, len);
}

static uint8_t *slot(const struct ring_end *end)
{
	return end->ring->slots + (end->own & end->mask) * end->slot_len;
}

static int ring_send(void *ptr, const void *data, size_t len)
{
	struct ring_end *end = ptr;

	if (end->own - end->seen > end->mask)
		end->seen = wait_past(&end->ring->head, end->seen);
	copy(slot(end), data, len);
	advance(&end->ring->tail, ++end->own);
	return 0;
}

static ssize_t ring_recv(void *ptr, void *buf, size_t size)
{
	struct ring_end *end = ptr;

	if (end->own == end->seen)
		end->seen = wait_past(&end->ring->tail, end->seen);
	copy(buf, slot(end), size);
	advance(&end->ring->head, ++end->own);
	return (ssize_t)size;
}

BENCH_LOOPS(ring)

static int ring_make(struct bench_plan *plan, struct bench_channel *channel)
{
	int fd = memfd_create("via-bench-ring", 0);

	if (fd < 0 || ftruncate(fd, (off_t)map_len(plan)))
		return bare_fail(plan, "memfd");
	channel->fd[BENCH_SENDER] = channel->fd[BENCH_RECEIVER] = fd;
	return 0;
}

static void ring_unmake(struct bench_channel *channel)
{
	close(channel->fd[BENCH_SENDER]);
}

static int ring_open(struct bench_plan *plan, struct bench_channel *channel,
		     enum bench_role role, void **ret)
{
	struct ring_end *end = calloc(1, sizeof(*end));

	if (!end)
		return -ENOMEM;
	end->map_len = map_len(plan);
	end->slot_len = slot_len(plan);
	end->mask = n_slots(plan) - 1;
	end->ring = mmap(NULL, end->map_len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, channel->fd[role], 0);
	if (end->ring == MAP_FAILED) {
		free(end);
		return bare_fail(plan, "mmap");
	}
	*ret = end;
	return 0;
}

static void ring_close(void *ptr)
{
	struct ring_end *end = ptr;

	munmap(end->ring, end->map_len);
	free(end);
}

const struct bench_engine bench_bare_ring = {
	.name = "bare ring",
	.work = "spinning; copied into a slot of shared memory and out again, "
		"no header, no system call",
	.spins = true,
	.make = ring_make,
	.unmake = ring_unmake,
	.open = ring_open,
	.close = ring_close,
	.loop = {BENCH_LOOP_ROWS(ring)},
};
