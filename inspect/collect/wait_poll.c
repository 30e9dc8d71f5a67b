/* SPDX-License-Identifier: MIT */
/* Waits on many descriptors, of which any one will do: poll, select, epoll. */
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/polled.h"
#include "inspect/collect/wait.h"

/* Sets within sets: as deep as the kernel lets them be (EP_MAX_NESTS, 4). */
#define DEPTH_MAX 4

#define READS  (POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP)
#define WRITES (POLLOUT | POLLWRNORM | POLLWRBAND)

struct polling {
	struct via__blocked *b;
	bool any;
};

/* --- Signals --- */

/* Where in its memory the mask is that a call waits with; 0: it has none. */
static uint64_t mask_at(const struct via__blocked *b)
{
	uint64_t pair[2];

	switch (b->call.nr) {
	case SYS_ppoll:
		return b->call.args[3];
	case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
		return b->call.args[4];
	case SYS_pselect6:
		/* Address and size: select(2). */
		return b->call.args[5] &&
				       via__memory_all(b->pid, b->call.args[5],
						       pair, sizeof(pair))
			       ? pair[0]
			       : 0;
	}
	return 0;
}

/*
 * Who takes a mask along waits for the signals that it lets in, too: most often
 * for that of its children's end, as make does who waits for a token.
 */
static void on_signals(struct via__blocked *b)
{
	uint64_t at = mask_at(b), mask = 0;
	uint32_t first = b->s->n_waits;

	if (!at)
		return;
	if (via__memory_all(b->pid, at, &mask, sizeof(mask)) &&
	    !(mask & 1u << (SIGCHLD - 1)))
		via__wait_any_child(b);
	if (b->s->n_waits == first)
		via__wait(b, VIA_OP_SIGNAL, VIA_NONE);
	via__wait_doubt(b, first, VIA_LIKELY);
}

/* --- poll, select --- */

static void on_events(struct via__blocked *b, uint32_t object, int fd,
		      uint32_t events, enum via_source source)
{
	if (events & READS)
		via__wait_on_object(b, object, fd, VIA_OP_READ, source);
	if (events & WRITES)
		via__wait_on_object(b, object, fd, VIA_OP_WRITE, source);
	/* Errors and hang-ups come unasked. */
	if (!(events & (READS | WRITES)))
		via__wait_on_object(b, object, fd, VIA_OP_EVENT, source);
}

static void polled(int fd, uint32_t events, void *arg)
{
	struct polling *p = arg;

	p->any = true;
	on_events(p->b, via__fd_object(p->b, fd), fd, events,
		  VIA_SOURCE_MEMORY);
}

/* With nothing to wait for it sleeps. */
static void ended(struct polling *p, int err)
{
	struct via__blocked *b = p->b;

	if (err < 0)
		via__wait(b, VIA_OP_UNKNOWN, VIA_NONE)->certainty = VIA_GUESS;
	else if (!p->any)
		via__wait(b, b->left_ns == -1 ? VIA_OP_SIGNAL : VIA_OP_TIME,
			  VIA_NONE);
	on_signals(b);
}

void via__wait_poll(struct via__blocked *b)
{
	struct polling p = {b, false};

	ended(&p, via__polled_poll(b->pid, &b->call, polled, &p));
}

void via__wait_select(struct via__blocked *b)
{
	struct polling p = {b, false};

	ended(&p, via__polled_select(b->pid, &b->call, polled, &p));
}

/* --- epoll --- */

/* In a link's events: bits that only say how the others are reported. A member
 * with EPOLLONESHOT that has fired has no others. */
#define EVENTS (READS | WRITES | POLLERR | POLLHUP)

static void on_members(struct via__blocked *b, uint32_t epoll, int fd,
		       unsigned int depth)
{
	uint32_t i = via__first_link(b->s, epoll);

	for (; i < b->s->n_links && b->s->links[i].from == epoll; i++) {
		const struct via_link *l = &b->s->links[i];

		if (++b->steps > VIA__WAIT_STEPS_MAX) {
			b->cut = true;
			return;
		}
		if (l->kind != VIA_LINK_WATCHES || !(l->events & EVENTS))
			continue;
		if (via__object_at(b->s, l->to)->kind != VIA_KIND_EPOLL)
			on_events(b, l->to, fd, l->events, VIA_SOURCE_PROC);
		else if (depth < DEPTH_MAX)
			on_members(b, l->to, fd, depth + 1);
	}
}

void via__wait_on_epoll(struct via__blocked *b, uint32_t epoll, int fd)
{
	uint32_t first = b->s->n_waits;

	on_members(b, epoll, fd, 0);
	/* An empty set. */
	if (b->s->n_waits == first)
		via__wait(b, VIA_OP_EVENT, epoll)->fd = fd;
}

/* Any of its threads may add to the set meanwhile; so may other processes that
 * have it. */
static bool may_change(const struct via__blocked *b, uint32_t epoll)
{
	return b->s->processes[b->process].n_threads > 1 ||
	       via__object_at(b->s, epoll)->n_users > 1;
}

void via__wait_epoll(struct via__blocked *b)
{
	int fd = via__call_fd(b);
	uint32_t epoll = via__fd_object(b, fd), first = b->s->n_waits;

	if (epoll == VIA_NONE)
		return;
	via__wait_on_epoll(b, epoll, fd);
	on_signals(b);
	if (may_change(b, epoll))
		via__wait_doubt(b, first, VIA_LIKELY);
}
