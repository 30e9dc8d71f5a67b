/* SPDX-License-Identifier: MIT */
/*
 * Who could end a wait. Where the kernel lets anybody do it who comes along, or
 * does it itself, that is said: claims are made only about what is closed.
 */
#include "inspect/diagnose/enders.h"

#include <sys/socket.h>

#include "inspect/model/build.h"

#define MAX(a, b) ((a) > (b) ? (a) : (b))

static const struct via__enders nobody = {
	.object = VIA_NONE,
	.process = VIA_NONE,
	.thread = VIA_NONE,
};

static struct via__enders beyond(enum via__outside outside)
{
	struct via__enders e = nobody;

	e.outside = (uint8_t)outside;
	e.limit = VIA__BEYOND;
	return e;
}

static struct via__enders holders(uint32_t object, enum via__side side,
				  unsigned int limit)
{
	struct via__enders e = nobody;

	e.object = object;
	e.side = (uint8_t)side;
	e.limit = (uint8_t)limit;
	return e;
}

static struct via__enders whoever(struct via__enders e,
				  enum via__outside outside)
{
	e.limit = VIA__BEYOND;
	e.outside = (uint8_t)outside;
	return e;
}

/* --- What is read and written --- */

enum reach {
	REACH_UNSEEN, /* who writes it is not known */
	REACH_WORLD,  /* the kernel, or whoever likes to */
	REACH_SAME,   /* those who have the object itself */
	REACH_PEER,   /* those who have its peer */
};

/*
 * By kind: whose turn it is, and the best that can be said. An eventfd may be
 * counted up by the kernel too; a datagram may get lost.
 */
static const struct {
	uint8_t reach, limit;
} kinds[VIA_N_KINDS] = {
	[VIA_KIND_PIPE] = {REACH_SAME, VIA_EXACT},
	[VIA_KIND_FIFO] = {REACH_SAME, VIA_EXACT},
	[VIA_KIND_MQ] = {REACH_SAME, VIA_EXACT},
	[VIA_KIND_EVENTFD] = {REACH_SAME, VIA_GUESS},
	[VIA_KIND_UNIX] = {REACH_PEER, VIA_EXACT},
	[VIA_KIND_TCP] = {REACH_PEER, VIA_EXACT},
	[VIA_KIND_UDP] = {REACH_PEER, VIA_GUESS},
	[VIA_KIND_PTMX] = {REACH_PEER, VIA_EXACT},
	[VIA_KIND_PTY] = {REACH_PEER, VIA_EXACT},
	[VIA_KIND_SOCKET] = {REACH_WORLD, 0},
	[VIA_KIND_TTY] = {REACH_WORLD, 0},
	[VIA_KIND_CHAR] = {REACH_WORLD, 0},
	[VIA_KIND_TIMERFD] = {REACH_WORLD, 0},
	[VIA_KIND_SIGNALFD] = {REACH_WORLD, 0},
	[VIA_KIND_INOTIFY] = {REACH_WORLD, 0},
	[VIA_KIND_SYSVMSG] = {REACH_WORLD, 0},
};

/* Anybody who knows the name may open it. */
static bool has_name(const struct via_object *o)
{
	return (o->kind == VIA_KIND_FIFO || o->kind == VIA_KIND_MQ) &&
	       !(o->flags & VIA_OBJECT_DELETED);
}

/* Whether a process, or any for VIA_NONE, has the enders' object in its way. */
static bool is_held(const struct via_snapshot *s, uint32_t process,
		    const struct via__enders *e)
{
	const struct via_object *o = &s->objects[e->object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if ((process == VIA_NONE || h->process == process) &&
		    via__is_ender(s, e, h))
			return true;
	}
	return false;
}

static uint32_t linked(const struct via_snapshot *s, uint32_t object,
		       enum via_link_kind kind)
{
	for (uint32_t i = via__first_link(s, object);
	     i < s->n_links && s->links[i].from == object; i++)
		if (s->links[i].kind == kind)
			return s->links[i].to;
	return VIA_NONE;
}

/*
 * A socket without a peer: its connection waits to be accepted, or it takes
 * datagrams from anybody. What else there could be, the kernel would not wait
 * for.
 */
static struct via__enders without_peer(const struct via_snapshot *s,
				       uint32_t object)
{
	const struct via_object *o = &s->objects[object];
	uint32_t listener = linked(s, object, VIA_LINK_CONNECTING);

	if (listener != VIA_NONE)
		return holders(listener, VIA__HOLDERS, kinds[o->kind].limit);
	return beyond(o->flags & VIA_OBJECT_PACKETS || o->kind == VIA_KIND_UDP
			      ? VIA__WORLD
			      : VIA__UNSEEN);
}

/*
 * Such a wait has ended already: its thread was about to be woken when it was
 * looked at.
 */
static bool has_come(const struct via_object *o, const struct via_wait *w)
{
	return w->op == VIA_OP_READ && kinds[o->kind].reach == REACH_SAME &&
	       o->level > 0;
}

static bool waits_for(const struct via_snapshot *s, uint32_t process,
		      const struct via_wait *w)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++) {
		const struct via_thread *t = &s->threads[p->first_thread + i];

		for (uint32_t k = 0; k < t->n_waits; k++)
			if (s->waits[t->first_wait + k].object == w->object &&
			    s->waits[t->first_wait + k].op == w->op)
				return true;
	}
	return false;
}

/* Whether a process has the other side of what is waited for, and does not
 * wait there itself. */
static bool has_partner(const struct via_snapshot *s, const struct via_wait *w,
			enum via__side side)
{
	const struct via_object *o = &s->objects[w->object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (via__sides(h) & 1u << side && !waits_for(s, h->process, w))
			return true;
	}
	return false;
}

static struct via__enders same(const struct via_snapshot *s,
			       const struct via_wait *w)
{
	const struct via_object *o = &s->objects[w->object];
	enum via__side side = w->op == VIA_OP_READ ? VIA__WRITERS
						   : VIA__READERS;
	struct via__enders e = holders(w->object, side, kinds[o->kind].limit);

	if (has_come(o, w))
		return whoever(e, VIA__UNSEEN);
	if (!has_name(o))
		return e;
	/* Who keeps the other side open too waits for whoever will come. */
	if (is_held(s, s->threads[w->thread].process, &e)) {
		e.limit = VIA_GUESS;
		return has_partner(s, w, side) ? e : whoever(e, VIA__WORLD);
	}
	e.limit = VIA_LIKELY;
	return e;
}

/* Whether what a wait is for is not one's own socket, but the one that is to
 * receive what one sends. */
static bool is_receiver(const struct via_snapshot *s, const struct via_wait *w)
{
	uint32_t hold, own;

	if (w->op != VIA_OP_WRITE || w->fd < 0 ||
	    s->objects[w->object].kind != VIA_KIND_UNIX)
		return false;
	hold = via_snapshot_fd(s, s->threads[w->thread].process, w->fd);
	own = hold == VIA_NONE ? w->object : s->holds[hold].object;
	/* An epoll set is another thing as well. */
	return own != w->object && s->objects[own].kind == VIA_KIND_UNIX;
}

/* Of both sides of one on loopback; what else is a socket may lose messages, or
 * have them from anybody. */
static bool is_vsock_pair(const struct via_snapshot *s,
			  const struct via_object *o)
{
	return o->kind == VIA_KIND_SOCKET && o->peer != VIA_NONE &&
	       o->detail != VIA_NONE &&
	       s->sockets[o->detail].family == AF_VSOCK &&
	       s->sockets[o->detail].type != SOCK_DGRAM;
}

static struct via__enders data(const struct via_snapshot *s,
			       const struct via_wait *w)
{
	const struct via_object *o = &s->objects[w->object];

	if (is_receiver(s, w))
		return holders(w->object, VIA__HOLDERS, VIA_EXACT);
	if (o->flags & (VIA_OBJECT_REMOTE | VIA_OBJECT_LISTENS))
		return beyond(VIA__WORLD);
	if (is_vsock_pair(s, o))
		return holders(o->peer, VIA__HOLDERS, VIA_EXACT);
	switch (kinds[o->kind].reach) {
	case REACH_WORLD:
		/* Of whatever family it may be. */
		if (o->kind == VIA_KIND_SOCKET && o->detail == VIA_NONE)
			return beyond(VIA__UNSEEN);
		return beyond(VIA__WORLD);
	case REACH_SAME:
		return same(s, w);
	case REACH_PEER:
		return o->peer == VIA_NONE ? without_peer(s, w->object)
					   : holders(o->peer, VIA__HOLDERS,
						     kinds[o->kind].limit);
	}
	return beyond(VIA__UNSEEN);
}

/* Its own socket stands for a listener that is not known. */
static struct via__enders connection(const struct via_snapshot *s,
				     const struct via_wait *w)
{
	uint32_t flags = s->objects[w->object].flags;

	if (flags & VIA_OBJECT_REMOTE)
		return beyond(VIA__WORLD);
	return flags & VIA_OBJECT_LISTENS
		       ? holders(w->object, VIA__HOLDERS, VIA_EXACT)
		       : beyond(VIA__UNSEEN);
}

/* Anybody may come and open it, but seldom does who was not told. */
static struct via__enders opening(const struct via_snapshot *s,
				  const struct via_wait *w)
{
	struct via__enders e = nobody;

	e.process = via__crosswise(s, w);
	e.limit = VIA_LIKELY;
	return e.process == VIA_NONE ? beyond(VIA__WORLD) : e;
}

/* --- Locks --- */

/* The thread of a process with this tid. */
static uint32_t thread_of(const struct via_snapshot *s, uint32_t process,
			  pid_t tid)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++)
		if (s->threads[p->first_thread + i].tid == tid)
			return p->first_thread + i;
	return VIA_NONE;
}

/*
 * A thread's number in memory is that of its own pid namespace. Whether all who
 * have the memory are of the same one as who waits.
 */
static bool one_namespace(const struct via_snapshot *s, uint32_t memory,
			  const struct via_wait *w)
{
	uint32_t own = s->processes[s->threads[w->thread].process].pid_ns;
	const struct via_object *o = memory == VIA_NONE ? NULL
							: &s->objects[memory];

	for (uint32_t i = 0; o && i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (s->processes[h->process].pid_ns != own)
			return false;
	}
	return true;
}

/* Whose thread died with it. The kernel tells those who wait for a lock of the
 * other kinds. */
static bool died_with_it(const struct via_snapshot *s,
			 const struct via_futex *f, const struct via_wait *w)
{
	return f->owner_dead && one_namespace(s, f->memory, w) &&
	       (f->use == VIA_FUTEX_MUTEX || f->use == VIA_FUTEX_UNKNOWN);
}

/* The only owner of a lock, if it has one that is a thread. */
static const struct via_holding *only_owner(const struct via_snapshot *s,
					    const struct via_object *o)
{
	const struct via_holding *owner = NULL;

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (h->how != VIA_HOLDS_LOCK)
			continue;
		if (owner || !h->id || o->kind == VIA_KIND_SYSVSEM)
			return NULL;
		owner = h;
	}
	return owner;
}

static struct via__enders owners(const struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = &s->objects[object];
	const struct via_holding *owner = only_owner(s, o);
	struct via__enders e = holders(object, VIA__OWNERS, VIA_EXACT);

	if (!owner)
		return e;
	e.process = owner->process;
	e.thread = thread_of(s, owner->process, owner->id);
	return e.thread == VIA_NONE || via__has_ended(&s->threads[e.thread])
		       ? whoever(e, VIA__UNSEEN)
		       : e;
}

static struct via__enders orphan(uint32_t object, unsigned int limit)
{
	struct via__enders e = holders(object, VIA__OWNERS, limit);

	e.orphan = true;
	return e;
}

/* Who used a semaphore last, 0: unknown. */
static pid_t last_user(const struct via_snapshot *s, const struct via_wait *w)
{
	const struct via_object *o = &s->objects[w->object];
	const struct via_ipc *ipc = o->detail == VIA_NONE ? NULL
							  : &s->ipcs[o->detail];

	return ipc && w->index < ipc->n_semaphores
		       ? s->semaphores[ipc->first_semaphore + w->index].last
		       : 0;
}

/*
 * Anybody may add to a semaphore; that a holder will is a custom. Without
 * records of who holds one, who used it last took it, unless that was the one
 * who waits: then it is used to wait for events. So it is, as far as can be
 * told, if who waits has units of it already.
 */
static struct via__enders semaphore(const struct via_snapshot *s,
				    const struct via_wait *w)
{
	struct via__enders e = holders(w->object, VIA__OWNERS, VIA_LIKELY);
	pid_t last = last_user(s, w);

	e.semaphore = w->index;
	if (!w->amount)
		return beyond(VIA__UNSEEN);
	if (is_held(s, s->threads[w->thread].process, &e))
		return whoever(e, VIA__UNSEEN);
	if (is_held(s, VIA_NONE, &e))
		return e;
	uint32_t process = last > 0 ? via_snapshot_process(s, last) : VIA_NONE;

	if (process == VIA_NONE || via__process_ended(s, process))
		return last > 0 ? orphan(w->object, VIA_GUESS)
				: whoever(e, VIA__UNSEEN);
	if (process == s->threads[w->thread].process)
		return whoever(e, VIA__UNSEEN);
	e.object = VIA_NONE;
	e.process = process;
	e.limit = VIA_GUESS;
	return e;
}

static struct via__enders lock(const struct via_snapshot *s,
			       const struct via_wait *w)
{
	const struct via_object *o = &s->objects[w->object];

	if (o->kind == VIA_KIND_SYSVSEM)
		return semaphore(s, w);
	if (o->kind == VIA_KIND_FUTEX && o->detail != VIA_NONE &&
	    died_with_it(s, &s->futexes[o->detail], w))
		return orphan(w->object, VIA_LIKELY);
	return owners(s, w->object);
}

/* --- Wake-ups --- */

static bool has_writer(const struct via_snapshot *s, uint32_t process)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++) {
		const struct via_thread *t = &s->threads[p->first_thread + i];

		for (uint32_t k = 0; k < t->n_waits; k++)
			if (s->waits[t->first_wait + k].op == VIA_OP_WRITE)
				return true;
	}
	return false;
}

/*
 * A word of one process can be woken by its threads alone. But a handler of a
 * signal may be what is waited for, so that is only a guess; less of one where a
 * thread cannot get rid of what it has to say: who waits for a signal has
 * nothing else to do.
 */
static struct via__enders own_threads(const struct via_snapshot *s,
				      const struct via_wait *w)
{
	struct via__enders e = nobody;

	e.process = s->threads[w->thread].process;
	e.limit = has_writer(s, e.process) ? VIA_LIKELY : VIA_GUESS;
	e.others = true;
	return e;
}

/* One of several by who has it mapped. */
static struct via__enders wake(const struct via_snapshot *s,
			       const struct via_wait *w)
{
	const struct via_object *o = &s->objects[w->object];
	uint32_t memory = w->object;

	if (o->flags & VIA_OBJECT_PRIVATE)
		return own_threads(s, w);
	if (o->kind == VIA_KIND_FUTEX)
		memory = o->detail == VIA_NONE ? VIA_NONE
					       : s->futexes[o->detail].memory;
	if (memory == VIA_NONE)
		return beyond(VIA__UNSEEN);
	struct via__enders e = holders(memory, VIA__MAPPERS, VIA_GUESS);

	e.others = true;
	return e;
}

/* --- Tasks --- */

static struct via__enders task(const struct via_snapshot *s,
			       const struct via_wait *w)
{
	struct via__enders e = nobody;

	e.thread = w->on_thread;
	e.process = e.thread == VIA_NONE ? w->on_process
					 : s->threads[e.thread].process;
	/* What has ended will wake us. */
	if (e.thread != VIA_NONE
		    ? via__has_ended(&s->threads[e.thread])
		    : e.process == VIA_NONE || via__process_ended(s, e.process))
		return whoever(e, VIA__UNSEEN);
	return e;
}

/* --- All together --- */

static struct via__enders by_op(const struct via_snapshot *s,
				const struct via_wait *w)
{
	if (w->op == VIA_OP_CHILD || w->op == VIA_OP_JOIN ||
	    w->op == VIA_OP_ANSWER)
		return task(s, w);
	if (w->op == VIA_OP_SIGNAL || w->op == VIA_OP_TIME)
		return beyond(VIA__WORLD);
	if (w->object == VIA_NONE)
		return beyond(VIA__UNSEEN);
	switch (w->op) {
	case VIA_OP_READ:
	case VIA_OP_WRITE:
		return data(s, w);
	case VIA_OP_OPEN:
		return opening(s, w);
	case VIA_OP_ACCEPT:
		return beyond(VIA__WORLD);
	case VIA_OP_CONNECT:
		return connection(s, w);
	case VIA_OP_LOCK:
		return lock(s, w);
	case VIA_OP_WAKE:
		return wake(s, w);
	case VIA_OP_EVENT:
		return beyond(kinds[s->objects[w->object].kind].reach ==
					      REACH_WORLD
				      ? VIA__WORLD
				      : VIA__UNSEEN);
	}
	return beyond(VIA__UNSEEN);
}

/* Whether a message has it in the enders' way: whoever takes it out is one. */
static bool is_in_flight(const struct via_snapshot *s,
			 const struct via__enders *e)
{
	for (uint32_t i = via__first_link(s, e->object);
	     i < s->n_links && s->links[i].from == e->object; i++) {
		const struct via_holding h = {
			.how = VIA_HOLDS_FD,
			.flags = s->links[i].events
					 ? (uint8_t)s->links[i].events
					 : VIA_HOLD_READ | VIA_HOLD_WRITE,
		};

		if (s->links[i].kind == VIA_LINK_IN_FLIGHT &&
		    via__is_ender(s, e, &h))
			return true;
	}
	return false;
}

/*
 * An object that nobody has would not be waited for: somebody who was not seen
 * has it, or it is in a message on its way to somebody.
 */
static void narrow(const struct via__holders *all, const struct via_wait *w,
		   struct via__enders *e)
{
	const struct via_snapshot *s = all->s;
	bool doubtful = all->doubtful[s->threads[w->thread].process];

	if (e->object == VIA_NONE || e->limit == VIA__BEYOND)
		return;
	if (e->orphan) {
		e->limit = (uint8_t)MAX(
			e->limit, via__completeness(s, e->object, doubtful));
		return;
	}
	const struct via__pool *p = via__pool_of(all, e);

	if (!p->some || is_in_flight(s, e))
		*e = whoever(*e, VIA__UNSEEN);
	else
		e->limit = (uint8_t)MAX(
			MAX(e->limit, p->worst),
			via__completeness(s, e->object,
					  doubtful || p->doubtful));
}

struct via__enders via__enders_of(const struct via__holders *all, uint32_t wait)
{
	const struct via_wait *w = &all->s->waits[wait];
	struct via__enders e = by_op(all->s, w);

	narrow(all, w, &e);
	if (e.limit == VIA__BEYOND)
		return e;
	if (w->left_ns >= 0)
		return whoever(e, VIA__TIMEOUT);
	e.limit = (uint8_t)MAX(e.limit, w->certainty);
	if (w->left_ns == VIA_UNKNOWN)
		e.limit = VIA_GUESS;
	return e;
}
