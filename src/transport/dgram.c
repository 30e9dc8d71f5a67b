/* SPDX-License-Identifier: MIT */
/* The receiving end of a Unix datagram socket: see dgram.h. */
#include "transport/dgram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/error.h"
#include "core/frame.h"
#include "core/sys.h"
#include "transport/hub.h"
#include "transport/link.h"

/* Packets without a message, and whoever waits gets a look at his deadline. */
#define PACKETS_MAX 64

/* A packet or a frame has been dealt with, but was no message. */
#define GO_ON 1

#define EVENTS_MAX 64 /* hang-ups found by one epoll_wait() */

static int watch(struct via__dgram *d, int fd, uint32_t events, void *what)
{
	struct epoll_event ev = {.events = events, .data.ptr = what};

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int via__dgram_init(struct via__dgram *d, struct via__end *end, int fd,
		    const struct via__access *access, bool has_mode, bool raw,
		    struct via_error *err)
{
	int r;

	*d = (struct via__dgram){
		.end = end,
		.access = access,
		.has_mode = has_mode,
		.raw = raw,
		.fd = fd,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.admitted = {-1, (uid_t)-1, (gid_t)-1},
	};
	r = d->epoll < 0 ? -errno : watch(d, fd, EPOLLIN, NULL);
	if (!r)
		r = via__packet_init(
			&d->packet, raw ? VIA__PACKET_RAW_MAX : VIA__PACKET_MAX,
			raw ? 1 : VIA__ARRIVALS_MAX);
	if (!r)
		r = via__assembly_init(&d->assembly, end, VIA__SENDERS_SHARED);
	if (!r)
		return 0;
	via__dgram_fini(d, false);
	return via__fail_errno(err, r, "cannot receive datagrams");
}

/* --- Lines --- */

static struct via__dgram_line *find_line(struct via__dgram *d, uint64_t sender)
{
	struct via__dgram_line *line = LIST_FIRST(&d->lines);

	while (line && line->sender != sender)
		line = LIST_NEXT(line, all);
	return line;
}

/* Nothing else is taken for a line: looking at it, writing to it and closing
 * it must not wait. */
static bool is_line(int fd)
{
	int domain, type;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* It may fail: the sender is gone, or does not listen. */
static void tell(const struct via__dgram_line *line, uint8_t flag, uint64_t seq)
{
	struct via__frame f = {
		.flags = flag,
		.sender = line->sender,
		.seq = seq,
	};
	uint8_t buf[VIA__FRAME_LEN];

	via__frame_put(&f, buf);
	(void)via__send(line->fd, buf, sizeof(buf), MSG_DONTWAIT);
}

/* Its sender has left and all it sent was delivered, or we leave. */
static void close_line(struct via__dgram *d, struct via__dgram_line *line,
		       bool forked)
{
	if (!forked) {
		tell(line, VIA__FRAME_DONE,
		     line->delivered -
			     (d->end->refused && line->sender == d->last));
		/* The sender or a forked child may have a copy, which would
		 * keep it in the set: epoll(7). */
		(void)epoll_ctl(d->epoll, EPOLL_CTL_DEL, line->fd, NULL);
		(void)shutdown(line->fd, SHUT_RDWR);
	}
	LIST_REMOVE(line, all);
	d->n_lines--;
	via__close(&line->fd);
	free(line);
}

/* Takes fd. 0 or -errno. */
static int open_line(struct via__dgram *d, uint64_t sender, int fd)
{
	struct via__dgram_line *line = calloc(1, sizeof(*line));
	int r = line ? 0 : -ENOMEM;

	if (d->n_lines == VIA__HUB_PEERS_MAX)
		r = -EMFILE;
	if (!r) /* hang-ups are reported unasked */
		r = watch(d, fd, EPOLLRDHUP, line);
	if (r) {
		via__link_refuse(fd, r);
		via__close(&fd);
		free(line);
		return r;
	}
	line->sender = sender;
	line->fd = fd;
	LIST_INSERT_HEAD(&d->lines, line, all);
	d->n_lines++;
	tell(line, VIA__FRAME_HELLO, 0);
	return 0;
}

/*
 * Who hung up had sent everything before. So those found here have left when
 * the queue is found empty once more; until then they stay in the set, so that
 * nobody sleeps over them. True: look at the queue again.
 */
static bool find_hang_ups(struct via__dgram *d)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(d->epoll, events, EVENTS_MAX, 0);
	bool again = false;

	for (int i = 0; i < n; i++) {
		struct via__dgram_line *line = events[i].data.ptr;

		if (line && line->hung_up) {
			via__assembly_forget(&d->assembly, line->sender);
			close_line(d, line, false);
		} else {
			if (line)
				line->hung_up = true;
			again = true;
		}
	}
	return again;
}

void via__dgram_fini(struct via__dgram *d, bool forked)
{
	struct via__dgram_line *line;

	if (!d->end)
		return;
	while ((line = LIST_FIRST(&d->lines)))
		close_line(d, line, forked);
	via__close(&d->epoll);
	via__fds_close(&d->note.fds);
	via__packet_fini(&d->packet);
	via__assembly_fini(&d->assembly);
}

/* Is the packet's sender admitted? Each packet says who it is from; mostly it
 * is the same as the last. */
static bool admits(struct via__dgram *d)
{
	const struct ucred *cred = &d->note.cred;

	if (d->note.has_cred && cred->uid == d->admitted.uid &&
	    cred->gid == d->admitted.gid)
		return true;
	if (!d->note.has_cred ||
	    via__access_check(d->access, cred, -1, d->has_mode, NULL)) {
		d->end->stats.rejected++;
		return false;
	}
	d->admitted = *cred;
	return true;
}

/* The queue is empty. Has the last sender left since this was last asked? */
static int dry(struct via__dgram *d)
{
	const struct via_stats *stats = &d->end->stats;
	bool ended;

	if (find_hang_ups(d))
		return GO_ON;
	/* A line is there even if the assembly had no place for its sender. */
	ended = stats->left != d->left && stats->left == stats->joined &&
		!d->n_lines;
	if (ended)
		d->left = stats->left;
	return ended ? -EPIPE : -EAGAIN;
}

static int next_packet(struct via__dgram *d)
{
	ssize_t len;

	via__fds_close(&d->note.fds);
	len = via__packet_next(&d->packet, d->fd, &d->note);
	if (len == -EAGAIN)
		return dry(d);
	/* Nothing that a stranger sends is an error of ours. */
	if ((len >= 0 || d->note.has_cred) && !admits(d)) {
		if (d->note.fds.n && is_line(d->note.fds.fd[0]))
			via__link_refuse(d->note.fds.fd[0], -EACCES);
		via__fds_close(&d->note.fds);
		d->packet.left = 0;
		return GO_ON;
	}
	if (len == -EMSGSIZE || len == -EPROTO) {
		d->end->stats.rejected++;
		return via__fail(&d->end->error, -EPROTO,
				 "a packet was none of via's");
	}
	if (len < 0)
		return via__fail_errno(&d->end->error, (int)len,
				       "cannot receive datagrams");
	return GO_ON;
}

static void count(struct via__dgram *d, uint64_t sender)
{
	struct via__dgram_line *line = find_line(d, sender);

	if (line)
		line->delivered++;
	d->last = sender;
}

/* Turn to the next packet, if it is not one too many. poll() does not know of
 * those that are ahead. */
static int turn(struct via__dgram *d, int *packets)
{
	bool ahead = via__packet_ahead(&d->packet);

	if (!ahead && (d->held || (*packets)++ >= PACKETS_MAX))
		return -EAGAIN;
	return next_packet(d);
}

/* A piece of a message is at head: move it to where it is put together. */
static int take_piece(struct via__dgram *d, const struct via__frame *f,
		      struct via__fds *fds, struct via__in *in)
{
	const uint8_t *data = d->packet.at + VIA__FRAME_LEN;
	struct via__sender *from;
	size_t left = f->len;
	int r = via__assembly_piece(&d->assembly, f, fds, in, &from);

	if (r == -ENOENT)
		return GO_ON;
	if (r)
		return r;
	while (left) {
		uint8_t *to;
		ssize_t n = via__assembly_room(&d->assembly, from, left, &to);

		if (n < 0) {
			via__assembly_forget(&d->assembly, f->sender);
			return (int)n;
		}
		memcpy(to, data, (size_t)n);
		via__assembly_filled(from, (size_t)n);
		data += n;
		left -= (size_t)n;
	}
	if (!(f->flags & VIA__FRAME_LAST))
		return GO_ON;
	return via__assembly_give(&d->assembly, from, in);
}

/* The header at head: 0 or -EPROTO. */
static int get_frame(struct via__dgram *d, struct via__frame *f)
{
	size_t len = d->packet.left;
	int r;

	if (len < VIA__FRAME_LEN)
		return via__fail(&d->end->error, -EPROTO,
				 "a packet of %zu bytes was none of via's",
				 len);
	r = via__frame_get(f, d->packet.at, &d->end->error);
	if (r)
		return r;
	if (f->len > len - VIA__FRAME_LEN)
		return via__fail(&d->end->error, -EPROTO,
				 "a frame is longer than its packet");
	return 0;
}

static int hello(struct via__dgram *d, const struct via__frame *f)
{
	struct via__fds *fds = &d->note.fds;
	int r;

	if (fds->n &&
	    (fds->n > 1 || !is_line(fds->fd[0]) || find_line(d, f->sender)))
		return via__fail(&d->end->error, -EPROTO,
				 "HELLO with what is no line");
	r = via__assembly_hello(&d->assembly, f);
	/* Without one its sender is not missed. */
	if (r || !fds->n)
		return r;
	r = open_line(d, f->sender, via__take_fd(&fds->fd[0]));
	fds->n = 0;
	if (r) {
		d->end->stats.rejected++;
		via__assembly_forget(&d->assembly, f->sender);
	}
	return 0;
}

/* Look at the frame at head. */
static int next_frame(struct via__dgram *d, struct via__in *in)
{
	uint8_t *data = d->packet.at;
	struct via__fds none = {0};
	struct via__frame f;
	int r = get_frame(d, &f);

	if (r)
		return r;
	if (f.flags & VIA__FRAME_HELLO) {
		r = hello(d, &f);
		r = r ? r : GO_ON;
	} else if (f.flags & VIA__FRAME_END) {
		via__assembly_forget(&d->assembly, f.sender);
		r = GO_ON;
	} else if (f.flags & VIA__FRAME_CONTROL) {
		r = via__fail(&d->end->error, -EPROTO,
			      "the peer sent what only a receiver says");
	} else {
		bool whole = f.flags & VIA__FRAME_FIRST &&
			     f.flags & VIA__FRAME_LAST;
		struct via__fds *fds = f.flags & VIA__FRAME_FDS ? &d->note.fds
								: &none;

		r = whole ? via__assembly_whole(&d->assembly, &f,
						data + VIA__FRAME_LEN, fds, in)
			  : take_piece(d, &f, fds, in);
		d->held |= whole && !r;
		if (!r)
			count(d, f.sender);
	}
	if (r >= 0) {
		d->packet.at += VIA__FRAME_LEN + f.len;
		d->packet.left -= VIA__FRAME_LEN + f.len;
	}
	return r;
}

static int recv_raw(struct via__dgram *d, struct via__in *in)
{
	for (int i = 0; i < PACKETS_MAX && !d->held; i++) {
		int r = via__packet_recv(&d->packet, d->fd, d->end, in,
					 &d->note);

		if (r == -EAGAIN)
			return r;
		if ((!r || d->note.has_cred) && !admits(d))
			continue;
		d->held = !r;
		return r;
	}
	return -EAGAIN;
}

/* The rest of the packet is lost: where its next frame starts is anybody's
 * guess. Say whose it was. */
static int reject(struct via__dgram *d, int code)
{
	struct via_error *error = &d->end->error;
	struct via_error why = *error;

	d->packet.left = 0;
	d->end->stats.rejected++;
	return via__fail(error, code, "process %ld of user %ld: %s",
			 (long)d->note.cred.pid, (long)d->note.cred.uid,
			 why.text);
}

int via__dgram_recv(struct via__dgram *d, struct via__in *in)
{
	int packets = 0;
	int r = GO_ON;

	if (d->raw)
		return recv_raw(d, in);
	while (r == GO_ON) {
		if (d->assembly.held)
			return -EAGAIN;
		if (d->packet.left) {
			r = next_frame(d, in);
			if (r == -EPROTO)
				r = reject(d, r);
		} else {
			r = turn(d, &packets);
		}
	}
	/* Half a message may be in in->buf, which goes away now. */
	if (r < 0 && r != -EAGAIN)
		(void)via__dgram_park(d);
	if (!r && in->info) {
		in->info->pid = d->note.cred.pid ? d->note.cred.pid : -1;
		in->info->uid = d->note.cred.uid;
		in->info->gid = d->note.cred.gid;
	}
	return r;
}

void via__dgram_release(struct via__dgram *d)
{
	d->held = false;
	via__assembly_release(&d->assembly);
}

int via__dgram_park(struct via__dgram *d)
{
	return via__assembly_park(&d->assembly);
}

int via__dgram_greet(struct via__dgram *d)
{
	struct pollfd pfd = {.fd = d->fd, .events = POLLIN};
	struct via__in in = {0}; /* HELLO brings none */
	struct via__frame f;
	int packets = 0;
	int r;

	if (d->raw) {
		r = via__poll(&pfd, 1, VIA_NO_WAIT);
		return r > 0 ? 0 : r < 0 ? r : -EAGAIN;
	}
	while (d->end->stats.joined == d->end->stats.left) {
		if (!d->packet.left) {
			r = turn(d, &packets);
			if (r < 0)
				return r;
			continue;
		}
		r = get_frame(d, &f);
		if (!r && !(f.flags & VIA__FRAME_HELLO))
			return 0;
		if (!r)
			r = next_frame(d, &in);
		if (r < 0)
			return reject(d, r);
	}
	return 0;
}
