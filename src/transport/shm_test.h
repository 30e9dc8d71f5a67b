/* SPDX-License-Identifier: MIT */
/* What the tests of shm: share: names of their own, and messages to carry. */
#ifndef VIA_TRANSPORT_SHM_TEST_H
#define VIA_TRANSPORT_SHM_TEST_H

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "transport/end_test.h"

#define KIB ((size_t)1 << 10)

/* A URL that nobody else uses. */
static inline const char *fresh(const char *options)
{
	static char url[128];
	static int n;

	(void)snprintf(url, sizeof(url), "shm:test-%d-%d%s", (int)getpid(), n++,
		       options);
	return url;
}

/* Both ends by one name. */
static inline void open_both(const char *options, struct via__end *ret[2])
{
	const char *url = fresh(options);

	ret[0] = end_open(url, VIA_RECV);
	ret[1] = end_sender(url);
}

static inline void close_both(struct via__end *ends[2])
{
	end_close(ends[1]);
	end_close(ends[0]);
}

static inline char *pattern(size_t len, unsigned int seed)
{
	char *data = malloc(len + 1);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + (i >> 8) + seed);
	return data;
}

static inline bool readable(struct via__end *end, enum via_role role)
{
	struct pollfd pfd;

	assert_int_equal(end->transport->pollfd(end, role, &pfd), 0);
	return via__poll(&pfd, 1, VIA_NO_WAIT) == 1;
}

#endif
