/* SPDX-License-Identifier: MIT */
/* Waits on futexes: which one it is, and who has it. */
#include <limits.h>
#include <linux/futex.h>
#include <string.h>

#include "inspect/collect/futex.h"
#include "inspect/collect/maps.h"
#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

/* --- Which --- */

/*
 * A futex in memory that is shared is the place in what is mapped there; any
 * other one is the address, of this process alone: futex(2).
 */
static uint32_t futex_object(struct via__blocked *b, uint64_t address,
			     bool shared)
{
	char name[PATH_MAX];
	struct via__map map;
	uint32_t object, memory = VIA_NONE;

	if (shared && b->dir >= 0 &&
	    via__maps_at(b->dir, address, &map, name) == 0 &&
	    map.flags & VIA_HOLD_SHARED)
		memory = via__map_object(b->pass->scene, b->process, b->dir,
					 &map);
	if (memory != VIA_NONE) {
		const struct via_object *o = via__object_at(b->s, memory);

		object = via__object(b->s, VIA_KIND_FUTEX, o->dev, o->ino,
				     map.offset + (address - map.start));
	} else {
		object = via__object(
			b->s, VIA_KIND_FUTEX, 0,
			(uint64_t)b->s->processes[b->process].task.pid,
			address);
		via__object_at(b->s, object)->flags |= VIA_OBJECT_PRIVATE;
	}
	struct via_futex *f = via__futex(b->s, object);

	f->memory = memory;
	f->address = address;
	return object;
}

/* --- Who has it --- */

/* Whether a process can have the futex at all: it has what it lies in. */
static bool can_have(const struct via__blocked *b, uint32_t process,
		     uint32_t object)
{
	const struct via_snapshot *s = b->s;
	uint32_t memory = s->futexes[s->objects[object].detail].memory;
	const struct via_process *p = &s->processes[process];

	if (memory == VIA_NONE)
		return process == b->process;
	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		if (s->holds[i].object == memory &&
		    s->holds[i].how == VIA_HOLDS_MAP)
			return true;
	return false;
}

/* Waits for one with an owner, unless that is a mere number: false. */
static bool on_owner(struct via__blocked *b, uint32_t object,
		     const struct via__futex_owner *owner)
{
	uint32_t pid_ns = b->s->processes[b->process].pid_ns;
	uint32_t thread = via__thread_by_tid(b->pass, pid_ns, owner->tid);
	uint8_t certainty = (uint8_t)owner->certainty;

	if (thread == VIA_NONE ||
	    !can_have(b, b->s->threads[thread].process, object)) {
		if (certainty != VIA_EXACT)
			return false;
		certainty = VIA_LIKELY;
	}
	struct via_futex *f = via__futex(b->s, object);
	pid_t tid = thread == VIA_NONE ? owner->tid : b->s->threads[thread].tid;

	/* Others that wait for it have been here before. */
	if (f->owner != tid && thread != VIA_NONE) {
		struct via_holding *h =
			via__add_hold(b->s, b->s->threads[thread].process,
				      object, VIA_HOLDS_LOCK);

		h->id = tid;
		h->source = VIA_SOURCE_MEMORY;
		h->certainty = certainty;
	}
	f->use = owner->use;
	f->owner = tid;
	f->owner_dead = thread == VIA_NONE;
	struct via_wait *w = via__wait(b, VIA_OP_LOCK, object);

	w->source = VIA_SOURCE_MEMORY;
	w->certainty = certainty;
	w->exclusive = 1;
	return true;
}

/* pthread_join(): of a thread of its own process. */
static bool on_thread(struct via__blocked *b, uint32_t object, pid_t tid)
{
	uint32_t pid_ns = b->s->processes[b->process].pid_ns;
	uint32_t thread = via__thread_by_tid(b->pass, pid_ns, tid);

	if (thread == VIA_NONE || b->s->threads[thread].process != b->process)
		return false;
	struct via_wait *w = via__wait_for(b, VIA_OP_JOIN, b->process);

	w->object = object;
	w->on_thread = thread;
	w->source = VIA_SOURCE_MEMORY;
	via__futex(b->s, object)->use = VIA_FUTEX_JOIN;
	return true;
}

static void on_futex(struct via__blocked *b, uint64_t address,
		     struct via__futex_wait *f)
{
	uint32_t object = futex_object(b, address, f->shared);
	ssize_t n = via__memory_some(b->pid, address, f->bytes,
				     sizeof(f->bytes));

	f->len = n < 0 ? 0 : (size_t)n;
	if (f->len >= sizeof(uint32_t))
		memcpy(&via__futex(b->s, object)->value, f->bytes,
		       sizeof(uint32_t));
	struct via__futex_owner owner = via__futex_owner(f);

	if (owner.use == VIA_FUTEX_JOIN && on_thread(b, object, owner.tid))
		return;
	if (owner.tid && owner.use != VIA_FUTEX_JOIN &&
	    on_owner(b, object, &owner))
		return;
	via__wait(b, VIA_OP_WAKE, object)->source = VIA_SOURCE_MEMORY;
}

/* --- Calls --- */

void via__wait_futex(struct via__blocked *b)
{
	uint32_t op = (uint32_t)b->call.args[1];
	struct via__futex_wait f = {
		.op = op & FUTEX_CMD_MASK,
		.shared = !(op & FUTEX_PRIVATE_FLAG),
		.value = (uint32_t)b->call.args[2],
	};

	on_futex(b, b->call.args[0], &f);
}

/* The size of the word, in the flags of the newer calls: FUTEX2_SIZE_U32 of
 * include/uapi/linux/futex.h since Linux 6.7, FUTEX_32 before. */
#define SIZE_MASK 3
#define SIZE_U32  2

/* A word of the newer calls. */
static void on_word(struct via__blocked *b, const struct futex_waitv *word)
{
	struct via__futex_wait f = {
		.op = FUTEX_WAIT,
		.shared = !(word->flags & FUTEX_PRIVATE_FLAG),
		.value = (uint32_t)word->val,
	};

	if ((word->flags & SIZE_MASK) == SIZE_U32)
		on_futex(b, word->uaddr, &f);
}

/* futex_wait(address, value, mask, flags, timeout, clock) */
void via__wait_futex_one(struct via__blocked *b)
{
	struct futex_waitv word = {
		.val = b->call.args[1],
		.uaddr = b->call.args[0],
		.flags = (uint32_t)b->call.args[3],
	};

	on_word(b, &word);
}

void via__wait_futex_any(struct via__blocked *b)
{
	struct futex_waitv words[FUTEX_WAITV_MAX];
	size_t n = b->call.args[1];

	if (n > FUTEX_WAITV_MAX || !via__memory_all(b->pid, b->call.args[0],
						    words, n * sizeof(*words)))
		return;
	for (size_t i = 0; i < n; i++)
		on_word(b, &words[i]);
}
