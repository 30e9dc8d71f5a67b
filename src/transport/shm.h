/* SPDX-License-Identifier: MIT */
/*
 * The parts of shm: among themselves. shm.c has the row and makes ends;
 * shm_wire.c is what goes over the control socket; shm_sender.c and
 * shm_receiver.c are the two ends.
 *
 * A sender connects to the receiver's socket, a Unix seqpacket one, and says
 * HELLO with a memfd of its own: its lane. It may fill the lane from then on.
 * The receiver answers HELLO with a memfd of its own, one page for its cursor.
 * Then only bells go over the socket, both ways, and its end of file is the
 * news of a peer's finish or death.
 */
#ifndef VIA_TRANSPORT_SHM_H
#define VIA_TRANSPORT_SHM_H

#include "core/access.h"
#include "ring/lane.h"
#include "ring/sealed.h"
#include "transport/transport.h"
#include "transport/unix_name.h"
#include <stdbool.h>
#include <stdint.h>

struct via__shm_options {
	struct via__access access;
	uint64_t ring; /* bytes */
	bool prefault;
	bool lock;
};

extern const struct via__transport via__transport_shm;

unsigned int via__shm_map_flags(const struct via__shm_options *o);

/* Where a receiver listens. */
struct via__shm_name {
	char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	struct via__unix_name socket;
};

/* --- The wire --- */

enum via__shm_kind {
	VIA__SHM_HELLO = 1,
	VIA__SHM_REFUSE = 2,
};

enum via__shm_ability {
	VIA__SHM_BARRIER = 1, /* sender: barriers reach me; receiver: we both
				 leave barriers to who goes to sleep */
};

/* Every packet but bells, as it is on the wire, in the machine's byte order:
 * both sides run on it. */
struct via__shm_packet {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t abilities; /* those unknown are ignored */
	int32_t error;	    /* REFUSE: why, a negative errno value */
	uint64_t ring;	    /* a sender's HELLO: bytes in the ring */
	uint64_t sender;    /* a sender's HELLO: random, not 0 */
};

/* Say HELLO or REFUSE; magic and version are filled in here. memfd goes with
 * it unless -1. 0 or -errno. */
int via__shm_say(int fd, const struct via__shm_packet *p, int memfd);

/* Ring the peer's bell. 0, or -EPIPE: it has gone. */
int via__shm_ring(int fd);

enum via__shm_event {
	VIA__SHM_PACKET, /* *ret is filled, and *ret_memfd (-1: none came) */
	VIA__SHM_BELL,
};

/* What the peer says next: via__shm_event, -EAGAIN, -EPIPE at the end, -EMFILE
 * (there was no room for its memfd), or -EPROTO with a sentence. */
int via__shm_hear(int fd, struct via__shm_packet *ret, int *ret_memfd,
		  struct via_error *err);

/* --- The ends --- */

/* fd: a connected socket (a pair), taken also on failure, or -1: the receiver
 * then listens at the name, the sender connects to it by and by. */
int via__shm_sender_new(const struct via__shm_name *name,
			const struct via__shm_options *options, int fd,
			const struct via__common *common, struct via__end **ret,
			struct via_error *err);
int via__shm_receiver_new(const struct via__shm_name *name,
			  const struct via__shm_options *options, int fd,
			  const struct via__common *common,
			  struct via__end **ret, struct via_error *err);

int via__shm_connect(struct via__end *end);
int via__shm_send(struct via__end *end, struct via__out *out);
int via__shm_loan(struct via__end *end, size_t len, void **ret);
int via__shm_commit(struct via__end *end, size_t len);
int via__shm_sender_greet(struct via__end *end);
int via__shm_finish(struct via__end *end);
int via__shm_sender_arm(struct via__end *end);
int via__shm_sender_fd(const struct via__end *end);
void via__shm_sender_close(struct via__end *end);

int via__shm_recv(struct via__end *end, struct via__in *in);
void via__shm_release(struct via__end *end);
int via__shm_park(struct via__end *end);
int via__shm_receiver_greet(struct via__end *end);
int via__shm_receiver_arm(struct via__end *end);
int via__shm_receiver_fd(const struct via__end *end);
void via__shm_receiver_close(struct via__end *end, bool forked);

#endif
