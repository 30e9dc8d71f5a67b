/* SPDX-License-Identifier: MIT */
/* What the tests of links share: every kind of connection, and strangers. */
#ifndef VIA_TRANSPORT_LINK_TEST_H
#define VIA_TRANSPORT_LINK_TEST_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport/end_test.h"

/* Where a receiver of each kind is opened; %d is a number of our own. */
static const char *const kinds[] = {
	"unix:@via-link-test-%d",
	"unix:@via-link-test-%d?type=seqpacket",
	"tcp:127.0.0.1:0",
};

#define FOR_EACH_KIND(url)                                                     \
	char url[128];                                                         \
	for (size_t kind_ = 0; next_kind(kind_, url); kind_++)

static inline bool next_kind(size_t i, char url[128])
{
	if (i == sizeof(kinds) / sizeof(*kinds))
		return false;
	(void)snprintf(url, 128, kinds[i], (int)getpid());
	return true;
}

/* A receiver there; url becomes what senders use. */
static inline struct via__end *receiver(char url[128], unsigned int role)
{
	struct via__end *end = end_open(url, role);

	if (end->transport->address)
		assert_true(end->transport->address(end, url, 128) > 0);
	return end;
}

/* The address behind the URL of an abstract name. */
static inline struct sockaddr_un address_of(const char *url, socklen_t *ret_len)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *name = strchr(url, '@') + 1;

	memcpy(addr.sun_path + 1, name, strlen(name));
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			       strlen(name));
	return addr;
}

/* A connected socket that does not speak via, to an abstract stream name. */
static inline int stranger(const char *url)
{
	socklen_t len;
	struct sockaddr_un addr = address_of(url, &len);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, len), 0);
	return fd;
}

#endif
