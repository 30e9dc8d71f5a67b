/* SPDX-License-Identifier: MIT */
/*
 * A process is killed at every instruction of what it does with an object; a
 * thread of the test waits for the same object meanwhile, or asks for it
 * afterwards, and must get it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "core/clock.h"
#include "tests/step.h"

#include <via/sync.h>

#define SOON via_deadline(10 * VIA__NS_PER_S)

static struct {
	struct via_mutex mutex;
	struct via_rwlock rwlock;
	struct via_sem sem;
	struct via_pool pool;
	struct via_cond cond;
	struct via_barrier barrier;
	struct via_event event;
	uint32_t answer, heard; /* of a condition */
} * shared;

/* What is done, and by whom. */
struct attempt {
	const char *name;
	void (*begin)(void);   /* the test: make the object */
	void (*prepare)(void); /* the child, before it is stepped */
	void (*act)(void);     /* the child, step by step */
	int (*wait)(void);     /* a thread of the test meanwhile; or NULL */
	void (*wake)(void);  /* the test, when both sleep; or NULL: one does */
	void (*after)(void); /* the test: the child is dead */
};

/* --- The waiting thread --- */

static struct {
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool done;
	int (*wait)(void);
	int rc;
} waiter;

static void *be_waiter(void *unused)
{
	(void)unused;
	waiter.tid = gettid();
	waiter.rc = waiter.wait();
	waiter.done = true;
	return NULL;
}

static void start_waiter(int (*wait)(void))
{
	waiter.tid = 0;
	waiter.done = false;
	waiter.wait = wait;
	assert_int_equal(pthread_create(&waiter.thread, NULL, be_waiter, NULL),
			 0);
	/* Asleep in what it waits for: it does nothing else that sleeps. */
	while (!waiter.tid ||
	       (!waiter.done && step_state(getpid(), waiter.tid) != 'S'))
		sched_yield();
}

static int join_waiter(void)
{
	assert_int_equal(pthread_join(waiter.thread, NULL), 0);
	return waiter.rc;
}

/* --- What survivors are to find --- */

static pid_t child;
static int n_died, n_clean, n_points;

static void expect_taken(int rc, const struct via_sync_report *report)
{
	if (rc == -EOWNERDEAD) {
		assert_int_equal(report->died.pid, child);
		assert_int_equal(report->died.tid, child);
		assert_true(report->died.start > 0);
		n_died++;
		return;
	}
	assert_int_equal(rc, 0);
	n_clean++;
}

/* Locked, repaired and unlocked: then it is as good as new. */
static int use_mutex(void)
{
	struct via_sync_report report;
	int rc = via_mutex_lock(&shared->mutex, SOON, &report);

	expect_taken(rc, &report);
	if (rc)
		assert_int_equal(via_mutex_consistent(&shared->mutex), 0);
	assert_int_equal(via_mutex_unlock(&shared->mutex), 0);
	return 0;
}

static void expect_new_mutex(void)
{
	assert_int_equal(via_mutex_lock(&shared->mutex, VIA_NO_WAIT, NULL), 0);
	assert_int_equal(via_mutex_unlock(&shared->mutex), 0);
}

static int use_rwlock(void)
{
	struct via_sync_report report;
	int rc = via_rwlock_write(&shared->rwlock, SOON, &report);

	expect_taken(rc, &report);
	if (rc)
		assert_int_equal(via_rwlock_consistent(&shared->rwlock), 0);
	assert_int_equal(via_rwlock_unlock(&shared->rwlock), 0);
	return 0;
}

static void expect_new_rwlock(void)
{
	assert_int_equal(via_rwlock_read(&shared->rwlock, VIA_NO_WAIT, NULL),
			 0);
	assert_int_equal(via_rwlock_unlock(&shared->rwlock), 0);
	assert_int_equal(via_rwlock_write(&shared->rwlock, VIA_NO_WAIT, NULL),
			 0);
	assert_int_equal(via_rwlock_unlock(&shared->rwlock), 0);
}

static void nothing(void)
{
}

/* --- Mutex --- */

static void mutex_begin(void)
{
	assert_int_equal(via_mutex_init(&shared->mutex, NULL), 0);
}

static void mutex_begin_pi(void)
{
	const struct via_mutex_options o = {.flags = VIA_MUTEX_INHERIT};

	assert_int_equal(via_mutex_init(&shared->mutex, &o), 0);
}

static void mutex_begin_recursive(void)
{
	const struct via_mutex_options o = {
		.flags = VIA_MUTEX_RECURSIVE | VIA_MUTEX_DETECT,
		.region = shared,
		.region_len = sizeof(*shared),
	};

	assert_int_equal(via_mutex_init(&shared->mutex, &o), 0);
}

static void mutex_lock(void)
{
	(void)via_mutex_lock(&shared->mutex, VIA_NEVER, NULL);
}

static void mutex_unlock(void)
{
	(void)via_mutex_unlock(&shared->mutex);
}

static void mutex_warm(void)
{
	mutex_lock();
	mutex_unlock();
}

static void mutex_begin_held(void)
{
	mutex_begin();
	mutex_lock();
}

static void mutex_begin_held_pi(void)
{
	mutex_begin_pi();
	mutex_lock();
}

/* The child sleeps, and so does the waiter: one of them gets it. */
static bool held;
static void mutex_let_go(void)
{
	mutex_unlock();
	held = false;
}

static void mutex_after(void)
{
	(void)use_mutex();
	expect_new_mutex();
}

static void mutex_after_held(void)
{
	if (held)
		mutex_let_go();
	assert_int_equal(join_waiter(), 0);
	(void)use_mutex();
	expect_new_mutex();
}

static void mutex_after_waiter(void)
{
	assert_int_equal(join_waiter(), 0);
	expect_new_mutex();
}

/* --- Reader-writer lock --- */

static void rwlock_begin(void)
{
	assert_int_equal(via_rwlock_init(&shared->rwlock), 0);
}

static void rwlock_read(void)
{
	(void)via_rwlock_read(&shared->rwlock, VIA_NEVER, NULL);
}

static void rwlock_write(void)
{
	(void)via_rwlock_write(&shared->rwlock, VIA_NEVER, NULL);
}

static void rwlock_unlock(void)
{
	(void)via_rwlock_unlock(&shared->rwlock);
}

static void rwlock_warm(void)
{
	rwlock_read();
	rwlock_unlock();
	rwlock_write();
	rwlock_unlock();
}

static void rwlock_begin_held(void)
{
	rwlock_begin();
	rwlock_write();
}

static void rwlock_begin_read(void)
{
	rwlock_begin();
	rwlock_read();
}

static void rwlock_after(void)
{
	(void)use_rwlock();
	expect_new_rwlock();
}

static void rwlock_let_go(void)
{
	rwlock_unlock();
	held = false;
}

static void rwlock_after_held(void)
{
	if (held)
		rwlock_let_go();
	assert_int_equal(join_waiter(), 0);
	(void)use_rwlock();
	expect_new_rwlock();
}

static void rwlock_after_waiter(void)
{
	assert_int_equal(join_waiter(), 0);
	expect_new_rwlock();
}

/* --- Semaphore --- */

static void sem_begin(void)
{
	assert_int_equal(via_sem_init(&shared->sem, 0), 0);
}

static void sem_warm(void)
{
	(void)via_sem_post(&shared->sem, 1);
	(void)via_sem_wait(&shared->sem, VIA_NEVER);
}

static void sem_post(void)
{
	(void)via_sem_post(&shared->sem, 1);
}

static void sem_wait(void)
{
	(void)via_sem_wait(&shared->sem, VIA_NEVER);
}

static int use_sem(void)
{
	return via_sem_wait(&shared->sem, SOON);
}

static void sem_give(void)
{
	assert_int_equal(via_sem_post(&shared->sem, 1), 0);
	held = false;
}

/* A unit that is there does not lie there while somebody waits for it. */
static void sem_after(void)
{
	int64_t soon = SOON;

	while (!waiter.done && via_sem_value(&shared->sem) > 0)
		assert_true(via_now() < soon);
	/* None came, or the child took it. */
	if (!waiter.done) {
		n_died++;
		sem_give();
	} else {
		n_clean++;
	}
	assert_int_equal(join_waiter(), 0);
}

/* --- Pool --- */

static void pool_begin(void)
{
	assert_int_equal(via_pool_init(&shared->pool, 1), 0);
}

static void pool_begin_taken(void)
{
	pool_begin();
	assert_int_equal(via_pool_take(&shared->pool, VIA_NO_WAIT, NULL), 0);
}

static void pool_take(void)
{
	(void)via_pool_take(&shared->pool, VIA_NEVER, NULL);
}

static void pool_give(void)
{
	(void)via_pool_give(&shared->pool);
}

static void pool_warm(void)
{
	pool_take();
	pool_give();
}

static int use_pool(void)
{
	struct via_sync_report report;

	expect_taken(via_pool_take(&shared->pool, SOON, &report), &report);
	assert_int_equal(via_pool_give(&shared->pool), 0);
	return 0;
}

static void pool_let_go(void)
{
	pool_give();
	held = false;
}

static void pool_after(void)
{
	(void)use_pool();
	assert_int_equal(via_pool_value(&shared->pool), 1);
}

static void pool_after_held(void)
{
	if (held)
		pool_let_go();
	assert_int_equal(join_waiter(), 0);
	(void)use_pool();
	assert_int_equal(via_pool_value(&shared->pool), 1);
}

static void pool_after_waiter(void)
{
	assert_int_equal(join_waiter(), 0);
	assert_int_equal(via_pool_value(&shared->pool), 1);
}

/* --- Event --- */

static void event_begin(void)
{
	assert_int_equal(via_event_init(&shared->event, 0), 0);
}

static void event_begin_manual(void)
{
	assert_int_equal(via_event_init(&shared->event, VIA_EVENT_MANUAL), 0);
}

static void event_set(void)
{
	(void)via_event_set(&shared->event);
}

static void event_wait(void)
{
	(void)via_event_wait(&shared->event, VIA_NEVER);
}

static void event_warm(void)
{
	event_set();
	event_wait();
	(void)via_event_reset(&shared->event);
}

static int use_event(void)
{
	return via_event_wait(&shared->event, SOON);
}

static void event_give(void)
{
	event_set();
	held = false;
}

static void event_after(void)
{
	int64_t soon = SOON;

	while (!waiter.done && shared->event.set)
		assert_true(via_now() < soon);
	if (!waiter.done)
		event_give();
	assert_int_equal(join_waiter(), 0);
	n_clean++;
}

/* --- Condition --- */

static void cond_begin(void)
{
	mutex_begin();
	assert_int_equal(via_cond_init(&shared->cond), 0);
	shared->answer = shared->heard = 0;
}

static int use_cond(void)
{
	struct via_sync_report report;
	int rc = via_mutex_lock(&shared->mutex, SOON, &report);

	while (!rc && !shared->answer)
		rc = via_cond_wait(&shared->cond, &shared->mutex, SOON,
				   &report);
	expect_taken(rc, &report);
	if (rc)
		assert_int_equal(via_mutex_consistent(&shared->mutex), 0);
	assert_int_equal(via_mutex_unlock(&shared->mutex), 0);
	return 0;
}

static void cond_answer(void)
{
	(void)via_mutex_lock(&shared->mutex, VIA_NEVER, NULL);
	shared->answer++;
	(void)via_cond_signal(&shared->cond);
	(void)via_mutex_unlock(&shared->mutex);
}

static void cond_give(void)
{
	cond_answer();
	held = false;
}

/* If it died inside, the waiter learns it by itself; else it still waits for
 * the answer. */
static void cond_after(void)
{
	if (!shared->mutex.hold.owner && !shared->answer)
		cond_answer();
	assert_int_equal(join_waiter(), 0);
}

static void cond_wait(void)
{
	(void)via_mutex_lock(&shared->mutex, VIA_NEVER, NULL);
	(void)via_cond_wait(&shared->cond, &shared->mutex, VIA_NEVER, NULL);
	shared->heard = 1;
	(void)via_mutex_unlock(&shared->mutex);
}

/* Signalled again only if the child has had the first: one that it died with
 * is passed on. */
static void cond_after_held(void)
{
	if (!shared->mutex.hold.owner && (shared->heard || held))
		cond_give();
	assert_int_equal(join_waiter(), 0);
}

/* --- Barrier --- */

static void barrier_begin(void)
{
	assert_int_equal(via_barrier_init(&shared->barrier, 2), 0);
}

static void barrier_begin_three(void)
{
	assert_int_equal(via_barrier_init(&shared->barrier, 3), 0);
}

static void barrier_warm(void)
{
	(void)via_barrier_wait(&shared->barrier, VIA_NO_WAIT, NULL);
}

static void barrier_wait(void)
{
	(void)via_barrier_wait(&shared->barrier, VIA_NEVER, NULL);
}

static struct via_sync_report barrier_report;

static int use_barrier(void)
{
	return via_barrier_wait(&shared->barrier, SOON, &barrier_report);
}

/* The child died before it came, while it waited, or when they had met. */
static void barrier_after(void)
{
	struct via_sync_view view;

	assert_int_equal(
		via_sync_look(&shared->barrier, sizeof(shared->barrier), &view),
		0);
	if (!waiter.done && !view.died.pid && view.n_holders == 1) {
		struct via_sync_report report;
		int rc = via_barrier_wait(&shared->barrier, SOON, &report);

		assert_true(rc == 0 || rc == 1 || rc == -EOWNERDEAD);
	}
	int rc = join_waiter();

	if (rc >= 0)
		n_clean++;
	else
		expect_taken(rc, &barrier_report);
	assert_int_equal(via_barrier_reset(&shared->barrier), 0);
	assert_int_equal(via_barrier_wait(&shared->barrier, VIA_NO_WAIT, NULL),
			 -EAGAIN);
}

/* Of three, one waits and one dies: nobody waits for the third for ever. */
static void barrier_after_three(void)
{
	int rc = via_barrier_wait(&shared->barrier, VIA_NO_WAIT,
				  &barrier_report);

	if (rc == -EAGAIN) {
		assert_int_equal(via_barrier_destroy(&shared->barrier), 0);
		assert_int_equal(join_waiter(), -EIDRM);
		n_clean++;
		return;
	}
	expect_taken(rc, &barrier_report);
	assert_int_equal(join_waiter(), -EOWNERDEAD);
	assert_int_equal(barrier_report.died.pid, child);
}

/* --- Every instruction --- */

static const struct attempt attempts[] = {
	{"mutex lock", mutex_begin, mutex_warm, mutex_lock, NULL, NULL,
	 mutex_after},
	{"mutex unlock, waited for", mutex_begin, mutex_lock, mutex_unlock,
	 use_mutex, NULL, mutex_after_waiter},
	{"mutex lock, sleeping", mutex_begin_held, nothing, mutex_lock,
	 use_mutex, mutex_let_go, mutex_after_held},
	{"mutex lock, detecting", mutex_begin_recursive, mutex_warm, mutex_lock,
	 NULL, NULL, mutex_after},
	{"mutex lock, inheriting", mutex_begin_pi, mutex_warm, mutex_lock, NULL,
	 NULL, mutex_after},
	{"mutex unlock, inheriting", mutex_begin_pi, mutex_lock, mutex_unlock,
	 use_mutex, NULL, mutex_after_waiter},
	{"mutex lock, inheriting, sleeping", mutex_begin_held_pi, nothing,
	 mutex_lock, use_mutex, mutex_let_go, mutex_after_held},
	{"rwlock read", rwlock_begin, rwlock_warm, rwlock_read, NULL, NULL,
	 rwlock_after},
	{"rwlock write", rwlock_begin, rwlock_warm, rwlock_write, NULL, NULL,
	 rwlock_after},
	{"rwlock unlock of a reader, waited for", rwlock_begin, rwlock_read,
	 rwlock_unlock, use_rwlock, NULL, rwlock_after_waiter},
	{"rwlock unlock of a writer, waited for", rwlock_begin, rwlock_write,
	 rwlock_unlock, use_rwlock, NULL, rwlock_after_waiter},
	{"rwlock read, sleeping", rwlock_begin_held, nothing, rwlock_read,
	 use_rwlock, rwlock_let_go, rwlock_after_held},
	{"rwlock write, sleeping for a writer", rwlock_begin_held, nothing,
	 rwlock_write, use_rwlock, rwlock_let_go, rwlock_after_held},
	{"rwlock write, sleeping for a reader", rwlock_begin_read, nothing,
	 rwlock_write, use_rwlock, rwlock_let_go, rwlock_after_held},
	{"sem post, waited for", sem_begin, sem_warm, sem_post, use_sem, NULL,
	 sem_after},
	{"sem wait, sleeping", sem_begin, sem_warm, sem_wait, use_sem, sem_give,
	 sem_after},
	{"pool take", pool_begin, pool_warm, pool_take, NULL, NULL, pool_after},
	{"pool give, waited for", pool_begin, pool_take, pool_give, use_pool,
	 NULL, pool_after_waiter},
	{"pool take, sleeping", pool_begin_taken, nothing, pool_take, use_pool,
	 pool_let_go, pool_after_held},
	{"event set, waited for", event_begin, event_warm, event_set, use_event,
	 NULL, event_after},
	{"event set, manual, waited for", event_begin_manual, event_warm,
	 event_set, use_event, NULL, event_after},
	{"event wait, sleeping", event_begin, event_warm, event_wait, use_event,
	 event_give, event_after},
	{"cond signal, waited for", cond_begin, mutex_warm, cond_answer,
	 use_cond, NULL, cond_after},
	{"cond wait, sleeping", cond_begin, mutex_warm, cond_wait, use_cond,
	 cond_give, cond_after_held},
	{"barrier wait, the last", barrier_begin, barrier_warm, barrier_wait,
	 use_barrier, NULL, barrier_after},
	{"barrier wait, sleeping", barrier_begin_three, barrier_warm,
	 barrier_wait, use_barrier, NULL, barrier_after_three},
};

/*
 * Kill the child after so many steps: from the beginning or, woken, from when
 * it has slept, with the waiter behind it, and was woken. Returns how many it
 * took.
 */
static int kill_after(const struct attempt *a, bool woken, int steps)
{
	held = true;
	a->begin();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		a->prepare();
		step_here();
		a->act();
		step_here();
		_exit(0);
	}
	step_meet(child);
	if (a->wait && !a->wake)
		start_waiter(a->wait);
	if (woken) {
		step_to_sleep(child);
		start_waiter(a->wait);
		a->wake();
		step_meet(child);
	}

	int taken = step_on(child, steps);

	step_kill(child);
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

	n_died = n_clean = 0;
	for (int steps = 0; steps <= total; steps += stride, points++)
		(void)kill_after(a, woken, steps);
	n_points += points;
	print_message("# %s%s: %d instructions, killed at %d of them; "
		      "%d times told of it, %d times not\n",
		      a->name, woken ? ", woken" : "", total, points, n_died,
		      n_clean);
}

static void survives_at_every_instruction(void **state)
{
	(void)state;
	if (STEP_CANNOT)
		STEP_SKIP();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		survives(&attempts[i], false);
		if (attempts[i].wake)
			survives(&attempts[i], true);
	}
	print_message("# %d kill points\n", n_points);
}

static int map_shared(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int unmap_shared(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(survives_at_every_instruction),
};

int main(void)
{
	check_output();
	return cmocka_run_group_tests(tests, map_shared, unmap_shared);
}
