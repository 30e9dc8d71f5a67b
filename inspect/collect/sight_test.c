/* SPDX-License-Identifier: MIT */
/* What a snapshot says about what it has not seen. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "inspect/collect/look_test.h"

static uint32_t in_flight(void)
{
	struct via_snapshot *s = look(VIA_WANT_ALL);
	uint32_t n = s->sight.n_in_flight;

	via_snapshot_free(s);
	return n;
}

static void counts_what_is_in_flight(void **state)
{
	static const struct {
		int type;
		size_t len;
	} rows[] = {
		{SOCK_STREAM, 1},
		{SOCK_DGRAM, 1},
		{SOCK_DGRAM, 0},
		{SOCK_SEQPACKET, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t before = in_flight();
		int pair[2], null = open("/dev/null", O_RDONLY);

		assert_int_equal(socketpair(AF_UNIX, rows[i].type, 0, pair), 0);
		assert_int_equal(write(pair[0], "x", 1), 1);
		assert_int_equal(in_flight(), before);
		pass(pair[0], null, rows[i].len);
		assert_int_equal(in_flight(), before + 1);
		close(pair[0]);
		assert_int_equal(in_flight(), before + 1);
		close(pair[1]);
		assert_int_equal(in_flight(), before);
		close(null);
	}
}

/* What was sent before a connection is accepted is not told. */
static void counts_who_is_not_accepted(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name.sun_family);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client;
	uint32_t before, with, after;

	(void)state;
	/* The kernel chooses a name. */
	assert_int_equal(bind(listener, (void *)&name, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	len = sizeof(name);
	assert_int_equal(getsockname(listener, (void *)&name, &len), 0);
	/* Others may be doing so too: until they do not. */
	do {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		before = in_flight();
		assert_int_equal(connect(client, (void *)&name, len), 0);
		with = in_flight();
		close(accept(listener, NULL, NULL));
		close(client);
		after = in_flight();
	} while (before != after || (with != before && with != before + 1));
	assert_int_equal(with, before + 1);
	close(listener);
}

static void counts_what_rings_have(void **state)
{
	struct io_uring_params params = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	int null = open("/dev/null", O_RDONLY);
	uint32_t before = in_flight();

	(void)state;
	if (ring < 0) {
		close(null);
		check_skip("needs io_uring");
	}
	assert_int_equal(syscall(SYS_io_uring_register, ring,
				 IORING_REGISTER_FILES, &null, 1),
			 0);
	assert_int_equal(in_flight(), before + 1);
	close(ring);
	close(null);
}

/* In a namespace of its own a test cannot know of all. */
static void promises_no_more_than_it_saw(void **state)
{
	int p[2], memfd = memfd_create("sight", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(pipe(p), 0);
	struct via_snapshot *s = look(VIA_WANT_FDS);
	uint32_t seen = s->sight.n_hidden_fds ? VIA_SEEN_UNKNOWN
			: s->sight.init_ns && !s->sight.n_in_flight
				? VIA_SEEN_ALL
				: VIA_SEEN_LIKELY;

	assert_int_equal(object_of(s, p[0])->seen, seen);
	/* Somebody may have it mapped. */
	assert_int_equal(object_of(s, memfd)->seen, VIA_SEEN_UNKNOWN);
	via_snapshot_free(s);

	/* Not looked for. */
	s = look(VIA_WANT_MAPS | VIA_WANT_IPC);
	for (uint32_t i = 0; i < s->n_objects; i++)
		assert_int_equal(s->objects[i].seen, VIA_SEEN_UNKNOWN);
	via_snapshot_free(s);
	close(p[0]);
	close(p[1]);
	close(memfd);
}

static void knows_when(void **state)
{
	struct via_snapshot *s = look(VIA_WANT_WAITS);
	const struct via_process *p = process_of(s, getpid());

	(void)state;
	assert_true(s->sight.boot_ticks >= p->task.start);
	assert_true(s->sight.boot_ticks - p->task.start <
		    60 * s->sight.ticks_per_s);
	assert_true(s->sight.took_ns > 0);
	assert_int_equal(s->sight.uid, geteuid());
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(counts_what_is_in_flight),
	CHECK_TEST(counts_who_is_not_accepted),
	CHECK_TEST(counts_what_rings_have),
	CHECK_TEST(promises_no_more_than_it_saw),
	CHECK_TEST(knows_when),
};
CHECK_MAIN(tests)
