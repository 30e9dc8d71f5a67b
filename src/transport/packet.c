/* SPDX-License-Identifier: MIT */
/* Packets of Unix sockets: see packet.h. */
#include "transport/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Reading ahead copies, so longer packets are quicker one by one, put where
 * they belong: via bench finds no difference at 2 to 4 KiB. */
#define SHORT 2048

int via__packet_init(struct via__packet *p, size_t size, unsigned int n_max)
{
	/* Memory that no packet has touched costs nothing. */
	*p = (struct via__packet){
		.buf = malloc(n_max * size),
		.size = size,
		.n_max = n_max,
		.n_next = 1,
	};
	for (unsigned int i = 0; p->buf && i < n_max; i++)
		p->ahead[i].place = (struct iovec){p->buf + i * size, size};
	return p->buf ? 0 : -ENOMEM;
}

void via__packet_fini(struct via__packet *p)
{
	for (; via__packet_ahead(p); p->first++)
		via__fds_close(&p->ahead[p->first].note.fds);
	free(p->buf);
	p->buf = NULL;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* All packets asked for have come, this as the last: how many to ask for next.
 * Descriptors are few in a process, and not taken before their turn. */
static void ask_for_more(struct via__packet *p, ssize_t len,
			 const struct via__ancillary *note)
{
	if (len > 0 && len <= SHORT && !note->fds.n)
		p->n_next = (unsigned int)min(2 * p->n_next, p->n_max);
	else
		p->n_next = 1;
}

static int read_ahead(struct via__packet *p, int fd)
{
	int n = via__ancillary_recv_many(fd, p->ahead, p->n_next);

	if (via__peer_is_gone(n)) /* see read_packet() */
		n = via__ancillary_recv_many(fd, p->ahead, p->n_next);
	p->first = 0;
	p->end = n > 0 ? (unsigned int)n : 0;
	/* Whoever asks for more than there is pays for it. */
	if (n == (int)p->n_next)
		ask_for_more(p, p->ahead[n - 1].len, &p->ahead[n - 1].note);
	else
		p->n_next = 1;
	return n;
}

/* Turn to the next that is ahead. */
static struct via__arrival *turn(struct via__packet *p)
{
	struct via__arrival *a = &p->ahead[p->first++];

	p->at = a->place.iov_base;
	p->left = a->len > 0 ? (size_t)a->len : 0;
	return a;
}

ssize_t via__packet_next(struct via__packet *p, int fd,
			 struct via__ancillary *ret)
{
	int r = via__packet_ahead(p) ? 0 : read_ahead(p, fd);

	if (r < 0) {
		*ret = (struct via__ancillary){0};
		return r;
	}
	struct via__arrival *a = turn(p);

	*ret = a->note;
	return a->len;
}

/* Whether a packet is ahead that is nothing but bytes. */
static bool goes_on(const struct via__packet *p)
{
	const struct via__arrival *a = &p->ahead[p->first];

	return via__packet_ahead(p) && a->len > 0 && !a->note.fds.n;
}

/* The rest of a packet read before, and the next ones. */
static ssize_t give(struct via__packet *p, const struct iovec *iov, int n)
{
	struct iovec *guessed = &p->guessed;
	size_t given = 0;

	for (int i = 0; i < n; i++) {
		uint8_t *to = iov[i].iov_base;
		uint8_t *end = to + iov[i].iov_len;
		size_t len = min(guessed->iov_len, iov[i].iov_len);

		if (len && to != guessed->iov_base)
			memmove(to, guessed->iov_base, len);
		guessed->iov_base = (uint8_t *)guessed->iov_base + len;
		guessed->iov_len -= len;
		to += len;
		for (;;) {
			len = min(p->left, (size_t)(end - to));
			memcpy(to, p->at, len);
			p->at += len;
			p->left -= len;
			to += len;
			if (to == end || !goes_on(p))
				break;
			(void)turn(p);
		}
		given += iov[i].iov_len - (size_t)(end - to);
	}
	return (ssize_t)given;
}

/* There is room for it before at: see read_direct(). */
void via__packet_settle(struct via__packet *p)
{
	size_t len = p->guessed.iov_len;

	if (!len)
		return;
	p->at -= len;
	p->left += len;
	memcpy(p->at, p->guessed.iov_base, len);
	p->guessed.iov_len = 0;
}

/*
 * A socket's error (the other side closed with our words unread) comes before
 * the packets it had sent, but only once: __skb_try_recv_datagram() in
 * net/core/datagram.c.
 */
static ssize_t read_packet(int fd, struct iovec *iov, int n,
			   struct via__ancillary *ret)
{
	ssize_t len = via__ancillary_recv(fd, iov, n, ret);

	return via__peer_is_gone(len) ? via__ancillary_recv(fd, iov, n, ret)
				      : len;
}

/* Read one packet to where it belongs. */
static ssize_t read_direct(struct via__packet *p, int fd,
			   const struct iovec *iov, int n, struct iovec guess,
			   struct via__ancillary *ret)
{
	struct iovec all[4];
	size_t room = 0;

	for (int i = 0; i < n; i++) {
		all[i] = iov[i];
		room += iov[i].iov_len;
	}
	/* What no packet can need is not asked for: it costs the kernel. */
	guess.iov_len = min(guess.iov_len, p->size - min(room, p->size));
	if (guess.iov_len)
		all[n++] = guess;
	if (room + guess.iov_len < p->size)
		all[n++] = (struct iovec){p->buf + guess.iov_len,
					  p->size - guess.iov_len};

	ssize_t len = read_packet(fd, all, n, ret);

	ask_for_more(p, len, ret);
	if (len <= (ssize_t)room)
		return len;
	p->guessed.iov_base = guess.iov_base;
	p->guessed.iov_len = min((size_t)len - room, guess.iov_len);
	p->at = p->buf + p->guessed.iov_len;
	p->left = (size_t)len - room - p->guessed.iov_len;
	return (ssize_t)room;
}

ssize_t via__packet_readv(struct via__packet *p, int fd,
			  const struct iovec *iov, int n, struct iovec guess,
			  struct via__ancillary *ret)
{
	if (p->guessed.iov_len || p->left) {
		*ret = (struct via__ancillary){0};
		return give(p, iov, n);
	}
	if (p->n_next == 1 && !via__packet_ahead(p))
		return read_direct(p, fd, iov, n, guess, ret);

	ssize_t len = via__packet_next(p, fd, ret);

	return len > 0 ? give(p, iov, n) : len;
}

int via__packet_recv(struct via__packet *p, int fd, struct via__end *end,
		     struct via__in *in, struct via__ancillary *ret)
{
	size_t direct = in->buf ? in->size : 0;

	direct = direct < p->size ? direct : p->size;

	struct iovec iov[] = {
		{in->buf, direct},
		{p->buf + direct, p->size - direct},
	};
	ssize_t len = read_packet(fd, iov, 2, ret);

	via__fds_close(&ret->fds); /* nobody has asked for them */
	if (len == -EMSGSIZE || (len >= 0 && (uint64_t)len > end->max)) {
		end->stats.dropped++;
		return via__fail(
			&end->error, -EPROTO,
			"a packet was longer than max=%llu and dropped",
			(unsigned long long)end->max);
	}
	if (len == -EPROTO)
		return via__fail(&end->error, -EPROTO,
				 "a packet came with more than %d descriptors",
				 VIA_FDS_MAX);
	if (len == -EAGAIN || via__peer_is_gone(len))
		return (int)len;
	if (len < 0)
		return via__fail_errno(&end->error, (int)len, "cannot receive");
	if (len == 0 && !ret->has_cred)
		return -EPIPE;
	in->data = in->buf;
	in->len = (size_t)len;
	in->meta = false;
	if ((size_t)len > direct || !in->buf) {
		if (direct)
			memcpy(p->buf, in->buf, direct);
		in->data = p->buf;
	}
	if (in->info)
		*in->info = (struct via_msg){
			.pid = ret->has_cred && ret->cred.pid ? ret->cred.pid
							      : -1,
			.uid = ret->has_cred ? ret->cred.uid : (uid_t)-1,
			.gid = ret->has_cred ? ret->cred.gid : (gid_t)-1,
		};
	return 0;
}

int via__packet_send(int fd, const struct via__out *out)
{
	struct iovec iov[2];
	int n = via__out_next(out, SIZE_MAX, iov);
	ssize_t r = via__ancillary_send(fd, iov, n, NULL, 0);

	return r < 0 ? (int)r : 0;
}
