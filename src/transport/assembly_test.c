/* SPDX-License-Identifier: MIT */
#include "transport/assembly.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/check.h"

#define FIRST VIA__FRAME_FIRST
#define LAST  VIA__FRAME_LAST
#define KIB   (1u << 10)
#define MAX   (1u << 20)

#if defined(__has_feature) /* clang; gcc defines the macros below */
#define SANITIZED                                                              \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct via__end end;
static struct via__assembly a;
static struct via__fds no_fds;
static char here[VIA__META_LEN];

static void setup(unsigned int n_senders)
{
	end = (struct via__end){.max = MAX};
	assert_int_equal(via__assembly_init(&a, &end, n_senders), 0);
}

static struct via__frame frame(uint8_t flags, uint64_t sender, uint64_t seq,
			       uint32_t len, uint64_t total)
{
	return (struct via__frame){flags, len, sender, seq, total};
}

/* A whole message of this sender. */
static int whole(uint64_t sender, uint64_t seq, struct via__in *in)
{
	struct via__frame f = frame(FIRST | LAST, sender, seq, 4, 4);

	return via__assembly_whole(&a, &f, here, &no_fds, in);
}

static int start_piece(uint8_t flags, uint64_t sender, uint64_t seq,
		       uint32_t len, uint64_t total, const struct via__in *in,
		       struct via__sender **ret)
{
	struct via__frame f = frame(flags, sender, seq, len, total);

	return via__assembly_piece(&a, &f, &no_fds, in, ret);
}

static void put(struct via__sender *s, size_t len, char byte)
{
	while (len) {
		uint8_t *to;
		ssize_t n = via__assembly_room(&a, s, len, &to);

		assert_in_range(n, 1, len);
		memset(to, byte, (size_t)n);
		via__assembly_filled(s, (size_t)n);
		len -= (size_t)n;
	}
}

/* A piece with len bytes of this kind. */
static struct via__sender *piece(uint8_t flags, uint64_t sender, uint64_t seq,
				 uint32_t len, uint64_t total, char byte,
				 const struct via__in *in)
{
	struct via__sender *s = NULL;

	assert_int_equal(start_piece(flags, sender, seq, len, total, in, &s),
			 0);
	put(s, len, byte);
	return s;
}

static void give(struct via__sender *s, struct via__in *in)
{
	assert_int_equal(via__assembly_give(&a, s, in), 0);
}

static void assert_bytes(const void *data, char byte, size_t n)
{
	const char *p = data;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], byte);
}

static void whole_message_stays_where_it_is(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};
	struct via__frame f = frame(FIRST | LAST | VIA__FRAME_META, 7, 0,
				    VIA__META_LEN, VIA__META_LEN);

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, here, &no_fds, &in), 0);
	assert_ptr_equal(in.data, here);
	assert_int_equal(in.len, VIA__META_LEN);
	assert_true(in.meta);
	assert_int_equal(info.sender, 7);
	assert_int_equal(info.seq, 0);
	assert_int_equal(info.gap, 0);
	assert_int_equal(info.pid, -1);
	assert_int_equal(info.n_fds, 0);
	assert_false(a.held);
	via__assembly_fini(&a);
}

static void gaps_are_counted_and_repeats_refused(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};

	setup(1);
	assert_int_equal(whole(7, 2, &in), 0);
	assert_int_equal(info.gap, 2);
	assert_int_equal(whole(7, 3, &in), 0);
	assert_int_equal(info.gap, 0);
	assert_int_equal(whole(7, 3, &in), -EPROTO);
	assert_int_equal(whole(7, 0, &in), -EPROTO);
	assert_int_equal(whole(7, 10, &in), 0);
	assert_int_equal(info.gap, 6);
	via__assembly_fini(&a);
}

static void a_shared_medium_may_start_anywhere(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};

	setup(2);
	assert_int_equal(whole(7, 1000, &in), 0);
	assert_int_equal(info.gap, 0);
	assert_int_equal(whole(8, 0, &in), 0);
	assert_int_equal(end.stats.joined, 2);
	assert_int_equal(whole(7, 1000, &in), -EPROTO);
	via__assembly_end(&a);
	assert_int_equal(end.stats.left, 2);
	assert_int_equal(end.stats.dropped, 0);
	via__assembly_fini(&a);
}

static void own_connection_has_one_sender(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(1);
	assert_int_equal(whole(0, 0, &in), -EPROTO);
	assert_int_equal(whole(7, 0, &in), 0);
	assert_int_equal(whole(8, 0, &in), -EPROTO);
	assert_non_null(strstr(end.error.text, "another sender"));
	assert_int_equal(end.stats.joined, 0);
	via__assembly_fini(&a);
}

static void pieces_go_to_the_receivers_buffer(void **state)
{
	(void)state;
	static char buf[8];
	struct via_msg info;
	struct via__in in = {.buf = buf, .size = 8, .info = &info};

	setup(1);
	(void)piece(FIRST, 7, 0, 3, 8, 'a', &in);
	(void)piece(0, 7, 0, 2, 8, 'b', &in);
	struct via__sender *s = piece(LAST, 7, 0, 3, 8, 'c', &in);

	give(s, &in);
	assert_ptr_equal(in.data, buf);
	assert_int_equal(in.len, 8);
	assert_memory_equal(buf, "aaabbccc", 8);
	assert_false(a.held);
	assert_int_equal(info.sender, 7);
	assert_int_equal(whole(7, 1, &in), 0);
	assert_int_equal(info.gap, 0);
	via__assembly_fini(&a);
}

static void what_does_not_fit_is_shown_in_own_memory(void **state)
{
	(void)state;
	char buf[4];
	struct via__in in = {.buf = buf, .size = 4};
	void *first;

	setup(1);
	(void)piece(FIRST, 7, 0, 3, 8, 'a', &in);
	give(piece(LAST, 7, 0, 5, 8, 'b', &in), &in);
	assert_true(a.held);
	assert_memory_equal(in.data, "aaabbbbb", 8);
	first = in.data;
	via__assembly_release(&a);
	assert_false(a.held);
	/* The next one finds the memory of this one. */
	in.buf = NULL;
	give(piece(FIRST | LAST, 7, 1, 5, 5, 'c', &in), &in);
	assert_ptr_equal(in.data, first);
	via__assembly_fini(&a);
}

static void memory_grows_with_what_arrives(void **state)
{
	(void)state;
	struct via__in in = {0};

	setup(1);
	struct via__sender *s = piece(FIRST, 7, 0, 100, MAX, 'a', &in);

	assert_in_range(s->block.size, 100, 64 * KIB);
	s = piece(0, 7, 0, 64 * KIB, MAX, 'a', &in);
	assert_in_range(s->block.size, 64 * KIB, 128 * KIB);
	s = piece(LAST, 7, 0, MAX - 64 * KIB - 100, MAX, 'a', &in);
	assert_int_equal(s->block.size, MAX);
	give(s, &in);
	assert_bytes(in.data, 'a', MAX);
	via__assembly_fini(&a);
}

static void senders_interleave(void **state)
{
	(void)state;
	char buf[8];
	struct via__in in = {.buf = buf, .size = sizeof(buf)};
	struct via__sender *s;

	setup(4);
	for (uint64_t id = 1; id <= 3; id++)
		(void)piece(FIRST, id, 0, 2, 6, (char)('0' + id), &in);
	for (uint64_t id = 1; id <= 3; id++)
		(void)piece(0, id, 0, 3, 6, (char)('a' + id), &in);
	for (uint64_t id = 3; id >= 1; id--) {
		char want[] = {(char)('0' + id), (char)('a' + id),
			       (char)('A' + id)};

		s = piece(LAST, id, 0, 1, 6, want[2], &in);
		give(s, &in);
		assert_int_equal(in.len, 6);
		assert_bytes(in.data, want[0], 2);
		assert_bytes((char *)in.data + 2, want[1], 3);
		assert_bytes((char *)in.data + 5, want[2], 1);
		via__assembly_release(&a);
	}
	assert_int_equal(end.stats.dropped, 0);
	via__assembly_fini(&a);
}

/* The buffer is about to be given another message. */
static void another_senders_message_parks_the_half(void **state)
{
	(void)state;
	char buf[4];
	struct via__in in = {.buf = buf, .size = 4};

	setup(2);
	(void)piece(FIRST, 1, 0, 2, 4, 'a', &in);
	assert_int_equal(whole(2, 0, &in), 0);
	memset(buf, 'x', sizeof(buf));
	give(piece(LAST, 1, 0, 2, 4, 'b', &in), &in);
	assert_memory_equal(in.data, "aabb", 4);
	via__assembly_fini(&a);
}

static void park_keeps_what_is_there(void **state)
{
	(void)state;
	static char buf[200 * KIB];
	struct via__in in = {.buf = buf, .size = sizeof(buf)};

	setup(1);
	assert_int_equal(via__assembly_park(&a), 0);
	(void)piece(FIRST, 7, 0, 150 * KIB, 160 * KIB, 'a', &in);
	assert_int_equal(via__assembly_park(&a), 0);
	assert_int_equal(via__assembly_park(&a), 0);
	memset(buf, 'x', sizeof(buf));
	give(piece(LAST, 7, 0, 10 * KIB, 160 * KIB, 'b', &in), &in);
	assert_bytes(in.data, 'a', 150 * KIB);
	assert_bytes((char *)in.data + 150 * KIB, 'b', 10 * KIB);
	via__assembly_fini(&a);
}

/* What cannot be kept is dropped: the receiver's buffer is his again. */
static void park_without_memory_lets_go(void **state)
{
	enum {
		LEN = 32u << 20
	};
	struct rlimit before, none = {1, 0};

	(void)state;
	if (SANITIZED)
		check_skip("an allocator that may fail");

	char *buf = malloc(LEN);
	struct via__in in = {.buf = buf, .size = LEN};

	assert_non_null(buf);
	setup(1);
	a.end->max = LEN;
	(void)piece(FIRST, 7, 0, LEN - 1, LEN, 'a', &in);
	assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_DATA, &none), 0);

	int r = via__assembly_park(&a);

	assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(end.stats.dropped, 1);
	assert_int_equal(via__assembly_park(&a), 0);
	assert_int_equal(whole(7, 1, &in), 0);
	via__assembly_fini(&a);
	free(buf);
}

static void new_start_drops_the_half(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};

	setup(1);
	(void)piece(FIRST, 7, 0, 2, 4, 'a', &in);
	assert_int_equal(whole(7, 1, &in), 0);
	assert_int_equal(end.stats.dropped, 1);
	assert_int_equal(info.gap, 1);
	(void)piece(FIRST, 7, 2, 2, 4, 'b', &in);
	(void)piece(FIRST, 7, 3, 2, 4, 'c', &in);
	assert_int_equal(end.stats.dropped, 2);
	via__assembly_end(&a);
	assert_int_equal(end.stats.dropped, 3);
	via__assembly_end(&a);
	assert_int_equal(end.stats.dropped, 3);
	via__assembly_fini(&a);
}

static void max_is_kept(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;
	struct via__frame f = frame(FIRST | LAST, 7, 0, MAX + 1, MAX + 1);

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, here, &no_fds, &in),
			 -EPROTO);
	assert_non_null(strstr(end.error.text, "max"));
	assert_int_equal(start_piece(FIRST, 7, 0, 1, UINT64_MAX, &in, &s),
			 -EPROTO);
	assert_int_equal(start_piece(FIRST, 7, 0, 1, MAX, &in, &s), 0);
	/* The meta block comes on top. */
	f = frame(FIRST | VIA__FRAME_META, 7, 1, 1, MAX + VIA__META_MAX);
	assert_int_equal(via__assembly_piece(&a, &f, &no_fds, &in, &s), 0);
	f = frame(FIRST | VIA__FRAME_META, 7, 2, 1, MAX + VIA__META_MAX + 1);
	assert_int_equal(via__assembly_piece(&a, &f, &no_fds, &in, &s),
			 -EPROTO);
	via__assembly_fini(&a);
}

static void meta_block_must_be_one(void **state)
{
	(void)state;
	struct via__in in = {0};
	uint8_t block[VIA__META_MAX] = {0};
	struct via__frame f = frame(FIRST | LAST | VIA__FRAME_META, 7, 0, 4, 4);
	struct via__sender *s;

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, block, &no_fds, &in),
			 -EPROTO);
	f.len = 2;
	f.flags = FIRST | VIA__FRAME_META;
	assert_int_equal(via__assembly_piece(&a, &f, &no_fds, &in, &s), 0);
	put(s, 2, 0);
	s = piece(LAST, 7, 0, 2, 4, 0, &in);
	assert_int_equal(via__assembly_give(&a, s, &in), -EPROTO);
	assert_false(a.held);
	assert_int_equal(end.stats.dropped, 1);
	via__assembly_fini(&a);
}

static void pieces_must_add_up(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;

	setup(1);
	assert_int_equal(start_piece(FIRST, 7, 0, 5, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(FIRST | LAST, 7, 0, 4, 5, &in, &s),
			 -EPROTO);
	assert_int_equal(start_piece(0, 7, 0, 1, 5, &in, &s), -EPROTO);
	(void)piece(FIRST, 7, 0, 2, 5, 'a', &in);
	assert_int_equal(start_piece(0, 7, 0, 4, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(0, 7, 0, 3, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(LAST, 7, 0, 2, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(LAST, 7, 1, 3, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(LAST, 7, 0, 3, 6, &in, &s), -EPROTO);
	assert_int_equal(start_piece(LAST, 8, 0, 3, 5, &in, &s), -EPROTO);
	assert_int_equal(start_piece(LAST, 7, 0, 3, 5, &in, &s), 0);
	via__assembly_fini(&a);
}

static void piece_without_a_start_is_skipped_where_shared(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;

	setup(2);
	assert_int_equal(start_piece(LAST, 7, 5, 3, 5, &in, &s), -ENOENT);
	assert_int_equal(whole(7, 6, &in), 0);
	assert_int_equal(start_piece(LAST, 7, 6, 3, 5, &in, &s), -ENOENT);
	assert_int_equal(start_piece(LAST, 0, 6, 3, 5, &in, &s), -EPROTO);
	assert_int_equal(end.stats.dropped, 0);
	via__assembly_fini(&a);
}

static void idle_senders_make_room(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};

	setup(3);
	(void)piece(FIRST, 1, 0, 2, 4, 'a', &in); /* oldest, but not idle */
	assert_int_equal(whole(2, 0, &in), 0);
	assert_int_equal(whole(3, 0, &in), 0);
	assert_int_equal(whole(2, 1, &in), 0);
	assert_int_equal(whole(4, 0, &in), 0); /* in the place of 3 */
	assert_int_equal(whole(2, 5, &in), 0);
	assert_int_equal(info.gap, 3);
	assert_int_equal(whole(3, 9, &in), 0); /* not known any more */
	assert_int_equal(info.gap, 0);
	assert_int_equal(end.stats.dropped, 0);
	assert_int_equal(end.stats.joined, 5);
	assert_int_equal(end.stats.left, 2);
	via__assembly_fini(&a);
}

static void oldest_half_makes_room_at_last(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;

	setup(2);
	(void)piece(FIRST, 1, 0, 2, 4, 'a', &in);
	(void)piece(FIRST, 2, 0, 2, 4, 'b', &in);
	(void)piece(FIRST, 3, 0, 2, 4, 'c', &in);
	assert_int_equal(end.stats.dropped, 1);
	assert_int_equal(start_piece(LAST, 1, 0, 2, 4, &in, &s), -ENOENT);
	give(piece(LAST, 2, 0, 2, 4, 'B', &in), &in);
	assert_memory_equal(in.data, "bbBB", 4);
	via__assembly_release(&a);
	give(piece(LAST, 3, 0, 2, 4, 'C', &in), &in);
	assert_memory_equal(in.data, "ccCC", 4);
	assert_int_equal(end.stats.dropped, 1);
	via__assembly_fini(&a);
}

static struct via__fds two_fds(void)
{
	struct via__fds fds = {.n = 2};

	for (int i = 0; i < 2; i++)
		fds.fd[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fds;
}

static void descriptors_go_with_their_message(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};
	struct via__frame f = frame(FIRST | LAST | VIA__FRAME_FDS, 7, 0, 0, 0);
	struct via__fds fds = two_fds(), copy = fds;

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, here, &fds, &in), 0);
	assert_int_equal(fds.n, 0);
	assert_int_equal(info.n_fds, 2);
	assert_memory_equal(info.fds, copy.fd, 2 * sizeof(int));
	assert_true(a.held);
	via__assembly_release(&a);
	assert_int_equal(close(info.fds[0]), 0);
	assert_int_equal(close(info.fds[1]), 0);
	via__assembly_fini(&a);
}

/* The teardown finds those that stay open. */
static void descriptors_nobody_takes_are_closed(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;
	struct via__fds fds = two_fds();
	struct via__frame f = frame(FIRST | LAST | VIA__FRAME_FDS, 7, 0, 0, 0);

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, here, &fds, &in), 0);
	fds = two_fds();
	f = frame(FIRST | VIA__FRAME_FDS, 7, 1, 1, 2);
	assert_int_equal(via__assembly_piece(&a, &f, &fds, &in, &s), 0);
	assert_int_equal(fds.n, 0);
	via__assembly_end(&a);
	fds = two_fds();
	assert_int_equal(via__assembly_piece(&a, &f, &fds, &in, &s), 0);
	via__assembly_fini(&a);
}

static void descriptors_must_be_as_announced(void **state)
{
	(void)state;
	struct via__in in = {0};
	struct via__sender *s;
	struct via__fds fds = two_fds();
	struct via__frame f = frame(FIRST | LAST, 7, 0, 0, 0);

	setup(1);
	assert_int_equal(via__assembly_whole(&a, &f, here, &fds, &in), -EPROTO);
	f.flags |= VIA__FRAME_FDS;
	assert_int_equal(via__assembly_whole(&a, &f, here, &no_fds, &in),
			 -EPROTO);
	(void)piece(FIRST, 7, 0, 1, 2, 'a', &in);
	fds = two_fds();
	f = frame(LAST | VIA__FRAME_FDS, 7, 0, 1, 2);
	assert_int_equal(via__assembly_piece(&a, &f, &fds, &in, &s), -EPROTO);
	via__assembly_fini(&a);
}

static void hello_makes_known(void **state)
{
	(void)state;
	struct via_msg info;
	struct via__in in = {.info = &info};
	struct via__frame f = frame(VIA__FRAME_HELLO, 7, 0, 0, 0);

	setup(2);
	assert_int_equal(via__assembly_hello(&a, &f), 0);
	assert_int_equal(end.stats.joined, 1);
	assert_int_equal(whole(7, 2, &in), 0);
	assert_int_equal(info.gap, 2);
	assert_int_equal(end.stats.joined, 1);
	via__assembly_forget(&a, 7);
	assert_int_equal(end.stats.left, 1);
	via__assembly_forget(&a, 7);
	assert_int_equal(end.stats.left, 1);
	via__assembly_fini(&a);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(whole_message_stays_where_it_is),
	CHECK_TEST(gaps_are_counted_and_repeats_refused),
	CHECK_TEST(a_shared_medium_may_start_anywhere),
	CHECK_TEST(own_connection_has_one_sender),
	CHECK_TEST(pieces_go_to_the_receivers_buffer),
	CHECK_TEST(what_does_not_fit_is_shown_in_own_memory),
	CHECK_TEST(memory_grows_with_what_arrives),
	CHECK_TEST(senders_interleave),
	CHECK_TEST(another_senders_message_parks_the_half),
	CHECK_TEST(park_keeps_what_is_there),
	CHECK_TEST(park_without_memory_lets_go),
	CHECK_TEST(new_start_drops_the_half),
	CHECK_TEST(max_is_kept),
	CHECK_TEST(meta_block_must_be_one),
	CHECK_TEST(pieces_must_add_up),
	CHECK_TEST(piece_without_a_start_is_skipped_where_shared),
	CHECK_TEST(idle_senders_make_room),
	CHECK_TEST(oldest_half_makes_room_at_last),
	CHECK_TEST(descriptors_go_with_their_message),
	CHECK_TEST(descriptors_nobody_takes_are_closed),
	CHECK_TEST(descriptors_must_be_as_announced),
	CHECK_TEST(hello_makes_known),
};
CHECK_MAIN(tests)
