/* SPDX-License-Identifier: MIT */
/* Lanes: every offset, every length, hostile peers, and two threads. */
#include "ring/lane.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ring/sealed.h"
#include "tests/check.h"

#define RING ((size_t)64 << 10)

/* Both sides of a lane, in one process. */
struct lane {
	struct via__sealed memory;
	struct via__lane_page head;
	struct via__lane_writer writer;
	struct via__lane_reader reader;
	bool copies; /* put() copies, or else builds in place */
};

static struct via__lane_page *page_of(struct lane *l)
{
	return (struct via__lane_page *)(void *)l->memory.base;
}

static uint64_t *header_at(struct lane *l, uint64_t at)
{
	return (uint64_t *)(void *)(l->memory.ring + (at & (RING - 1)));
}

/* With all cursors at start, as if so much had gone through it already. */
static void lane_init(struct lane *l, uint64_t start)
{
	memset(&l->head, 0, sizeof(l->head));
	memset(page_of(l), 0, sizeof(l->head));
	via__lane_writer_init(&l->writer, page_of(l), l->memory.ring, RING);
	via__lane_reader_init(&l->reader, &l->head, page_of(l), l->memory.ring,
			      RING);
	via__lane_meet(&l->writer, &l->head, false);
	l->head.cursor = start;
	l->writer.tail = l->writer.zeroed = start;
	l->writer.room = start + RING;
	l->reader.read = start;
	l->reader.done = l->reader.head = start;
	l->reader.due = start + RING / 8;
	l->reader.limit = start + RING;
	*header_at(l, start) = 0;
}

static struct lane *lane_new(void)
{
	struct lane *l = aligned_alloc(128, (sizeof(*l) + 127) / 128 * 128);
	int fd;

	assert_non_null(l);
	assert_int_equal(
		via__sealed_make("test", RING, 0, &l->memory, &fd, NULL), 0);
	close(fd);
	l->copies = false;
	lane_init(l, 0);
	return l;
}

static void lane_free(struct lane *l)
{
	via__sealed_unmap(&l->memory);
	free(l);
}

/* Bytes that tell where they belong. */
static void fill(char *at, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (char)(seed * 31 + i);
}

static bool filled(const char *at, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != (char)(seed * 31 + i))
			return false;
	return true;
}

/* Which with a length of 0 must not be 0. */
static uint32_t flags_of(uint64_t seed)
{
	return (uint32_t)seed | UINT32_C(1) << 31;
}

static bool put(struct lane *l, size_t len, uint64_t seed)
{
	char *at = via__lane_claim(&l->writer, len);

	if (!at)
		return false;
	if (l->copies) {
		char *data = malloc(len + 1);

		assert_non_null(data);
		fill(data, len, seed);
		(void)via__lane_write(&l->writer, at, data, len,
				      flags_of(seed));
		free(data);
		return true;
	}
	fill(at, len, seed);
	(void)via__lane_commit(&l->writer, at, len, flags_of(seed));
	return true;
}

static void get(struct lane *l, size_t len, uint64_t seed)
{
	struct via__record r = {0};

	assert_int_equal(via__lane_peek(&l->reader, &r), 0);
	assert_int_equal(r.len, len);
	assert_int_equal(r.flags, flags_of(seed));
	assert_true(filled(r.data, len, seed));
	via__lane_pass(&l->reader, &r);
	(void)via__lane_free(&l->reader);
}

static void keeps_records_at_every_offset(void **state)
{
	struct lane *l = lane_new();
	static const size_t lengths[] = {
		0, 1, 7, 8, 9, 63, 64, 65, 4096, RING / 4, 1000, RING - 16};
	(void)state;
	/* Cursors run on for ever: also over the end of their range. */
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t step = lengths[i] > 100 ? 1016 : 8;

		for (uint64_t at = 0; at < RING; at += step) {
			lane_init(l, at - RING / 2);
			l->copies = at / step % 2;
			assert_true(put(l, lengths[i], at));
			get(l, lengths[i], at);
			assert_true(via__lane_dry(&l->reader));
		}
	}
	lane_free(l);
}

static void keeps_every_length(void **state)
{
	struct lane *l = lane_new();

	(void)state;
	for (int copies = 0; copies < 2; copies++) {
		l->copies = copies;
		for (size_t len = 0; len <= RING / 4;
		     len += len < 2000 ? 1 : 97) {
			while (!put(l, len, len))
				assert_int_equal(via__lane_refresh(&l->writer),
						 0);
			get(l, len, len);
		}
	}
	lane_free(l);
}

/* Write what nobody will get. */
static void scribble(struct lane *l, size_t len)
{
	char *at = via__lane_claim(&l->writer, len);

	via__lane_lent(&l->writer);
	memset(at, 0xff, len);
}

/* Zeroes that were put in early are still there when they are counted on, or
 * put in again. */
static void is_dry_after_each_record(void **state)
{
	struct lane *l = lane_new();
	static const size_t lengths[] = {0, 8, 64, 64, 64, 72, 136, 200};
	uint64_t random = 1;

	(void)state;
	memset(l->memory.ring, 0xff, RING);
	lane_init(l, (uint64_t)-RING);
	for (uint64_t i = 0; i < 200000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		size_t len = lengths[random >> 61];

		if (random >> 58 & 1)
			scribble(l, lengths[random >> 55 & 7]);
		l->copies = random >> 50 & 7;
		assert_true(put(l, len, i));
		get(l, len, i);
		assert_true(via__lane_dry(&l->reader));
		assert_int_equal(via__lane_refresh(&l->writer), 0);
	}
	lane_free(l);
}

static void says_full_and_dry(void **state)
{
	struct lane *l = lane_new();
	struct via__record r = {0};
	uint64_t n = 0;

	(void)state;
	assert_int_equal(via__lane_peek(&l->reader, &r), -EAGAIN);
	assert_non_null(via__lane_claim(&l->writer, RING - 16));
	assert_null(via__lane_claim(&l->writer, RING - 15));
	while (put(l, 100, n))
		n++;
	assert_int_equal(n, RING / 112);
	assert_int_equal(via__lane_refresh(&l->writer), 0);
	assert_null(via__lane_claim(&l->writer, 100));
	for (uint64_t i = 0; i < n; i++)
		get(l, 100, i);
	assert_int_equal(via__lane_peek(&l->reader, &r), -EAGAIN);
	assert_null(via__lane_claim(&l->writer, RING / 2));
	assert_int_equal(via__lane_refresh(&l->writer), 0);
	assert_non_null(via__lane_claim(&l->writer, RING / 2));
	lane_free(l);
}

static void nothing_is_lost_before_they_meet(void **state)
{
	struct lane *l = lane_new();

	(void)state;
	via__lane_writer_init(&l->writer, page_of(l), l->memory.ring, RING);
	char *at = via__lane_claim(&l->writer, 5);

	fill(at, 5, 1);
	assert_true(via__lane_commit(&l->writer, at, 5, flags_of(1)));
	at = via__lane_claim(&l->writer, 6);
	fill(at, 6, 2);
	assert_true(via__lane_commit(&l->writer, at, 6, flags_of(2)));
	assert_int_equal(via__lane_refresh(&l->writer), 0);
	assert_false(via__lane_drained(&l->writer));
	via__lane_meet(&l->writer, &l->head, false);
	get(l, 5, 1);
	get(l, 6, 2);
	(void)via__lane_show(&l->reader);
	assert_true(via__lane_drained(&l->writer));
	via__lane_part(&l->writer);
	assert_null(via__lane_claim(&l->writer, 0));
	lane_free(l);
}

static void judges_the_readers_cursor(void **state)
{
	struct lane *l = lane_new();

	(void)state;
	for (int64_t by = -(int64_t)RING * 2; by <= (int64_t)RING * 2; by++) {
		bool right = by >= 0 && by <= 4096 && by % 8 == 0;
		uint64_t start = RING * 3;

		lane_init(l, start);
		l->writer.tail = start + 4096;
		l->head.cursor = start + (uint64_t)by;
		assert_int_equal(via__lane_refresh(&l->writer),
				 right ? 0 : -EPROTO);
	}
	lane_free(l);
}

static void judge(struct lane *l, uint64_t len, bool right)
{
	struct via__record r = {0};

	assert_false(via__lane_dry(&l->reader));
	assert_int_equal(via__lane_peek(&l->reader, &r), right ? 0 : -EPROTO);
	if (right)
		assert_true(r.len == len && r.flags == len + 1);
}

/* Whatever a header says, the record is within the room there can have been,
 * and 8 bytes of that are behind it. */
static void judges_headers(void **state)
{
	struct lane *l = lane_new();
	static const uint64_t starts[] = {0, 8, RING - 8, RING, (uint64_t)-8};
	static const uint64_t unshown[] = {0, 8, 4096, RING / 2, RING - 8};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		for (size_t j = 0; j < sizeof(unshown) / sizeof(*unshown);
		     j++) {
			uint64_t room = RING - unshown[j] - 8;
			uint64_t *header;

			lane_init(l, starts[i]);
			l->reader.read += unshown[j];
			header = header_at(l, l->reader.read);
			for (uint64_t len = 0; len <= 3 * RING; len++) {
				*header = len | (len + 1) << 32;
				judge(l, len, via__lane_span(len) <= room);
			}
			for (int bit = 17; bit < 32; bit++) {
				*header = UINT64_C(1) << bit;
				judge(l, 0, false);
			}
			*header = UINT32_MAX;
			judge(l, 0, false);
		}
	}
	lane_free(l);
}

static void rings_once_for_each_sleep(void **state)
{
	struct lane *l = lane_new();
	struct via__lane_bell *reader = &l->reader.bell;
	struct via__lane_bell *writer = &l->writer.bell;

	(void)state;
	assert_true(put(l, 1, 1));
	assert_false(via__lane_wanted(writer));
	assert_int_equal(via__lane_heard(reader), -EPROTO);

	(void)via__lane_arm(reader);
	char *at = via__lane_claim(&l->writer, 1);

	fill(at, 1, 2);
	assert_true(via__lane_commit(&l->writer, at, 1, 2));
	via__lane_ring(writer);
	at = via__lane_claim(&l->writer, 1);
	fill(at, 1, 3);
	assert_false(via__lane_commit(&l->writer, at, 1, 3));

	/* Until the bell has come, arming again asks for no other. */
	(void)via__lane_arm(reader);
	assert_false(via__lane_wanted(writer));
	assert_int_equal(via__lane_heard(reader), 0);
	assert_int_equal(via__lane_heard(reader), -EPROTO);
	(void)via__lane_arm(reader);
	assert_true(via__lane_wanted(writer));
	lane_free(l);
}

/* --- Two threads --- */

#define N_STRESS 200000

/* One side going to sleep and being woken, over an eventfd. */
struct side {
	struct via__lane_bell *bell;
	int mine, theirs;
	unsigned int sleeps;
};

static void ring(struct side *s)
{
	uint64_t one = 1;

	via__lane_ring(s->bell);
	if (write(s->theirs, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* Sleeps only if ready() stays false after arming. */
static void wait_until(struct side *s, bool (*ready)(struct lane *),
		       struct lane *l)
{
	struct pollfd p = {.fd = s->mine, .events = POLLIN};
	uint64_t n;

	if (read(s->mine, &n, sizeof(n)) == sizeof(n))
		while (n--)
			if (via__lane_heard(s->bell))
				abort();
	if (via__lane_arm(s->bell))
		via__lane_barrier();
	if (ready(l))
		return;
	s->sleeps++;
	if (poll(&p, 1, 20000) != 1)
		abort(); /* a bell was lost */
}

static bool has_record(struct lane *l)
{
	return !via__lane_dry(&l->reader);
}

static bool has_room(struct lane *l)
{
	return via__lane_refresh(&l->writer) == 0 &&
	       via__lane_claim(&l->writer, RING / 4);
}

struct stress {
	struct lane *lane;
	struct side reader, writer;
};

/* Lengths that fill the ring now and leave it dry then. */
static size_t length(uint64_t i)
{
	uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15);

	return x >> 63	 ? 64
	       : x >> 56 ? (x >> 40) % 200
			 : (x >> 40) % (RING / 4);
}

static void *write_all(void *arg)
{
	static char data[RING / 4];
	struct stress *s = arg;
	struct lane *l = s->lane;

	for (uint64_t i = 0; i < N_STRESS; i++) {
		size_t len = length(i);
		char *at;

		while (!(at = via__lane_claim(&l->writer, len)))
			wait_until(&s->writer, has_room, l);
		char *to = i % 4 ? data : at;

		fill(to, len < 16 ? len : 16, i);
		if (to == at
			    ? via__lane_commit(&l->writer, at, len, flags_of(i))
			    : via__lane_write(&l->writer, at, data, len,
					      flags_of(i)))
			ring(&s->writer);
		if (i % 1000 == 0)
			sched_yield();
	}
	return NULL;
}

static void read_all(struct stress *s)
{
	struct lane *l = s->lane;

	for (uint64_t i = 0; i < N_STRESS; i++) {
		struct via__record r = {0};

		while (via__lane_peek(&l->reader, &r) == -EAGAIN) {
			if (via__lane_show(&l->reader))
				ring(&s->reader);
			wait_until(&s->reader, has_record, l);
		}
		assert_int_equal(r.len, length(i));
		assert_int_equal(r.flags, flags_of(i));
		assert_true(filled(r.data, r.len < 16 ? r.len : 16, i));
		via__lane_pass(&l->reader, &r);
		if (via__lane_free(&l->reader))
			ring(&s->reader);
	}
}

static void stress(bool asymmetric)
{
	struct lane *l = lane_new();
	int fd[2] = {eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK)};
	struct stress s = {
		.lane = l,
		.reader = {&l->reader.bell, fd[0], fd[1], 0},
		.writer = {&l->writer.bell, fd[1], fd[0], 0},
	};
	pthread_t thread;

	l->reader.bell.asymmetric = l->writer.bell.asymmetric = asymmetric;
	assert_int_equal(pthread_create(&thread, NULL, write_all, &s), 0);
	read_all(&s);
	pthread_join(thread, NULL);
	print_message("# the reader slept %u times, the writer %u\n",
		      s.reader.sleeps, s.writer.sleeps);
	assert_true(s.reader.sleeps + s.writer.sleeps > 0);
	close(fd[0]);
	close(fd[1]);
	lane_free(l);
}

/*
 * The moment that matters, over and over: one side publishes and looks for a
 * count while the other counts and looks for a record. If neither sees the
 * other, a bell is lost.
 */
#define N_MOMENTS 50000

struct moment {
	struct lane *lane;
	_Atomic int begun, over; /* the moment that each side is in */
	bool wanted;
};

static void wait_for(_Atomic int *counter, int i)
{
	for (int n = 0; atomic_load(counter) != i; n++)
		if (n > 1000)
			sched_yield();
}

static void *publish_all(void *arg)
{
	struct moment *m = arg;
	struct lane *l = m->lane;

	for (int i = 1; i <= N_MOMENTS; i++) {
		wait_for(&m->begun, i);
		m->wanted = via__lane_commit(&l->writer,
					     via__lane_at(&l->writer), 0, 1);
		atomic_store(&m->over, i);
	}
	return NULL;
}

static void moments(bool asymmetric)
{
	struct lane *l = lane_new();
	struct moment m = {.lane = l};
	int neither = 0;
	pthread_t thread;

	l->reader.bell.asymmetric = l->writer.bell.asymmetric = asymmetric;
	l->writer.room = UINT64_MAX;
	assert_int_equal(pthread_create(&thread, NULL, publish_all, &m), 0);
	for (int i = 1; i <= N_MOMENTS; i++) {
		struct via__record record = {0};

		atomic_store(&m.begun, i);
		for (volatile int wait = 0; wait < i % 64; wait++)
			;
		if (via__lane_arm(&l->reader.bell))
			via__lane_barrier();
		bool seen = !via__lane_dry(&l->reader);

		wait_for(&m.over, i);
		neither += !seen && !m.wanted;
		assert_int_equal(via__lane_peek(&l->reader, &record), 0);
		via__lane_pass(&l->reader, &record);
		(void)via__lane_free(&l->reader);
		via__lane_ring(&l->writer.bell);
		assert_int_equal(via__lane_heard(&l->reader.bell), 0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(neither, 0);
	lane_free(l);
}

static void no_moment_is_missed_with_fences(void **state)
{
	(void)state;
	moments(false);
}

static void no_moment_is_missed_with_barriers(void **state)
{
	(void)state;
	if (!via__lane_can_barrier())
		check_skip("membarrier(2)");
	moments(true);
}

static void two_threads_with_fences(void **state)
{
	(void)state;
	stress(false);
}

static void two_threads_with_barriers(void **state)
{
	(void)state;
	if (!via__lane_can_barrier())
		check_skip("membarrier(2)");
	stress(true);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(keeps_records_at_every_offset),
	CHECK_TEST(keeps_every_length),
	CHECK_TEST(is_dry_after_each_record),
	CHECK_TEST(says_full_and_dry),
	CHECK_TEST(nothing_is_lost_before_they_meet),
	CHECK_TEST(judges_the_readers_cursor),
	CHECK_TEST(judges_headers),
	CHECK_TEST(rings_once_for_each_sleep),
	CHECK_TEST(no_moment_is_missed_with_fences),
	CHECK_TEST(no_moment_is_missed_with_barriers),
	CHECK_TEST(two_threads_with_fences),
	CHECK_TEST(two_threads_with_barriers),
};
CHECK_MAIN(tests)
