/* SPDX-License-Identifier: MIT */
/* Starting a process: clone(2) around src/process/child.c. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/process.h>

#include "core/error.h"
#include "core/sys.h"
#include "process/child.h"

/* PATH_MAX, what printf() takes, and a sanitizer's share of it. */
#define STACK_LEN (64 * 1024)

#define SIGSET_LEN (_NSIG / 8)

/* clone(2) by the name that the thread sanitizer does not know: it takes every
 * clone() for a fork() and changes, in our memory, what it keeps. */
int __clone(int (*function)(void *), void *stack, int flags, void *arg, ...);

static int check(const struct via_program *p, struct via_error *err)
{
	const uint32_t both = VIA_PROGRAM_GROUP | VIA_PROGRAM_SESSION;

	if (!p->shell && (!p->argv || !p->argv[0]))
		return via__fail(err, -EINVAL, "no program to run");
	if (p->n_fds > VIA_PROGRAM_FDS_MAX)
		return via__fail(err, -EINVAL, "at most %d descriptors",
				 VIA_PROGRAM_FDS_MAX);
	if ((p->flags & both) == both)
		return via__fail(err, -EINVAL,
				 "a new session has a group of its own");
	for (uint32_t i = 0; i < p->n_fds; i++)
		if (p->fds[i].child < 0)
			return via__fail(err, -EINVAL,
					 "no descriptor has the number %d",
					 p->fds[i].child);
	return 0;
}

static int fail_clone(struct via_error *err, int error)
{
	switch (error) {
	case -EAGAIN:
		return via__fail(err, error,
				 "no new process: the user or the system has "
				 "too many (RLIMIT_NPROC)");
	case -EMFILE:
		return via__fail(err, error,
				 "no new process: this one has too many "
				 "descriptors open (RLIMIT_NOFILE)");
	}
	return via__fail_errno(err, error, "no new process");
}

/*
 * Run the child up to its exec. Without an exit signal: so one that fails is
 * invisible to the SIGCHLD handlers and wait() calls of the program. A
 * successful exec makes it SIGCHLD, see begin_new_exec() in fs/exec.c.
 */
static pid_t clone_child(struct via__child *child, void *stack, int *ret_pidfd)
{
	unsigned char all[SIGSET_LEN], before[SIGSET_LEN];
	int cancel;

	/* Not through the C library, which spares its own two signals. */
	memset(all, 0xff, sizeof(all));
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, before, SIGSET_LEN);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);

	pid_t pid = __clone(via__child_main, (char *)stack + STACK_LEN,
			    CLONE_VM | CLONE_VFORK | CLONE_PIDFD, child,
			    ret_pidfd);
	int error = -errno;

	(void)pthread_setcancelstate(cancel, NULL);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, before, NULL,
		      SIGSET_LEN);
	return pid < 0 ? error : pid;
}

int via_spawn(const struct via_program *program, pid_t *ret_pid,
	      struct via_error *reterr)
{
	const char *const shell[] = {"/bin/sh", "-c", "--", program->shell,
				     NULL};
	struct via__child child = {
		.program = program,
		.argv = program->argv ? program->argv : shell,
		.env = program->env ? program->env
				    : (const char *const *)environ,
		.parent = getpid(),
		.error = reterr,
	};
	int r = check(program, reterr);

	if (r < 0)
		return r;
	void *stack = mmap(NULL, STACK_LEN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return via__fail_errno(reterr, -errno, "no new process");
	VIA__CLEANUP_FD int pidfd = -1;
	pid_t pid = clone_child(&child, stack, &pidfd);

	(void)munmap(stack, STACK_LEN);
	if (pid < 0)
		return fail_clone(reterr, pid);
	if (child.result < 0) {
		/* __WCLONE: it has no exit signal. */
		while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &(siginfo_t){0},
			      WEXITED | __WCLONE) < 0 &&
		       errno == EINTR)
			;
		return child.result;
	}
	if (ret_pid)
		*ret_pid = pid;
	return via__take_fd(&pidfd);
}
