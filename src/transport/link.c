/* SPDX-License-Identifier: MIT */
/* One connection and what is said on it: see link.h. */
#include "transport/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/ancillary.h"

/* Messages that finish reads past before it looks for an end to that. */
#define PAST_MAX 64

static bool is(const struct via__link *link, unsigned int kind)
{
	return (link->kind & kind) == kind;
}

/* Where only a header is asked for, its payload is likely to be long: let it
 * come to where it will be put together. */
static ssize_t read_packet(struct via__link *link, const struct iovec *iov,
			   int n, struct via__ancillary *ret)
{
	struct iovec guess = {0};

	if (n == 1 && iov->iov_len == VIA__FRAME_LEN)
		guess = via__assembly_guess(&link->reader.assembly, link->in);
	return via__packet_readv(&link->packet, link->fd, iov, n, guess, ret);
}

static ssize_t link_read(struct via__reader *r, const struct iovec *iov, int n)
{
	struct via__link *link = r->owner;
	struct via__ancillary a;
	ssize_t len;

	if (is(link, VIA__LINK_PACKETS))
		len = read_packet(link, iov, n, &a);
	else
		len = via__ancillary_recv(r->fd, (struct iovec *)iov, n, &a);
	if (len >= 0 && is(link, VIA__LINK_RAW))
		via__fds_close(&a.fds); /* nobody has asked for them */
	if (len >= 0 && a.fds.n) {
		int e = via__reader_add_fds(r, a.fds.fd, a.fds.n);

		return e ? e : len;
	}
	if (len == -EMSGSIZE || len == -EPROTO)
		return via__fail(&link->end->error, -EPROTO,
				 "the peer sent a longer packet, or more "
				 "descriptors, than any of via's");
	return via__peer_is_gone(len) ? -ECONNRESET : len;
}

static ssize_t link_write(struct via__writer *w, const struct iovec *iov, int n,
			  const int *fds, unsigned int n_fds)
{
	ssize_t len = via__ancillary_send(w->fd, iov, n, fds, n_fds);

	return via__peer_is_gone(len) ? -EPIPE : len;
}

static bool has_line(const struct via__link *link)
{
	return is(link, VIA__LINK_DGRAM) && !is(link, VIA__LINK_RAW);
}

/* HELLO by datagram, and the line. 0 or -errno. */
static int open_line(struct via__link *link)
{
	struct via__frame f = {
		.flags = VIA__FRAME_HELLO,
		.sender = link->writer.sender,
	};
	uint8_t buf[VIA__FRAME_LEN];
	struct iovec iov = {buf, sizeof(buf)};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	via__frame_put(&f, buf);
	ssize_t r = via__ancillary_send(link->writer.fd, &iov, 1, &fds[1], 1);

	via__close(&fds[1]);
	link->fd = fds[0]; /* ours to close from now on, come what may */
	/* Gone since connect(): who comes next may have the name. */
	if (via__peer_is_gone(r))
		return -EAGAIN;
	return r < 0 ? (int)r : 0;
}

int via__link_init(struct via__link *link, struct via__end *end, int fd,
		   const struct ucred *cred, unsigned int kind)
{
	size_t packet_size = kind & VIA__LINK_RAW ? VIA__PACKET_RAW_MAX
						  : VIA__PACKET_MAX;
	bool ahead = kind & VIA__LINK_RECEIVES && !(kind & VIA__LINK_RAW);
	int r;

	*link = (struct via__link){
		.end = end,
		.cred = *cred,
		.fd = fd,
		.kind = kind,
		.greeted = kind & (VIA__LINK_RAW | VIA__LINK_PAIR),
	};
	if (has_line(link))
		link->fd = -1;
	r = via__reader_init(&link->reader, end, fd,
			     kind & VIA__LINK_RECEIVES
				     ? VIA__READER_SIZE
				     : VIA__READER_SIZE_CONTROL,
			     1);
	if (!r)
		r = via__writer_init(
			&link->writer, fd,
			is(link, VIA__LINK_PACKETS) ? VIA__PACKET_MAX : 0);
	if (!r && has_line(link))
		r = open_line(link);
	if (!r && is(link, VIA__LINK_PACKETS))
		r = via__packet_init(&link->packet, packet_size,
				     ahead ? VIA__ARRIVALS_MAX : 1);
	if (r) {
		via__link_fini(link, true);
		*link = (struct via__link){0};
		return r;
	}
	via__kept_init(&link->kept);
	link->reader.read = link_read;
	link->reader.owner = link;
	link->reader.raw = is(link, VIA__LINK_RAW);
	link->writer.write = link_write;
	link->writer.raw = is(link, VIA__LINK_RAW);
	if (kind & (VIA__LINK_RAW | VIA__LINK_PAIR | VIA__LINK_DGRAM))
		return 0;
	/* Fails if the peer has gone already; what it sent is still there. */
	r = via__writer_control(&link->writer, VIA__FRAME_HELLO, 0, 0);
	return r == -ENOMEM ? r : 0;
}

/* After fork() each process closes the end of a pair that the other uses. */
static bool is_idle_copy(const struct via__link *link)
{
	return is(link, VIA__LINK_PAIR) && !link->used;
}

static void let_go(struct via__link *link)
{
	link->delivered -= link->held && link->end->refused;
	link->held = false;
}

static void say_done(struct via__link *link)
{
	if (link->end->refused)
		let_go(link);
	if (link->said_done || link->broken || is(link, VIA__LINK_RAW) ||
	    !is(link, VIA__LINK_RECEIVES) || is_idle_copy(link))
		return;
	link->owes_done = via__writer_control(&link->writer, VIA__FRAME_DONE,
					      link->delivered, 0) == -ENOBUFS;
	link->said_done = !link->owes_done;
}

void via__link_fini(struct via__link *link, bool quiet)
{
	if (!link->end)
		return;
	if (!quiet)
		say_done(link);
	if (has_line(link)) {
		/* As in the hub. */
		if (!quiet)
			(void)shutdown(link->fd, SHUT_RDWR);
		via__close(&link->fd);
	}
	via__reader_fini(&link->reader);
	via__writer_fini(&link->writer);
	via__packet_fini(&link->packet);
	via__kept_fini(&link->kept);
}

void via__link_refuse(int fd, int code)
{
	struct via__frame f = {
		.flags = VIA__FRAME_REFUSE,
		.sender = via__random(),
		.total = (uint64_t)(int64_t)code,
	};
	uint8_t buf[VIA__FRAME_LEN];

	via__frame_put(&f, buf);
	(void)via__send(fd, buf, sizeof(buf), MSG_DONTWAIT);
}

/* This connection can only be closed: keep why, and say who it was. */
static int broken(struct via__link *link, int code)
{
	struct via_error *error = &link->end->error;
	char why[VIA_ERROR_TEXT_MAX];

	link->broken = code;
	if (link->cred.pid < 0)
		return code;
	(void)memcpy(why, error->text, sizeof(why));
	return via__fail(error, code, "process %ld of user %ld: %s",
			 (long)link->cred.pid, (long)link->cred.uid, why);
}

static int refused(struct via__link *link, int code)
{
	if (code == -EACCES)
		return via__fail(&link->end->error, -EACCES,
				 "the receiver does not admit this user");
	return via__fail_errno(&link->end->error, -ECONNREFUSED,
			       "the receiver refused: %s", via_strerror(code));
}

/* A frame that is no message has come. */
static int hear(struct via__link *link)
{
	const struct via__frame *f = &link->reader.control;

	if (f->flags == VIA__FRAME_HELLO && !link->greeted) {
		link->greeted = true;
		return 0;
	}
	if (f->flags == VIA__FRAME_REFUSE && !link->greeted &&
	    (link->end->role & ~VIA_DUPLEX) == VIA_SEND)
		return refused(link, (int)(int64_t)f->total);
	if (f->flags == VIA__FRAME_DONE && link->greeted && !link->done) {
		link->done = true;
		link->done_count = f->seq;
		return 0;
	}
	if (f->flags == VIA__FRAME_END && link->greeted && !link->ended &&
	    via__assembly_is_complete(&link->reader.assembly, f->seq)) {
		link->ended = true;
		return 0;
	}
	return via__fail(&link->end->error, -EPROTO,
			 "HELLO, REFUSE, DONE or END at the wrong time");
}

static int next(struct via__link *link, struct via__in *in)
{
	int r;

	if (link->broken)
		return link->broken;
	link->in = in;
	r = via__reader_next(&link->reader, in);
	via__packet_settle(&link->packet);
	if (r == VIA__READER_CONTROL) {
		int e = hear(link);

		r = e ? e : r;
	} else if (r == VIA__READER_END) {
		link->ended = link->gone = true;
	} else if (r == 0 && !is(link, VIA__LINK_RECEIVES)) {
		r = via__fail(&link->end->error, -EPROTO,
			      "a message came against the direction");
	} else if (r == 0 && link->ended) {
		r = via__fail(&link->end->error, -EPROTO,
			      "a message came after the last");
	}
	if (r >= 0 || r == -EAGAIN || r == -ENOMEM)
		return r;
	return broken(link, r);
}

static void describe(const struct via__link *link, struct via__in *in)
{
	if (!in->info)
		return;
	in->info->pid = link->cred.pid;
	in->info->uid = link->cred.uid;
	in->info->gid = link->cred.gid;
}

/* As next(), but for what is no message. */
static int next_message(struct via__link *link, struct via__in *in)
{
	struct via__ancillary a;
	int r;

	if (!via__kept_empty(&link->kept)) {
		via__kept_give(&link->kept, in);
		return 0;
	}
	if (is(link, VIA__LINK_RAW | VIA__LINK_PACKETS)) {
		r = link->held ? -EAGAIN
			       : via__packet_recv(&link->packet, link->fd,
						  link->end, in, &a);
		return via__peer_is_gone(r) ? VIA__READER_END : r;
	}
	do
		r = next(link, in);
	while (r == VIA__READER_CONTROL);
	return r == -EAGAIN && link->ended ? VIA__READER_END : r;
}

int via__link_recv(struct via__link *link, struct via__in *in)
{
	int r = next_message(link, in);

	if (r == 0) {
		link->greeted = true;
		link->used = true;
		link->held = true;
		link->delivered++;
		describe(link, in);
	} else if (r == VIA__READER_END) {
		if (link->held)
			return -EAGAIN;
		link->ended = true;
		say_done(link);
		/* The caller may have no reason to send, and so to flush. */
		link->finishing = !link->gone &&
				  via__writer_flush(&link->writer) == -EAGAIN;
		r = link->finishing ? -EAGAIN : -EPIPE;
	} else if (r == -EAGAIN) {
		link->finishing = false; /* given up, if ever */
	}
	return r;
}

bool via__link_is_over(const struct via__link *link)
{
	if (is(link, VIA__LINK_RAW))
		return link->ended && link->shut;
	return link->gone || (link->ended && link->shut && link->done &&
			      !via__writer_pending(&link->writer));
}

void via__link_release(struct via__link *link)
{
	let_go(link);
	via__reader_release(&link->reader);
	via__kept_release(&link->kept);
}

int via__link_park(struct via__link *link)
{
	return via__reader_park(&link->reader);
}

int via__link_greet(struct via__link *link)
{
	struct via__in in = {0};
	int r;

	if (link->greeted)
		return 0;
	r = next(link, &in);
	if (r == 0) {
		(void)via__fail(&link->end->error, -EPROTO,
				"a message came before HELLO");
		return broken(link, -EPROTO);
	}
	if (r == VIA__READER_END)
		return via__fail(&link->end->error, -EPIPE,
				 "the peer left without a word");
	return r == VIA__READER_CONTROL ? 0 : r;
}

/* What the receiver has said so far: 0 or the error it amounts to. */
static int listen_back(struct via__link *link)
{
	struct via__in in = {0};
	int r;

	/* What comes is the receiving direction's to read, or nothing comes. */
	if (link->kind & (VIA__LINK_RECEIVES | VIA__LINK_RAW))
		return 0;
	do
		r = next(link, &in);
	while (r == VIA__READER_CONTROL);
	return r == -EAGAIN || r == VIA__READER_END ? 0 : r;
}

/* A write did not go through: what to say. */
static int not_sent(struct via__link *link, int r)
{
	int said;

	/* While waiting for room anyway, find out early. And a TCP connection
	 * closed with bytes unread is reset, losing what is on its way. */
	if (r == -EAGAIN)
		return link->greeted ? r : listen_back(link) ?: r;
	if (!via__peer_is_gone(r))
		return via__fail_errno(&link->end->error, r, "cannot send");
	said = listen_back(link);
	if (said)
		return said;
	return via__fail(&link->end->error, -EPIPE, "the receiver is gone");
}

/* Whether a message may go out. 0 or -errno. */
static int may_send(struct via__link *link)
{
	if (link->broken)
		return link->broken;
	if (link->shut)
		return via__fail(&link->end->error, -EPIPE,
				 "nothing can be sent after the end was said");
	return 0;
}

/* What a write has come to. */
static inline int sent(struct via__link *link, int r)
{
	link->used = true;
	if (r < 0)
		return not_sent(link, r);
	if (link->owes_done)
		say_done(link);
	return r;
}

int via__link_send(struct via__link *link, struct via__out *out)
{
	int r = may_send(link);

	if (r)
		return r;
	if (is(link, VIA__LINK_RAW) && (out->n_fds || out->prefix_len))
		return via__fail(&link->end->error, -EOPNOTSUPP,
				 "raw messages go without topic, correlation "
				 "and descriptors");
	if (is(link, VIA__LINK_RAW | VIA__LINK_PACKETS))
		r = via__packet_send(link->fd, out);
	else
		r = via__writer_send(&link->writer, out);
	return sent(link, r);
}

/* Raw packets do not go together in one. */
static int send_packets(struct via__link *link, const struct iovec *msgs,
			unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct via__out out = {
			.data = msgs[i].iov_base,
			.len = msgs[i].iov_len,
		};
		int r = via__packet_send(link->fd, &out);

		if (r)
			return i ? (int)i : r;
	}
	return (int)n;
}

int via__link_send_batch(struct via__link *link, const struct iovec *msgs,
			 unsigned int n)
{
	int r = may_send(link);

	if (r)
		return r;
	r = is(link, VIA__LINK_RAW | VIA__LINK_PACKETS)
		    ? send_packets(link, msgs, n)
		    : via__writer_send_batch(&link->writer, msgs, n);
	return sent(link, r);
}

int via__link_flush(struct via__link *link)
{
	int r = via__writer_flush(&link->writer);

	if (r)
		return not_sent(link, r);
	if (link->owes_done)
		say_done(link);
	return 0;
}

/* All that was sent is out; the rest is for the receiver to read. */
static int say_end(struct via__link *link)
{
	int r = via__link_flush(link);

	if (r || link->shut)
		return r;
	link->shut = true;
	if (!is(link, VIA__LINK_RECEIVES) || is(link, VIA__LINK_RAW)) {
		(void)shutdown(link->fd, SHUT_WR); /* fails if all is over */
		return 0;
	}
	r = via__writer_control(&link->writer, VIA__FRAME_END, link->writer.seq,
				0);
	return r ? not_sent(link, r) : 0;
}

int via__link_half_close(struct via__link *link)
{
	return is_idle_copy(link) ? 0 : say_end(link);
}

/* Reads nothing but the rest of a packet. */
static ssize_t read_rest(struct via__reader *r, const struct iovec *iov, int n)
{
	const struct via__link *link = r->owner;

	return via__packet_has_rest(&link->packet) ? link_read(r, iov, n)
						   : -EAGAIN;
}

/* A message that somebody will receive later. */
static int keep(struct via__link *link, const struct via__in *in)
{
	int r = via__kept_put(&link->kept, in);

	if (r) /* and it is lost */
		link->broken = via__fail_errno(&link->end->error, r,
					       "cannot keep a message");
	return r;
}

/*
 * Read until DONE, past what the peer still sends: that is kept for recv, as
 * far as it may be, or thrown away by an end that closes. Having done so for
 * long, stop where poll() knows of all that is to come.
 */
static int await_done(struct via__link *link)
{
	bool closing = link->end->closing;
	struct via_msg info;
	struct via__in in = {.info = closing ? NULL : &info};
	int r = 0;

	for (int i = 0; r >= 0 && !link->gone && !link->done; i++) {
		if (i == PAST_MAX)
			link->reader.read = read_rest;
		if (!closing && via__kept_full(&link->kept, link->end))
			r = -EAGAIN;
		else
			r = next(link, &in);
		if (r == 0) {
			r = closing ? 0 : keep(link, &in);
			via__reader_release(&link->reader);
		}
	}
	link->reader.read = link_read;
	/* Both may be waiting here, each for the other. */
	if (link->ended && via__kept_empty(&link->kept))
		say_done(link);
	return link->done || link->gone ? 0 : r;
}

int via__link_verdict(const struct via__link *link, struct via_error *err)
{
	uint64_t n = link->writer.seq;

	if (is(link, VIA__LINK_RAW) ||
	    (link->done ? link->done_count == n
			: !n && is(link, VIA__LINK_RECEIVES)))
		return 0;
	if (!link->done)
		return via__fail(err, -EPIPE,
				 "the receiver left before it had all");
	return via__fail(
		err, -EPIPE, "the receiver left after %llu of %llu messages",
		(unsigned long long)link->done_count, (unsigned long long)n);
}

int via__link_finish(struct via__link *link)
{
	int said, r;

	if (is_idle_copy(link))
		return 0;
	link->finishing = true;
	via__link_release(link);
	if (link->end->closing)
		say_done(link);
	said = say_end(link);
	/* A receiver that is gone may have said DONE before; one that lets us
	 * wait may itself wait for us to read. */
	if ((said && said != -EPIPE && said != -EAGAIN) ||
	    is(link, VIA__LINK_RAW))
		return said;
	r = await_done(link);
	return r ? r : via__link_verdict(link, &link->end->error);
}

short via__link_events(const struct via__link *link, enum via_role role)
{
	short events = POLLIN;

	if (role == VIA_SEND)
		return POLLOUT;
	if (!link->finishing)
		return events;
	/* finish reads as far as it can keep, and END or DONE may wait. */
	if (!link->end->closing && via__kept_full(&link->kept, link->end))
		events = 0;
	if (via__writer_pending(&link->writer))
		events |= POLLOUT;
	return events;
}
