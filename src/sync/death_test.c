/* SPDX-License-Identifier: MIT */
/* Killing a process at every instruction: see death_test.h. */
#include "sync/death_test.h"

#include <pthread.h>
#include <sys/mman.h>

#include "sync/seats.h"

struct death_objects *death_shared;
struct death death;

/* --- The waiting thread --- */

static struct {
	pthread_t thread;
	_Atomic pid_t tid;
	int (*wait)(void);
	int rc;
} waiter;

static void *be_waiter(void *unused)
{
	(void)unused;
	waiter.tid = gettid();
	waiter.rc = waiter.wait();
	death.done = true;
	return NULL;
}

static void start_waiter(int (*wait)(void))
{
	waiter.tid = 0;
	death.done = false;
	waiter.wait = wait;
	assert_int_equal(pthread_create(&waiter.thread, NULL, be_waiter, NULL),
			 0);
	/* Asleep in what it waits for: it does nothing else that sleeps. */
	while (!waiter.tid ||
	       (!death.done && step_state(getpid(), waiter.tid) != 'S'))
		sched_yield();
}

int death_join(void)
{
	assert_int_equal(pthread_join(waiter.thread, NULL), 0);
	return waiter.rc;
}

void death_taken(int rc, const struct via_sync_report *report)
{
	if (rc == -EOWNERDEAD) {
		assert_int_equal(report->died.pid, death.child);
		assert_int_equal(report->died.tid, death.child);
		assert_true(report->died.start > 0);
		death.n_died++;
		return;
	}
	assert_int_equal(rc, 0);
	death.n_clean++;
}

/* --- Every instruction --- */

/*
 * Kill the child after so many steps: from the beginning or, woken, from when
 * it has slept, with the waiter behind it, and was woken. Returns how many it
 * took.
 */
static int kill_after(const struct attempt *a, bool woken, int steps)
{
	death.held = true;
	a->begin();
	death.child = fork();
	assert_true(death.child >= 0);
	if (death.child == 0) {
		a->prepare();
		step_here();
		a->act();
		step_here();
		_exit(0);
	}
	step_meet(death.child);
	if (a->wait && !a->wake)
		start_waiter(a->wait);
	if (woken) {
		step_to_sleep(death.child);
		start_waiter(a->wait);
		a->wake();
		step_meet(death.child);
	}

	int taken = step_on(death.child, steps);

	step_kill(death.child);
	if (a->wake && !woken)
		start_waiter(a->wait);
	a->after();
	return taken;
}

/* What a machine can single-step in a second or so. */
#define STEPS_MAX 6000

static void survives(const struct attempt *a, bool woken)
{
	int total = kill_after(a, woken, INT32_MAX), points = 0;
	/* Each point takes half of the steps on average. */
	int stride = getenv("VIA_LONG") ? 1 : total * total / 2 / STEPS_MAX + 1;

	death.n_died = death.n_clean = 0;
	for (int steps = 0; steps <= total; steps += stride, points++)
		(void)kill_after(a, woken, steps);
	death.n_points += points;
	print_message("# %s%s: %d instructions, killed at %d of them; "
		      "%d times told of it, %d times not\n",
		      a->name, woken ? ", woken" : "", total, points,
		      death.n_died, death.n_clean);
}

static void survive(const struct attempts *of)
{
	if (STEP_CANNOT)
		STEP_SKIP();
	for (size_t i = 0; i < of->n; i++) {
		survives(&of->rows[i], false);
		if (of->rows[i].wake)
			survives(&of->rows[i], true);
	}
}

static void locks_survive(void **state)
{
	(void)state;
	survive(&death_locks);
}

static void units_survive(void **state)
{
	(void)state;
	survive(&death_units);
}

static void waits_survive(void **state)
{
	(void)state;
	survive(&death_waits);
}

/* --- Two deaths at once --- */

static int write_once(void)
{
	struct via_sync_report report;
	int rc = via_rwlock_write(&death_shared->rwlock, DEATH_SOON, &report);

	return rc ? rc : via_rwlock_unlock(&death_shared->rwlock);
}

/* A child that does it step by step, in the first seat of the lock. */
static pid_t start_reader(void (*prepare)(void), void (*act)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)via__self();
		via__self_seat(&via__thread, 0);
		prepare();
		step_here();
		act();
		step_here();
		_exit(0);
	}
	step_meet(pid);
	return pid;
}

static void read_lock(void)
{
	(void)via_rwlock_read(&death_shared->rwlock, VIA_NEVER, NULL);
}

static void unlock(void)
{
	(void)via_rwlock_unlock(&death_shared->rwlock);
}

/* Leave once, so that the next time is without a barrier. */
static void read_again(void)
{
	read_lock();
	unlock();
	read_lock();
}

/*
 * A writer sleeps for a reader, who is killed when it has emptied its seat and
 * woken nobody yet; meanwhile another has come to that seat and is killed there.
 * Returns whether that one has left the seat and come further, as far as it can.
 */
static bool die_in_turn(int steps)
{
	const uint32_t *word = &death_shared->rwlock.in.seats[0].hold.word;

	assert_int_equal(via_rwlock_init(&death_shared->rwlock), 0);

	pid_t first = start_reader(read_again, unlock);
	pid_t second = start_reader(death_nothing, read_lock);

	start_waiter(write_once);
	while (via__load(word))
		assert_int_equal(step_on(first, 1), 1);
	bool past = step_on(second, steps) < steps;

	step_kill(first);
	step_kill(second);
	assert_int_equal(death_join(), 0);
	return past;
}

static void readers_die_in_one_seat(void **state)
{
	int stride = getenv("VIA_LONG") ? 1 : 4, points = 1;

	(void)state;
	if (STEP_CANNOT)
		STEP_SKIP();
	while (!die_in_turn((points - 1) * stride))
		points++;
	print_message("# killed at %d instructions\n", points);
	death.n_points += points;
}

static int map_shared(void **state)
{
	(void)state;
	death_shared = mmap(NULL, sizeof(*death_shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return death_shared == MAP_FAILED ? -1 : 0;
}

static int unmap_shared(void **state)
{
	(void)state;
	return munmap(death_shared, sizeof(*death_shared));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(locks_survive),
	CHECK_TEST(units_survive),
	CHECK_TEST(waits_survive),
	CHECK_TEST(readers_die_in_one_seat),
};

int main(void)
{
	check_output();

	int failed = cmocka_run_group_tests(tests, map_shared, unmap_shared);

	print_message("# %d kill points\n", death.n_points);
	return failed;
}
