/* SPDX-License-Identifier: MIT */
/* What the tests of links share: every kind of connection. */
#ifndef VIA_TRANSPORT_LINK_TEST_H
#define VIA_TRANSPORT_LINK_TEST_H

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

#endif
