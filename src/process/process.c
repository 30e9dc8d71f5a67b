/* SPDX-License-Identifier: MIT */
/* What can be done with a pidfd. */
#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/signal.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"

static int fail_lost(struct via_error *err)
{
	struct sigaction now;

	if (sigaction(SIGCHLD, NULL, &now) == 0 &&
	    (now.sa_handler == SIG_IGN || now.sa_flags & SA_NOCLDWAIT))
		return via__fail(err, -ECHILD,
				 "the process has ended, but its status is "
				 "lost: this program ignores SIGCHLD");
	return via__fail(err, -ECHILD,
			 "the process has ended, but its status is lost: it "
			 "is no child of this one or was collected before");
}

static struct via_exit ended_as(const siginfo_t *info)
{
	return (struct via_exit){
		.how = info->si_code == CLD_EXITED ? VIA_EXITED : VIA_SIGNALLED,
		.status = info->si_status,
		.dumped_core = info->si_code == CLD_DUMPED,
	};
}

int via__collect(int pidfd, int flags, struct via_exit *ret,
		 struct via_error *err)
{
	siginfo_t info = {0};
	struct rusage usage = {0};
	long r;

	/* The C library's has no rusage. __WALL: also one that was killed
	 * before its exec, see clone_child(). */
	do
		r = syscall(SYS_waitid, P_PIDFD, pidfd, &info,
			    WEXITED | __WALL | flags, &usage);
	while (r && errno == EINTR);
	if (r && errno == ECHILD) {
		*ret = (struct via_exit){.how = VIA_LOST, .status = -1};
		return fail_lost(err);
	}
	if (r)
		return via__fail_errno(err, -errno, "descriptor %d", pidfd);
	if (!info.si_pid)
		return -EAGAIN;
	*ret = ended_as(&info);
	ret->usage = usage;
	return 0;
}

int via_process_wait(int pidfd, int64_t deadline, struct via_exit *ret,
		     struct via_error *reterr)
{
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};
	struct via_exit unused;

	/* poll(2) would wait without end for what is negative. */
	int r = pidfd < 0 ? -EBADF : via__poll(&pfd, 1, deadline);

	if (r < 0)
		return via__fail_errno(reterr, r, "descriptor %d", pidfd);
	if (r == 0) {
		r = via__deadline_error(deadline);
		return via__fail(reterr, r, "the process still runs");
	}
	/* Ended, but a tracer may have to let go of it first. */
	return via__collect(pidfd, deadline == VIA_NO_WAIT ? WNOHANG : 0,
			    ret ? ret : &unused, reterr);
}

void via__end(int *pidfd)
{
	struct via_exit unused;

	(void)via_signal_send_pidfd(*pidfd, SIGKILL, NULL);
	(void)via__collect(*pidfd, 0, &unused, NULL);
	via__close(pidfd);
}

int via_process_open(pid_t pid, struct via_error *reterr)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		return (int)fd;
	if (errno == ESRCH)
		return via__fail(reterr, -ESRCH, "there is no process %d",
				 (int)pid);
	return via__fail_errno(reterr, -errno, "process %d", (int)pid);
}

int via_exit_status(const struct via_exit *ended)
{
	switch (ended->how) {
	case VIA_EXITED:
		return ended->status;
	case VIA_SIGNALLED:
		return 128 + ended->status;
	case VIA_LOST:
		break;
	}
	return 127;
}
