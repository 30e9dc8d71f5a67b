/* SPDX-License-Identifier: MIT */
/* Sending signals, plainly or with a value, which takes other system calls. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <via/signal.h>

#include "core/sys.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP /* linux/pidfd.h, since Linux 6.9 */
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif

/* What a system call said. */
static int result(long r)
{
	return r < 0 ? -errno : 0;
}

/* As sigqueue(3) makes it: the kernel believes the rest, but not a code that
 * would pass for its own. */
static siginfo_t with_value(int signal, int value)
{
	siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};

	/* In different members of one union: an initializer of one clears the
	 * others. */
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = value;
	return info;
}

int via_signal_send(pid_t pid, int signal, const int *value)
{
	if (pid <= 0)
		return -EINVAL;
	if (!value)
		return result(kill(pid, signal));
	return result(sigqueue(pid, signal, (union sigval){*value}));
}

static int send_pidfd(int pidfd, int signal, const int *value,
		      unsigned int flags)
{
	siginfo_t info = with_value(signal, value ? *value : 0);

	return result(
		pidfd_send_signal(pidfd, signal, value ? &info : NULL, flags));
}

int via_signal_send_pidfd(int pidfd, int signal, const int *value)
{
	return send_pidfd(pidfd, signal, value, 0);
}

int via_signal_send_group(pid_t group, int signal, const int *value)
{
	/* kill(-1) is everybody. */
	if (group <= 1 || signal < 0 || signal > VIA_SIGNAL_MAX)
		return -EINVAL;
	if (!value)
		return result(kill(-group, signal));

	VIA__CLEANUP_FD int leader = pidfd_open(group, 0);
	int err = leader < 0 ? -errno
			     : send_pidfd(leader, signal, value,
					  PIDFD_SIGNAL_PROCESS_GROUP);

	if (leader < 0 && err == -ESRCH && kill(-group, 0) < 0)
		return -errno;
	/* An older kernel knows no flags. */
	return leader < 0 || err == -EINVAL ? -EOPNOTSUPP : err;
}

int via_signal_send_thread(pid_t pid, pid_t tid, int signal, const int *value)
{
	if (!value)
		return result(tgkill(pid, tid, signal));
	siginfo_t info = with_value(signal, *value);

	return result(syscall(SYS_rt_tgsigqueueinfo, pid, tid, signal, &info));
}
