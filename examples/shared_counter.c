/* SPDX-License-Identifier: MIT */
/*
 * Two processes count in shared memory, without and with a lock.
 *
 * Adding one is reading, adding and writing back; what the other process
 * writes in between is lost. The lock makes it one step, so does an atomic.
 */
#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 1000000

struct shared {
	pthread_mutex_t lock;
	atomic_long unlocked; /* its loads and stores are whole, no more */
	long locked;
	atomic_long added;
};

static void count(struct shared *s)
{
	for (int i = 0; i < ROUNDS; i++)
		atomic_store(&s->unlocked, atomic_load(&s->unlocked) + 1);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&s->lock);
		s->locked++;
		pthread_mutex_unlock(&s->lock);
	}
	for (int i = 0; i < ROUNDS; i++)
		atomic_fetch_add(&s->added, 1);
}

int main(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	if (s == MAP_FAILED)
		err(1, "mmap");
	pthread_mutexattr_init(&attr);
	/* Or it would work between the threads of one process only. */
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&s->lock, &attr);

	pid_t child = fork();

	count(s);
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		err(1, "child");
	return printf("no lock %ld, lock %ld, atomic %ld, of %d\n", s->unlocked,
		      s->locked, s->added, 2 * ROUNDS) < 0;
}
