/* SPDX-License-Identifier: MIT */
/* Reader-writer locks: pthread_rwlockattr_setkind_np(3). */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

/* A writer waits while we read: can one more reader come in? */
static void rwlock_01_overtake(int kind, int verdict)
{
	pthread_rwlock_t *lock = lab_shared(sizeof(*lock));
	pthread_rwlockattr_t attr;

	PMUST(pthread_rwlockattr_init, &attr);
	PMUST(pthread_rwlockattr_setkind_np, &attr, kind);
	PMUST(pthread_rwlockattr_setpshared, &attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_rwlock_init, lock, &attr);
	PMUST(pthread_rwlock_rdlock, lock);
	CHILD(writer) {
		PMUST(pthread_rwlock_wrlock, lock);
	}
	EXPECT(lab_blocked(writer, SYS_futex), ==, true);
	CHILD(reader) {
		PGIVES(verdict, pthread_rwlock_tryrdlock, lock);
	}
	EXPECT(lab_wait(reader), ==, 0);
	/* One more reader comes before the last has gone. */
	for (int i = 0; verdict == 0 && i < 1000; i++) {
		pthread_rwlock_rdlock(lock);
		pthread_rwlock_unlock(lock);
	}
	EXPECT(lab_blocked(writer, SYS_futex), ==, true);
}

static void rwlock_01(void)
{
	pthread_rwlock_t *lock = lab_shared(sizeof(*lock));
	pthread_rwlockattr_t attr;

	PMUST(pthread_rwlockattr_init, &attr);
	PMUST(pthread_rwlockattr_setpshared, &attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_rwlock_init, lock, &attr);
	PMUST(pthread_rwlock_rdlock, lock);
	CHILD(second) {
		PGIVES(EBUSY, pthread_rwlock_trywrlock, lock);
		PGIVES(0, pthread_rwlock_tryrdlock, lock);
		PGIVES(0, pthread_rwlock_unlock, lock);
	}
	EXPECT(lab_wait(second), ==, 0);
	PMUST(pthread_rwlock_unlock, lock);
	PMUST(pthread_rwlock_wrlock, lock);
	CHILD(third) {
		PGIVES(EBUSY, pthread_rwlock_tryrdlock, lock);
		PGIVES(EBUSY, pthread_rwlock_trywrlock, lock);
	}
	EXPECT(lab_wait(third), ==, 0);

	rwlock_01_overtake(PTHREAD_RWLOCK_DEFAULT_NP, 0);
	rwlock_01_overtake(PTHREAD_RWLOCK_PREFER_WRITER_NP, 0);
	rwlock_01_overtake(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, EBUSY);
}

static const struct lab_experiment experiments[] = {
	{"rwlock.01", "readers together, a writer alone, and last",
	 "pthread_rwlockattr_setkind_np(3)", rwlock_01},
	{0},
};

const struct lab_section lab_rwlock = {
	.name = "rwlock",
	.title = "reader-writer locks",
	.experiments = experiments,
};
