/* SPDX-License-Identifier: MIT */
/* The receiving end of shm: from the inside: itself and its senders. */
#ifndef VIA_TRANSPORT_SHM_RECEIVER_H
#define VIA_TRANSPORT_SHM_RECEIVER_H

#include "transport/assembly.h"
#include "transport/hub.h"
#include "transport/shm.h"

/* One sender, and its lane. */
struct via__shm_peer {
	struct via__peer peer;
	struct via__lane_reader lane;
	uint64_t id;
	uint64_t seq;		  /* of the next message */
	bool half;		  /* a message in pieces is in the making */
	uint64_t total;		  /* bytes in that message */
	struct via__sender *from; /* of the piece being gathered, or NULL */
	struct via__record piece; /* what is left of it */
	const char *wrong; /* what it has done wrong; once dry it is cut off */
	struct via__sealed memory; /* its own */
	struct via__sealed page;   /* ours */
	struct via__assembly assembly;
};

struct via__shm_receiver {
	struct via__end end;
	struct via__hub hub; /* current: whose turn it is */
	uint64_t turn_start; /* cursor of its lane then */
	uint64_t plain_end;  /* up to there it can go on: neither its burst is
				used up, nor is any message half done */
	uint64_t taken;	     /* bytes in this round of turns */
	uint64_t unlooked;   /* bytes since the hub was looked at */
	int64_t tick;	     /* when that was */
	int failed;	     /* to be said by the next recv */
	unsigned int map_flags;
	struct via__access access;
	struct via__shm_name name;
};

/*
 * Hear all that a sender has said. 0: nothing new; 1: it has come, or ended;
 * -EPROTO, with a sentence: it does not speak shm and has been removed.
 */
int via__shm_peer_hear(struct via__shm_peer *p);

/* It has broken the rules: tell it and remove it. Returns code, with a
 * sentence that says who has done what. */
int via__shm_peer_cut(struct via__shm_peer *p, int code, const char *what);

/* It waits for room and there is some. */
void via__shm_peer_ring(struct via__shm_peer *p);

extern const struct via__peer_ops via__shm_peer_ops;

#endif
