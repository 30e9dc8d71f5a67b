/* SPDX-License-Identifier: MIT */
/* What a snapshot says about what it has not seen. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* Others may have some too: of so many a few more or less do not count. */
#define MANY 24

/* How many more of many there are with each step. */
static void counts(void (*step)(void *one, int n), void *all, size_t size,
		   const int *want, int n_steps)
{
	int before = (int)in_flight();

	for (int i = 0; i < n_steps; i++) {
		for (size_t k = 0; k < MANY; k++)
			step((char *)all + k * size, i);
		int more = (int)in_flight() - before;

		assert_in_range(more + MANY / 2, want[i] * MANY,
				want[i] * MANY + MANY);
	}
}

struct pair {
	int type, fds[2], null;
	size_t len;
};

static void send_one(void *arg, int n)
{
	struct pair *p = arg;

	switch (n) {
	case 0:
		assert_int_equal(socketpair(AF_UNIX, p->type, 0, p->fds), 0);
		assert_int_equal(write(p->fds[0], "x", 1), 1);
		break;
	case 1:
		pass(p->fds[0], p->null, p->len);
		break;
	case 2:
		close(p->fds[0]);
		break;
	case 3:
		close(p->fds[1]);
	}
}

static void counts_what_is_in_flight(void **state)
{
	static const struct pair rows[] = {
		{.type = SOCK_STREAM, .len = 1},
		{.type = SOCK_DGRAM, .len = 1},
		{.type = SOCK_DGRAM, .len = 0},
		{.type = SOCK_SEQPACKET, .len = 1},
	};
	static const int want[] = {0, 1, 1, 0};
	struct pair all[MANY];
	int null = open("/dev/null", O_RDONLY);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t k = 0; k < MANY; k++) {
			all[k] = rows[i];
			all[k].null = null;
		}
		counts(send_one, all, sizeof(*all), want, 4);
	}
	close(null);
}

struct connection {
	int listener, client;
};

/* The kernel chooses a name. */
static void connect_one(void *arg, int n)
{
	struct connection *c = arg;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name.sun_family);

	switch (n) {
	case 0:
		c->listener = socket(AF_UNIX, SOCK_STREAM, 0);
		c->client = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(bind(c->listener, (void *)&name, len), 0);
		assert_int_equal(listen(c->listener, 1), 0);
		len = sizeof(name);
		assert_int_equal(getsockname(c->listener, (void *)&name, &len),
				 0);
		assert_int_equal(connect(c->client, (void *)&name, len), 0);
		break;
	case 1:
		assert_int_equal(write(c->client, "x", 1), 1);
		break;
	case 2:
		close(c->listener);
		close(c->client);
	}
}

/* What was sent before a connection is accepted is not told. */
static void counts_who_is_not_accepted(void **state)
{
	static const int want[] = {0, 1, 0};
	struct connection all[MANY];

	(void)state;
	counts(connect_one, all, sizeof(*all), want, 3);
}

struct ring {
	int fd, null;
};

static void register_one(void *arg, int n)
{
	struct ring *r = arg;
	struct io_uring_params params = {0};

	switch (n) {
	case 0:
		r->fd = (int)syscall(SYS_io_uring_setup, 4, &params);
		break;
	case 1:
		assert_int_equal(syscall(SYS_io_uring_register, r->fd,
					 IORING_REGISTER_FILES, &r->null, 1),
				 0);
		break;
	case 2:
		close(r->fd);
	}
}

static void counts_what_rings_have(void **state)
{
	static const int want[] = {0, 1, 0};
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);
	int null = open("/dev/null", O_RDONLY);
	struct ring all[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		all[i].null = null;
	if (fd >= 0)
		counts(register_one, all, sizeof(*all), want, 3);
	close(null);
	if (fd < 0)
		check_skip("needs io_uring");
	close(fd);
}

/* In a namespace of its own a test cannot know of all. */
/* Of more sockets than are asked each counts, of fewer those that carry. */
#define TOO_MANY 1100

static void counts_each_of_too_many(void **state)
{
	int fds[TOO_MANY];
	const struct rlimit room = {2 * TOO_MANY, 2 * TOO_MANY};

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (size_t i = 0; i < TOO_MANY; i++)
		fds[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
	/* Nobody says then what they are. */
	struct via_snapshot *s = look(VIA_WANT_FDS);

	assert_true(s->sight.n_in_flight >= TOO_MANY);
	via_snapshot_free(s);
	for (size_t i = 0; i < TOO_MANY; i++)
		close(fds[i]);
	s = look(VIA_WANT_FDS);
	assert_true(s->sight.n_in_flight < TOO_MANY);
	via_snapshot_free(s);
}

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
	CHECK_TEST(counts_each_of_too_many),
	CHECK_TEST(promises_no_more_than_it_saw),
	CHECK_TEST(knows_when),
};
CHECK_MAIN(tests)
