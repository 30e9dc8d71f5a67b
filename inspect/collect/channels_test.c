/* SPDX-License-Identifier: MIT */
/* Channels of shm: that are opened here, and what a snapshot says of them. */
#include <signal.h>
#include <sys/mman.h>

#include <via/via.h>

#include "inspect/collect/snapshot_test.h"

#define WANT                                                                   \
	(VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_SOCKETS | VIA_WANT_CHANNELS | \
	 VIA_WANT_PATHS)

/* A record has 8 bytes before it and is padded to 8. */
#define SPAN(len) (((len) + 8 + 7) & ~(uint64_t)7)

static uint32_t channel(const struct via_snapshot *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_CHANNEL &&
		    strcmp(via_snapshot_text(s, s->objects[i].name, NULL),
			   name) == 0)
			return i;
	return VIA_NONE;
}

/* How a process holds an object. */
static unsigned int n_holds(const struct via_snapshot *s, uint32_t object,
			    enum via_how how, pid_t pid)
{
	const struct via_object *o = &s->objects[object];
	unsigned int n = 0;

	for (uint32_t i = o->first_user; i < o->first_user + o->n_users; i++) {
		const struct via_holding *h = &s->holds[s->users[i]];

		n += h->how == how && s->processes[h->process].task.pid == pid;
	}
	return n;
}

/* --- A receiver here, a sender there --- */

struct sender {
	char url[128];
	const char *name; /* in it */
	int go[2], done[2];
	pid_t pid;
};

static void run_sender(const struct sender *s)
{
	struct via_channel *ch;
	unsigned int n;
	char data[100] = "";

	close(s->go[1]);
	close(s->done[0]);
	if (via_open(s->url, VIA_SEND, VIA_NEVER, &ch, NULL) < 0)
		_exit(1);
	while (read(s->go[0], &n, sizeof(n)) == sizeof(n)) {
		while (n--)
			(void)via_send(ch, data, sizeof(data), VIA_NEVER);
		(void)!write(s->done[1], "", 1);
	}
	_exit(0);
}

static void start(struct sender *s, const char *url, const char *name)
{
	snprintf(s->url, sizeof(s->url), "%s", url);
	s->name = name;
	assert_int_equal(pipe(s->go), 0);
	assert_int_equal(pipe(s->done), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		run_sender(s);
}

static void have_it_send(const struct sender *s, unsigned int n)
{
	char c;

	assert_int_equal(write(s->go[1], &n, sizeof(n)), sizeof(n));
	assert_int_equal(read(s->done[0], &c, 1), 1);
}

static void end(struct sender *s)
{
	for (int i = 0; i < 2; i++) {
		close(s->go[i]);
		close(s->done[i]);
	}
	kill(s->pid, SIGKILL);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
}

/* All that is there, and then asleep for a moment: so what has been taken is
 * shown. */
static unsigned int drain(struct via_channel *ch)
{
	char data[100];
	unsigned int n = 0;

	while (via_recv(ch, data, sizeof(data), via_now() + 5000000) >= 0)
		n++;
	return n;
}

static void check_lane(const struct via_snapshot *s, const char *name,
		       const struct sender *sender, uint64_t taken,
		       uint64_t put)
{
	uint32_t c = channel(s, name);

	assert_int_not_equal(c, VIA_NONE);
	const struct via_object *o = &s->objects[c];
	const struct via_lane *l = &s->lanes[o->detail];

	assert_int_equal(s->n_lanes, 1);
	assert_int_equal(l->object, c);
	assert_true(l->known);
	assert_int_equal(l->taken, taken);
	assert_int_equal(l->put, put);
	assert_int_equal(l->ring, 65536);
	assert_int_equal(o->level, put - taken);
	assert_int_equal(o->capacity, 65536);
	assert_int_equal(s->processes[l->receiver].task.pid, getpid());
	assert_int_equal(n_holds(s, c, VIA_HOLDS_RECEIVER, getpid()), 1);
	assert_int_equal(n_holds(s, c, VIA_HOLDS_SENDER, sender->pid),
			 l->sender != VIA_NONE);
	if (l->sender != VIA_NONE)
		assert_int_equal(s->processes[l->sender].task.pid, sender->pid);
}

static void depth_and_ends_are_known(void **state)
{
	char url[64], name[32];
	struct via_channel *ch;
	struct sender sender;

	(void)state;
	snprintf(name, sizeof(name), "inspect-%d", getpid());
	snprintf(url, sizeof(url), "shm:%s?ring=64K&spin=0", name);
	assert_int_equal(via_open(url, VIA_RECV, VIA_NEVER, &ch, NULL), 0);
	struct via_snapshot *s = snapshot(WANT);
	uint32_t c = channel(s, name);

	assert_int_not_equal(c, VIA_NONE);
	assert_int_equal(n_holds(s, c, VIA_HOLDS_RECEIVER, getpid()), 1);
	assert_int_equal(s->objects[c].level, 0);
	assert_int_equal(s->n_lanes, 0);
	via_snapshot_free(s);

	start(&sender, url, name);
	have_it_send(&sender, 3);
	assert_int_equal(drain(ch), 3);
	have_it_send(&sender, 10);
	s = snapshot(WANT);
	check_lane(s, name, &sender, 3 * SPAN(100), 13 * SPAN(100));
	assert_int_not_equal(s->lanes[0].sender, VIA_NONE);
	assert_true(s->lanes[0].receiver_sleeps > 0);
	via_snapshot_free(s);

	/* Round and round: the records lie across the ring's end. */
	assert_int_equal(drain(ch), 10);
	for (unsigned int i = 0; i < 2; i++) {
		have_it_send(&sender, 500);
		assert_int_equal(drain(ch), 500);
	}
	have_it_send(&sender, 400);
	s = snapshot(WANT);
	check_lane(s, name, &sender, 1013 * SPAN(100), 1413 * SPAN(100));
	via_snapshot_free(s);

	/* What a dead one has left is still there. */
	end(&sender);
	s = snapshot(WANT);
	check_lane(s, name, &sender, 1013 * SPAN(100), 1413 * SPAN(100));
	assert_int_equal(s->lanes[0].sender, VIA_NONE);
	via_snapshot_free(s);
	assert_int_equal(drain(ch), 400);
	(void)via_close(ch, VIA_NO_WAIT);
}

static void several_senders_have_a_lane_each(void **state)
{
	char url[64], name[32];
	struct via_channel *ch;
	struct sender sender[3];

	(void)state;
	snprintf(name, sizeof(name), "inspect-n-%d", getpid());
	snprintf(url, sizeof(url), "shm:%s?ring=64K&spin=0", name);
	assert_int_equal(via_open(url, VIA_RECV, VIA_NEVER, &ch, NULL), 0);
	for (unsigned int i = 0; i < 3; i++) {
		start(&sender[i], url, name);
		have_it_send(&sender[i], 1);
	}
	assert_int_equal(drain(ch), 3);
	for (unsigned int i = 0; i < 3; i++)
		have_it_send(&sender[i], i);
	struct via_snapshot *s = snapshot(WANT);
	uint32_t c = channel(s, name);

	assert_int_equal(s->n_lanes, 3);
	assert_int_equal(s->objects[c].detail, 0);
	assert_int_equal(s->objects[c].level, 3 * SPAN(100));
	assert_int_equal(s->objects[c].capacity, 3 * 65536);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(n_holds(s, c, VIA_HOLDS_SENDER, sender[i].pid),
				 1);
	assert_int_equal(n_holds(s, c, VIA_HOLDS_RECEIVER, getpid()), 1);
	via_snapshot_free(s);
	for (unsigned int i = 0; i < 3; i++)
		end(&sender[i]);
	(void)via_close(ch, VIA_NO_WAIT);
}

static void a_pair_has_both_ends_here(void **state)
{
	struct via_channel *recv, *send;

	(void)state;
	assert_int_equal(via_pair("shm:?ring=64K", &recv, &send, NULL), 0);
	assert_int_equal(via_send(send, "1234567", 7, VIA_NEVER), 0);
	assert_int_equal(drain(recv), 1);
	assert_int_equal(via_send(send, "12345678", 8, VIA_NEVER), 0);
	struct via_snapshot *s = snapshot(WANT);
	uint32_t c = channel(s, "");

	assert_int_not_equal(c, VIA_NONE);
	assert_int_equal(s->n_lanes, 1);
	assert_int_equal(s->objects[c].level, 16);
	assert_int_equal(s->lanes[0].sender, s->lanes[0].receiver);
	via_snapshot_free(s);
	(void)via_close(send, VIA_NO_WAIT);
	(void)via_close(recv, VIA_NO_WAIT);
}

/* --- What only looks like one --- */

/* Memory of that name, mapped as by a sender who has no receiver. */
static uint64_t *liar(size_t ring)
{
	size_t page = (size_t)getpagesize();
	int fd = memfd_create("via:shm:liar \033[1m", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(page + ring)), 0);
	char *at = mmap(NULL, page + ring, PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd);
	return (uint64_t *)(void *)(at + page);
}

static void garbage_is_not_followed(void **state)
{
	static const uint64_t garbage[] = {
		UINT64_MAX, UINT32_MAX, 65536, 65536 - 8, UINT64_C(7) << 32 | 4,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		size_t ring = 65536, page = (size_t)getpagesize();
		uint64_t *at = liar(ring);

		for (size_t k = 0; k < ring / sizeof(*at); k++)
			at[k] = garbage[i];
		struct via_snapshot *s = snapshot(WANT);

		assert_int_equal(s->n_lanes, 1);
		assert_false(s->lanes[0].known);
		assert_int_equal(s->lanes[0].put, 0);
		assert_true(s->objects[s->lanes[0].object].level ==
			    VIA_UNKNOWN);
		via_snapshot_free(s);
		munmap((char *)at - page, page + ring);
	}
}

/* A record that is longer than the ring, with nothing where it would end. */
static void what_does_not_fit_is_not_followed(void **state)
{
	size_t ring = 65536, page = (size_t)getpagesize();
	uint64_t *at = liar(ring);

	(void)state;
	*at = 3 * ring;
	struct via_snapshot *s = snapshot(WANT);

	assert_false(s->lanes[0].known);
	via_snapshot_free(s);
	*at = ring / 2;
	s = snapshot(WANT);
	assert_true(s->lanes[0].known);
	assert_int_equal(s->lanes[0].put, ring / 2 + 8);
	via_snapshot_free(s);
	munmap((char *)at - page, page + ring);
}

/* Its memory is shorter than its mapping. */
static void what_is_not_there_is_not_known(void **state)
{
	size_t ring = 65536, page = (size_t)getpagesize();
	int fd = memfd_create("via:shm:short", MFD_CLOEXEC);
	void *at = mmap(NULL, page + ring, PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd);
	struct via_snapshot *s = snapshot(WANT);

	assert_int_equal(s->n_lanes, 1);
	assert_false(s->lanes[0].known);
	via_snapshot_free(s);
	munmap(at, page + ring);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(depth_and_ends_are_known),
	CHECK_TEST(several_senders_have_a_lane_each),
	CHECK_TEST(a_pair_has_both_ends_here),
	CHECK_TEST(garbage_is_not_followed),
	CHECK_TEST(what_does_not_fit_is_not_followed),
	CHECK_TEST(what_is_not_there_is_not_known),
};
CHECK_MAIN(tests)
