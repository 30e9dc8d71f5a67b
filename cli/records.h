/* SPDX-License-Identifier: MIT */
/*
 * Input cut into records. A record is given out as soon as it is complete:
 * nothing is read while one is there, so a line typed is a line sent.
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct records {
	/* The caller's: where a record ends. */
	int separator; /* a byte, left out; or NO_SEPARATOR: */
	size_t block;  /* then after so many bytes; SIZE_MAX: at the end */
	size_t max;    /* the longest record that is of use */

	/* Private; zero at first. */
	int fd;
	char *buf;
	size_t size, start, end;
	size_t looked; /* no separator in buf[start..looked) */
	bool at_end;
};

#define RECORDS_NO_SEPARATOR (-1)

/* Read from fd now, which stays the caller's. */
void records_start(struct records *r, int fd);

/*
 * The next records, 1 to n of them, valid until the next call. What comes
 * after the last separator is a record too. Returns how many, 0 at the end of
 * the input, -EMSGSIZE (one is longer than max), -ENOMEM, -errno of read().
 */
int records_next(struct records *r, struct iovec *records, unsigned int n);

void records_fini(struct records *r);

#endif
