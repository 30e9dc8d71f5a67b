/* SPDX-License-Identifier: MIT */
/* Insisting, and messages whose bytes can be checked: see lib.h. */
#include "tests/conformance/lib.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void failed(const char *file, int line)
{
	if (parent.pid)
		_exit(1);
	_fail(file, line);
}

void must_be_true(bool is, const char *what, const char *file, int line)
{
	if (is)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	failed(file, line);
}

void must_be_equal(intmax_t is, intmax_t wanted, const char *what,
		   const char *file, int line)
{
	if (is == wanted)
		return;
	fprintf(stderr, "%s:%d: %s is %jd%s%s, not %jd%s%s\n", file, line, what,
		is, is < 0 ? " " : "", is < 0 ? via_strerror(is) : "", wanted,
		wanted < 0 ? " " : "", wanted < 0 ? via_strerror(wanted) : "");
	failed(file, line);
}

void skip_test(const char *why)
{
	print_message("# SKIP %s\n", why);
	skip();
	abort(); /* skip() does not return, but does not say so */
}

/* ---- numbers and bytes */

unsigned int rounds(unsigned int n)
{
	return getenv("VIA_LONG") ? n * 50 : n;
}

int64_t patience(void)
{
	return via_deadline(120 * 1000 * MS);
}

/* The finaliser of splitmix64. */
uint64_t hashed(uint64_t i)
{
	i += UINT64_C(0x9e3779b97f4a7c15);
	i = (i ^ i >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	i = (i ^ i >> 27) * UINT64_C(0x94d049bb133111eb);
	return i ^ i >> 31;
}

size_t len_of(uint64_t seq, size_t max)
{
	uint64_t h = hashed(seq);

	return (h & ((UINT64_C(1) << (h >> 32) % 24) - 1)) % (max + 1);
}

void *scratch(unsigned int i, size_t size)
{
	static struct {
		void *mem;
		size_t size;
	} pool[3];

	if (pool[i].size < size) {
		free(pool[i].mem);
		pool[i].mem = malloc(size);
		pool[i].size = size;
		must(pool[i].mem != NULL);
	}
	return pool[i].mem;
}

static uint64_t pattern(unsigned int sender, uint64_t seq, size_t len, size_t i)
{
	return hashed(seq << 8 | sender) + (len + i) * 0x9e3779b9;
}

void fill(void *buf, size_t len, unsigned int sender, uint64_t seq)
{
	unsigned char *p = buf;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = pattern(sender, seq, len, i);

		memcpy(p + i, &word, len - i < 8 ? len - i : 8);
	}
}

bool intact(const void *buf, size_t len, unsigned int sender, uint64_t seq)
{
	const unsigned char *p = buf;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = pattern(sender, seq, len, i);

		if (memcmp(p + i, &word, len - i < 8 ? len - i : 8))
			return false;
	}
	return true;
}

/* ---- messages */

void send_one(struct via_channel *ch, unsigned int sender, uint64_t seq,
	      size_t len)
{
	void *buf = scratch(0, len + 1);

	fill(buf, len, sender, seq);
	must_ok(via_send(ch, buf, len, patience()));
}

void recv_one(struct via_channel *ch, unsigned int sender, uint64_t seq,
	      size_t len)
{
	void *buf = scratch(1, len + 1);

	must_eq(via_recv(ch, buf, len + 1, patience()), (intmax_t)len);
	must(intact(buf, len, sender, seq));
}

void recv_end(struct via_channel *ch)
{
	char buf[1];

	must_eq(via_recv(ch, buf, sizeof(buf), patience()), -EPIPE);
}

void send_half(struct via_channel *ch, unsigned int sender, uint64_t seq,
	       size_t len)
{
	void *buf = scratch(0, len);

	fill(buf, len, sender, seq);
	must_ok(via_send(ch, buf, len, via_deadline(MS)));
	must_eq(via_flush(ch, VIA_NO_WAIT), -EAGAIN);
}

void finish(struct via_channel *ch)
{
	must_ok(via_close(ch, patience()));
}
