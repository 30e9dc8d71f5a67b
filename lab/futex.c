/* SPDX-License-Identifier: MIT */
/* What mutexes and semaphores are made of: futex(7). */
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

#define ROUNDS 1000000

/* From here on the kernel kills us for any system call but read, write, _exit
 * and sigreturn: seccomp(2). */
static void futex_01_forbid_calls(void)
{
	if (CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0)
		SKIP("needs seccomp");
}

static void futex_01(void)
{
	pthread_mutex_t *mutex = lab_shared(sizeof(*mutex));
	pthread_mutexattr_t attr;

	PMUST(pthread_mutexattr_init, &attr);
	PMUST(pthread_mutexattr_setpshared, &attr, PTHREAD_PROCESS_SHARED);
	PMUST(pthread_mutex_init, mutex, &attr);
	CHILD(alone) {
		futex_01_forbid_calls();
		while (lab_cell[0] < ROUNDS) {
			pthread_mutex_lock(mutex);
			lab_cell[0]++;
			pthread_mutex_unlock(mutex);
		}
		syscall(SYS_exit, 0);
	}
	EXPECT(lab_wait(alone), ==, 0);
	EXPECT(lab_cell[0], ==, ROUNDS);

	PMUST(pthread_mutex_lock, mutex);
	CHILD(caught) {
		futex_01_forbid_calls();
		PMUST(pthread_mutex_lock, mutex);
	}
	EXPECT(WTERMSIG(lab_wait(caught)), ==, SIGKILL);
	CHILD(sleeper) {
		PGIVES(0, pthread_mutex_lock, mutex);
	}
	EXPECT(lab_blocked(sleeper, SYS_futex), ==, true);
	PMUST(pthread_mutex_unlock, mutex);
	EXPECT(lab_wait(sleeper), ==, 0);
}

static const struct lab_experiment experiments[] = {
	{"futex.01", "a lock that is free costs no system call",
	 "futex(7), futex(2), seccomp(2)", futex_01},
	{0},
};

const struct lab_section lab_futex = {
	.name = "futex",
	.title = "futexes",
	.experiments = experiments,
};
