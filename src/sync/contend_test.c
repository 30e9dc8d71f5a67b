/* SPDX-License-Identifier: MIT */
/*
 * Several processes at once: no update is lost behind any lock, a writer gets
 * past readers that never stop, and a high priority does not wait for a lower
 * one than the owner's.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "tests/check.h"

#include <via/sync.h>

#define SOON	 via_deadline(30 * VIA__NS_PER_S)
#define N_MAX	 8
#define UPDATES	 20000
#define BURNS_NS (VIA__NS_PER_S / 10)

static struct {
	struct via_mutex mutex, other;
	struct via_rwlock rwlock;
	struct via_sem sem, go, ready;
	struct via_pool pool;
	struct via_event event;
	struct via_barrier barrier;
	volatile uint64_t count, again;
	volatile int64_t waited_ns;
	uint32_t stop;
} * shared;

struct kind {
	const char *name;
	int (*lock)(void);
	int (*unlock)(void);
	uint32_t flags;
};

static int lock_mutex(void)
{
	return via_mutex_lock(&shared->mutex, SOON, NULL);
}
static int unlock_mutex(void)
{
	return via_mutex_unlock(&shared->mutex);
}
static int lock_rwlock(void)
{
	return via_rwlock_write(&shared->rwlock, SOON, NULL);
}
static int unlock_rwlock(void)
{
	return via_rwlock_unlock(&shared->rwlock);
}
static int lock_sem(void)
{
	return via_sem_wait(&shared->sem, SOON);
}
static int unlock_sem(void)
{
	return via_sem_post(&shared->sem, 1);
}
static int lock_pool(void)
{
	return via_pool_take(&shared->pool, SOON, NULL);
}
static int unlock_pool(void)
{
	return via_pool_give(&shared->pool);
}
static int lock_event(void)
{
	return via_event_wait(&shared->event, SOON);
}
static int unlock_event(void)
{
	return via_event_set(&shared->event);
}
static int lock_nothing(void)
{
	return 0;
}

static const struct kind kinds[] = {
	{"mutex", lock_mutex, unlock_mutex, 0},
	{"mutex, recursive", lock_mutex, unlock_mutex, VIA_MUTEX_RECURSIVE},
	{"mutex, inheriting", lock_mutex, unlock_mutex, VIA_MUTEX_INHERIT},
	{"mutex, detecting", lock_mutex, unlock_mutex, VIA_MUTEX_DETECT},
	{"rwlock", lock_rwlock, unlock_rwlock, 0},
	{"sem", lock_sem, unlock_sem, 0},
	{"pool", lock_pool, unlock_pool, 0},
	{"event", lock_event, unlock_event, 0},
};
static const struct kind no_kind = {"nothing", lock_nothing, lock_nothing, 0};

static void make(const struct kind *kind, uint32_t n)
{
	const struct via_mutex_options o = {
		.flags = kind->flags,
		.region = shared,
		.region_len = sizeof(*shared),
	};

	shared->count = 0;
	assert_int_equal(via_mutex_init(&shared->mutex, &o), 0);
	assert_int_equal(via_rwlock_init(&shared->rwlock), 0);
	assert_int_equal(via_sem_init(&shared->sem, 1), 0);
	assert_int_equal(via_pool_init(&shared->pool, 1), 0);
	assert_int_equal(via_event_init(&shared->event, VIA_EVENT_SET), 0);
	assert_int_equal(via_barrier_init(&shared->barrier, n), 0);
}

static void update(const struct kind *kind)
{
	if (via_barrier_wait(&shared->barrier, SOON, NULL) < 0)
		_exit(1);
	for (int i = 0; i < UPDATES; i++) {
		if (kind->lock())
			_exit(2);
		shared->count = shared->count + 1;
		if (kind->unlock())
			_exit(3);
	}
	_exit(0);
}

static void reap(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* How many updates n processes lose. */
static uint64_t lost(const struct kind *kind, int n)
{
	pid_t children[N_MAX];

	make(kind, (uint32_t)n);
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			update(kind);
		}
	}
	for (int i = 0; i < n; i++)
		reap(children[i]);
	return (uint64_t)n * UPDATES - shared->count;
}

static void loses_no_update(void **state)
{
	(void)state;
	for (int n = 2; n <= N_MAX; n *= 2)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			if (lost(&kinds[i], n))
				fail_msg("%s loses updates", kinds[i].name);
}

static void loses_updates_without(void **state)
{
	uint64_t n = 0;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		check_skip("a second CPU");
	/* A race: it may take a few tries. */
	for (int64_t until = SOON; n == 0 && via_now() < until;)
		n = lost(&no_kind, 2);
	print_message("# without a lock %ju of %d updates were lost\n",
		      (uintmax_t)n, 2 * UPDATES);
	assert_true(n > 0);
}

/* --- Readers among writers --- */

static void be_one_of_both(bool writes)
{
	for (int i = 0; i < UPDATES / 10; i++) {
		if (writes ? via_rwlock_write(&shared->rwlock, SOON, NULL)
			   : via_rwlock_read(&shared->rwlock, SOON, NULL))
			_exit(1);
		if (writes) {
			shared->count = shared->count + 1;
			sched_yield(); /* long enough to be seen in between */
			shared->again = shared->again + 1;
		} else if (shared->count != shared->again) {
			_exit(2);
		}
		if (unlock_rwlock())
			_exit(3);
	}
	_exit(0);
}

/* From now on membarrier(2) fails in this process. */
static void refuse_membarrier(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {4, rules};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(4);
}

/* Of the two, those who are refused have no membarrier(2). */
static void share(bool readers_refused, bool writers_refused)
{
	pid_t children[N_MAX];

	make(&kinds[4], 1);
	shared->again = 0;
	for (int i = 0; i < N_MAX; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (i % 2 ? writers_refused : readers_refused)
				refuse_membarrier();
			be_one_of_both(i % 2);
		}
	}
	for (int i = 0; i < N_MAX; i++)
		reap(children[i]);
	assert_int_equal(shared->count, N_MAX / 2 * (UPDATES / 10));
}

static void readers_see_whole_updates(void **state)
{
	(void)state;
	share(false, false);
	share(true, false);
	share(false, true);
	share(true, true);
}

/* --- A writer among readers --- */

static void burn(int64_t ns)
{
	struct timespec ts;

	for (int64_t end = -1, now;; end = end < 0 ? now + ns : end) {
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		now = ts.tv_sec * VIA__NS_PER_S + ts.tv_nsec;
		if (end >= 0 && now >= end)
			return;
	}
}

static void read_on(void)
{
	do {
		if (via_rwlock_read(&shared->rwlock, SOON, NULL))
			_exit(1);
		(void)via_sem_post(&shared->ready, 1);
		burn(VIA__NS_PER_S / 10000);
		if (via_rwlock_unlock(&shared->rwlock))
			_exit(2);
	} while (!__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST));
	_exit(0);
}

static void writer_gets_in(void **state)
{
	pid_t children[4];

	(void)state;
	make(&kinds[4], 1);
	shared->stop = 0;
	assert_int_equal(via_sem_init(&shared->ready, 0), 0);
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			read_on();
		}
	}

	int64_t longest = 0;

	for (int i = 0; i < 100; i++) {
		/* They are at it. */
		for (int n = 0; n < 4; n++)
			assert_int_equal(via_sem_wait(&shared->ready, SOON), 0);
		int64_t start = via_now();

		assert_int_equal(lock_rwlock(), 0);
		if (via_now() - start > longest)
			longest = via_now() - start;
		assert_int_equal(unlock_rwlock(), 0);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 4; i++)
		reap(children[i]);
	print_message("# a writer among readers waited %.1f ms at most\n",
		      (double)longest / 1e6);
}

/* --- Priorities --- */

/* Waits for the lock that the low one holds. */
static void *be_high(void *unused)
{
	(void)unused;
	(void)via_sem_wait(&shared->ready, SOON);

	int64_t start = via_now();

	(void)lock_mutex();
	shared->waited_ns = via_now() - start;
	(void)unlock_mutex();
	return NULL;
}

/* Has nothing to do with the lock. */
static void *be_middle(void *unused)
{
	(void)unused;
	(void)via_sem_wait(&shared->go, SOON);
	burn(BURNS_NS);
	return NULL;
}

static void *be_low(void *unused)
{
	(void)unused;
	(void)lock_mutex();
	(void)via_sem_post(&shared->ready, 1);
	(void)via_sem_post(&shared->go, 1);
	burn(VIA__NS_PER_S / 1000);
	(void)unlock_mutex();
	return NULL;
}

static int start(pthread_t *thread, void *(*run)(void *), int priority)
{
	const struct sched_param param = {.sched_priority = priority};
	pthread_attr_t attr;
	cpu_set_t cpus;

	/* All on one CPU, the first that we may have. */
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (int i = 0, n = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpus) && n++)
			CPU_CLR(i, &cpus);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	(void)pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	(void)pthread_attr_setschedparam(&attr, &param);
	(void)pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);

	int rc = pthread_create(thread, &attr, run, NULL);

	(void)pthread_attr_destroy(&attr);
	return rc;
}

/* How long the high one waits; -1: not permitted. */
static int64_t inversion(const struct kind *kind)
{
	pthread_t threads[3];

	make(kind, 1);
	assert_int_equal(via_sem_init(&shared->ready, 0), 0);
	assert_int_equal(via_sem_init(&shared->go, 0), 0);
	if (start(&threads[0], be_high, 3))
		return -1;
	assert_int_equal(start(&threads[1], be_middle, 2), 0);
	assert_int_equal(start(&threads[2], be_low, 1), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	return shared->waited_ns;
}

static void inherits_priority(void **state)
{
	(void)state;

	int64_t without = inversion(&kinds[0]), with = inversion(&kinds[2]);

	if (without < 0 || with < 0)
		check_skip("leave to use SCHED_FIFO");
	print_message("# the high priority waited %.1f ms, and %.1f ms where "
		      "it is inherited\n",
		      (double)without / 1e6, (double)with / 1e6);
	assert_true(without >= BURNS_NS);
	assert_true(with < BURNS_NS);
}

/* --- Lent priorities, as the kernel shows them --- */

static struct via_mutex *chain_a, *chain_b;
static _Atomic pid_t low_tid;
static _Atomic int high_rc;

static void *hold_a(void *unused)
{
	low_tid = gettid();
	(void)via_mutex_lock(chain_a, SOON, NULL);
	(void)via_sem_post(&shared->ready, 1);
	(void)via_sem_wait(&shared->go, SOON);
	(void)via_mutex_unlock(chain_a);
	return unused;
}

static void *hold_b_want_a(void *unused)
{
	(void)via_mutex_lock(chain_b, SOON, NULL);
	(void)via_sem_post(&shared->ready, 1);
	(void)via_mutex_lock(chain_a, SOON, NULL);
	(void)via_mutex_unlock(chain_a);
	(void)via_mutex_unlock(chain_b);
	return unused;
}

static void *want_b_a_while(void *unused)
{
	high_rc = via_mutex_lock(chain_b, via_deadline(VIA__NS_PER_S / 5),
				 NULL);
	return unused;
}

/* The 18th field of proc_pid_stat(5): -1 less the priority in effect. */
static int priority_of(pid_t tid)
{
	char path[64], text[512] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);

	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		(void)fclose(file);
	text[n] = '\0';

	char *at = strrchr(text, ')');

	for (int field = 2; at && field < 18; field++)
		at = strchr(at + 1, ' ');
	return at ? -1 - atoi(at) : -1;
}

static void until_priority(int priority)
{
	int64_t soon = SOON;

	while (priority_of(low_tid) != priority)
		assert_true(via_now() < soon);
}

/* Through another owner too; and back when who lent it waits no longer. */
static void priority_is_lent_and_taken_back(void **state)
{
	pthread_t low, middle, high;

	(void)state;
	make(&kinds[2], 1);
	chain_a = &shared->mutex;
	chain_b = &shared->other;
	assert_int_equal(
		via_mutex_init(chain_b,
			       &(struct via_mutex_options){VIA_MUTEX_INHERIT}),
		0);
	assert_int_equal(via_sem_init(&shared->ready, 0), 0);
	assert_int_equal(via_sem_init(&shared->go, 0), 0);
	if (start(&low, hold_a, 1))
		check_skip("leave to use SCHED_FIFO");
	assert_int_equal(via_sem_wait(&shared->ready, SOON), 0);
	until_priority(1);
	assert_int_equal(start(&middle, hold_b_want_a, 2), 0);
	assert_int_equal(via_sem_wait(&shared->ready, SOON), 0);
	until_priority(2);
	assert_int_equal(start(&high, want_b_a_while, 3), 0);
	until_priority(3);
	assert_int_equal(pthread_join(high, NULL), 0);
	assert_int_equal(high_rc, -ETIMEDOUT);
	until_priority(2);
	assert_int_equal(via_sem_post(&shared->go, 1), 0);
	assert_int_equal(pthread_join(middle, NULL), 0);
	assert_int_equal(pthread_join(low, NULL), 0);
}

static int map(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int unmap(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(loses_no_update),
	CHECK_TEST(loses_updates_without),
	CHECK_TEST(writer_gets_in),
	CHECK_TEST(inherits_priority),
	CHECK_TEST(priority_is_lent_and_taken_back),
	CHECK_TEST(readers_see_whole_updates),
};

int main(void)
{
	check_output();
	return cmocka_run_group_tests(tests, map, unmap);
}
