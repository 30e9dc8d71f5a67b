/* SPDX-License-Identifier: MIT */
/*
 * Messages as frames on a byte stream: a reader and a writer, each for one
 * direction of one descriptor (a pipe end has one of them, a connection both,
 * a hub one reader per connection). Neither owns the descriptor nor waits.
 *
 * The reader reads ahead into one buffer and gives out whole messages where
 * they lie in it. A message too long for that, or in pieces, is assembled
 * (assembly.h); its bytes go by readv() straight to the receiver's buffer, the
 * same call filling the read-ahead buffer with what follows. Behind a long
 * message only a frame's header is read ahead, so that the next long one is
 * not copied either.
 */
#ifndef VIA_TRANSPORT_STREAM_H
#define VIA_TRANSPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/frame.h"
#include "transport/assembly.h"
#include "transport/transport.h"

#define VIA__READER_SIZE (64u << 10)
/* Enough where only control frames are expected. */
#define VIA__READER_SIZE_CONTROL 256u

/* What via__reader_next() returns beside 0 and -errno. */
enum via__reader_event {
	VIA__READER_CONTROL = 1, /* a control frame: reader->control */
	VIA__READER_END = 2,	 /* end of file or connection reset */
};

struct via__reader {
	/* The owner's, changed at will after init. */
	int fd;
	/*
	 * readv() by other means: -EAGAIN, 0 at the end, -errno. It may call
	 * via__reader_add_fds(). NULL: via__readv(reader->fd).
	 */
	ssize_t (*read)(struct via__reader *r, const struct iovec *iov, int n);
	void *owner; /* for read */
	bool raw;    /* no frames: what one read brings is a message */
	bool fed;    /* set by every read that brings bytes */

	struct via__frame control; /* the frame of VIA__READER_CONTROL */

	/* Private from here. */
	struct via__assembly assembly;
	uint8_t *buf;
	size_t size, head, tail;  /* unread bytes are buf[head..tail) */
	bool held;		  /* somebody looks at bytes before head */
	bool broken;		  /* -EPROTO for ever */
	bool last_piece;	  /* of the message that from is sending */
	struct via__sender *from; /* whose frame is being read; or NULL */
	size_t left;		  /* payload bytes of that frame to come */
	size_t ahead;		  /* how much to read ahead now */
	uint64_t raw_seq;
	/* Descriptors wait for the frame they came with; a read brings one
	 * set at most and happens only when the frame at head is not whole,
	 * so there are at most that frame's and the next's. */
	struct via__fds fds[2];
};

/*
 * size: of the read-ahead buffer. n_senders: 1 for a connection that is one
 * sender's own, VIA__SENDERS_SHARED for a medium shared by all. end lends max,
 * counts dropped (never rejected, joined or left: the owner does), and carries
 * the sentence of an error.
 *
 * Clears the struct, keeping nothing that was set before: call it first. 0 or
 * -ENOMEM.
 */
int via__reader_init(struct via__reader *r, struct via__end *end, int fd,
		     size_t size, unsigned int n_senders);

/* Free all; unclaimed descriptors are closed, fd is not. Accepts a zeroed
 * struct. */
void via__reader_fini(struct via__reader *r);

/*
 * The next message, see struct via__in (pid, uid, gid are set to unknown: the
 * owner fills in what it knows).
 *
 * 0;
 * VIA__READER_CONTROL  only where n_senders is 1: senders that share a medium
 *             say HELLO to join, and nothing else;
 * VIA__READER_END  half messages are dropped and counted, senders forgotten;
 *             said again at each call;
 * -EAGAIN     nothing there, or what was given out needs a release first;
 * -EPROTO     for ever: where the next frame starts is anybody's guess;
 * -ENOMEM     try again; or what read says.
 *
 * After -EAGAIN it may be filling in->buf and counts on the same buffer in the
 * next call. An owner that gives the same buffer to another reader, or takes
 * it away, calls via__reader_park() before.
 */
int via__reader_next(struct via__reader *r, struct via__in *in);

/* Look at what comes next without taking it, not with raw: 0 there is a frame,
 * VIA__READER_END, -EAGAIN, -EPROTO, or what read says. */
int via__reader_peek(struct via__reader *r);

/* Whether it holds nothing that it has read. */
static inline bool via__reader_fresh(const struct via__reader *r)
{
	return !r->tail && !r->from && !r->assembly.n_senders;
}

/* All that was given out is free again. */
void via__reader_release(struct via__reader *r);

/* As the park slot: 0 or -ENOMEM. */
int via__reader_park(struct via__reader *r);

/*
 * For read: these n descriptors came with the bytes just read (Linux: with the
 * first byte of the sendmsg() they were sent by; a read goes on behind earlier
 * bytes up to the end of that sendmsg's, not beyond). They belong to the
 * reader from now on, who attaches them to the frame marked FDS. On failure
 * they are closed: -EPROTO, more than anybody speaking via would send.
 */
int via__reader_add_fds(struct via__reader *r, const int *fds, unsigned int n);

#define VIA__WRITER_SHORT 1024u

struct via__writer {
	/* The owner's, as in the reader. */
	int fd;
	/*
	 * writev() by other means, fds (if n_fds > 0) going with the first
	 * byte: bytes written, -EAGAIN, -EPIPE, -errno; no SIGPIPE. NULL:
	 * via__writev(writer->fd), messages then have no fds.
	 */
	ssize_t (*write)(struct via__writer *w, const struct iovec *iov, int n,
			 const int *fds, unsigned int n_fds);
	bool raw; /* no frames */

	uint64_t sender; /* this end's id; new after via__writer_forked() */
	uint64_t seq;	 /* of the next message */

	/* Private from here. */
	size_t cut;
	bool midway; /* a message is partly out */
	/* A short payload is written from behind its header. */
	uint8_t header[VIA__FRAME_LEN + VIA__WRITER_SHORT];
	size_t header_done; /* bytes of header that are out */
	size_t left;	    /* payload of the frame in progress still to go */
	uint8_t *stage;
	size_t stage_size, stage_head, stage_tail;
};

/*
 * cut: the longest frame, header included. PIPE_BUF for pipes and FIFOs: no
 * write is longer, so the kernel takes it whole or not at all and writers do
 * not mix (pipe(7)). 0 for sockets: a message is one frame, as far as
 * VIA__FRAME_PAYLOAD_MAX goes.
 *
 * Clears the struct, then picks a sender id. 0 or -ENOMEM.
 */
int via__writer_init(struct via__writer *w, int fd, size_t cut);

/* Free all. Accepts a zeroed struct. */
void via__writer_fini(struct via__writer *w);

/*
 * As the send slot; what is staged goes first. -ECONNRESET is given as -EPIPE;
 * no sentence is set.
 */
int via__writer_send(struct via__writer *w, struct via__out *out);

/*
 * As the send_batch slot: many messages, one write. 0: the first message is
 * too long for the staging buffer, use send.
 */
int via__writer_send_batch(struct via__writer *w, const struct iovec *msgs,
			   unsigned int n);

/* As the flush slot. */
int via__writer_flush(struct via__writer *w);

/* Whether bytes accepted by send_batch or control wait for flush. */
static inline bool via__writer_pending(const struct via__writer *w)
{
	return w->stage_head < w->stage_tail;
}

/*
 * Send a control frame: flag is VIA__FRAME_HELLO, REFUSE (total: the negative
 * errno value as unsigned), DONE or END (seq: how many). Goes behind what is
 * staged. 0: out; -EAGAIN: staged, via__writer_flush() carries on; -EPIPE;
 * -ENOBUFS: not now, because a message is partly out or the stage is full.
 */
int via__writer_control(struct via__writer *w, uint8_t flag, uint64_t seq,
			uint64_t total);

/* In a forked child: a sender of its own, with nothing half sent. */
void via__writer_forked(struct via__writer *w);

#endif
