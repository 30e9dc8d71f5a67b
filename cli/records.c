/* SPDX-License-Identifier: MIT */
#include "cli/records.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE (128u << 10)

void records_start(struct records *r, int fd)
{
	r->fd = fd;
	r->start = r->end = r->looked = 0;
	r->at_end = false;
}

void records_fini(struct records *r)
{
	free(r->buf);
}

/* Cut one complete record off. */
static bool cut(struct records *r, struct iovec *record)
{
	size_t left = r->end - r->start, len = r->block, skip = 0;

	if (r->separator != RECORDS_NO_SEPARATOR) {
		const char *at = r->looked == r->end
					 ? NULL
					 : memchr(r->buf + r->looked,
						  r->separator,
						  r->end - r->looked);
		r->looked = r->end;
		len = at ? (size_t)(at - r->buf) - r->start : SIZE_MAX;
		skip = 1;
	}
	if (len > left) {
		if (!r->at_end || !left)
			return false;
		len = left;
		skip = 0;
	}
	*record = (struct iovec){r->buf + r->start, len};
	r->start += len + skip;
	r->looked = r->start;
	return true;
}

/* Make room behind end: move what is left to the front, or grow. */
static int make_room(struct records *r)
{
	size_t left = r->end - r->start;

	if (left > r->max)
		return -EMSGSIZE;
	if (r->start) {
		memmove(r->buf, r->buf + r->start, left);
		r->looked -= r->start;
		r->end = left;
		r->start = 0;
	}
	if (r->end < r->size)
		return 0;
	size_t size = r->size ? 2 * r->size : FIRST_SIZE;
	char *buf = realloc(r->buf, size);

	if (!buf)
		return -ENOMEM;
	r->buf = buf;
	r->size = size;
	return 0;
}

static int read_more(struct records *r)
{
	int err = make_room(r);

	if (err < 0)
		return err;
	ssize_t n = read(r->fd, r->buf + r->end, r->size - r->end);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	r->end += (size_t)n;
	r->at_end = n == 0;
	return 0;
}

int records_next(struct records *r, struct iovec *records, unsigned int n)
{
	unsigned int got = 0;

	for (;;) {
		while (got < n && cut(r, &records[got]))
			got++;
		if (got || r->at_end)
			return (int)got;
		int err = read_more(r);

		if (err < 0)
			return err;
	}
}
