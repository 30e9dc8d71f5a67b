/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <via/via.h>

#include "bench/carry.h"
#include "bench/loops.h"
#include "bench/xxh64.h"

struct file {
	const uint8_t *data;
	size_t len;
};

static int file_map(struct bench_plan *plan, struct file *ret)
{
	int fd = open(plan->file, O_RDONLY | O_CLOEXEC), r = 0;
	struct stat st;

	if (fd < 0)
		return bench_fail(plan, -errno, "%s: %s", plan->file,
				  strerror(errno));
	ret->len = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
		r = bench_fail(plan, -EINVAL,
			       "%s is not a file with something in it",
			       plan->file);
	else
		ret->len = (size_t)st.st_size;
	ret->data = r < 0 ? NULL
			  : mmap(NULL, ret->len, PROT_READ,
				 MAP_SHARED | MAP_POPULATE, fd, 0);
	if (ret->data == MAP_FAILED)
		r = bench_fail(plan, -errno, "%s: %s", plan->file,
			       strerror(errno));
	close(fd);
	return r;
}

static size_t piece(const struct file *f, size_t at, size_t size)
{
	return f->len - at < size ? f->len - at : size;
}

static int send_pass(struct bench_side *s, const struct file *f,
		     struct xxh64 *sum)
{
	size_t len;

	for (size_t at = 0; at < f->len; at += len) {
		len = piece(f, at, s->size);
		int r = via_send(s->out, f->data + at, len, VIA_NEVER);

		if (r < 0)
			return r;
		if (sum)
			xxh64_add(sum, f->data + at, len);
		bench_progress(s, s->plan->progress + 1);
	}
	return 0;
}

int carry_source(struct bench_side *s)
{
	struct bench_plan *plan = s->plan;
	struct xxh64 sum;
	struct file f;
	int r = file_map(plan, &f);

	if (r < 0)
		return r;
	xxh64_init(&sum);
	r = send_pass(s, &f, &sum);
	plan->sample.sum[BENCH_SENDER] = xxh64_sum(&sum);

	int64_t end = bench_now() + plan->time_ns;
	bool last = false;

	bench_begin(s);
	for (uint64_t pass = 1; r == 0 && !last; pass++) {
		last = bench_now() >= end;
		if (last)
			/* The messages that follow carry it to the other
			 * side, which looks after the first of them. */
			__atomic_store_n(&plan->last_pass, pass,
					 __ATOMIC_RELEASE);
		r = send_pass(s, &f, NULL);
	}
	bench_end(s);
	munmap((void *)f.data, f.len);
	return r;
}

/* Is this the piece at that place, as far as its length and ends tell? */
static bool looks_right(const struct file *f, size_t at, const uint8_t *data,
			size_t len, size_t size)
{
	size_t edge = len < 8 ? len : 8;

	return len == piece(f, at, size) && !memcmp(data, f->data + at, edge) &&
	       !memcmp(data + len - edge, f->data + at + len - edge, edge);
}

static int recv_pass(struct bench_side *s, const struct file *f,
		     struct xxh64 *sum)
{
	for (size_t at = 0; at < f->len;) {
		ssize_t n = via_recv(s->in, s->buf, s->size, VIA_NEVER);

		if (n < 0)
			return (int)n;
		if (!looks_right(f, at, s->buf, (size_t)n, s->size))
			return bench_fail(s->plan, -EBADMSG,
					  "what arrived is not the file");
		if (sum)
			xxh64_add(sum, s->buf, (size_t)n);
		at += (size_t)n;
	}
	return 0;
}

int carry_sink(struct bench_side *s)
{
	struct bench_sample *sample = &s->plan->sample;
	struct xxh64 sum;
	struct file f;
	int r = file_map(s->plan, &f);

	if (r < 0)
		return r;
	xxh64_init(&sum);
	r = recv_pass(s, &f, &sum);
	sample->sum[BENCH_RECEIVER] = xxh64_sum(&sum);

	int64_t begin = bench_now();
	uint64_t pass = 0, last = 0;

	bench_begin(s);
	while (r == 0 && !(last && pass == last)) {
		r = recv_pass(s, &f, NULL);
		pass++;
		/* Acquire: pairs with the sender's release; set before any
		 * message of the last pass was sent. */
		last = __atomic_load_n(&s->plan->last_pass, __ATOMIC_ACQUIRE);
	}
	sample->ns = bench_now() - begin;
	sample->messages = pass * ((f.len + s->size - 1) / s->size);
	sample->bytes = pass * f.len;
	bench_end(s);
	munmap((void *)f.data, f.len);
	return r;
}
