/* SPDX-License-Identifier: MIT */
/* A snapshot's arrays, its texts and its index of objects, as they grow. */
#include "inspect/model/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/model/array.h"
#include "inspect/model/inside.h"

/* --- Growing --- */

/* Room for one more element, which an index can name. */
static bool grow(struct via__inside *b, void *array, size_t n, size_t size,
		 size_t *max)
{
	if (n < VIA_NONE && via__room(array, n, max, size))
		return true;
	b->error = -ENOMEM;
	return false;
}

/* A new element of b->s.ARRAY, or the spare one; all zeros. */
#define ADD(b, array)                                                          \
	((b)->sealed = false,                                                  \
	 memset(grow(b, &(b)->s.array, (b)->s.n_##array,                       \
		     sizeof(*(b)->s.array), &(b)->max_##array)                 \
			? &(b)->s.array[(b)->s.n_##array++]                    \
			: (void *)&(b)->spare,                                 \
		0, sizeof(*(b)->s.array)))

/* --- Hashing --- */

static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 32);
}

static uint64_t hash_object(uint32_t kind, uint64_t dev, uint64_t ino,
			    uint64_t sub)
{
	return mix(mix(mix(mix(0, kind), dev), ino), sub);
}

static uint64_t hash_text(const void *bytes, size_t len)
{
	uint64_t h = len;

	for (const unsigned char *at = bytes, *end = at + len; at < end; at++)
		h = mix(h, *at);
	return h;
}

/* Double the table when it is half full. slot[] has indices plus one. */
static bool room(struct via__inside *b, struct via__table *t)
{
	if (t->n < t->size / 2)
		return true;
	struct via__table more = {.n = t->n,
				  .size = t->size ? 2 * t->size : 256};

	more.slot = via__zeroed(more.size * sizeof(*more.slot));
	if (!more.slot) {
		b->error = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < t->size; i++) {
		if (!t->slot[i].index)
			continue;
		size_t at = t->slot[i].hash & (more.size - 1);

		while (more.slot[at].index)
			at = (at + 1) & (more.size - 1);
		more.slot[at] = t->slot[i];
	}
	free(t->slot);
	*t = more;
	return true;
}

/* --- Texts --- */

static const struct via__text_head *text_at(const struct via__inside *b,
					    uint32_t text)
{
	return (const void *)(b->texts + text);
}

static uint32_t find_text(const struct via__inside *b, uint64_t hash,
			  const void *bytes, size_t len)
{
	const struct via__table *t = &b->text_table;

	for (size_t at = hash & (t->size - 1); t->size && t->slot[at].index;
	     at = (at + 1) & (t->size - 1)) {
		uint32_t text = t->slot[at].index - 1;
		const struct via__text_head *head = text_at(b, text);

		if (t->slot[at].hash == (uint32_t)hash && head->len == len &&
		    memcmp(head->bytes, bytes, len) == 0)
			return text;
	}
	return VIA_NONE;
}

static void put_slot(struct via__table *t, uint64_t hash, uint32_t index)
{
	size_t at = hash & (t->size - 1);

	while (t->slot[at].index)
		at = (at + 1) & (t->size - 1);
	t->slot[at] = (struct via__slot){(uint32_t)hash, index + 1};
	t->n++;
}

static bool grow_texts(struct via__inside *b, size_t more)
{
	size_t size = b->texts_size ? b->texts_size : 4096;

	while (size - b->texts_len < more)
		size *= 2;
	if (size == b->texts_size)
		return true;
	char *texts = size < VIA_NONE ? realloc(b->texts, size) : NULL;

	if (!texts) {
		b->error = -ENOMEM;
		return false;
	}
	b->texts = texts;
	b->texts_size = size;
	return true;
}

uint32_t via__text(struct via_snapshot *s, const void *bytes, size_t len)
{
	struct via__inside *b = via__inside(s);
	uint64_t hash = hash_text(bytes, len);
	size_t more = (sizeof(struct via__text_head) + len + 1 + 3) &
		      ~(size_t)3;
	uint32_t text = len ? find_text(b, hash, bytes, len) : 0;

	if (text != VIA_NONE)
		return text;
	if (!room(b, &b->text_table) || !grow_texts(b, more))
		return 0;
	text = (uint32_t)b->texts_len;
	struct via__text_head *head = (void *)(b->texts + text);

	head->len = (uint32_t)len;
	memcpy(head->bytes, bytes, len);
	head->bytes[len] = '\0';
	b->texts_len += more;
	put_slot(&b->text_table, hash, text);
	return text;
}

uint32_t via__text_of(struct via_snapshot *s, const char *string)
{
	return via__text(s, string, strlen(string));
}

const char *via_snapshot_text(const struct via_snapshot *s, uint32_t text,
			      size_t *ret_len)
{
	const struct via__text_head *head =
		text_at((const struct via__inside *)s, text);

	if (ret_len)
		*ret_len = head->len;
	return head->bytes;
}

/* --- Records --- */

struct via_process *via__add_process(struct via_snapshot *s)
{
	return ADD(via__inside(s), processes);
}

struct via_thread *via__add_thread(struct via_snapshot *s, uint32_t process)
{
	struct via_thread *t = ADD(via__inside(s), threads);

	t->process = process;
	t->call.nr = VIA_SYSCALL_UNKNOWN;
	t->since_ns = VIA_UNKNOWN;
	return t;
}

struct via_holding *via__add_hold(struct via_snapshot *s, uint32_t process,
				  uint32_t object, enum via_how how)
{
	struct via_holding *h = ADD(via__inside(s), holds);

	h->process = process;
	h->object = object;
	h->how = (uint8_t)how;
	return h;
}

struct via_wait *via__add_wait(struct via_snapshot *s, uint32_t thread,
			       enum via_op op)
{
	struct via_wait *w = ADD(via__inside(s), waits);

	w->thread = thread;
	w->object = w->on_process = w->on_thread = VIA_NONE;
	w->op = (uint8_t)op;
	w->fd = -1;
	w->left_ns = -1;
	return w;
}

struct via_link *via__add_link(struct via_snapshot *s, uint32_t from,
			       uint32_t to, enum via_link_kind kind)
{
	struct via_link *l = ADD(via__inside(s), links);

	l->from = from;
	l->to = to;
	l->kind = (uint8_t)kind;
	return l;
}

/* --- Objects --- */

uint32_t via_snapshot_object(const struct via_snapshot *s, enum via_kind kind,
			     uint64_t dev, uint64_t ino, uint64_t sub)
{
	const struct via__table *t =
		&((const struct via__inside *)s)->object_table;
	uint64_t hash = hash_object(kind, dev, ino, sub);

	for (size_t at = hash & (t->size - 1); t->size && t->slot[at].index;
	     at = (at + 1) & (t->size - 1)) {
		uint32_t index = t->slot[at].index - 1;
		const struct via_object *o = &s->objects[index];

		if (t->slot[at].hash == (uint32_t)hash && o->ino == ino &&
		    o->kind == kind && o->dev == dev && o->sub == sub)
			return index;
	}
	return VIA_NONE;
}

uint32_t via__object(struct via_snapshot *s, enum via_kind kind, uint64_t dev,
		     uint64_t ino, uint64_t sub)
{
	struct via__inside *b = via__inside(s);
	uint32_t index = via_snapshot_object(s, kind, dev, ino, sub);

	if (index != VIA_NONE || !room(b, &b->object_table))
		return index;
	struct via_object *o = ADD(b, objects);

	*o = (struct via_object){
		.kind = kind,
		.dev = dev,
		.ino = ino,
		.sub = sub,
		.peer = VIA_NONE,
		.detail = VIA_NONE,
		.level = VIA_UNKNOWN,
		.capacity = VIA_UNKNOWN,
	};
	if (o == &b->spare.object)
		return VIA_NONE;
	index = s->n_objects - 1;
	put_slot(&b->object_table, hash_object(kind, dev, ino, sub), index);
	return index;
}

struct via_object *via__object_at(struct via_snapshot *s, uint32_t object)
{
	return object == VIA_NONE ? &via__inside(s)->spare.object
				  : &s->objects[object];
}

void via__peers(struct via_snapshot *s, uint32_t a, uint32_t b)
{
	via__object_at(s, a)->peer = b;
	via__object_at(s, b)->peer = a;
}

/* Take the slot of an index out of a table, and close the gap: what follows
 * moves up unless it would come before its own place. */
static void drop_slot(struct via__table *t, uint64_t hash, uint32_t index)
{
	size_t mask = t->size - 1, gap = hash & mask;

	while (t->slot[gap].index != index + 1)
		gap = (gap + 1) & mask;
	for (size_t at = (gap + 1) & mask; t->slot[at].index;
	     at = (at + 1) & mask) {
		if (((at - t->slot[at].hash) & mask) < ((at - gap) & mask))
			continue;
		t->slot[gap] = t->slot[at];
		gap = at;
	}
	t->slot[gap] = (struct via__slot){0};
	t->n--;
}

static void move_object(struct via__inside *b, uint32_t object, uint32_t kind,
			uint64_t dev, uint64_t ino, uint64_t sub)
{
	struct via_object *o = &b->s.objects[object];

	drop_slot(&b->object_table,
		  hash_object(o->kind, o->dev, o->ino, o->sub), object);
	o->kind = kind;
	o->dev = dev;
	o->ino = ino;
	o->sub = sub;
	put_slot(&b->object_table, hash_object(kind, dev, ino, sub), object);
}

/* --- Two that are one --- */

static void rename_in(uint32_t *name, uint32_t from, uint32_t to)
{
	if (*name == from)
		*name = to;
}

/* Whoever names one object names another. */
static void rename_object(struct via_snapshot *s, uint32_t from, uint32_t to)
{
	via__unseal(s);
	for (uint32_t i = 0; i < s->n_holds; i++)
		rename_in(&s->holds[i].object, from, to);
	for (uint32_t i = 0; i < s->n_waits; i++)
		rename_in(&s->waits[i].object, from, to);
	for (uint32_t i = 0; i < s->n_links; i++) {
		rename_in(&s->links[i].from, from, to);
		rename_in(&s->links[i].to, from, to);
	}
	for (uint32_t i = 0; i < s->n_objects; i++)
		rename_in(&s->objects[i].peer, from, to);
	for (uint32_t i = 0; i < s->n_locks; i++)
		rename_in(&s->locks[i].file, from, to);
	for (uint32_t i = 0; i < s->n_futexes; i++)
		rename_in(&s->futexes[i].memory, from, to);
}

/* What is told of a socket that is another one; the last record moves to its
 * place. */
static void drop_socket(struct via_snapshot *s, uint32_t index)
{
	const struct via_socket *last = &s->sockets[--s->n_sockets];

	via__object_at(s, last->object)->detail = index;
	s->sockets[index] = *last;
}

uint32_t via__rekind(struct via_snapshot *s, uint32_t object,
		     enum via_kind kind)
{
	struct via__inside *b = via__inside(s);
	struct via_object *o = via__object_at(s, object);
	uint32_t other;

	if (object == VIA_NONE || o->kind == (uint32_t)kind)
		return object;
	other = via_snapshot_object(s, kind, o->dev, o->ino, o->sub);
	if (other == VIA_NONE) {
		move_object(b, object, kind, o->dev, o->ino, o->sub);
		return object;
	}
	rename_object(s, object, other);
	if (o->kind == VIA_KIND_SOCKET && o->detail != VIA_NONE)
		drop_socket(s, o->detail);
	move_object(b, object, VIA_KIND_OTHER, UINT64_MAX, object, 0);
	o->name = 0;
	o->peer = o->detail = VIA_NONE;
	o->level = o->capacity = VIA_UNKNOWN;
	return other;
}

/* The element of an object's detail, made on first use. */
#define DETAIL(s, object, array)                                               \
	struct via_object *o = via__object_at(s, object);                      \
                                                                               \
	if (o->detail != VIA_NONE && object != VIA_NONE)                       \
		return &(s)->array[o->detail];                                 \
	o->detail = (s)->n_##array;                                            \
	void *detail = ADD(via__inside(s), array);                             \
                                                                               \
	if (detail == (void *)&via__inside(s)->spare)                          \
	o->detail = VIA_NONE

struct via_socket *via__socket(struct via_snapshot *s, uint32_t object)
{
	DETAIL(s, object, sockets);
	struct via_socket *socket = detail;

	socket->object = object;
	socket->receive = socket->send = VIA_UNKNOWN;
	socket->receive_max = socket->send_max = VIA_UNKNOWN;
	return socket;
}

struct via_ipc *via__ipc(struct via_snapshot *s, uint32_t object)
{
	DETAIL(s, object, ipcs);
	struct via_ipc *ipc = detail;

	ipc->object = object;
	ipc->size = ipc->resident = ipc->n_attached = VIA_UNKNOWN;
	ipc->n_messages = ipc->message_max = VIA_UNKNOWN;
	ipc->made = ipc->changed = ipc->used = VIA_UNKNOWN;
	return ipc;
}

struct via_file_lock *via__file_lock(struct via_snapshot *s, uint32_t object)
{
	DETAIL(s, object, locks);
	struct via_file_lock *lock = detail;

	lock->object = object;
	lock->file = VIA_NONE;
	return lock;
}

struct via_futex *via__futex(struct via_snapshot *s, uint32_t object)
{
	DETAIL(s, object, futexes);
	struct via_futex *futex = detail;

	futex->object = object;
	futex->memory = VIA_NONE;
	return futex;
}

struct via_semaphore *via__add_semaphore(struct via_snapshot *s,
					 uint32_t object)
{
	struct via_ipc *ipc = via__ipc(s, object);
	struct via_semaphore *semaphore = ADD(via__inside(s), semaphores);

	if (!ipc->n_semaphores)
		ipc->first_semaphore = s->n_semaphores - 1;
	if (semaphore != &via__inside(s)->spare.semaphore)
		ipc->n_semaphores++;
	semaphore->object = object;
	return semaphore;
}

struct via_lane *via__add_lane(struct via_snapshot *s, uint32_t object)
{
	struct via_object *o = via__object_at(s, object);
	struct via_lane *lane = ADD(via__inside(s), lanes);

	if (o->detail == VIA_NONE && lane != &via__inside(s)->spare.lane)
		o->detail = s->n_lanes - 1;
	lane->object = object;
	lane->sender = lane->receiver = VIA_NONE;
	return lane;
}

struct via_lane *via__lane(struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = via__object_at(s, object);

	return object == VIA_NONE || o->detail == VIA_NONE
		       ? via__add_lane(s, object)
		       : &s->lanes[o->detail];
}

/* --- Life --- */

#define EMPTY_LEN (sizeof(struct via__text_head) + 4)

int via__build_error(const struct via_snapshot *s)
{
	return ((const struct via__inside *)s)->error;
}

struct via_snapshot *via__snapshot_new(void)
{
	struct via__inside *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	if (!grow_texts(b, EMPTY_LEN)) {
		free(b);
		return NULL;
	}
	/* Text 0 is the empty one. */
	memset(b->texts, 0, EMPTY_LEN);
	b->texts_len = EMPTY_LEN;
	return &b->s;
}

void via_snapshot_free(struct via_snapshot *s)
{
	if (!s)
		return;
	struct via__inside *b = via__inside(s);

	free(s->processes);
	free(s->threads);
	free(s->objects);
	free(s->holds);
	free(s->waits);
	free(s->links);
	free(s->sockets);
	free(s->ipcs);
	free(s->semaphores);
	free(s->locks);
	free(s->futexes);
	free(s->lanes);
	free(s->users);
	free(s->waiters);
	free(b->texts);
	free(b->text_table.slot);
	free(b->object_table.slot);
	free(b);
}
