/* SPDX-License-Identifier: MIT */
/*
 * Locks: what a lock and an unlock cost when nobody else wants it, and how
 * often two processes on two CPUs hand it over when both always do. Each of
 * via's is measured beside the C library's in every round.
 */
#include "bench/sync.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/sync.h>
#include <via/version.h>

#include "bench/bench.h"
#include "bench/json.h"

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
	const char *name;
	void (*pairs)(unsigned int n);
	void (*hand)(uint32_t me);
};
#define LOCK(text, name)                                                       \
	{                                                                      \
		text, pairs_##name, hand_##name                                \
	}

enum how {
	ALONE,	   /* one process; ns for a pair */
	HANDOVERS, /* two processes; a second */
	TOGETHER,  /* two processes, whoever gets it; pairs a second */
	HOWS
};
static const char *const how_names[HOWS] = {"alone", "handovers", "together"};
static const char *const how_titles[HOWS] = {
	[ALONE] = "Uncontended: a lock and an unlock, ns",
	[HANDOVERS] = "Contended: handovers a second between two processes",
	[TOGETHER] = "Contended: locks and unlocks a second of two processes",
};

/* via's and the one it is compared with. */
static const struct row {
	enum how how;
	struct lock via, other;
} rows[] = {
	{ALONE, LOCK("mutex", mutex), LOCK("pthread mutex", plain)},
	{ALONE, LOCK("mutex", mutex), LOCK("pthread robust mutex", robust)},
	{ALONE, LOCK("rwlock read", read), LOCK("pthread rwlock", posix_read)},
	{ALONE, LOCK("rwlock write", write),
	 LOCK("pthread rwlock", posix_write)},
	{ALONE, LOCK("sem post, wait", sem), LOCK("sem_t", posix_sem)},
	{HANDOVERS, LOCK("mutex", mutex), LOCK("pthread mutex", plain)},
	{HANDOVERS, LOCK("mutex", mutex), LOCK("pthread robust mutex", robust)},
	{TOGETHER, LOCK("mutex", mutex), LOCK("pthread robust mutex", robust)},
	{TOGETHER, LOCK("rwlock read", read),
	 LOCK("pthread rwlock", posix_read)},
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

struct result {
	double via, other, ratio; /* medians; of the rounds' ratios */
};

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

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static bool measure_all(const struct bench_sync_options *o, const int *cpu,
			double (*found)[N_ROWS][3])
{
	for (unsigned int round = 0; round < o->rounds; round++)
		for (size_t i = 0; i < N_ROWS; i++) {
			const struct row *row = &rows[i];
			double *f = found[round][i];

			f[0] = measure(&row->via, row->how, cpu, o->time_ns);
			f[1] = measure(&row->other, row->how, cpu, o->time_ns);
			f[2] = f[0] / f[1];
			if (f[0] < 0 || f[1] < 0)
				return false;
		}
	return true;
}

static void print_table(const struct result *results,
			const struct bench_machine *machine, unsigned int n,
			FILE *out)
{
	fprintf(out, "via %s, Linux %s: %s\n%u rounds\n", VIA_VERSION,
		machine->kernel, machine->cpu, n);
	for (size_t i = 0; i < N_ROWS; i++) {
		if (i == 0 || rows[i].how != rows[i - 1].how)
			fprintf(out, "\n%s\n%-16s %12s  %-20s %12s %6s\n",
				how_titles[rows[i].how], "via", "", "beside",
				"", "ratio");
		fprintf(out, "%-16s %12.*f  %-20s %12.*f %6.2f\n",
			rows[i].via.name, rows[i].how == ALONE ? 2 : 0,
			results[i].via, rows[i].other.name,
			rows[i].how == ALONE ? 2 : 0, results[i].other,
			results[i].ratio);
	}
	fputs("\nratio: via divided by what is beside it, in the same round; "
	      "the medians of all.\n",
	      out);
}

static int print_json(const struct result *results, unsigned int n, FILE *out)
{
	json_t *o = json_object(), *all = json_array();

	for (size_t i = 0; i < N_ROWS; i++) {
		json_t *row = json_pack(
			"{s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "how",
			how_names[rows[i].how], "name", rows[i].via.name,
			"unit", rows[i].how == ALONE ? "ns" : "per_s", "via",
			bench_json_real(results[i].via), "beside",
			rows[i].other.name, "other",
			bench_json_real(results[i].other), "ratio",
			bench_json_real(results[i].ratio));

		bench_json_append(&all, row);
	}
	bench_json_set(&o, "schema", json_integer(1));
	bench_json_set(&o, "via", json_string(VIA_VERSION));
	bench_json_set(&o, "rounds", json_integer(n));
	bench_json_set(&o, "rows", all);
	return bench_json_print(o, out);
}

int bench_sync(const struct bench_sync_options *options, bool json, FILE *out,
	       struct via_error *reterr)
{
	double(*found)[N_ROWS][3] = calloc(options->rounds, sizeof(*found));
	double *column = calloc(options->rounds, sizeof(*column));
	struct result results[N_ROWS];
	struct bench_machine machine;
	int rc = found && column ? make_objects() : -ENOMEM;

	bench_machine_get(&machine);
	pin(machine.pinned[0]);
	if (!rc && !measure_all(options, machine.pinned, found))
		rc = -EAGAIN;
	for (size_t i = 0; i < N_ROWS && !rc; i++) {
		double *of[3] = {&results[i].via, &results[i].other,
				 &results[i].ratio};

		for (int k = 0; k < 3; k++) {
			for (unsigned int r = 0; r < options->rounds; r++)
				column[r] = found[r][i][k];
			*of[k] = median(column, options->rounds);
		}
	}
	if (!rc && json)
		rc = print_json(results, options->rounds, out);
	else if (!rc)
		print_table(results, &machine, options->rounds, out);
	if (rc && reterr)
		snprintf(reterr->text, sizeof(reterr->text),
			 "locks cannot be measured: %s", via_strerror(rc));
	free(found);
	free(column);
	return rc;
}
