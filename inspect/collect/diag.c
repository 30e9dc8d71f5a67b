/* SPDX-License-Identifier: MIT */
#include "inspect/collect/diag.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills up to 32 KiB at a time: netlink_dump(). */
#define BUFFER_SIZE ((size_t)64 << 10)
#define REQUEST_MAX 128

static int open_socket(void *unused)
{
	(void)unused;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

int via__diag_open(const struct via__space *space)
{
	return space->own ? open_socket(NULL)
			  : via__enter(space->dir, "ns/net", open_socket, NULL);
}

static int ask(int fd, uint16_t type, const void *request, size_t len)
{
	struct {
		struct nlmsghdr head;
		char body[REQUEST_MAX];
	} message = {
		.head =
			{
				.nlmsg_len =
					(uint32_t)(sizeof(message.head) + len),
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
	};

	memcpy(message.body, request, len);
	return send(fd, &message, message.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

struct dump {
	uint16_t type;
	size_t size;
	void (*f)(const void *message, size_t len, void *arg);
	void *arg;
	bool done;
};

/* What came in one go. 0 or what the kernel says has failed. The length may
 * fall below 0: behind each message there is room to align the next. */
static int take(struct dump *d, const char *buffer, ssize_t len)
{
	const struct nlmsghdr *h = (const void *)buffer;

	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		size_t body = h->nlmsg_len - NLMSG_HDRLEN;
		int err;

		if (h->nlmsg_type == NLMSG_DONE ||
		    h->nlmsg_type == NLMSG_ERROR) {
			d->done = true;
			if (body < sizeof(err))
				return 0;
			memcpy(&err, NLMSG_DATA(h), sizeof(err));
			return err < 0 ? err : 0;
		}
		if (h->nlmsg_type == d->type && body >= d->size)
			d->f(NLMSG_DATA(h), body, d->arg);
	}
	return 0;
}

int via__diag_dump(int fd, uint16_t type, const void *request, size_t len,
		   size_t size,
		   void (*f)(const void *message, size_t len, void *arg),
		   void *arg)
{
	struct dump d = {.type = type, .size = size, .f = f, .arg = arg};
	char *buffer = malloc(BUFFER_SIZE);
	int err = buffer ? ask(fd, type, request, len) : -ENOMEM;

	while (!err && !d.done) {
		ssize_t n = recv(fd, buffer, BUFFER_SIZE, 0);

		if (n > 0)
			err = take(&d, buffer, n);
		else if (n == 0 || errno != EINTR)
			err = n ? -errno : -EPIPE;
	}
	free(buffer);
	return err;
}

int via__diag_attribute(const void *message, size_t len, size_t after,
			unsigned int type, void *ret, size_t max)
{
	size_t at = RTA_ALIGN(after);

	while (at <= len && len - at >= sizeof(struct rtattr)) {
		const struct rtattr *a =
			(const void *)((const char *)message + at);

		if (a->rta_len < sizeof(*a) || a->rta_len > len - at)
			break;
		if (a->rta_type == type) {
			size_t n = RTA_PAYLOAD(a);

			memcpy(ret, RTA_DATA(a), n < max ? n : max);
			return (int)n;
		}
		at += RTA_ALIGN(a->rta_len);
	}
	return -1;
}

uint32_t via__socket_object(struct via_snapshot *s,
			    const struct via__socket_id *id)
{
	uint32_t object = via_snapshot_object(s, VIA_KIND_SOCKET, 0, id->ino,
					      id->sub);

	object = object != VIA_NONE
			 ? via__rekind(s, object, id->kind)
			 : via__object(s, id->kind, 0, id->ino, id->sub);
	struct via_socket *socket = via__socket(s, object);

	socket->family = id->family;
	socket->type = id->type;
	socket->protocol = id->protocol;
	socket->net_ns = id->net_ns;
	return object;
}
