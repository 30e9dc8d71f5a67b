/* SPDX-License-Identifier: MIT */
/*
 * Channels: messages between processes over any mechanism.
 *
 * A channel end is opened by URL and role and moves whole messages: bytes
 * unchanged, boundaries kept, order kept per sender. The rules below hold for
 * every mechanism; what differs is data (via/mechanism.h).
 *
 * Waiting. Every call that can wait takes an absolute deadline in
 * nanoseconds of CLOCK_MONOTONIC: via_deadline() makes one, VIA_NEVER waits
 * without end, VIA_NO_WAIT never waits. A wait that ends empty-handed returns
 * -EAGAIN for VIA_NO_WAIT and -ETIMEDOUT otherwise. Signals do not interrupt a
 * wait: a program that wants that polls via_pollfd() together with a signalfd.
 *
 * Threads. Different ends are independent. One end is one thread's at a time,
 * but the two directions of a duplex end may be two threads: the one sends
 * (via_send() to via_flush(), loans, via_finish() without waiting), the other
 * receives (via_recv() to via_release()), each with its own via_pollfd(). What
 * is about the end as a whole is for when no other thread is using it:
 * via_wait_peer(), a via_finish() that waits, via_close(), via_export(),
 * via_stats(), via_last_error().
 *
 * Fork. An end belongs to the process that opened it. In a forked child its
 * calls return -EPERM, except on mechanisms with VIA_CAN_FORK: there a sending
 * end becomes a second sender, and a receiving end that has not received
 * anything yet may be used by one of the two. via_close() is always allowed in
 * a child and does not disturb the parent.
 *
 * Memory. After via_open() sending and receiving do not allocate, except to
 * grow a buffer for a message larger than any before, and to keep the rest of
 * a message when a deadline passes in its middle.
 *
 * Manners. No call prints, exits, aborts, raises SIGPIPE, installs a signal
 * handler or starts a thread; every descriptor is close-on-exec.
 */
#ifndef VIA_CHANNEL_H
#define VIA_CHANNEL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/mechanism.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct via_channel;

/*
 * Or'ed to VIA_SEND or VIA_RECV: the end also does the other direction, with
 * one peer at a time. Needs VIA_CAN_DUPLEX.
 */
#define VIA_DUPLEX 0x100u

/* The most descriptors one message carries. */
#define VIA_FDS_MAX 16
/* The longest topic, in bytes. */
#define VIA_TOPIC_MAX 255

/*
 * A message with all that is known of it.
 *
 * Sending (via_sendmsg): data and len; topic and correlation if wanted; fds
 * and n_fds where the mechanism has VIA_CAN_FDS (the descriptors stay the
 * caller's). All else is ignored and should be zero.
 *
 * Receiving: via_recvmsg() takes data and size from the caller and sets the
 * rest; via_take() sets everything, data pointing into the library's memory.
 * The n_fds descriptors are the caller's from then on, who closes them; all
 * are close-on-exec. The array fds itself is the library's, valid until the
 * next receiving call on this end.
 */
struct via_msg {
	void *data;
	size_t size;	 /* bytes that fit at data (via_recvmsg) */
	size_t len;	 /* bytes of the message */
	uint64_t sender; /* tells the senders of one channel apart */
	uint64_t seq;	 /* 0, 1, 2 ... per sender */
	uint64_t gap;	 /* messages of this sender lost just before it */
	pid_t pid;	 /* of the sender, told by the kernel, as it was when
			    it connected; -1 unknown */
	uid_t uid;	 /* (uid_t)-1 unknown */
	gid_t gid;	 /* (gid_t)-1 unknown */
	unsigned int n_fds;
	int *fds;
	const char *topic;  /* NULL if none; not terminated */
	uint32_t topic_len; /* bytes, up to VIA_TOPIC_MAX */
	uint32_t has_correlation;
	uint64_t correlation; /* joins a reply to its request */
	uint64_t reserved[2]; /* zero */
};

/* Counters of one end since it was opened. */
struct via_stats {
	uint64_t sent;		 /* messages accepted from the caller */
	uint64_t sent_bytes;	 /* payload bytes in them */
	uint64_t received;	 /* messages delivered to the caller */
	uint64_t received_bytes; /* payload bytes in them */
	uint64_t dropped;	 /* messages a sender left half done when it
				    died, or that came out of its sequence */
	uint64_t rejected;	 /* peers refused: credentials or protocol */
	uint64_t joined;	 /* peers that have joined */
	uint64_t left;		 /* peers that have gone */
	uint64_t blocked_ns;	 /* time spent waiting inside calls, but for
				    the first microsecond of each wait */
	uint64_t sleeps;	 /* waits that went to sleep in the kernel */
	uint64_t reserved[6];	 /* zero */
};

/*
 * Open one end of a channel.
 *
 * url:      scheme:rest?option=value&..., see via(7); copied.
 * role:     VIA_SEND or VIA_RECV, or'ed with VIA_DUPLEX where possible.
 * deadline: how long to wait for the other side. VIA_RECV binds the name and
 *           does not wait. VIA_SEND waits until somebody has bound it, so the
 *           order of starting does not matter; ?wait=DURATION sets another
 *           limit from now, ?wait=0 fails at once.
 * ret:      the new end, to be closed by via_close(); written on success only.
 * reterr:   may be NULL; a sentence on failure.
 *
 * Returns 0, or -EINVAL (malformed URL, unknown option), -EPROTONOSUPPORT
 * (unknown scheme), -EOPNOTSUPP (the mechanism has no such role),
 * -ENAMETOOLONG, -EACCES, -EADDRINUSE (another receiver is alive),
 * -ECONNREFUSED (nobody there and no waiting), -ETIMEDOUT (nobody came),
 * -EMFILE, -ENFILE, -ENOMEM, -ENOSPC, or what the kernel says.
 *
 * Resolving a host name (tcp) may block beyond the deadline.
 */
VIA_API int via_open(const char *url, unsigned int role, int64_t deadline,
		     struct via_channel **ret, struct via_error *reterr);

/*
 * Make both ends at once, nameless: for threads, forked children and
 * processes that inherit them (via_export). url is scheme: with options, for
 * example "pipe:" or "unix:?type=seqpacket".
 *
 * Returns 0 or as via_open(); -EOPNOTSUPP without VIA_CAN_PAIR. Never waits.
 */
VIA_API int via_pair(const char *url, struct via_channel **ret_recv,
		     struct via_channel **ret_send, struct via_error *reterr);

/*
 * Hand an end over exec: its descriptors stay open in the program this
 * process executes next, and url receives the text that via_open() turns
 * back into the end there (same role). Typical use: via_pair(), fork(), the
 * child exports its end and calls exec().
 *
 * Returns the length of the text, or -EOPNOTSUPP without VIA_CAN_EXPORT,
 * -ENOSPC when size is too small (the end is unchanged).
 */
VIA_API int via_export(struct via_channel *ch, char *url, size_t size);

/*
 * Say that this end sends no more: the receiver comes to the end of the stream
 * when it has all of it and every other sender has finished, too. Waits for
 * that as via_close() does. A pipe or FIFO is closed by this, so where the same
 * descriptor is open in other processes (fork, exec), its end comes with the
 * last of them. What this end is asked to send afterwards fails with -EPIPE.
 *
 * A duplex end goes on receiving. While it waits, what its peer sends is kept
 * for via_recv(), up to the length of the longest message (?max=); a peer that
 * sends more before it has taken all wants VIA_NO_WAIT here, and to be
 * received from. What was taken before is given back if it waits.
 *
 * Returns 0, -ETIMEDOUT, -EPIPE as via_close(); -EAGAIN (with VIA_NO_WAIT: the
 * end will be said by via_flush() or another call of this, when there is room);
 * -EBUSY (a message that did not fit is to be received before waiting);
 * -EOPNOTSUPP (a receiving end), -EPERM (forked).
 */
VIA_API int via_finish(struct via_channel *ch, int64_t deadline);

/*
 * Finish and free an end. A sender first waits until everything it accepted
 * is out of this process and, where the mechanism has VIA_CAN_CONFIRM, until
 * the receiver has delivered all of it to its caller. With VIA_NO_WAIT what
 * is in the kernel or in the ring is still delivered, but not waited for.
 * A receiver discards what it has not delivered, and what a duplex end's peer
 * still sends meanwhile. Names that the mechanism
 * removes are removed. ch may be NULL.
 *
 * The end is freed whatever is returned: 0, -ETIMEDOUT or -EAGAIN (not all
 * confirmed by the deadline; with VIA_NO_WAIT only if some of it could not
 * leave this process), -EPIPE (the receiver left before it had all).
 */
VIA_API int via_close(struct via_channel *ch, int64_t deadline);

/*
 * Wait until a peer has joined and both sides have checked each other.
 * Optional: sending and receiving do it by themselves.
 *
 * Returns 0, -EAGAIN, -ETIMEDOUT, -EPROTO (the peer does not speak via or
 * another version), -EACCES (the receiver does not admit this user), -EPIPE.
 */
VIA_API int via_wait_peer(struct via_channel *ch, int64_t deadline,
			  struct via_error *reterr);

/*
 * Send one message of len bytes (0 is fine).
 *
 * Returns 0 when the message is accepted: it will be delivered whole unless
 * the receiver dies. Otherwise nothing of it is sent: -EAGAIN, -ETIMEDOUT
 * (full), -EPIPE (the receiver is gone; the end can only be closed),
 * -EMSGSIZE (over ?max=), -EOPNOTSUPP (a receiving end), -EPERM (forked).
 *
 * When a deadline passes after the first part of a long message has gone,
 * the message is accepted and the rest kept; the next call on this end, or
 * via_flush(), carries on with it.
 */
VIA_API int via_send(struct via_channel *ch, const void *data, size_t len,
		     int64_t deadline);

/* Send one message with descriptors: see struct via_msg and via_send(). */
VIA_API int via_sendmsg(struct via_channel *ch, const struct via_msg *msg,
			int64_t deadline);

/*
 * Send n messages, one per element, with as few system calls as the
 * mechanism allows. Waits until at least one is accepted, and for the others
 * up to the deadline.
 *
 * Returns how many were accepted, in order from the first (n, or fewer when
 * the deadline passed or the receiver left), or as via_send() if none was.
 */
VIA_API ssize_t via_send_batch(struct via_channel *ch, const struct iovec *msgs,
			       unsigned int n, int64_t deadline);

/*
 * Push out what an earlier call accepted but could not hand over in time.
 * Returns 0 when nothing is left, -EAGAIN, -ETIMEDOUT, -EPIPE.
 */
VIA_API int via_flush(struct via_channel *ch, int64_t deadline);

/*
 * Receive one message into buf of size bytes.
 *
 * Returns its length, or
 * -EAGAIN, -ETIMEDOUT  nothing came;
 * -EPIPE      every sender has left and all they sent is delivered. Said once:
 *             a later call waits for new senders, where new ones can come;
 * -EMSGSIZE   the message is longer than size; it stays and is the next to be
 *             received (via_next_len() tells how long it is);
 * -EPROTO     a peer broke the protocol. Where senders have connections of
 *             their own, that one is cut off, and the end goes on with the
 *             others; otherwise (pipe, fifo) the end can only be closed;
 * -EOPNOTSUPP a sending end; -EPERM forked; -ENOMEM.
 */
VIA_API ssize_t via_recv(struct via_channel *ch, void *buf, size_t size,
			 int64_t deadline);

/* As via_recv(), with all that is known of the message. Returns its length. */
VIA_API ssize_t via_recvmsg(struct via_channel *ch, struct via_msg *msg,
			    int64_t deadline);

/* Length of the message that -EMSGSIZE left waiting, 0 if there is none. */
VIA_API size_t via_next_len(const struct via_channel *ch);

/*
 * Receive without copying: msg->data points into memory of the library, valid
 * until via_release() or the next receiving call on this end. On shm: it is
 * the sender's own memory, read-only here: a hostile sender may still change
 * it, so a careful program checks a copy.
 *
 * Returns 0, or as via_recv().
 */
VIA_API int via_take(struct via_channel *ch, struct via_msg *msg,
		     int64_t deadline);

/*
 * Receive up to n messages at once, each as by via_take(): waits for the
 * first, adds those that are there already. Returns how many (1..n), or as
 * via_recv().
 */
VIA_API ssize_t via_take_batch(struct via_channel *ch, struct via_msg *msgs,
			       unsigned int n, int64_t deadline);

/* Give back everything taken. Harmless when nothing is. */
VIA_API void via_release(struct via_channel *ch);

/*
 * Build a message in place: len bytes of memory to write to, the ring itself
 * where the mechanism has VIA_CAN_LOAN and len fits there, a buffer of the
 * channel otherwise. One loan at a time: a new one replaces it, and sending
 * anything else ends it.
 *
 * Returns 0 and sets *ret, or as via_send(); -ENOMEM.
 */
VIA_API int via_loan(struct via_channel *ch, size_t len, void **ret,
		     int64_t deadline);

/*
 * Send the first len bytes of the loan (at most what was asked for), ending
 * it. Waits only where the loan was a buffer. Returns as via_send(); -EINVAL
 * without a loan or beyond its length. After a failure the loan stands.
 */
VIA_API int via_commit(struct via_channel *ch, size_t len, int64_t deadline);

/*
 * The descriptor and events to poll for in an event loop. role: VIA_SEND or
 * VIA_RECV, one that the end has. Level-triggered: while a message (or the end
 * of stream) is there to receive, or there is room to send, poll() says so.
 * It may also say so for nothing: call with VIA_NO_WAIT and expect -EAGAIN.
 * The descriptor stays the same until via_close() and is the library's;
 * events may be POLLIN even for sending.
 *
 * Returns 0 and fills *ret (fd, events; revents 0), or -EOPNOTSUPP, -EMFILE.
 */
VIA_API int via_pollfd(struct via_channel *ch, enum via_role role,
		       struct pollfd *ret);

/* Copy the counters. Never blocks. */
VIA_API void via_stats(const struct via_channel *ch, struct via_stats *ret);

/*
 * The URL as it is in effect: "tcp:127.0.0.1:0" says the port that was found.
 * Belongs to the channel.
 */
VIA_API const char *via_url(const struct via_channel *ch);

/* The longest message this end sends or receives, in bytes: see ?max=. */
VIA_API size_t via_message_max(const struct via_channel *ch);

/* The mechanism's row. */
VIA_API const struct via_mechanism *
via_mechanism_of(const struct via_channel *ch);

/*
 * The sentence for the last failure on this end; code 0 if there was none.
 * Belongs to the channel, changes with the next failure. Of a duplex end that
 * two threads use: for the later of their failures, once both have stopped.
 */
VIA_API const struct via_error *via_last_error(const struct via_channel *ch);

#ifdef __cplusplus
}
#endif

#endif
