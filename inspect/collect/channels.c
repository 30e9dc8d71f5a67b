/* SPDX-License-Identifier: MIT */
/*
 * via's own channels in shared memory: who sends, who receives, how much is on
 * its way. They are found by what docs/WIRE.md says of them: a sender has a
 * memfd that it maps for writing and the receiver for reading, of one page and
 * a ring; the receiver one of a page, the other way round; a listening socket
 * is called via/shm/NAME. A memfd says by its name of which channel it is
 * (src/ring/sealed.c).
 *
 * How far a receiver is stands in its page, an eighth of the ring late as long
 * as it does not sleep. How far a sender is stands nowhere:
 * records are followed from there, each within the ring, until there are 8
 * zero bytes. All of it is the processes' own memory, and may be a lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/memory.h"
#include "inspect/model/array.h"

/* Of docs/WIRE.md: what is where in page 0, and of a record. */
#define AT_CURSOR 0
#define AT_ARMED  128
#define HEADER	  8
#define RING_MIN  4096
#define RING_MAX  (UINT64_C(1) << 30)

#define MEMFD_PREFIX  "via:shm:"
#define SOCKET_PREFIX "@via/shm/"

/* One memfd that looks like a channel's. */
struct memory {
	uint32_t object;
	uint32_t name; /* text */
	/* Who has it mapped for writing, and who only for reading; and where.
	 * VIA_NONE: nobody that we see. */
	uint32_t writer, reader;
	uint64_t writer_at, reader_at;
	uint64_t len;
	const struct memory *page; /* of a lane, if it is known */
	uint32_t channel;	   /* of a lane */
};

struct memories {
	struct memory *at;
	size_t n, max;
};

/* --- Finding them --- */

/* Mapped twice, the first time with the page: the longer one. */
static void add_mapping(struct memory *m, const struct via_holding *h)
{
	bool writes = h->flags & VIA_HOLD_WRITE;
	uint32_t *process = writes ? &m->writer : &m->reader;
	uint64_t *at = writes ? &m->writer_at : &m->reader_at;
	uint64_t len = h->end - h->start;

	if (len > m->len) {
		m->len = len;
		*process = VIA_NONE;
	}
	if (len < m->len || *process != VIA_NONE)
		return;
	*process = h->process;
	*at = h->start;
}

static bool look_at(const struct via_snapshot *s, uint32_t object,
		    struct memory *ret)
{
	const struct via_object *o = &s->objects[object];
	const char *name = via_snapshot_text(s, o->name, NULL);
	struct memory m = {.object = object,
			   .name = o->name,
			   .writer = VIA_NONE,
			   .reader = VIA_NONE};

	if (o->kind != VIA_KIND_MEMFD ||
	    strncmp(name, MEMFD_PREFIX, sizeof(MEMFD_PREFIX) - 1) != 0)
		return false;
	/* Twice, so that all are measured by the longest. */
	for (uint32_t i = 0; i < 2 * o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i % o->n_users]];

		if (h->how == VIA_HOLDS_MAP)
			add_mapping(&m, h);
	}
	*ret = m;
	return m.len;
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The bytes of the ring behind the page, or 0: it is a receiver's page. */
static uint64_t ring_of(const struct memory *m)
{
	return m->len - page_size();
}

static bool is_lane(const struct memory *m)
{
	uint64_t ring = ring_of(m);

	return m->len > page_size() && ring >= RING_MIN && ring <= RING_MAX &&
	       !(ring & (ring - 1));
}

static void add_memory(struct memories *all, const struct memory *m)
{
	if (via__room(&all->at, all->n, &all->max, sizeof(*all->at)))
		all->at[all->n++] = *m;
}

/* --- How far both are --- */

/* At most so many reads of one lane, and looks until nothing moves. */
#define BLOCK	 16384
#define READS	 256
#define ATTEMPTS 8

struct reader {
	pid_t pid;
	uint64_t base, ring;
	unsigned int n_reads;
	uint64_t from; /* of the stream, what is in block[] */
	size_t len;
	char block[BLOCK];
};

static bool read_header(struct reader *r, uint64_t at, uint64_t *ret)
{
	uint64_t in_ring = at & (r->ring - 1);
	size_t n = sizeof(*ret);

	/* What is before it wraps, and is far behind. */
	if (r->len < n || at - r->from > r->len - n) {
		size_t len = r->ring - in_ring < BLOCK ? r->ring - in_ring
						       : BLOCK;

		if (r->n_reads++ == READS)
			return false;
		ssize_t got = via__memory_some(r->pid, r->base + in_ring,
					       r->block, len);

		r->from = at;
		r->len = got > 0 ? (size_t)got : 0;
		if (r->len < n)
			return false;
	}
	memcpy(ret, r->block + (at - r->from), n);
	return true;
}

/* The end of the records from cursor on; false: there is no telling. */
static bool follow(struct reader *r, uint64_t cursor, uint64_t *ret)
{
	uint64_t at = cursor, header;

	for (;;) {
		if (!read_header(r, at, &header))
			return false;
		if (!header) {
			*ret = at;
			return true;
		}
		uint64_t span = (HEADER + (header & UINT32_MAX) + 7) &
				~(uint64_t)7;

		if (span + HEADER > r->ring - (at - cursor))
			return false;
		at += span;
	}
}

/* A mapping of it that may be read. */
static pid_t where(const struct via_snapshot *s, const struct memory *m,
		   uint64_t *ret_at)
{
	bool by_writer = m->writer != VIA_NONE;

	*ret_at = by_writer ? m->writer_at : m->reader_at;
	return s->processes[by_writer ? m->writer : m->reader].task.pid;
}

static bool read_word(const struct via_snapshot *s, const struct memory *m,
		      uint64_t offset, void *ret, size_t len)
{
	uint64_t at;
	pid_t pid = where(s, m, &at);

	return via__memory_all(pid, at + offset, ret, len);
}

/* What is read of the ring belongs to the cursor only if that has not moved
 * meanwhile, since then there is room for other records. */
static void read_positions(const struct via_snapshot *s,
			   const struct memory *lane, const struct memory *page,
			   struct via_lane *ret)
{
	struct reader *r = malloc(sizeof(*r));
	uint64_t cursor = 0, again = 0;

	for (int i = 0; r && !ret->known && i < ATTEMPTS; i++) {
		if (page &&
		    !read_word(s, page, AT_CURSOR, &cursor, sizeof(cursor)))
			break;
		*r = (struct reader){.ring = ring_of(lane)};
		r->pid = where(s, lane, &r->base);
		r->base += page_size();
		bool followed = !(cursor & 7) && follow(r, cursor, &ret->put);

		if (page &&
		    !read_word(s, page, AT_CURSOR, &again, sizeof(again)))
			break;
		if (!followed && again == cursor)
			break;
		ret->taken = cursor;
		ret->known = followed && again == cursor;
	}
	free(r);
	if (!ret->known)
		ret->put = ret->taken = 0;
}

/* --- Channels --- */

/* The socket that a receiver listens at for a channel of this name. */
static uint32_t listener_of(const struct via_snapshot *s, const char *name,
			    uint32_t receiver)
{
	for (uint32_t i = 0; *name && i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];
		const char *address;
		size_t skip = 0;

		if (o->kind != VIA_KIND_UNIX ||
		    !(o->flags & VIA_OBJECT_LISTENS) ||
		    !(o->flags & VIA_OBJECT_PACKETS))
			continue;
		address = via_snapshot_text(s, o->name, NULL);
		if (*name != '/' && strncmp(address, SOCKET_PREFIX,
					    sizeof(SOCKET_PREFIX) - 1) == 0)
			skip = sizeof(SOCKET_PREFIX) - 1;
		if ((*name != '/' && !skip) ||
		    strcmp(address + skip, name) != 0)
			continue;
		/* Each network namespace may have one of that name. */
		for (uint32_t u = 0; u < o->n_users; u++)
			if (receiver == VIA_NONE ||
			    s->holds[s->users[o->first_user + u]].process ==
				    receiver)
				return i;
	}
	return VIA_NONE;
}

static uint32_t channel_of(struct via_snapshot *s, const struct memory *lane)
{
	const char *text = via_snapshot_text(s, lane->name, NULL) +
			   sizeof(MEMFD_PREFIX) - 1;
	char name[256];

	/* Texts move when there are more. */
	snprintf(name, sizeof(name), "%s", text);
	uint32_t listener = listener_of(s, name, lane->reader);
	const struct via_object *o = via__object_at(s, lane->object);
	uint32_t channel = listener == VIA_NONE
				   ? via__object(s, VIA_KIND_CHANNEL, o->dev,
						 o->ino, 0)
				   : via__object(s, VIA_KIND_CHANNEL, 0,
						 s->objects[listener].ino, 0);

	if (*name)
		via__object_at(s, channel)->name = via__text_of(s, name);
	return channel;
}

static void hold(struct via_snapshot *s, uint32_t process, uint32_t channel,
		 enum via_how how)
{
	if (process == VIA_NONE)
		return;
	for (uint32_t i = s->n_holds; i-- > 0 && s->holds[i].how == how;)
		if (s->holds[i].process == process &&
		    s->holds[i].object == channel)
			return;
	struct via_holding *h = via__add_hold(s, process, channel, how);

	h->source = VIA_SOURCE_PROC;
	h->certainty = VIA_LIKELY;
	h->flags = how == VIA_HOLDS_SENDER ? VIA_HOLD_WRITE : VIA_HOLD_READ;
}

static void back(struct via_snapshot *s, uint32_t channel,
		 const struct memory *m)
{
	struct via_link *l = via__add_link(s, channel, m->object,
					   VIA_LINK_BACKED);

	l->source = VIA_SOURCE_PROC;
	l->certainty = VIA_LIKELY;
}

static void add_lane(struct via_snapshot *s, const struct memory *lane)
{
	struct via_lane l = {
		.object = lane->channel,
		.sender = lane->writer,
		.receiver = lane->reader,
		.ring = ring_of(lane),
	};
	struct via_object *o = via__object_at(s, lane->channel);

	/* Without a receiver nothing is taken. */
	if (lane->page || lane->reader == VIA_NONE)
		read_positions(s, lane, lane->page, &l);
	(void)read_word(s, lane, AT_ARMED, &l.sender_sleeps,
			sizeof(l.sender_sleeps));
	if (lane->page)
		(void)read_word(s, lane->page, AT_ARMED, &l.receiver_sleeps,
				sizeof(l.receiver_sleeps));
	*via__add_lane(s, lane->channel) = l;
	if (l.known)
		o->level = (o->level == VIA_UNKNOWN ? 0 : o->level) +
			   (int64_t)(l.put - l.taken);
	o->capacity = (o->capacity == VIA_UNKNOWN ? 0 : o->capacity) +
		      (int64_t)l.ring;
	back(s, lane->channel, lane);
	if (lane->page)
		back(s, lane->channel, lane->page);
}

/* --- Which page belongs to which lane --- */

/* Where both ends are. A page's writer is its lane's reader. */
static int compare_ends(const struct memory *a, const struct memory *b)
{
	uint32_t x[3] = {a->name, is_lane(a) ? a->writer : a->reader,
			 is_lane(a) ? a->reader : a->writer};
	uint32_t y[3] = {b->name, is_lane(b) ? b->writer : b->reader,
			 is_lane(b) ? b->reader : b->writer};

	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

/* And lanes before pages. */
static int by_ends(const void *a, const void *b)
{
	const struct memory *x = a, *y = b;
	int r = compare_ends(x, y);

	if (!r)
		r = is_lane(y) - is_lane(x);
	return r ? r : (x->object > y->object) - (x->object < y->object);
}

/* What has the same two ends: of several it is not known which belong to each
 * other. */
static void pair_group(struct memory *at, size_t n)
{
	if (n == 2 && is_lane(&at[0]) && !is_lane(&at[1]))
		at[0].page = &at[1];
}

static void pair(struct memories *all)
{
	qsort(all->at, all->n, sizeof(*all->at), by_ends);
	for (size_t i = 0, n; i < all->n; i += n) {
		for (n = 1; i + n < all->n &&
			    compare_ends(&all->at[i], &all->at[i + n]) == 0;)
			n++;
		pair_group(&all->at[i], n);
	}
}

static int by_channel(const void *a, const void *b)
{
	const struct memory *const *x = a, *const *y = b;

	if ((*x)->channel != (*y)->channel)
		return (*x)->channel < (*y)->channel ? -1 : 1;
	return by_ends(*x, *y);
}

/* The lanes of each channel in a row. */
static void add_lanes(struct via_snapshot *s, struct memories *all)
{
	const struct memory **lanes = reallocarray(NULL, all->n,
						   sizeof(*lanes));
	size_t n = 0;

	if (!lanes)
		return;
	for (size_t i = 0; i < all->n; i++) {
		if (!is_lane(&all->at[i]))
			continue;
		all->at[i].channel = channel_of(s, &all->at[i]);
		lanes[n++] = &all->at[i];
	}
	if (n)
		qsort(lanes, n, sizeof(*lanes), by_channel);
	for (size_t i = 0; i < n; i++)
		add_lane(s, lanes[i]);
	for (size_t i = 0; i < n; i++)
		hold(s, lanes[i]->writer, lanes[i]->channel, VIA_HOLDS_SENDER);
	for (size_t i = 0; i < n; i++)
		hold(s, lanes[i]->reader, lanes[i]->channel,
		     VIA_HOLDS_RECEIVER);
	free(lanes);
}

/* A receiver that nobody sends to. */
static void add_receiver(struct via_snapshot *s, uint32_t listener)
{
	const struct via_object *o = &s->objects[listener];
	const char *name = via_snapshot_text(s, o->name, NULL);
	uint32_t first = o->first_user, n = o->n_users;
	char rest[128];

	if (o->kind != VIA_KIND_UNIX || !(o->flags & VIA_OBJECT_LISTENS) ||
	    !(o->flags & VIA_OBJECT_PACKETS) ||
	    strncmp(name, SOCKET_PREFIX, sizeof(SOCKET_PREFIX) - 1) != 0)
		return;
	snprintf(rest, sizeof(rest), "%s", name + sizeof(SOCKET_PREFIX) - 1);
	uint32_t before = s->n_objects;
	uint32_t channel = via__object(s, VIA_KIND_CHANNEL, 0, o->ino, 0);

	if (channel < before)
		return;
	via__object_at(s, channel)->name = via__text_of(s, rest);
	via__object_at(s, channel)->level = 0;
	for (uint32_t i = first; i < first + n; i++)
		hold(s, s->holds[s->users[i]].process, channel,
		     VIA_HOLDS_RECEIVER);
}

static void channels_all(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;
	struct memories all = {0};
	struct memory m;
	uint32_t n = s->n_objects;

	for (uint32_t i = 0; i < n; i++)
		if (look_at(s, i, &m))
			add_memory(&all, &m);
	if (all.n) {
		pair(&all);
		add_lanes(s, &all);
	}
	for (uint32_t i = 0; i < n; i++)
		add_receiver(s, i);
	free(all.at);
}

const struct via__collector via__collector_channels = {
	.name = "channels",
	.summary = "via's shared memory: who sends, who receives, how full",
	.want = VIA_WANT_CHANNELS,
	.all = channels_all,
};
