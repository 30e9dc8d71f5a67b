/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a lock on a file up to a deadline.
 *
 * flock(2) and fcntl(2) wait without end unless a signal handler interrupts
 * them, and a library has no handler to install. But the lock does not belong
 * to the process that asks: flock's and OFD locks belong to the open file
 * description, fcntl's to the table of descriptors (fl_owner is
 * current->files, fs/locks.c). So a child that shares the table (CLONE_FILES)
 * asks, sleeps in the kernel's queue, in its turn, and ends: then the lock is
 * ours. At the deadline it is killed.
 *
 * The child shares the memory too (CLONE_VM), so that it costs the same in a
 * process of any size: a wait that ends takes 90 us more, where copying the
 * page tables of 1 GiB took 20 ms. Asking again every millisecond has no place
 * in the queue, and was served a whole one late in every tenth handover.
 *
 * All the child does is three bare system calls. It raises no SIGCHLD and
 * wait(2) does not see it, as its exit signal is 0; it dies with the thread it
 * waits for.
 */
#include "sync/named/file.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/sys.h"

struct errand {
	const struct via__file_call *call;
	int fd;
	long parent;
};

int via__file_do(int fd, const struct via__file_call *call)
{
	long r;

	do
		r = syscall(call->number, fd, call->command, &call->range);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/*
 * The child. It has this thread's errno and sanitizer state for its own, so
 * nothing here is instrumented, and neither side relies on errno: see
 * run_errand(). Returns the exit status, an errno value.
 */
__attribute__((no_sanitize("address", "thread", "undefined"))) static int
errand(void *arg)
{
	const struct errand *e = arg;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Died before that; 0 is a parent in another pid namespace. */
	long parent = syscall(SYS_getppid);

	if (parent != e->parent && parent != 0)
		return ESRCH;
	if (syscall(e->call->number, e->fd, e->call->command, &e->call->range))
		return errno;
	return 0;
}

/* With all signals blocked, so that no handler ever runs in it. */
static int start(struct errand *e, void *stack_top, int *ret_pidfd)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);

	int pid = clone(errand, stack_top, CLONE_VM | CLONE_FILES | CLONE_PIDFD,
			e, ret_pidfd);
	int r = pid < 0 ? -errno : 0;

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* The errno value it ended with, negative; -EINTR if it was killed. */
static int reap(int pidfd)
{
	siginfo_t info = {0};
	int r;

	do
		r = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info,
			   WEXITED | __WALL);
	while (r < 0 && errno == EINTR);
	return r == 0 && info.si_code == CLD_EXITED ? -info.si_status : -EINTR;
}

/* 0: the child got the lock. -EINTR: it, or we, cannot tell. */
static int run_errand(struct errand *e, int64_t deadline)
{
	char stack[16384] __attribute__((aligned(16)));
	VIA__CLEANUP_FD int pidfd = -1;
	int r = start(e, stack + sizeof(stack), &pidfd);

	if (r < 0)
		return r;

	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

	/* What fails may just be the child's errno, read in place of EINTR. */
	do
		r = via__poll(&pfd, 1, deadline);
	while (r < 0);
	if (r == 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return reap(pidfd);
}

int via__file_do_until(int fd, const struct via__file_call *call,
		       int64_t deadline)
{
	struct errand e = {.call = call, .fd = fd, .parent = getpid()};

	for (;;) {
		int r = run_errand(&e, deadline);

		if (r != -EINTR)
			return r;
		if (via__deadline_passed(deadline))
			return -ETIMEDOUT;
	}
}
