/* SPDX-License-Identifier: MIT */
#include "inspect/collect/call.h"

#include <string.h>
#include <sys/syscall.h>

/* Newer than the headers of Debian 12: include/uapi/asm-generic/unistd.h of
 * Linux 6.7; the same number on all machines that we know. */
#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

#define READ(nr, until)                                                        \
	{                                                                      \
		SYS_##nr, VIA__CALL_FD, VIA_OP_READ, 0, -1, until, -1          \
	}
#define WRITE(nr, until)                                                       \
	{                                                                      \
		SYS_##nr, VIA__CALL_FD, VIA_OP_WRITE, 0, -1, until, -1         \
	}
#define ACCEPT(nr)                                                             \
	{                                                                      \
		SYS_##nr, VIA__CALL_FD, VIA_OP_ACCEPT, 0, -1,                  \
			VIA__UNTIL_SOCKET, -1                                  \
	}
#define FLOW(nr, from, to)                                                     \
	{                                                                      \
		SYS_##nr, VIA__CALL_FLOW, VIA_OP_READ, to, from,               \
			VIA__UNTIL_SOCKET, -1                                  \
	}
#define OPEN(nr, dir)                                                          \
	{                                                                      \
		SYS_##nr, VIA__CALL_OPEN, VIA_OP_OPEN, -1, dir,                \
			VIA__UNTIL_NEVER, -1                                   \
	}
/* What has a slot of its own. */
#define CALL(nr, what, op, until, time)                                        \
	{                                                                      \
		SYS_##nr, VIA__CALL_##what, VIA_OP_##op, 0, -1,                \
			VIA__UNTIL_##until, time                               \
	}

static const struct via__call calls[] = {
	READ(read, VIA__UNTIL_SOCKET),
	READ(readv, VIA__UNTIL_SOCKET),
	READ(pread64, VIA__UNTIL_SOCKET),
	READ(preadv, VIA__UNTIL_SOCKET),
	READ(preadv2, VIA__UNTIL_SOCKET),
	READ(recvfrom, VIA__UNTIL_SOCKET),
	READ(recvmsg, VIA__UNTIL_SOCKET),
	WRITE(write, VIA__UNTIL_SOCKET),
	WRITE(writev, VIA__UNTIL_SOCKET),
	WRITE(pwrite64, VIA__UNTIL_SOCKET),
	WRITE(pwritev, VIA__UNTIL_SOCKET),
	WRITE(pwritev2, VIA__UNTIL_SOCKET),
	CALL(sendto, SEND, WRITE, SOCKET, -1),
	CALL(sendmsg, SEND, WRITE, SOCKET, -1),
	WRITE(sendmmsg, VIA__UNTIL_SOCKET),
	ACCEPT(accept),
	ACCEPT(accept4),
	FLOW(splice, 0, 2),
	FLOW(tee, 0, 1),
	FLOW(sendfile, 1, 0),
	/* Its timeout is looked at only between messages: recvmmsg(2). */
	CALL(recvmmsg, FD, READ, SOCKET, -1),
	CALL(vmsplice, VMSPLICE, WRITE, NEVER, -1),
	CALL(connect, CONNECT, CONNECT, SOCKET, -1),
	OPEN(openat, 0),
	OPEN(openat2, 0),
	CALL(ppoll, POLL, READ, TIMESPEC, 2),
	CALL(pselect6, SELECT, READ, TIMESPEC, 4),
	CALL(epoll_pwait, EPOLL, READ, MS, 3),
	CALL(epoll_pwait2, EPOLL, READ, TIMESPEC, 3),
	CALL(wait4, WAIT4, CHILD, NEVER, -1),
	CALL(waitid, WAITID, CHILD, NEVER, -1),
	CALL(clone, CLONE, CHILD, NEVER, -1),
	CALL(clone3, CLONE, CHILD, NEVER, -1),
	CALL(flock, FLOCK, LOCK, NEVER, -1),
	CALL(fcntl, FCNTL, LOCK, NEVER, -1),
	CALL(futex, FUTEX, WAKE, FUTEX, 3),
	CALL(futex_wait, FUTEX_ONE, WAKE, CLOCK, 4),
	CALL(futex_waitv, FUTEX_ANY, WAKE, CLOCK, 3),
	CALL(msgsnd, MSG, WRITE, NEVER, -1),
	CALL(msgrcv, MSG, READ, NEVER, -1),
	CALL(semop, SEM, LOCK, NEVER, -1),
	CALL(semtimedop, SEM, LOCK, TIMESPEC, 3),
	CALL(mq_timedsend, FD, WRITE, REALTIME, 4),
	CALL(mq_timedreceive, FD, READ, REALTIME, 4),
	CALL(io_uring_enter, URING, EVENT, PERHAPS, -1),
	CALL(nanosleep, PLAIN, TIME, TIMESPEC, 0),
	CALL(clock_nanosleep, PLAIN, TIME, SLEEP, 2),
	CALL(rt_sigsuspend, PLAIN, SIGNAL, NEVER, -1),
	CALL(rt_sigtimedwait, PLAIN, SIGNAL, TIMESPEC, 2),
	CALL(restart_syscall, RESTART, UNKNOWN, PERHAPS, -1),
/* What newer machines (arm64) have no more. */
#ifdef SYS_open
	OPEN(open, -1),
#endif
#ifdef SYS_creat
	OPEN(creat, -1),
#endif
#ifdef SYS_poll
	CALL(poll, POLL, READ, MS, 2),
#endif
#ifdef SYS_select
	CALL(select, SELECT, READ, TIMEVAL, 4),
#endif
#ifdef SYS_epoll_wait
	CALL(epoll_wait, EPOLL, READ, MS, 3),
#endif
#ifdef SYS_vfork
	CALL(vfork, CLONE, CHILD, NEVER, -1),
#endif
#ifdef SYS_pause
	CALL(pause, PLAIN, SIGNAL, NEVER, -1),
#endif
};

const struct via__call *via__call_of(long nr)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* Pairs of a small type and a value, each as wide as the program's pointers:
 * two halves in one type are too great for one. */
bool via__call_native(const void *auxv, size_t len)
{
	uint64_t type;

	if (len < sizeof(type))
		return true;
	memcpy(&type, auxv, sizeof(type));
	return type <= UINT32_MAX;
}

/*
 * Names of functions in the kernel change; these parts of them have not. Three
 * calls go on this way, and where sleep does is in a function that wchan leaves
 * out (the scheduler's own), so what it shows is the way into the kernel.
 */
const struct via__call *via__call_restarted(const char *wchan)
{
	if (strstr(wchan, "futex"))
		return via__call_of(SYS_futex);
	if (strstr(wchan, "poll"))
#ifdef SYS_poll
		return via__call_of(SYS_poll);
#else
		return via__call_of(SYS_ppoll);
#endif
	return *wchan ? via__call_of(SYS_nanosleep) : NULL;
}
