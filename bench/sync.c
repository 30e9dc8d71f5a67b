/* SPDX-License-Identifier: MIT */
/*
 * Locks: what a lock and an unlock cost when nobody else wants it, and how
 * often two processes on two CPUs hand it over when both always do. Each of
 * via's is measured beside the C library's in every round.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/sync.h>

#include "bench/bench.h"
#include "bench/subject.h"

/* All that is locked, in shared memory; two lines each, for CPUs fetch lines
 * in pairs. */
static struct objects {
	BENCH_ALIGNED struct via_mutex mutex;
	BENCH_ALIGNED pthread_mutex_t plain;
	BENCH_ALIGNED pthread_mutex_t robust;
	BENCH_ALIGNED struct via_rwlock rwlock;
	BENCH_ALIGNED pthread_rwlock_t posix_rwlock;
	BENCH_ALIGNED struct via_sem sem;
	BENCH_ALIGNED sem_t posix_sem;
	/* Guarded by the lock that is measured. */
	BENCH_ALIGNED uint32_t last; /* who had it */
	uint64_t handovers;
	BENCH_ALIGNED uint32_t arrived; /* of two */
	uint32_t stop;
	uint64_t pairs; /* of the other process */
} * at;

/* n times, with nothing in between. */
#define PAIRS(name, lock, unlock)                                              \
	static void pairs_##name(unsigned int n)                               \
	{                                                                      \
		for (; n > 0; n--) {                                           \
			(void)(lock);                                          \
			(void)(unlock);                                        \
		}                                                              \
	}                                                                      \
	static void hand_##name(uint32_t me)                                   \
	{                                                                      \
		(void)(lock);                                                  \
		at->handovers += at->last != me;                               \
		at->last = me;                                                 \
		(void)(unlock);                                                \
	}

PAIRS(mutex, via_mutex_lock(&at->mutex, VIA_NEVER, NULL),
      via_mutex_unlock(&at->mutex))
PAIRS(plain, pthread_mutex_lock(&at->plain), pthread_mutex_unlock(&at->plain))
PAIRS(robust, pthread_mutex_lock(&at->robust),
      pthread_mutex_unlock(&at->robust))
PAIRS(write, via_rwlock_write(&at->rwlock, VIA_NEVER, NULL),
      via_rwlock_unlock(&at->rwlock))
PAIRS(posix_write, pthread_rwlock_wrlock(&at->posix_rwlock),
      pthread_rwlock_unlock(&at->posix_rwlock))
PAIRS(read, via_rwlock_read(&at->rwlock, VIA_NEVER, NULL),
      via_rwlock_unlock(&at->rwlock))
PAIRS(posix_read, pthread_rwlock_rdlock(&at->posix_rwlock),
      pthread_rwlock_unlock(&at->posix_rwlock))
PAIRS(sem, via_sem_post(&at->sem, 1), via_sem_wait(&at->sem, VIA_NEVER))
PAIRS(posix_sem, sem_post(&at->posix_sem), sem_wait(&at->posix_sem))

struct lock {
	void (*pairs)(unsigned int n);
	void (*hand)(uint32_t me);
};
#define LOCK(name)                                                             \
	{                                                                      \
		pairs_##name, hand_##name                                      \
	}

enum how {
	ALONE,	   /* one process; ns for a pair */
	HANDOVERS, /* two processes; a second */
	TOGETHER,  /* two processes, whoever gets it; pairs a second */
};

#define ALONE_PAIR "alone", "Uncontended: a lock and an unlock, ns", "ns", 2
#define HANDOVERS_PAIR                                                         \
	"handovers", "Contended: handovers a second between two processes",    \
		"per_s", 0
#define TOGETHER_PAIR                                                          \
	"together", "Contended: locks and unlocks a second of two processes",  \
		"per_s", 0

/* via's and the one it is compared with. */
static const struct row {
	struct bench_pair pair;
	enum how how;
	struct lock via, other;
} rows[] = {
#define ROW(how, text, name, other_text, other)                                \
	{                                                                      \
		{how##_PAIR, text, other_text}, how, LOCK(name), LOCK(other)   \
	}
	ROW(ALONE, "mutex", mutex, "pthread mutex", plain),
	ROW(ALONE, "mutex", mutex, "pthread robust mutex", robust),
	ROW(ALONE, "rwlock read", read, "pthread rwlock", posix_read),
	ROW(ALONE, "rwlock write", write, "pthread rwlock", posix_write),
	ROW(ALONE, "sem post, wait", sem, "sem_t", posix_sem),
	ROW(HANDOVERS, "mutex", mutex, "pthread mutex", plain),
	ROW(HANDOVERS, "mutex", mutex, "pthread robust mutex", robust),
	ROW(TOGETHER, "mutex", mutex, "pthread robust mutex", robust),
	ROW(TOGETHER, "rwlock read", read, "pthread rwlock", posix_read),
#undef ROW
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static int make_objects(void)
{
	pthread_mutexattr_t m;
	pthread_rwlockattr_t r;

	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	/* None of these fails on Linux with what is given. */
	(void)pthread_mutexattr_init(&m);
	(void)pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutex_init(&at->plain, &m);
	(void)pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&at->robust, &m);
	(void)pthread_rwlockattr_init(&r);
	(void)pthread_rwlockattr_setpshared(&r, PTHREAD_PROCESS_SHARED);
	(void)pthread_rwlock_init(&at->posix_rwlock, &r);
	(void)sem_init(&at->posix_sem, 1, 0);

	int rc = via_mutex_init(&at->mutex, NULL);

	if (!rc)
		rc = via_rwlock_init(&at->rwlock);
	return rc ? rc : via_sem_init(&at->sem, 0);
}

static void pin(int cpu)
{
	cpu_set_t one;

	if (cpu < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one); /* as well as it goes */
}

/* What one process does until it is time; pairs per call of work. */
#define BATCH 256

static double alone(const struct lock *lock, int64_t time_ns)
{
	uint64_t n = 0;
	int64_t start = via_now(), now;

	do {
		lock->pairs(BATCH);
		n += BATCH;
		now = via_now();
	} while (now - start < time_ns);
	return (double)(now - start) / (double)n;
}

static uint64_t work(const struct lock *lock, enum how how, uint32_t me)
{
	uint64_t n = 0;

	/* Both are there before either begins. */
	(void)__atomic_add_fetch(&at->arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&at->arrived, __ATOMIC_ACQUIRE) < 2)
		sched_yield();
	while (!__atomic_load_n(&at->stop, __ATOMIC_RELAXED)) {
		if (how == TOGETHER)
			lock->pairs(BATCH);
		else
			for (int i = 0; i < BATCH; i++)
				lock->hand(me);
		n += BATCH;
	}
	return n;
}

static void stop(int sig)
{
	(void)sig;
	__atomic_store_n(&at->stop, 1, __ATOMIC_RELAXED);
}

/* A timer of the parent ends it. -1: no child. */
static double against(const struct lock *lock, enum how how, const int *cpu,
		      int64_t time_ns)
{
	struct itimerval timer = {
		.it_value = {time_ns / 1000000000, time_ns % 1000000000 / 1000},
	};

	at->arrived = at->stop = 0;
	at->handovers = at->pairs = 0;

	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(cpu[1]);
		at->pairs = work(lock, how, 1);
		_exit(0);
	}
	(void)signal(SIGALRM, stop);
	(void)setitimer(ITIMER_REAL, &timer, NULL);

	int64_t start = via_now();
	uint64_t n = work(lock, how, 0);

	(void)waitpid(child, NULL, 0);
	n += at->pairs;
	if (how == HANDOVERS)
		n = at->handovers;
	return (double)n * 1e9 / (double)(via_now() - start);
}

static double measure(const struct lock *lock, enum how how, const int *cpu,
		      int64_t time_ns)
{
	return how == ALONE ? alone(lock, time_ns)
			    : against(lock, how, cpu, time_ns);
}

/* --- The subject --- */

static int cpus[2];

static const struct bench_pair *sync_pair(unsigned int i)
{
	return &rows[i].pair;
}

static int sync_begin(const struct bench_machine *machine,
		      struct via_error *error)
{
	(void)error;
	cpus[0] = machine->pinned[0];
	cpus[1] = machine->pinned[1];
	pin(cpus[0]);
	return make_objects();
}

static int sync_round(int64_t time_ns, struct bench_figures *ret,
		      struct via_error *error)
{
	(void)error;
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];

		ret[i].via = measure(&row->via, row->how, cpus, time_ns);
		ret[i].other = measure(&row->other, row->how, cpus, time_ns);
		if (ret[i].via < 0 || ret[i].other < 0)
			return -EAGAIN;
	}
	return 0;
}

static void sync_end(void)
{
	if (at && at != MAP_FAILED)
		(void)munmap(at, sizeof(*at));
	at = NULL;
}

const struct bench_subject bench_sync = {
	.name = "sync",
	.n_pairs = N_ROWS,
	.rounds = 5,
	.time_ns = 100000000,
	.pair = sync_pair,
	.begin = sync_begin,
	.round = sync_round,
	.end = sync_end,
};
