/* SPDX-License-Identifier: MIT */
/* Bytes on a socket and what travels beside them: see ancillary.h. */
#include "transport/ancillary.h"

#include <errno.h>
#include <string.h>

#include "core/sys.h"

/* One more than allowed, to see that there were more. */
#define FDS_ROOM (VIA_FDS_MAX + 1)

/* Room for all that may come beside the bytes of one message. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_ROOM * sizeof(int)) +
		   CMSG_SPACE(sizeof(struct ucred))];
};

static bool is(const struct cmsghdr *c, int type)
{
	return c->cmsg_level == SOL_SOCKET && c->cmsg_type == type;
}

static bool take_fds(struct via__fds *fds, const struct cmsghdr *c)
{
	const unsigned char *data = CMSG_DATA(c);
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fit = true;

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		fit = fds->n < VIA_FDS_MAX;
		if (fit)
			fds->fd[fds->n++] = fd;
		else
			via__close(&fd);
	}
	return fit;
}

static ssize_t unpack(struct msghdr *msg, ssize_t len,
		      struct via__ancillary *ret)
{
	ret->fds.n = 0;
	ret->has_cred = false;
	if (len < 0 || (!msg->msg_controllen && !msg->msg_flags))
		return len;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (is(c, SCM_RIGHTS) && !take_fds(&ret->fds, c)) {
			len = -EPROTO;
		} else if (is(c, SCM_CREDENTIALS)) {
			memcpy(&ret->cred, CMSG_DATA(c), sizeof(ret->cred));
			ret->has_cred = true;
		}
	}
	/* There was room for all that may come: what the kernel left out,
	 * it left out for our limit of open files. */
	if (len >= 0 && (msg->msg_flags & MSG_CTRUNC))
		len = -EMFILE;
	if (len >= 0 && (msg->msg_flags & MSG_TRUNC))
		len = -EMSGSIZE;
	if (len < 0)
		via__fds_close(&ret->fds);
	return len;
}

ssize_t via__ancillary_recv(int fd, struct iovec *iov, int n,
			    struct via__ancillary *ret)
{
	union control control;
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = (size_t)n,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = via__recvmsg(fd, &msg, MSG_DONTWAIT);

	return unpack(&msg, len, ret);
}

int via__ancillary_recv_many(int fd, struct via__arrival *ret, unsigned int n)
{
	struct mmsghdr msgs[VIA__ARRIVALS_MAX];
	union control control[VIA__ARRIVALS_MAX];

	for (unsigned int i = 0; i < n; i++)
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = &ret[i].place,
			.msg_iovlen = 1,
			.msg_control = &control[i],
			.msg_controllen = sizeof(control[i]),
		};
	int got = via__recvmmsg(fd, msgs, n, MSG_DONTWAIT);

	for (int i = 0; i < got; i++)
		ret[i].len = unpack(&msgs[i].msg_hdr, msgs[i].msg_len,
				    &ret[i].note);
	return got;
}

ssize_t via__ancillary_send(int fd, const struct iovec *iov, int n,
			    const int *fds, unsigned int n_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(VIA_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)n,
	};

	/* One part without anything beside it is cheaper by send(2), which
	 * has no headers to copy in. */
	if (n == 1 && !n_fds)
		return via__send(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT);
	if (n_fds) {
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	return via__sendmsg(fd, &msg, MSG_DONTWAIT);
}

bool via__peer_is_gone(ssize_t r)
{
	switch (-r) {
	case EPIPE:
	case ECONNRESET:
	case ECONNREFUSED:
	case ECONNABORTED:
	case ENOTCONN:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
		return true;
	}
	return false;
}
