/* SPDX-License-Identifier: MIT */
/* The receiving end of a Unix datagram socket: see dgram.h. */
#include "transport/dgram.h"

#include <errno.h>
#include <string.h>

#include "core/error.h"
#include "core/frame.h"
#include "core/sys.h"

/* Packets without a message, and whoever waits gets a look at his deadline. */
#define PACKETS_MAX 64

/* A packet or a frame has been dealt with, but was no message. */
#define GO_ON 1

int via__dgram_init(struct via__dgram *d, struct via__end *end, int fd,
		    const struct via__access *access, bool has_mode, bool raw,
		    struct via_error *err)
{
	int on = 1, r;

	*d = (struct via__dgram){
		.end = end,
		.access = access,
		.has_mode = has_mode,
		.raw = raw,
		.fd = fd,
		.admitted = {-1, (uid_t)-1, (gid_t)-1},
	};
	r = via__packet_init(&d->packet,
			     raw ? VIA__PACKET_RAW_MAX : VIA__PACKET_MAX);
	if (!r)
		r = via__assembly_init(&d->assembly, end, VIA__SENDERS_SHARED);
	if (!r && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		r = -errno;
	if (!r)
		return 0;
	via__dgram_fini(d);
	return via__fail_errno(err, r, "cannot receive datagrams");
}

void via__dgram_fini(struct via__dgram *d)
{
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

/* Has the last sender said END since this was last asked? */
static int dry(struct via__dgram *d)
{
	const struct via_stats *stats = &d->end->stats;
	bool ended = stats->left != d->left && stats->left == stats->joined;

	if (ended)
		d->left = stats->left;
	return ended ? -EPIPE : -EAGAIN;
}

static int next_packet(struct via__dgram *d)
{
	struct iovec iov = {d->packet.buf, d->packet.size};
	ssize_t len;

	via__fds_close(&d->note.fds);
	d->packet.head = d->packet.tail = 0;
	len = via__ancillary_recv(d->fd, &iov, 1, &d->note);
	if (len == -EAGAIN)
		return dry(d);
	/* Nothing that a stranger sends is an error of ours. */
	if ((len >= 0 || d->note.has_cred) && !admits(d)) {
		via__fds_close(&d->note.fds);
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
	d->packet.tail = (size_t)len;
	return GO_ON;
}

/* A piece of a message is at head: move it to where it is put together. */
static int take_piece(struct via__dgram *d, const struct via__frame *f,
		      struct via__fds *fds, struct via__in *in)
{
	const uint8_t *data = d->packet.buf + d->packet.head + VIA__FRAME_LEN;
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
	size_t len = d->packet.tail - d->packet.head;
	int r;

	if (len < VIA__FRAME_LEN)
		return via__fail(&d->end->error, -EPROTO,
				 "a packet of %zu bytes was none of via's",
				 len);
	r = via__frame_get(f, d->packet.buf + d->packet.head, &d->end->error);
	if (r)
		return r;
	if (f->len > len - VIA__FRAME_LEN)
		return via__fail(&d->end->error, -EPROTO,
				 "a frame is longer than its packet");
	return 0;
}

/* Look at the frame at head. */
static int next_frame(struct via__dgram *d, struct via__in *in)
{
	uint8_t *data = d->packet.buf + d->packet.head;
	struct via__fds none = {0};
	struct via__frame f;
	int r = get_frame(d, &f);

	if (r)
		return r;
	if (f.flags & VIA__FRAME_HELLO) {
		r = via__assembly_hello(&d->assembly, &f);
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
	}
	if (r >= 0)
		d->packet.head += VIA__FRAME_LEN + f.len;
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

	d->packet.head = d->packet.tail;
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
		if (d->packet.head < d->packet.tail) {
			r = next_frame(d, in);
			if (r == -EPROTO)
				r = reject(d, r);
		} else {
			if (d->held || packets++ == PACKETS_MAX)
				return -EAGAIN;
			r = next_packet(d);
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
	struct via__frame f;
	int r;

	if (d->raw) {
		r = via__poll(&pfd, 1, VIA_NO_WAIT);
		return r > 0 ? 0 : r < 0 ? r : -EAGAIN;
	}
	if (d->end->stats.joined != d->end->stats.left)
		return 0;
	if (d->packet.head == d->packet.tail) {
		r = next_packet(d);
		if (r < 0)
			return r;
	}
	if (d->packet.head == d->packet.tail)
		return -EAGAIN;
	r = get_frame(d, &f);
	return r ? reject(d, r) : 0;
}
