/* SPDX-License-Identifier: MIT */
/* An end over connected sockets: see socket.h. */
#include "transport/socket.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/error.h"
#include "core/sys.h"

struct socket_peer {
	struct via__peer peer;
	struct via__link link;
};

static struct via__socket *socket_of(struct via__end *end)
{
	return (struct via__socket *)end;
}

static struct via__link *link_of(struct via__peer *peer)
{
	return &((struct socket_peer *)peer)->link;
}

static struct via__peer *peer_of(struct via__link *link)
{
	return (struct via__peer *)((char *)link -
				    offsetof(struct socket_peer, link));
}

static bool receives_first(const struct via__socket *s)
{
	return (s->end.role & ~VIA_DUPLEX) == VIA_RECV;
}

static void lock(struct via__socket *s)
{
	if (s->end.role & VIA_DUPLEX)
		(void)pthread_mutex_lock(&s->lock); /* cannot fail */
}

/* A slot of that direction returns r. */
static int unlock(struct via__socket *s, enum via_role role, int r)
{
	struct via__end *end = &s->end;

	if (!(end->role & VIA_DUPLEX))
		return r;
	if (r < 0 && r != -EAGAIN)
		*(role == VIA_SEND ? &end->send_error
				   : &end->recv_error) = end->error;
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

/* --- Peers of a receiver --- */

static int peer_start(struct via__peer *peer)
{
	struct via__socket *s = socket_of(peer->hub->end);
	int r = via__link_init(link_of(peer), &s->end, peer->fd, &peer->cred,
			       s->kind);

	if (!r && s->buffer)
		r = via__socket_set_buffer(peer->fd, s->buffer, NULL);
	if (r)
		return r;
	if (link_of(peer)->greeted)
		via__hub_join(peer);
	if (s->end.role & VIA_DUPLEX)
		s->peer = link_of(peer);
	return 0;
}

static int peer_recv(struct via__peer *peer, struct via__in *in)
{
	struct via__socket *s = socket_of(peer->hub->end);
	int r = via__link_recv(link_of(peer), in);

	if (link_of(peer)->greeted)
		via__hub_join(peer);
	/* It may still want to receive. */
	if (r == -EPIPE && s->end.role & VIA_DUPLEX &&
	    !via__link_is_over(link_of(peer)))
		return -ESHUTDOWN;
	return r;
}

static void peer_release(struct via__peer *peer)
{
	via__link_release(link_of(peer));
}

static int peer_park(struct via__peer *peer)
{
	return via__link_park(link_of(peer));
}

static void peer_stop(struct via__peer *peer, bool forked)
{
	struct via__socket *s = socket_of(peer->hub->end);

	if (s->peer == link_of(peer)) {
		s->peer = NULL;
		if (!s->parted.code)
			(void)via__link_verdict(link_of(peer), &s->parted);
	}
	if (s->begun_with == link_of(peer))
		s->begun_with = NULL;
	via__link_fini(link_of(peer), forked);
}

static const struct via__peer_ops peer_ops = {
	.size = sizeof(struct socket_peer),
	.start = peer_start,
	.refuse = via__link_refuse,
	.recv = peer_recv,
	.release = peer_release,
	.park = peer_park,
	.stop = peer_stop,
};

/* Whoever does not speak via would not understand a refusal. */
static const struct via__peer_ops raw_ops = {
	.size = sizeof(struct socket_peer),
	.ends_for_ever = true,
	.start = peer_start,
	.recv = peer_recv,
	.release = peer_release,
	.park = peer_park,
	.stop = peer_stop,
};

/* --- Making --- */

void via__socket_init(struct via__socket *s, const struct via__transport *t,
		      unsigned int role, const struct via__common *common,
		      unsigned int kind, uint64_t buffer)
{
	s->end.transport = t;
	s->end.role = role;
	s->end.max = common->max;
	(void)pthread_mutex_init(&s->lock, NULL); /* never fails on Linux */
	s->kind = kind;
	if (role != VIA_SEND)
		s->kind |= VIA__LINK_RECEIVES;
	s->buffer = buffer;
	s->fd = -1;
}

int via__socket_receive(struct via__socket *s, int listener, bool checked,
			bool has_mode, struct via_error *err)
{
	unsigned int peers_max = s->end.role & VIA_DUPLEX ? 1
							  : VIA__HUB_PEERS_MAX;
	int r = via__hub_init(&s->hub, &s->end,
			      s->kind & VIA__LINK_RAW ? &raw_ops : &peer_ops,
			      checked ? &s->access : NULL, has_mode, peers_max,
			      err);

	if (r) {
		via__close(&listener);
		return r;
	}
	return listener < 0 ? 0 : via__hub_listen(&s->hub, listener, err);
}

int via__socket_connected(struct via__socket *s, int fd)
{
	struct ucred cred;
	int r;

	s->fd = fd;
	via__access_cred(fd, &cred);
	r = via__link_init(&s->link, &s->end, fd, &cred, s->kind);
	if (!r)
		return 0;
	via__close(&s->fd);
	return via__fail_errno(&s->end.error, r, "cannot connect");
}

static int set_size(int fd, int force, int plain, uint64_t size)
{
	int wanted = size < INT32_MAX / 2 ? (int)size : INT32_MAX / 2;
	int got;
	socklen_t len = sizeof(got);

	/* The first needs CAP_NET_ADMIN, the second stops at wmem_max. Both
	 * double the value for the kernel's own needs: socket(7). */
	if (setsockopt(fd, SOL_SOCKET, force, &wanted, sizeof(wanted)) &&
	    setsockopt(fd, SOL_SOCKET, plain, &wanted, sizeof(wanted)))
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, plain, &got, &len))
		return -errno;
	return got / 2 < wanted ? -EPERM : 0;
}

int via__socket_set_buffer(int fd, uint64_t size, struct via_error *err)
{
	int r = set_size(fd, SO_SNDBUFFORCE, SO_SNDBUF, size);

	if (!r)
		r = set_size(fd, SO_RCVBUFFORCE, SO_RCVBUF, size);
	if (!r)
		return 0;
	return via__fail(err, r,
			 "buffer=%llu is over what net.core.wmem_max and "
			 "net.core.rmem_max allow",
			 (unsigned long long)size);
}

/* --- Slots --- */

/* Whom to send to. NULL: nobody has come yet. */
static struct via__link *outgoing(struct via__socket *s)
{
	if (!receives_first(s))
		return &s->link;
	if (!s->peer)
		(void)via__hub_poll(&s->hub);
	return s->peer;
}

int via__socket_send(struct via__end *end, struct via__out *out)
{
	struct via__socket *s = socket_of(end);
	struct via__link *link;
	int r = -EAGAIN;

	lock(s);
	link = outgoing(s);
	if (out->begun && link != s->begun_with && receives_first(s))
		r = via__fail(&end->error, -EPIPE,
			      "the peer left in the middle of a message");
	else if (link)
		r = via__link_send(link, out);
	s->begun_with = link;
	return unlock(s, VIA_SEND, r);
}

int via__socket_send_batch(struct via__end *end, const struct iovec *msgs,
			   unsigned int n)
{
	struct via__socket *s = socket_of(end);
	struct via__link *link;
	int r = -EAGAIN;

	lock(s);
	link = outgoing(s);
	if (link)
		r = via__link_send_batch(link, msgs, n);
	return unlock(s, VIA_SEND, r);
}

int via__socket_flush(struct via__end *end)
{
	struct via__socket *s = socket_of(end);
	struct via__link *link;
	int r = 0;

	lock(s);
	link = receives_first(s) ? s->peer : &s->link;
	if (link)
		r = via__link_flush(link);
	return unlock(s, VIA_SEND, r);
}

int via__socket_recv(struct via__end *end, struct via__in *in)
{
	struct via__socket *s = socket_of(end);
	int r;

	lock(s);
	r = receives_first(s) ? via__hub_recv(&s->hub, in)
			      : via__link_recv(&s->link, in);
	return unlock(s, VIA_RECV, r);
}

void via__socket_release(struct via__end *end)
{
	struct via__socket *s = socket_of(end);

	lock(s);
	if (receives_first(s))
		via__hub_release(&s->hub);
	else
		via__link_release(&s->link);
	(void)unlock(s, VIA_RECV, 0);
}

int via__socket_park(struct via__end *end)
{
	struct via__socket *s = socket_of(end);
	int r;

	lock(s);
	r = receives_first(s) ? via__hub_park(&s->hub)
			      : via__link_park(&s->link);
	return unlock(s, VIA_RECV, r);
}

int via__socket_pollfd(struct via__end *end, enum via_role role,
		       struct pollfd *ret)
{
	struct via__socket *s = socket_of(end);

	lock(s);
	if (!receives_first(s))
		*ret = (struct pollfd){
			.fd = role == VIA_RECV ? s->link.fd : s->fd,
			.events = via__link_events(&s->link, role),
		};
	else if (s->peer && (role == VIA_SEND || s->peer->finishing))
		*ret = (struct pollfd){
			.fd = s->peer->fd,
			.events = via__link_events(s->peer, role),
		};
	else
		*ret = (struct pollfd){.fd = s->hub.epoll, .events = POLLIN};
	return unlock(s, role, 0);
}

/* Read on until somebody has introduced himself. */
static int greet_peers(struct via__hub *hub)
{
	struct via__peer *peer;
	int r;

	if (hub->n_joined)
		return 0;
	r = via__hub_poll(hub);
	if (r < 0)
		return via__fail_errno(&hub->end->error, r, "epoll_wait");
	while ((peer = via__hub_next(hub))) {
		r = peer->ended ? -EPIPE : via__link_greet(link_of(peer));
		if (!r) {
			via__hub_join(peer);
			via__hub_queue(peer);
			return 0;
		}
		if (r == -EAGAIN)
			continue;
		via__hub_remove(peer);
		if (r == -EPIPE)
			continue;
		hub->end->stats.rejected++;
		return r;
	}
	return -EAGAIN;
}

int via__socket_greet(struct via__end *end)
{
	struct via__socket *s = socket_of(end);
	int r;

	lock(s);
	r = receives_first(s) ? greet_peers(&s->hub)
			      : via__link_greet(&s->link);
	return unlock(s, VIA_RECV, r);
}

/* With both directions at their ends the next peer may come. */
static void part(struct via__socket *s)
{
	if (s->peer && peer_of(s->peer)->ended && via__link_is_over(s->peer))
		via__hub_remove(peer_of(s->peer));
}

int via__socket_half_close(struct via__end *end)
{
	struct via__socket *s = socket_of(end);
	struct via__link *link;
	int r = 0;

	lock(s);
	link = receives_first(s) ? s->peer : &s->link;
	if (link)
		r = via__link_half_close(link);
	part(s);
	return unlock(s, VIA_SEND, r);
}

/* Nobody is there: was anybody who did not take all? Asked once. */
static int parted(struct via__socket *s)
{
	int r = s->parted.code;

	if (r)
		s->end.error = s->parted;
	s->parted.code = 0;
	return r;
}

int via__socket_finish(struct via__end *end)
{
	struct via__socket *s = socket_of(end);
	int r;

	lock(s);
	if (!receives_first(s)) {
		r = via__link_finish(&s->link);
	} else if (!s->peer) {
		r = parted(s);
	} else {
		r = via__link_finish(s->peer);
		via__hub_queue(peer_of(s->peer)); /* it may have kept some */
	}
	part(s);
	return unlock(s, VIA_SEND, r);
}

void via__socket_fini(struct via__socket *s, bool forked)
{
	via__hub_fini(&s->hub, forked);
	via__link_fini(&s->link, forked);
	/* As in the hub. */
	if (s->fd >= 0 && !forked && !(s->kind & VIA__LINK_PAIR))
		(void)shutdown(s->fd, SHUT_RDWR);
	via__close(&s->fd);
	(void)pthread_mutex_destroy(&s->lock);
}
