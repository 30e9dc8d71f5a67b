/* SPDX-License-Identifier: MIT */
/*
 * An end of a pipe or FIFO: frames of at most PIPE_BUF bytes, which the kernel
 * keeps whole (pipe(7)), so that any number of senders share it. A sender that
 * connects says HELLO, to be seen before its first message.
 */
#ifndef VIA_TRANSPORT_PIPE_H
#define VIA_TRANSPORT_PIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/stream.h"
#include "transport/transport.h"

/* What F_SETPIPE_SZ is asked for when the user says nothing: the kernel's own
 * 64 KiB make one side sleep too often; a user may have 1 MiB. */
#define VIA__PIPE_SIZE (256u << 10)

struct via__pipe {
	struct via__end base;
	int fd; /* -1: none yet */
	bool raw;
	bool paired; /* by via_pair(): the peer is known to be there */
	struct via__reader reader;
	struct via__writer writer;
};

/* Fill in a zeroed struct: base, and the reader or the writer. 0, or -ENOMEM
 * with a sentence; via__pipe_fini() is due in any case. */
int via__pipe_init(struct via__pipe *p, const struct via__transport *transport,
		   unsigned int role, const struct via__common *common,
		   bool raw, struct via_error *err);

/* Use this descriptor, the end's from now on; the one before is closed. */
void via__pipe_attach(struct via__pipe *p, int fd);

/* A sender tells the receiver that it has joined. */
void via__pipe_hello(struct via__pipe *p);

void via__pipe_fini(struct via__pipe *p);

/* A non-blocking description of our own of what is behind fd (which may be
 * O_PATH), or -errno. */
int via__pipe_reopen(int fd, unsigned int role);

/* The pipe's capacity. size 0: the default, or what the kernel grants. 0, or
 * -errno with a sentence if the user's wish cannot be had. */
int via__pipe_resize(int fd, uint64_t size, struct via_error *err);

/* Slots. */
int via__pipe_forked(struct via__end *end);
int via__pipe_send(struct via__end *end, struct via__out *out);
int via__pipe_send_batch(struct via__end *end, const struct iovec *msgs,
			 unsigned int n);
int via__pipe_flush(struct via__end *end);
int via__pipe_recv(struct via__end *end, struct via__in *in);
void via__pipe_release(struct via__end *end);
int via__pipe_park(struct via__end *end);
int via__pipe_pollfd(struct via__end *end, enum via_role role,
		     struct pollfd *ret);
int via__pipe_greet(struct via__end *end);
int via__pipe_finish(struct via__end *end);
void via__pipe_close(struct via__end *end, bool forked);

#endif
