/* SPDX-License-Identifier: MIT */
/*
 * An end over connected sockets, whatever their family: a receiver is a hub of
 * links, a sender is one link. Who makes, names and connects the sockets is
 * unix.c and tcp.c; most slots are the same for both and are here.
 *
 * The two directions of a duplex end may be two threads, and share the link's
 * state: a lock, taken in no other case, keeps them apart for one slot's time.
 */
#ifndef VIA_TRANSPORT_SOCKET_H
#define VIA_TRANSPORT_SOCKET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/access.h"
#include "transport/hub.h"
#include "transport/link.h"
#include "transport/transport.h"

struct via__socket {
	struct via__end end;
	pthread_mutex_t lock;
	struct via__access access;
	unsigned int kind; /* enum via__link_kind of its links */
	uint64_t buffer;   /* SO_SNDBUF and SO_RCVBUF; 0: the kernel's */
	int fd;		   /* a sender's connection, -1: none yet */
	struct via__link link;
	struct via__hub hub;
	/* Of a duplex receiver: whom it sends to, and whom it has sent the
	 * first part of a message to. */
	struct via__link *peer;
	struct via__link *begun_with;
	struct via_error parted; /* of a peer that left without taking all */
};

/* Fill in a zeroed one. kind without RECEIVES, which follows from the role. */
void via__socket_init(struct via__socket *s, const struct via__transport *t,
		      unsigned int role, const struct via__common *common,
		      unsigned int kind, uint64_t buffer);

/* Become a receiver that accepts from this listening socket, or, with -1, one
 * that via__hub_add() gives its only peer. Takes the socket, also on failure.
 * s->access is what peers are held to if checked. */
int via__socket_receive(struct via__socket *s, int listener, bool checked,
			bool has_mode, struct via_error *err);

/* Become a sender on this connection. Takes the socket, also on failure. */
int via__socket_connected(struct via__socket *s, int fd);

/* Set SO_SNDBUF and SO_RCVBUF. 0, or -EPERM with a sentence when the kernel
 * does not grant that much. */
int via__socket_set_buffer(int fd, uint64_t size, struct via_error *err);

/* Slots. */
int via__socket_send(struct via__end *end, struct via__out *out);
int via__socket_send_batch(struct via__end *end, const struct iovec *msgs,
			   unsigned int n);
int via__socket_flush(struct via__end *end);
int via__socket_recv(struct via__end *end, struct via__in *in);
void via__socket_release(struct via__end *end);
int via__socket_park(struct via__end *end);
int via__socket_pollfd(struct via__end *end, enum via_role role,
		       struct pollfd *ret);
int via__socket_greet(struct via__end *end);
int via__socket_half_close(struct via__end *end);
int via__socket_finish(struct via__end *end);

/* What close does, but for freeing s itself. */
void via__socket_fini(struct via__socket *s, bool forked);

#endif
