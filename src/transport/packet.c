/* SPDX-License-Identifier: MIT */
/* Packets of Unix sockets: see packet.h. */
#include "transport/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

int via__packet_init(struct via__packet *p, size_t size)
{
	*p = (struct via__packet){.buf = malloc(size), .size = size};
	return p->buf ? 0 : -ENOMEM;
}

void via__packet_fini(struct via__packet *p)
{
	free(p->buf);
	p->buf = NULL;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The rest of a packet read before. */
static ssize_t give(struct via__packet *p, const struct iovec *iov, int n)
{
	struct iovec *guessed = &p->guessed;
	size_t given = 0;

	for (int i = 0; i < n; i++) {
		uint8_t *to = iov[i].iov_base;
		size_t len = min(guessed->iov_len, iov[i].iov_len);

		if (len && to != guessed->iov_base)
			memmove(to, guessed->iov_base, len);
		guessed->iov_base = (uint8_t *)guessed->iov_base + len;
		guessed->iov_len -= len;
		to += len;
		given += len;
		len = min(p->tail - p->head, iov[i].iov_len - len);
		memcpy(to, p->buf + p->head, len);
		p->head += len;
		given += len;
	}
	return (ssize_t)given;
}

/* There is room for it in buf before head: see via__packet_readv(). */
void via__packet_settle(struct via__packet *p)
{
	size_t len = p->guessed.iov_len;

	if (!len)
		return;
	p->head -= len;
	memcpy(p->buf + p->head, p->guessed.iov_base, len);
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

ssize_t via__packet_readv(struct via__packet *p, int fd,
			  const struct iovec *iov, int n, struct iovec guess,
			  struct via__ancillary *ret)
{
	struct iovec all[4];
	size_t room = 0;

	if (via__packet_has_rest(p)) {
		*ret = (struct via__ancillary){0};
		return give(p, iov, n);
	}
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

	if (len <= (ssize_t)room)
		return len;
	p->guessed.iov_base = guess.iov_base;
	p->guessed.iov_len = min((size_t)len - room, guess.iov_len);
	p->head = p->guessed.iov_len;
	p->tail = (size_t)len - room;
	return (ssize_t)room;
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
