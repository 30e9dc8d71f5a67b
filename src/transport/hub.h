/* SPDX-License-Identifier: MIT */
/*
 * One receiving end with many peers: a listening socket and the connections
 * made to it in one epoll set, whose descriptor is what the end's user polls.
 *
 * The hub accepts, checks who it is (access.h), bounds how many there are,
 * finds those that have something to say and knows when the last has left.
 * What they say is the transport's: its struct for a connection begins with a
 * struct via__peer.
 *
 * The set is level-triggered. A peer that poll() found is put in the queue of
 * ready peers; via__hub_next() takes them from there one by one. A transport
 * that reads its peers in turn lets via__hub_recv() do all of this; one that
 * finds messages without system calls (shm) polls the hub now and then.
 */
#ifndef VIA_TRANSPORT_HUB_H
#define VIA_TRANSPORT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <via/error.h>

#include "core/access.h"
#include "transport/transport.h"

#define VIA__HUB_PEERS_MAX 1024

struct via__hub;

/* A connection. The transport's own struct embeds it first. */
struct via__peer {
	TAILQ_ENTRY(via__peer) all;
	TAILQ_ENTRY(via__peer) queue;
	SLIST_ENTRY(via__peer) holder;
	struct via__hub *hub;
	int fd;
	int64_t since;	   /* when it was accepted */
	struct ucred cred; /* pid, uid and gid -1: unknown */
	bool joined;	   /* via__hub_join() */
	bool queued;	   /* on hub->ready */
	bool held;	   /* on hub->holders */
	bool ended;	   /* sends no more messages */
};

TAILQ_HEAD(via__peers, via__peer);

struct via__peer_ops {
	size_t size; /* of the transport's struct; comes zeroed */

	/* What ends is an end of file, readable for ever: after -ESHUTDOWN only
	 * the hang-up is news. */
	bool ends_for_ever;

	/*
	 * fd is a connection that was accepted and admitted (or given to
	 * via__hub_add). 0, or -errno: refuse and then stop are called. May
	 * call via__hub_join().
	 */
	int (*start)(struct via__peer *peer);

	/* Tell whoever is behind fd that it is not admitted: code is -EACCES,
	 * -EMFILE, ... The hub closes fd. NULL: it is just closed. */
	void (*refuse)(int fd, int code);

	/*
	 * For via__hub_recv(), otherwise NULL; the meanings are those of the
	 * slots in struct via__transport. recv: -EAGAIN when the peer is dry,
	 * -EPIPE at the end of its stream; -ESHUTDOWN too, but the peer may
	 * still receive and stays; -ENOMEM; any other error is the peer's fault, with a sentence in hub->end->error: it is cut off.
	 * What is not 0 must be said again when asked again.
	 */
	int (*recv)(struct via__peer *peer, struct via__in *in);
	void (*release)(struct via__peer *peer);
	int (*park)(struct via__peer *peer);

	/*
	 * Before the hub closes fd and frees the peer: tell it how much of
	 * what it sent was delivered. forked: touch nothing that the parent
	 * shares. Accepts half-started peers.
	 */
	void (*stop)(struct via__peer *peer, bool forked);
};

struct via__hub {
	struct via__end *end; /* whose stats and error are used */
	const struct via__peer_ops *ops;
	const struct via__access *access; /* NULL: everybody is admitted */
	bool has_mode;			  /* see via__access_check() */
	bool accepting;			  /* the listener is in the epoll set */
	bool stream_end;		  /* the last has left; not said yet */
	unsigned int peers_max;
	unsigned int n_peers;
	unsigned int n_joined;
	size_t burst; /* taken from current in a row, see BURST_MAX */
	int epoll;    /* for the user to poll */
	int listener; /* -1: none (a pair) */
	int spare;    /* given up to accept when descriptors are out */
	int timer;    /* rings when to try again to accept */
	struct via__peers peers;
	struct via__peers ready;	 /* may have something to say */
	SLIST_HEAD(, via__peer) holders; /* gave out what is not released */
	struct via__peer *current;	 /* the hot connection */
	struct via__peer *filling; /* may be reading into the caller's buf */
};

/*
 * Make an empty hub. access stays the caller's and must live as long;
 * peers_max bounds the connections; beyond it they wait in the backlog, until
 * a peer leaves or has said nothing for a second.
 * 0, or -errno with a sentence. On failure there is nothing to fini.
 */
int via__hub_init(struct via__hub *hub, struct via__end *end,
		  const struct via__peer_ops *ops,
		  const struct via__access *access, bool has_mode,
		  unsigned int peers_max, struct via_error *err);

/* Accept connections from this listening, non-blocking socket, which is the
 * hub's from now on (also on failure). 0 or -errno. */
int via__hub_listen(struct via__hub *hub, int listener, struct via_error *err);

/* Make a peer of a connected socket, which is the hub's from now on (also on
 * failure). 0 or -errno. */
int via__hub_add(struct via__hub *hub, int fd, struct via__peer **ret);

/*
 * Ask epoll once, without waiting: accept who waits to be accepted, queue the
 * peers that have something (bytes, end of file, error). Returns how many
 * events there were, or -errno.
 */
int via__hub_poll(struct via__hub *hub);

/* Put a peer in the queue of ready ones, if it is not there: it may have more
 * to say than poll() knows of. */
void via__hub_queue(struct via__peer *peer);

/* Take the next peer out of the queue; NULL: it is empty. */
struct via__peer *via__hub_next(struct via__hub *hub);

/* The peer has shown that it is one: from now on it counts. */
void via__hub_join(struct via__peer *peer);

/* Stop, close and free a peer. If it was the last that had joined, the stream
 * of the whole end has ended: via__hub_ended(). */
void via__hub_remove(struct via__peer *peer);

/*
 * Has the last joined peer left, and none joined, since this was last asked?
 * Without a listener (a pair) nobody can come again: true for ever. Ask when
 * there is nothing else to say.
 */
bool via__hub_ended(struct via__hub *hub);

/*
 * The transport slots recv, release and park of an end that is a hub. recv
 * stays with the peer that has just given a message, so that a busy one costs
 * no epoll_wait() a message, and turns to the others when it is dry or has had
 * its burst.
 */
int via__hub_recv(struct via__hub *hub, struct via__in *in);
void via__hub_release(struct via__hub *hub);
int via__hub_park(struct via__hub *hub);

/* Remove all peers and close everything. forked: this is a child's copy.
 * Accepts a zeroed hub. */
void via__hub_fini(struct via__hub *hub, bool forked);

#endif
