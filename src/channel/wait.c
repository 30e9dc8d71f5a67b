/* SPDX-License-Identifier: MIT */
/*
 * Waiting, for every call of every mechanism: try, spin while that has been
 * paying, then sleep in poll(). And the pollable descriptor: an epoll of the
 * transport's own and of an eventfd that is readable from each success until
 * the next -EAGAIN, so that what the end has read ahead shows too.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "channel/channel.h"
#include "core/relax.h"
#include "core/sys.h"

/* Tries before the first look at the clock where a try costs no system call:
 * a reply from another core takes a few hundred of them at most. */
#define FREE_TRIES 256
/* Tries between two looks at the clock, which costs as much as several. */
#define TRIES_PER_LOOK 8
/* The most waits in a row that do not even try to spin. */
#define SKIPS_MAX 255
/* One wait in so many sleeps where spinning pays: see rests(). */
#define WAITS_PER_REST 1024
/* So many messages after a sleep are a stream. */
#define STREAM 8

void via__side_init(struct via__side *side, enum via_role role, int64_t spin_ns)
{
	*side = (struct via__side){
		.role = role,
		.spin_ns = spin_ns,
		.watch_fd = -1,
		.event_fd = -1,
		.watched_fd = -1,
	};
}

void via__side_fini(struct via__side *side)
{
	via__close(&side->watch_fd);
	via__close(&side->event_fd);
}

/*
 * Spinning pays when the peer answers within the spin. Each spin in vain
 * doubles the number of waits that go to sleep at once; the first that
 * succeeds starts afresh.
 */
static void learn(struct via__side *side, bool paid)
{
	if (paid)
		side->skips = 0;
	else if (side->skips < SKIPS_MAX)
		side->skips = 2 * side->skips + 1;
	side->skip = side->skips;
}

/* Try until op succeeds, the spin's time is over or the deadline passes. */
static int spin(struct via_channel *ch, struct via__side *side, int64_t start,
		int64_t deadline, via__op *op, void *arg)
{
	int64_t end = side->spin_ns < 0 ? VIA_NEVER : start + side->spin_ns;
	int r = -EAGAIN;

	end = via__deadline_min(end, deadline);
	while (r == -EAGAIN && !via__deadline_passed(end)) {
		for (int i = 0; i < TRIES_PER_LOOK && r == -EAGAIN; i++) {
			r = op(ch, arg);
			via__relax();
		}
	}
	learn(side, r != -EAGAIN);
	return r;
}

/* Sleep until the transport's descriptor says to try again. 0 or -errno. */
static int sleep_once(struct via_channel *ch, struct via__side *side,
		      int64_t deadline)
{
	const struct via__transport *t = ch->transport;
	struct pollfd pfd;
	int r = t->pollfd(ch->end, side->role, &pfd);

	if (r < 0)
		return r;
	if (t->arm && t->arm(ch->end, side->role))
		return 0;
	side->sleeps++;
	r = via__poll(&pfd, 1, deadline);
	return r < 0 ? r : 0;
}

/*
 * Whether to sleep although spinning would be quicker. A stream through the
 * kernel goes faster if nobody asks for each message at once: both sides want
 * the same locks, and one sleep brings many messages. Only a sleep can tell, so
 * one is tried now and then, and repeated as long as a batch follows.
 */
static bool rests(const struct via_channel *ch, struct via__side *side)
{
	uint64_t messages = side->role == VIA_RECV ? ch->received.received
						   : ch->sent.sent;
	uint64_t batch = messages - side->messages;

	side->messages = messages;
	if (ch->transport->in_memory || side->spin_ns < 0)
		return false;
	if (side->resting) {
		side->batch = (3 * side->batch + batch) / 4;
		side->resting = side->batch >= STREAM;
	} else if (++side->waits % WAITS_PER_REST == 0) {
		side->batch = 2 * STREAM;
		side->resting = true;
	}
	return side->resting;
}

static int wait_for(struct via_channel *ch, struct via__side *side,
		    int64_t deadline, via__op *op, void *arg)
{
	int64_t start = via__now();
	int r = -EAGAIN;

	if (rests(ch, side))
		; /* to sleep at once */
	else if (side->skip)
		side->skip--;
	else if (side->spin_ns)
		r = spin(ch, side, start, deadline, op, arg);
	while (r == -EAGAIN) {
		if (via__deadline_passed(deadline)) {
			r = -ETIMEDOUT;
			break;
		}
		r = sleep_once(ch, side, deadline);
		if (r == 0)
			r = op(ch, arg);
	}
	side->blocked_ns += (uint64_t)(via__now() - start);
	return r;
}

int via__until(struct via_channel *ch, struct via__side *side, int64_t deadline,
	       via__op *op, void *arg)
{
	int r = op(ch, arg);

	if (r == -EAGAIN && deadline != VIA_NO_WAIT) {
		if (ch->transport->in_memory && side->spin_ns)
			for (int i = 0; i < FREE_TRIES && r == -EAGAIN; i++)
				r = op(ch, arg);
		if (r == -EAGAIN)
			r = wait_for(ch, side, deadline, op, arg);
	}
	while (via__watch(ch, side, r))
		r = op(ch, arg);
	return r;
}

/* --- via_pollfd() --- */

/* Have the epoll watch what the transport names now. 0 or -errno. */
static int watch_transport(struct via_channel *ch, struct via__side *side)
{
	struct pollfd pfd;
	int r = ch->transport->pollfd(ch->end, side->role, &pfd);

	if (r < 0)
		return r;
	/* It has finished: whoever calls will not have to wait. */
	if (pfd.fd < 0)
		return 0;
	struct epoll_event ev = {.events = (uint32_t)pfd.events};

	if (side->watched_fd != pfd.fd && side->watched_fd >= 0)
		/* Closed descriptors have left the set by themselves. */
		(void)epoll_ctl(side->watch_fd, EPOLL_CTL_DEL, side->watched_fd,
				NULL);
	side->watched_fd = pfd.fd;
	if (!epoll_ctl(side->watch_fd, EPOLL_CTL_MOD, pfd.fd, &ev))
		return 0;
	if (!epoll_ctl(side->watch_fd, EPOLL_CTL_ADD, pfd.fd, &ev))
		return 0;
	/* A regular file is always ready and cannot be in the set. */
	return errno == EPERM ? 0 : -errno;
}

static void signal_watch(struct via__side *side, bool on)
{
	uint64_t n = 1;

	if (side->signalled == on)
		return;
	side->signalled = on;
	/* Neither can fail: the counter goes between 0 and 1. */
	if (on)
		(void)!write(side->event_fd, &n, sizeof(n));
	else
		(void)!read(side->event_fd, &n, sizeof(n));
}

bool via__watch_update(struct via_channel *ch, struct via__side *side, int r)
{
	const struct via__transport *t = ch->transport;

	if (r != -EAGAIN && r != -ETIMEDOUT) {
		signal_watch(side, true);
		return false;
	}
	signal_watch(side, false);
	(void)watch_transport(ch, side); /* as it was, if that fails */
	return t->arm && t->arm(ch->end, side->role);
}

static int watch_open(struct via_channel *ch, struct via__side *side)
{
	VIA__CLEANUP_FD int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	VIA__CLEANUP_FD int event_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	if (epoll_fd < 0 || event_fd < 0)
		return -errno;
	struct epoll_event ev = {.events = EPOLLIN};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &ev))
		return -errno;
	side->watch_fd = via__take_fd(&epoll_fd);
	side->event_fd = via__take_fd(&event_fd);
	side->signalled = true;
	int r = watch_transport(ch, side);

	if (r < 0)
		via__side_fini(side);
	return r;
}

int via_pollfd(struct via_channel *ch, enum via_role role, struct pollfd *ret)
{
	int r = via__channel_check(ch, role);

	if (r < 0)
		return r;
	struct via__side *side = role == VIA_SEND ? &ch->send_side
						  : &ch->recv_side;

	if (side->watch_fd < 0)
		r = watch_open(ch, side);
	if (r < 0)
		return via__fail_errno(via__channel_error(ch, role), r,
				       "%s: cannot make a pollable descriptor",
				       ch->url);
	*ret = (struct pollfd){.fd = side->watch_fd, .events = POLLIN};
	return 0;
}
