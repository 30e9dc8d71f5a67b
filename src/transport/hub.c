/* SPDX-License-Identifier: MIT */
/* One receiving end with many peers: see hub.h. */
#include "transport/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"

#define EVENTS_MAX  64 /* peers found by one epoll_wait() */
#define ACCEPTS_MAX 16 /* connections accepted before looking at peers again */
#define BURST_MAX   64 /* messages in a row from one peer, */
#define BURST_BYTES 4096 /* so many bytes counting as one more */

/* A sender of via's says so as soon as it has connected. One that has not by
 * then makes room for another, if there is none. */
#define GREETING_NS VIA__NS_PER_S
/* Until the next try where the kernel has had no room for a connection. */
#define RETRY_NS (VIA__NS_PER_S / 10)

static int watch(struct via__hub *hub, int fd, void *what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};

	return epoll_ctl(hub->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* Said aloud, because a forked child's copy of fd would keep it in the set
 * beyond close(): see epoll(7). */
static void unwatch(struct via__hub *hub, int fd)
{
	(void)epoll_ctl(hub->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static int spare_fd(struct via__hub *hub)
{
	return fcntl(hub->epoll, F_DUPFD_CLOEXEC, 0);
}

int via__hub_init(struct via__hub *hub, struct via__end *end,
		  const struct via__peer_ops *ops,
		  const struct via__access *access, bool has_mode,
		  unsigned int peers_max, struct via_error *err)
{
	*hub = (struct via__hub){
		.end = end,
		.ops = ops,
		.access = access,
		.has_mode = has_mode,
		.peers_max = peers_max,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.listener = -1,
		.spare = -1,
		.timer = -1,
	};
	TAILQ_INIT(&hub->peers);
	TAILQ_INIT(&hub->ready);
	SLIST_INIT(&hub->holders);
	if (hub->epoll < 0)
		return via__fail_errno(err, -errno, "epoll_create1");
	return 0;
}

static int accepting(struct via__hub *hub, bool on)
{
	int r = 0;

	if (hub->listener < 0 || hub->accepting == on)
		return 0;
	if (on)
		r = watch(hub, hub->listener, NULL);
	else
		unwatch(hub, hub->listener);
	if (!r)
		hub->accepting = on;
	return r;
}

/* Accept nobody before then; VIA_NEVER: before a peer has gone. */
static void pause_accepting(struct via__hub *hub, int64_t until)
{
	struct itimerspec at = {0};

	if (until != VIA_NEVER)
		at.it_value = (struct timespec){until / VIA__NS_PER_S,
						until % VIA__NS_PER_S};
	(void)accepting(hub, false); /* leaving the set cannot fail */
	(void)timerfd_settime(hub->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void resume_accepting(struct via__hub *hub)
{
	if (accepting(hub, true))
		pause_accepting(hub, via__now() + RETRY_NS);
}

static int listen_on(struct via__hub *hub)
{
	int r;

	hub->spare = spare_fd(hub);
	if (hub->spare < 0)
		return -errno;
	hub->timer = timerfd_create(CLOCK_MONOTONIC,
				    TFD_CLOEXEC | TFD_NONBLOCK);
	if (hub->timer < 0)
		return -errno;
	r = watch(hub, hub->timer, hub);
	return r ? r : accepting(hub, true);
}

int via__hub_listen(struct via__hub *hub, int listener, struct via_error *err)
{
	int r;

	hub->listener = listener;
	r = listen_on(hub);
	return r ? via__fail_errno(err, r, "cannot wait for connections") : 0;
}

void via__hub_queue(struct via__peer *peer)
{
	if (!peer->queued)
		TAILQ_INSERT_TAIL(&peer->hub->ready, peer, queue);
	peer->queued = true;
}

struct via__peer *via__hub_next(struct via__hub *hub)
{
	struct via__peer *peer = TAILQ_FIRST(&hub->ready);

	if (peer) {
		TAILQ_REMOVE(&hub->ready, peer, queue);
		peer->queued = false;
	}
	return peer;
}

static void release(struct via__peer *peer)
{
	if (peer->held)
		SLIST_REMOVE(&peer->hub->holders, peer, via__peer, holder);
	peer->held = false;
}

static void discard(struct via__peer *peer, bool forked)
{
	struct via__hub *hub = peer->hub;

	hub->ops->stop(peer, forked);
	TAILQ_REMOVE(&hub->peers, peer, all);
	if (peer->queued)
		TAILQ_REMOVE(&hub->ready, peer, queue);
	release(peer);
	if (hub->current == peer)
		hub->current = NULL;
	if (hub->filling == peer)
		hub->filling = NULL;
	if (!forked)
		unwatch(hub, peer->fd);
	/* So that the peer sees it even if a forked child of ours holds the
	 * connection; one of a pair is perhaps the child's to use. */
	if (!forked && hub->listener >= 0)
		(void)shutdown(peer->fd, SHUT_RDWR);
	via__close(&peer->fd);
	hub->n_peers--;
	free(peer);
}

void via__hub_join(struct via__peer *peer)
{
	if (peer->joined || peer->ended)
		return;
	peer->joined = true;
	peer->hub->stream_end = false;
	peer->hub->n_joined++;
	peer->hub->end->stats.joined++;
}

static void leave(struct via__peer *peer)
{
	struct via__hub *hub = peer->hub;

	if (!peer->joined)
		return;
	peer->joined = false;
	hub->end->stats.left++;
	hub->stream_end = !--hub->n_joined;
}

static void end_half(struct via__peer *peer)
{
	struct epoll_event ev = {.data.ptr = peer}; /* hang-ups show anyway */

	leave(peer);
	peer->ended = true;
	peer->hub->current = NULL;
	if (peer->hub->ops->ends_for_ever) /* cannot fail: it is in the set */
		(void)epoll_ctl(peer->hub->epoll, EPOLL_CTL_MOD, peer->fd, &ev);
}

void via__hub_remove(struct via__peer *peer)
{
	struct via__hub *hub = peer->hub;

	leave(peer);
	discard(peer, false);
	resume_accepting(hub);
}

bool via__hub_ended(struct via__hub *hub)
{
	bool for_ever = hub->listener < 0 && !hub->n_peers;
	bool ended = hub->stream_end || for_ever;

	hub->stream_end = false;
	return ended;
}

static void refuse(struct via__hub *hub, int fd, int code)
{
	hub->end->stats.rejected++;
	if (hub->ops->refuse)
		hub->ops->refuse(fd, code);
}

/* Takes fd. */
static int add(struct via__hub *hub, int fd, const struct ucred *cred,
	       struct via__peer **ret)
{
	struct via__peer *peer = calloc(1, hub->ops->size);
	int r = peer ? watch(hub, fd, peer) : -ENOMEM;

	if (r) {
		free(peer);
		refuse(hub, fd, r);
		via__close(&fd);
		return r;
	}
	peer->hub = hub;
	peer->fd = fd;
	peer->cred = *cred;
	peer->since = via__now();
	TAILQ_INSERT_TAIL(&hub->peers, peer, all);
	hub->n_peers++;
	r = hub->ops->start(peer);
	if (r) {
		refuse(hub, fd, r);
		via__hub_remove(peer);
		return r;
	}
	via__hub_queue(peer); /* it may have spoken already */
	if (ret)
		*ret = peer;
	return 0;
}

int via__hub_add(struct via__hub *hub, int fd, struct via__peer **ret)
{
	struct ucred cred;

	via__access_cred(fd, &cred);
	return add(hub, fd, &cred, ret);
}

static void admit(struct via__hub *hub, int fd)
{
	struct ucred cred;
	int r = 0;

	via__access_cred(fd, &cred);
	if (hub->access)
		r = via__access_check(hub->access, &cred, fd, hub->has_mode,
				      NULL);
	if (!r) {
		(void)add(hub, fd, &cred, NULL); /* counted as rejected */
		return;
	}
	refuse(hub, fd, r);
	via__close(&fd);
}

static int accept_fd(struct via__hub *hub)
{
	int fd;

	do {
		fd = accept4(hub->listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/*
 * Out of descriptors: one that waits in the backlog would keep the listener
 * readable and us spinning. Give up the spare one to tell it. False: there was
 * none.
 */
static bool turn_away(struct via__hub *hub)
{
	int fd = -1;

	if (hub->spare >= 0) {
		via__close(&hub->spare);
		fd = accept_fd(hub);
	}
	if (fd >= 0) {
		refuse(hub, fd, -EMFILE);
		via__close(&fd);
	}
	hub->spare = spare_fd(hub);
	return hub->spare >= 0;
}

static bool is_mute(const struct via__peer *peer)
{
	char byte;

	return via__recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) ==
	       -EAGAIN;
}

static bool somebody_waits(const struct via__hub *hub)
{
	struct pollfd pfd = {.fd = hub->listener, .events = POLLIN};

	return via__poll(&pfd, 1, VIA_NO_WAIT) > 0;
}

/*
 * Somebody is waiting to be accepted, but there are as many peers as may be:
 * send away the one that has been here longest of those who have not joined,
 * had the time to and left nothing to read. False: not now.
 */
static bool make_room(struct via__hub *hub)
{
	int64_t now = via__now(), until = VIA_NEVER;
	struct via__peer *peer;

	/* The oldest first. */
	TAILQ_FOREACH(peer, &hub->peers, all)
	{
		if (peer->joined || peer->ended)
			continue;
		until = peer->since + GREETING_NS;
		if (until > now)
			break;
		if (is_mute(peer)) {
			hub->end->stats.rejected++;
			via__hub_remove(peer);
			return true;
		}
		until = now + RETRY_NS; /* it is about to be heard */
	}
	pause_accepting(hub, until);
	return false;
}

static void accept_some(struct via__hub *hub)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd;

		if (hub->n_peers >= hub->peers_max &&
		    !(somebody_waits(hub) && make_room(hub)))
			return;
		fd = accept_fd(hub);
		if (fd >= 0) {
			admit(hub, fd);
		} else if (fd == -EAGAIN) {
			return;
		} else if (fd == -ENOMEM || fd == -ENOBUFS ||
			   ((fd == -EMFILE || fd == -ENFILE) &&
			    !turn_away(hub))) {
			pause_accepting(hub, via__now() + RETRY_NS);
			return;
		}
		/* Anything else is about the one connection: accept(2). */
	}
}

static void timer_rings(struct via__hub *hub)
{
	uint64_t times;

	(void)via__read(hub->timer, &times, sizeof(times));
	resume_accepting(hub);
}

int via__hub_poll(struct via__hub *hub)
{
	struct epoll_event events[EVENTS_MAX];
	bool strangers = false;
	int n;

	n = epoll_wait(hub->epoll, events, EVENTS_MAX, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;

		if (!what)
			strangers = true;
		else if (what == hub)
			timer_rings(hub);
		else
			via__hub_queue(what);
	}
	/* Last: it may send peers away, also those found above. */
	if (strangers)
		accept_some(hub);
	return n;
}

static int ask(struct via__hub *hub, struct via__peer *peer, struct via__in *in)
{
	int r;

	hub->current = peer;
	if (hub->filling && hub->filling != peer) {
		r = hub->ops->park(hub->filling);
		if (r)
			return r;
	}
	hub->filling = NULL;
	r = hub->ops->recv(peer, in);
	if (!r) {
		if (!peer->held)
			SLIST_INSERT_HEAD(&hub->holders, peer, holder);
		peer->held = true;
		hub->burst += 1 + in->len / BURST_BYTES;
		return 0;
	}
	/* Said before, and nothing new. */
	if (r == -ESHUTDOWN && peer->ended && !hub->ops->ends_for_ever)
		r = -EAGAIN;
	/* Removing it would take away what it has given out. */
	if (r == -EAGAIN || peer->held) {
		hub->filling = in->buf ? peer : NULL;
		return -EAGAIN;
	}
	if (r == -ENOMEM) {
		/* There may be enough for what others say. */
		hub->current = NULL;
		via__hub_queue(peer);
		return r;
	}
	if (r == -ESHUTDOWN && !peer->ended)
		end_half(peer);
	else
		via__hub_remove(peer);
	/* One at a time: the next is another conversation. */
	if (r == -EPIPE || r == -ESHUTDOWN)
		return hub->peers_max == 1 && via__hub_ended(hub) ? -EPIPE
								  : -EAGAIN;
	hub->end->stats.rejected++;
	return r;
}

int via__hub_recv(struct via__hub *hub, struct via__in *in)
{
	struct via__peer *peer = hub->current;
	bool polled = false;

	if (peer && hub->burst >= BURST_MAX) {
		(void)via__hub_poll(hub);
		via__hub_queue(peer);
		peer = via__hub_next(hub);
		hub->burst = 0;
	}
	for (;;) {
		int r = peer ? ask(hub, peer, in) : -EAGAIN;

		if (r != -EAGAIN)
			return r;
		peer = via__hub_next(hub);
		if (!peer && !polled) {
			r = via__hub_poll(hub);
			if (r < 0)
				return via__fail_errno(&hub->end->error, r,
						       "epoll_wait");
			polled = true;
			peer = via__hub_next(hub);
		}
		if (!peer)
			break;
		hub->burst = 0;
	}
	if (!via__hub_ended(hub))
		return -EAGAIN;
	/* One who has not joined may be filling in->buf, which goes away. */
	(void)via__hub_park(hub);
	return -EPIPE;
}

void via__hub_release(struct via__hub *hub)
{
	struct via__peer *peer;

	while ((peer = SLIST_FIRST(&hub->holders))) {
		hub->ops->release(peer);
		release(peer);
		if (peer != hub->current)
			via__hub_queue(peer); /* it may have been put off */
	}
}

int via__hub_park(struct via__hub *hub)
{
	int r = hub->filling ? hub->ops->park(hub->filling) : 0;

	if (!r)
		hub->filling = NULL;
	return r;
}

void via__hub_fini(struct via__hub *hub, bool forked)
{
	struct via__peer *peer;

	if (!hub->ops)
		return;
	while ((peer = TAILQ_FIRST(&hub->peers)))
		discard(peer, forked);
	via__close(&hub->listener);
	via__close(&hub->spare);
	via__close(&hub->timer);
	via__close(&hub->epoll);
}
