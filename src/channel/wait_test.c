/* SPDX-License-Identifier: MIT */
/* How waiting learns: waits that spin, and waits that sleep, counted. */
#include "tests/check.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "channel/channel.h"

/* Far longer than any of these waits, however busy the machine. */
#define SPIN_NS 10000000000

static int always_ready;

static int pollfd_ready(struct via__end *end, enum via_role role,
			struct pollfd *ret)
{
	(void)end;
	(void)role;
	*ret = (struct pollfd){.fd = always_ready, .events = POLLIN};
	return 0;
}

static const struct via__transport through_kernel = {
	.pollfd = pollfd_ready,
};

static const struct via__transport in_memory = {
	.in_memory = true,
	.pollfd = pollfd_ready,
};

/* There is nothing at the first try, and a message at the second. */
static int second_try(struct via_channel *ch, void *tries)
{
	(void)ch;
	return (*(int *)tries)++ ? 0 : -EAGAIN;
}

static void setup(struct via_channel *ch, const struct via__transport *t,
		  int64_t spin_ns)
{
	*ch = (struct via_channel){.transport = t};
	via__side_init(&ch->recv_side, VIA_RECV, spin_ns);
	always_ready = eventfd(1, EFD_CLOEXEC);
	assert_true(always_ready >= 0);
}

/* Wait n times, batch messages coming after each; how many waits slept. */
static uint64_t sleeps_of(struct via_channel *ch, int n, unsigned int batch)
{
	uint64_t before = ch->recv_side.sleeps;

	while (n--) {
		int tries = 0;

		assert_int_equal(via__until(ch, &ch->recv_side, VIA_NEVER,
					    second_try, &tries),
				 0);
		ch->received.received += batch;
	}
	return ch->recv_side.sleeps - before;
}

static void one_message_a_wait_is_spun_for(void **state)
{
	struct via_channel ch;

	(void)state;
	setup(&ch, &through_kernel, SPIN_NS);
	assert_int_equal(sleeps_of(&ch, 1023, 1), 0);
	/* The one that sees whether a batch comes, and a few to be sure. */
	assert_in_range(sleeps_of(&ch, 100, 1), 1, 8);
	assert_int_equal(sleeps_of(&ch, 800, 1), 0);
	close(always_ready);
}

static void a_stream_is_slept_for_while_it_lasts(void **state)
{
	struct via_channel ch;

	(void)state;
	setup(&ch, &through_kernel, SPIN_NS);
	(void)sleeps_of(&ch, 1023, 20);
	assert_int_equal(sleeps_of(&ch, 500, 20), 500);
	/* One thin batch does not end it, many do. */
	assert_int_equal(sleeps_of(&ch, 1, 2), 1);
	assert_int_equal(sleeps_of(&ch, 100, 20), 100);
	assert_in_range(sleeps_of(&ch, 100, 1), 1, 8);
	close(always_ready);
}

static void memory_and_endless_spins_never_rest(void **state)
{
	struct via_channel ch;

	(void)state;
	setup(&ch, &in_memory, SPIN_NS);
	assert_int_equal(sleeps_of(&ch, 3000, 20), 0);
	close(always_ready);
	setup(&ch, &through_kernel, -1);
	assert_int_equal(sleeps_of(&ch, 3000, 20), 0);
	close(always_ready);
}

static void without_a_spin_every_wait_sleeps(void **state)
{
	struct via_channel ch;

	(void)state;
	setup(&ch, &through_kernel, 0);
	assert_int_equal(sleeps_of(&ch, 100, 1), 100);
	close(always_ready);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(one_message_a_wait_is_spun_for),
	CHECK_TEST(a_stream_is_slept_for_while_it_lasts),
	CHECK_TEST(memory_and_endless_spins_never_rest),
	CHECK_TEST(without_a_spin_every_wait_sleeps),
};
CHECK_MAIN(tests)
