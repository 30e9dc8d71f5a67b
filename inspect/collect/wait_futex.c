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

/* Threads that go by a tid; of several, in other pid namespaces, the one in the
 * waiting process'. */
struct candidates {
	pid_t tid;
	uint32_t pid_ns, thread, n;
};

static void consider(const struct via_snapshot *s, uint32_t process,
		     struct candidates *c)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++) {
		uint32_t thread = p->first_thread + i;

		if (s->threads[thread].inner_tid != c->tid ||
		    thread == c->thread)
			continue;
		c->n++;
		if (c->thread == VIA_NONE || p->pid_ns == c->pid_ns)
			c->thread = thread;
	}
}

/* Only who has mapped what the futex lies in can have it. */
static struct candidates candidates(const struct via__blocked *b,
				    uint32_t object, pid_t tid)
{
	const struct via_snapshot *s = b->s;
	uint32_t memory = s->futexes[s->objects[object].detail].memory;
	struct candidates c = {
		.tid = tid,
		.pid_ns = s->processes[b->process].pid_ns,
		.thread = VIA_NONE,
	};

	if (memory == VIA_NONE) {
		consider(s, b->process, &c);
		return c;
	}
	const struct via_object *o = &s->objects[memory];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (h->how == VIA_HOLDS_MAP)
			consider(s, h->process, &c);
	}
	return c;
}

/* Whether it may be a thread of a process whose mappings we do not know. */
static bool may_be_hidden(const struct via__blocked *b, uint32_t object,
			  pid_t tid)
{
	const struct via_snapshot *s = b->s;

	if (s->futexes[s->objects[object].detail].memory == VIA_NONE)
		return false;
	for (uint32_t i = 0; i < s->n_threads; i++) {
		const struct via_process *p =
			&s->processes[s->threads[i].process];
		bool known = b->pass->scene->want & VIA_WANT_MAPS &&
			     !(p->hidden & VIA_HIDDEN_MAPS);

		if (!known && (s->threads[i].inner_tid == tid ||
			       !s->threads[i].inner_tid))
			return true;
	}
	return false;
}

static void add_owner(struct via__blocked *b, uint32_t object, uint32_t thread,
		      uint8_t certainty)
{
	struct via_holding *h = via__add_hold(
		b->s, b->s->threads[thread].process, object, VIA_HOLDS_LOCK);

	h->id = b->s->threads[thread].tid;
	h->source = VIA_SOURCE_MEMORY;
	h->certainty = certainty;
}

/* Waits for one with an owner, unless that is a mere number: false. */
static bool on_owner(struct via__blocked *b, uint32_t object,
		     const struct via__futex_owner *owner)
{
	struct candidates c = candidates(b, object, owner->tid);
	uint8_t certainty = c.n == 1 ? (uint8_t)owner->certainty : VIA_LIKELY;

	/* glibc takes a dead writer's number for nothing, so it may be old. */
	if (c.n == 0 &&
	    (owner->certainty != VIA_EXACT || owner->use == VIA_FUTEX_RWLOCK ||
	     may_be_hidden(b, object, owner->tid)))
		return false;
	struct via_futex *f = via__futex(b->s, object);
	pid_t tid = c.n ? b->s->threads[c.thread].tid : owner->tid;

	/* Others that wait for it have been here before. */
	if (c.n && f->owner != tid)
		add_owner(b, object, c.thread, certainty);
	f->use = owner->use;
	f->owner = tid;
	f->owner_dead = c.n == 0;
	struct via_wait *w = via__wait(b, VIA_OP_LOCK, object);

	w->source = VIA_SOURCE_MEMORY;
	w->certainty = certainty;
	w->exclusive = 1;
	return true;
}

/* pthread_join(): of a thread of its own process. */
static bool on_thread(struct via__blocked *b, uint32_t object, pid_t tid)
{
	struct candidates c = {.tid = tid, .thread = VIA_NONE};

	consider(b->s, b->process, &c);
	if (!c.n)
		return false;
	struct via_wait *w = via__wait_for(b, VIA_OP_JOIN, b->process);

	w->object = object;
	w->on_thread = c.thread;
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
	f->has_before = via__futex_wants(f) &&
			via__memory_all(b->pid, address - sizeof(f->before),
					f->before, sizeof(f->before));
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
