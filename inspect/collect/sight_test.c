/* SPDX-License-Identifier: MIT */
/* What a snapshot says about what it has not seen. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
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

/* How many more there are with each step. Others may have some too, so it is
 * tried until none comes or goes. */
static void counts(void (*step)(void *arg, int n), void *arg,
		   const uint32_t *want, int n_steps)
{
	uint32_t seen[8];

	for (int tries = 0; tries < 100; tries++) {
		uint32_t before = in_flight();
		bool same = true;

		for (int i = 0; i < n_steps; i++) {
			step(arg, i);
			seen[i] = in_flight() - before;
			same &= seen[i] == want[i];
		}
		if (same)
			return;
	}
	for (int i = 0; i < n_steps; i++)
		assert_int_equal(seen[i], want[i]);
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
	struct pair rows[] = {
		{.type = SOCK_STREAM, .len = 1},
		{.type = SOCK_DGRAM, .len = 1},
		{.type = SOCK_DGRAM, .len = 0},
		{.type = SOCK_SEQPACKET, .len = 1},
	};
	static const uint32_t want[] = {0, 1, 1, 0};
	int null = open("/dev/null", O_RDONLY);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		rows[i].null = null;
		counts(send_one, &rows[i], want, 4);
	}
	close(null);
}

struct connection {
	struct sockaddr_un name;
	socklen_t len;
	int listener, client;
};

static void connect_one(void *arg, int n)
{
	struct connection *c = arg;

	switch (n) {
	case 0:
		c->client = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(c->client, (void *)&c->name, c->len),
				 0);
		break;
	case 1:
		assert_int_equal(write(c->client, "x", 1), 1);
		break;
	case 2:
		close(accept(c->listener, NULL, NULL));
		close(c->client);
	}
}

/* What was sent before a connection is accepted is not told. */
static void counts_who_is_not_accepted(void **state)
{
	static const uint32_t want[] = {0, 1, 0};
	struct connection c = {.name.sun_family = AF_UNIX,
			       .len = sizeof(c.name.sun_family)};

	(void)state;
	c.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	/* The kernel chooses a name. */
	assert_int_equal(bind(c.listener, (void *)&c.name, c.len), 0);
	assert_int_equal(listen(c.listener, 1), 0);
	c.len = sizeof(c.name);
	assert_int_equal(getsockname(c.listener, (void *)&c.name, &c.len), 0);
	counts(connect_one, &c, want, 3);
	close(c.listener);
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
	static const uint32_t want[] = {0, 1, 0};
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);
	struct ring r = {.null = open("/dev/null", O_RDONLY)};

	(void)state;
	if (fd >= 0)
		counts(register_one, &r, want, 3);
	close(r.null);
	if (fd < 0)
		check_skip("needs io_uring");
	close(fd);
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
