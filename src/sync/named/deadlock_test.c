/* SPDX-License-Identifier: MIT */
/* Waits for futex: locks that could never end, and others that only look so. */
#include "sync/named/named_test.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "tests/step.h"

#define TYPES 2
static const char *const types[TYPES] = {"&type=rwlock", "&type=mutex"};

/* The URL of one lock of this test, which all of its processes know. */
static pid_t test;
static const char *type = "";

static const char *url_nr(int i)
{
	static char urls[8][128];
	static unsigned int n;
	char *url = urls[n++ % 8];

	(void)snprintf(url, 128, "futex:deadlock-%d-%d?deadlock=detect%s", test,
		       i, type);
	return url;
}

static void begin(const char *of_type)
{
	test = getpid();
	type = of_type;
}

static void clean(int n)
{
	for (int i = 0; i < n; i++)
		removed(url_nr(i));
}

/* How the children take what they hold, and of how many locks. */
static enum via_lock_mode mode;
static int ring;

/* Holds the lock of this number and waits for the next of the ring. */
static void holds_and_wants(const char *number, int say)
{
	int i = atoi(number);
	struct via_lock *has = opened(url_nr(i), VIA_LOCK_CREATE);
	struct via_lock *wants = opened(url_nr((i + 1) % ring),
					VIA_LOCK_CREATE);

	if (via_lock_take(has, mode, VIA_NEVER, NULL))
		_exit(1);
	(void)!write(say, "h", 1);

	int r = via_lock_take(wants, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL);

	if (r)
		_exit(2);
	via_lock_close(wants);
	via_lock_close(has);
}

/* Until it is asleep: who is shown looks first, and would see us too. */
static void until_asleep(struct via_lock *lock, const struct child *c)
{
	until_waiting(lock, 1);
	while (step_state(c->pid, c->pid) != 'S')
		sched_yield();
}

/* This process has 0; child i has i and waits for i + 1, the last for 0. */
static void refuse_ring(int n)
{
	ring = n;

	struct via_lock *zero = opened(url_nr(0), VIA_LOCK_CREATE);
	struct via_lock *one = opened(url_nr(1), VIA_LOCK_CREATE);
	struct via_lock *next[8];
	struct via_sync_report report = {0};
	struct child c[8];
	char text[VIA_ERROR_TEXT_MAX], part[128];

	assert_int_equal(
		via_lock_take(zero, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL), 0);
	/* The last one first: so each finds its next taken. */
	for (int i = n - 1; i > 0; i--) {
		(void)snprintf(part, sizeof(part), "%d", i);
		c[i] = child_start(holds_and_wants, part);
		assert_int_equal(child_said(&c[i]), 'h');
		next[i] = opened(url_nr((i + 1) % n), 0);
		until_asleep(next[i], &c[i]);
	}
	(void)snprintf(text, sizeof(text), "deadlock: this process");
	for (int i = 1; i < n; i++) {
		(void)snprintf(part, sizeof(part),
			       "%s waits for the lock deadlock-%d-%d of "
			       "process %d",
			       i > 1 ? ", which" : "", test, i, c[i].pid);
		strcat(text, part);
	}
	(void)snprintf(part, sizeof(part),
		       ", which waits for the lock deadlock-%d-0 of process "
		       "%d, which is this one",
		       test, test);
	strcat(text, part);
	assert_int_equal(
		via_lock_take(one, VIA_LOCK_EXCLUSIVE, VIA_NEVER, &report),
		-EDEADLK);
	assert_string_equal(report.error.text, text);
	/* It does not have it, and the others go on. */
	assert_int_equal(via_lock_release(one, NULL), -EPERM);
	via_lock_close(zero);
	for (int i = 1; i < n; i++) {
		via_lock_close(next[i]);
		assert_int_equal(child_end(&c[i], 0), 0);
	}
	via_lock_close(one);
}

static void refuses_a_cycle(void **state)
{
	(void)state;
	mode = VIA_LOCK_EXCLUSIVE;
	for (int i = 0; i < TYPES; i++)
		for (int n = 2; n <= 4; n++) {
			begin(types[i]);
			refuse_ring(n);
			clean(n);
		}
}

/* Readers hold it, too. */
static void refuses_a_cycle_through_a_reader(void **state)
{
	(void)state;
	begin(types[0]);
	mode = VIA_LOCK_SHARED;
	refuse_ring(3);
	clean(3);
}

/* A queue is no cycle: 1 waits for 2, whose holder waits for nobody. */
static void lets_others_wait(void **state)
{
	(void)state;
	begin("");
	ring = 8;
	mode = VIA_LOCK_EXCLUSIVE;

	struct via_lock *two = opened(url_nr(2), VIA_LOCK_CREATE);

	assert_int_equal(
		via_lock_take(two, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL), 0);

	struct child c = child_start(holds_and_wants, "1");
	struct via_lock *zero = opened(url_nr(0), VIA_LOCK_CREATE);
	struct via_lock *one = opened(url_nr(1), VIA_LOCK_CREATE);
	struct via_sync_report report = {0};

	assert_int_equal(child_said(&c), 'h');
	until_waiting(two, 1);
	via_lock_close(two);
	assert_int_equal(
		via_lock_take(zero, VIA_LOCK_EXCLUSIVE, VIA_NEVER, NULL), 0);
	assert_int_equal(
		via_lock_take(one, VIA_LOCK_EXCLUSIVE, VIA_NEVER, &report), 0);
	assert_int_equal(child_end(&c, 0), 0);
	via_lock_close(one);
	via_lock_close(zero);
	clean(3);
}

#define ROUNDS 100

static struct {
	struct via_barrier both;
	uint32_t n_refused, n_had;
} * shared;

/* Round by round: take one, meet the other process that has the other one, and
 * want that. */
static void close_cycles(int first, int second)
{
	struct via_lock *a = opened(url_nr(first), VIA_LOCK_CREATE);
	struct via_lock *b = opened(url_nr(second), VIA_LOCK_CREATE);
	int64_t soon = via_deadline(40000 * MS);

	for (int i = 0; i < ROUNDS; i++) {
		int r = via_lock_take(a, VIA_LOCK_EXCLUSIVE, soon, NULL);

		if (r || via_barrier_wait(&shared->both, soon, NULL) < 0)
			_exit(1);
		r = via_lock_take(b, VIA_LOCK_EXCLUSIVE, soon, NULL);
		if (r != 0 && r != -EDEADLK)
			_exit(2);
		__atomic_add_fetch(r ? &shared->n_refused : &shared->n_had, 1,
				   __ATOMIC_RELAXED);
		if (r == 0)
			(void)via_lock_release(b, NULL);
		(void)via_lock_release(a, NULL);
		if (via_barrier_wait(&shared->both, soon, NULL) < 0)
			_exit(3);
	}
	via_lock_close(a);
	via_lock_close(b);
}

static void close_from_one(const char *unused, int say)
{
	(void)unused;
	(void)say;
	close_cycles(1, 0);
}

static void close_from_zero(const char *unused, int say)
{
	(void)unused;
	(void)say;
	close_cycles(0, 1);
}

/* Whoever closes the cycle, or both at once: nobody sleeps for ever. */
static void of_two_at_once_one_is_refused(void **state)
{
	(void)state;
	begin(types[1]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	assert_int_equal(via_barrier_init(&shared->both, 2), 0);

	struct child one = child_start(close_from_one, "");
	struct child zero = child_start(close_from_zero, "");

	assert_int_equal(child_end(&one, 0), 0);
	assert_int_equal(child_end(&zero, 0), 0);
	print_message("# %d cycles: %u times refused, %u times not\n", ROUNDS,
		      shared->n_refused, shared->n_had);
	assert_true(shared->n_refused >= ROUNDS);
	assert_true(shared->n_had > 0);
	(void)munmap(shared, sizeof(*shared));
	clean(2);
}

static void units_have_no_one_holder(void **state)
{
	(void)state;
	begin("&type=sem");
	fails_to_open(url_nr(0), VIA_LOCK_CREATE, -EOPNOTSUPP, "any of its");
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(refuses_a_cycle),
	CHECK_TEST(refuses_a_cycle_through_a_reader),
	CHECK_TEST(lets_others_wait),
	CHECK_TEST(of_two_at_once_one_is_refused),
	CHECK_TEST(units_have_no_one_holder),
};
CHECK_MAIN(tests)
