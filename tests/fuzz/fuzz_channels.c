/* SPDX-License-Identifier: MIT */
/*
 * Memory of strangers that looks like a channel's: a sender's ring and a
 * receiver's page, which may have anything in them. It is ours, and read as any
 * other process' would be.
 *
 * The input: how long the ring is, whether there is a page, where the receiver
 * says it is; then the records, from there on.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "tests/fuzz/whole.h"

struct head {
	uint8_t ring; /* 4096 << (ring & 7) bytes, or 1 more */
	uint8_t page;
	uint8_t unused[6];
	uint64_t cursor;
};

#define RING_MAX (4096U << 7)

static void add_map(struct via_snapshot *s, uint32_t object, void *start,
		    size_t len, uint8_t flags)
{
	struct via_holding *h = via__add_hold(s, 0, object, VIA_HOLDS_MAP);

	h->start = (uintptr_t)start;
	h->end = (uintptr_t)start + len;
	h->flags = flags;
}

static uint32_t add_memfd(struct via_snapshot *s, uint64_t ino)
{
	uint32_t object = via__object(s, VIA_KIND_MEMFD, 1, ino, 0);

	via__object_at(s, object)->name = via__text_of(s, "via:shm:name");
	return object;
}

/* A channel of ours, who are the sender and the receiver. */
static struct via_snapshot *make_snapshot(char *lane, size_t lane_len,
					  char *page, size_t page_len)
{
	struct via_snapshot *s = via__snapshot_new();

	check(s);
	via__add_process(s)->task.pid = getpid();
	uint32_t object = add_memfd(s, 1);

	add_map(s, object, lane, lane_len, VIA_HOLD_READ | VIA_HOLD_WRITE);
	add_map(s, object, lane, lane_len, VIA_HOLD_READ);
	if (page_len) {
		object = add_memfd(s, 2);
		add_map(s, object, page, page_len,
			VIA_HOLD_READ | VIA_HOLD_WRITE);
		add_map(s, object, page, page_len, VIA_HOLD_READ);
	}
	check(via__seal(s) == 0);
	return s;
}

static void check_lanes(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_lanes; i++) {
		const struct via_lane *l = &s->lanes[i];
		const struct via_object *o = &s->objects[l->object];

		check(o->kind == VIA_KIND_CHANNEL);
		check(l->known || (!l->put && !l->taken));
		check(l->put - l->taken <= l->ring - 8);
		check((l->taken & 7) == 0 && (l->put & 7) == 0);
		check(!l->known || o->level == (int64_t)(l->put - l->taken));
		check(o->capacity == (int64_t)l->ring);
	}
}

/* The records begin where the receiver says it is, round the ring's end. */
static void fill(char *ring, size_t ring_len, uint64_t cursor,
		 const uint8_t *data, size_t len)
{
	memset(ring, 0, ring_len);
	for (size_t i = 0; i < len && i < ring_len; i++)
		ring[(cursor + i) & (ring_len - 1)] = (char)data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *lane, *page;
	size_t page_len = (size_t)sysconf(_SC_PAGESIZE);
	struct head head;

	if (!lane) {
		lane = mmap(NULL, 2 * page_len + RING_MAX,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		check(lane != MAP_FAILED);
		page = lane + page_len + RING_MAX;
	}
	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	size_t ring_len = (size_t)4096 << (head.ring & 7);

	fill(lane + page_len, ring_len, head.cursor, data + sizeof(head),
	     size - sizeof(head));
	memcpy(page, &head.cursor, sizeof(head.cursor));
	struct via_snapshot *s =
		make_snapshot(lane, page_len + ring_len + (head.ring >> 7),
			      page, head.page & 1 ? page_len : 0);
	struct via__scene scene = {.s = s};

	via__collector_channels.all(&scene);
	check(via__seal(s) == 0);
	check(s->n_lanes == (head.ring >> 7 ? 0 : 1));
	check_lanes(s);
	check_whole(s);
	check_again(s);
	via_snapshot_free(s);
	return 0;
}
