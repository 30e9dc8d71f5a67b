/* SPDX-License-Identifier: MIT */
/* What all kinds of shared memory have in common. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "lab/lab.h"

/* --- Counting together --- */

struct counter {
	volatile long n;
	pthread_mutex_t lock;
};

static void sharedmem_01_bare(struct counter *c)
{
	c->n = c->n + 1;
}

static void sharedmem_01_atomic(struct counter *c)
{
	/* Relaxed: nothing but the count itself is shared. */
	__atomic_fetch_add(&c->n, 1, __ATOMIC_RELAXED);
}

static void sharedmem_01_locked(struct counter *c)
{
	pthread_mutex_lock(&c->lock);
	c->n = c->n + 1;
	pthread_mutex_unlock(&c->lock);
}

static void sharedmem_01_often(struct counter *c, void (*add)(struct counter *),
			       long times)
{
	/* Both begin when both are there: the load sees the other's add. */
	__atomic_fetch_add(&lab_cell[0], 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&lab_cell[0], __ATOMIC_SEQ_CST) < 2)
		sched_yield();
	for (long i = 0; i < times; i++)
		add(c);
}

/* Two processes add 1 so many times each: how much is missing afterwards. */
static long sharedmem_01_lost(struct counter *c, void (*add)(struct counter *),
			      long times)
{
	c->n = 0;
	lab_cell[0] = 0;
	CHILD(adder) {
		sharedmem_01_often(c, add, times);
	}
	sharedmem_01_often(c, add, times);
	EXPECT(lab_wait(adder), ==, 0);
	return 2 * times - c->n;
}

static void sharedmem_01(void)
{
	struct counter *c = lab_shared(sizeof(*c));
	pthread_mutexattr_t shared;
	long times = 250000, bare = 0;
	int64_t until = lab_now_ns() + 3000000000;

	PMUST(pthread_mutexattr_init, &shared);
	PMUST(pthread_mutexattr_setpshared, &shared, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, &c->lock, &shared);

	/* Sharing one CPU, a process has to be interrupted between its load and
	 * its store: the longer the two count, and the more often, the surer. */
	while (bare == 0 && lab_now_ns() < until) {
		times *= times < 16000000 ? 2 : 1;
		bare = sharedmem_01_lost(c, sharedmem_01_bare, times);
	}
	EXPECT(bare, >, 0);
	EXPECT(sharedmem_01_lost(c, sharedmem_01_atomic, times), ==, 0);
	EXPECT(sharedmem_01_lost(c, sharedmem_01_locked, times), ==, 0);
	FIGURE("lost without a lock", "%",
	       100.0 * (double)bare / (2.0 * (double)times));
}

/* --- Speed --- */

#define SIZE (256 << 10)

static void sharedmem_02_use(void *p)
{
	memset(p, '.', SIZE);
	if (memchr(p, '!', SIZE))
		lab_leave(1);
}

static void *sharedmem_02_map(int fd)
{
	MUST(ftruncate, fd, SIZE);
	return MUST(mmap, NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
}

static void sharedmem_02(void)
{
	int file = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	int shm = MUST(shm_open, lab_name(0), O_RDWR | O_CREAT, 0600);
	int id = MUST(shmget, IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
	struct lab_work works[] = {
		{"mmap of a file", sharedmem_02_use, sharedmem_02_map(file), 5},
		{"shm_open", sharedmem_02_use, sharedmem_02_map(shm), 5},
		{"shmget", sharedmem_02_use, MUST(shmat, id, NULL, 0), 5},
	};

	MUST(shmctl, id, IPC_RMID, NULL);
	lab_measure(works, 3, 201);
	double file_ratio = works[0].ns / works[2].ns;
	double shm_ratio = works[1].ns / works[2].ns;

	EXPECT((int)(100 * file_ratio), >, 33);
	EXPECT((int)(100 * file_ratio), <, 300);
	EXPECT((int)(100 * shm_ratio), >, 33);
	EXPECT((int)(100 * shm_ratio), <, 300);
	FIGURE("mmap of a file / shmget", "x", file_ratio);
	FIGURE("shm_open / shmget", "x", shm_ratio);
}

static const struct lab_experiment experiments[] = {
	{"sharedmem.01", "counting without a lock loses updates",
	 "shm_overview(7), pthread_mutexattr_setpshared(3)", sharedmem_01,
	 .limit_s = 30},
	{"sharedmem.02", "a mapped file is as fast as a segment",
	 "mmap(2), shmget(2)", sharedmem_02},
	{0},
};

const struct lab_section lab_sharedmem = {
	.name = "sharedmem",
	.title = "shared memory of any kind",
	.experiments = experiments,
};
