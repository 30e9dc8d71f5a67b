/* SPDX-License-Identifier: MIT */
/*
 * What a system call waits for, by its number: the one place that knows them.
 * A row says where its arguments are; what they mean for the process is found
 * out by who asks.
 */
#ifndef INSPECT_COLLECT_CALL_H
#define INSPECT_COLLECT_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <via/inspect.h>

enum via__waits_for {
	VIA__CALL_FD,	     /* op on args[fd] */
	VIA__CALL_FLOW,	     /* from args[from] to args[fd] */
	VIA__CALL_VMSPLICE,  /* the side that args[fd] is open for */
	VIA__CALL_SEND,	     /* by args[fd], to the address of the message */
	VIA__CALL_CONNECT,   /* args[fd] to the address at args[1] */
	VIA__CALL_OPEN,	     /* of a FIFO: args[from] directory, -1 without */
	VIA__CALL_POLL,	     /* the array at args[0] */
	VIA__CALL_SELECT,    /* the sets at args[1] to args[3] */
	VIA__CALL_EPOLL,     /* what args[fd] watches */
	VIA__CALL_WAIT4,     /* a child */
	VIA__CALL_WAITID,    /* a child */
	VIA__CALL_CLONE,     /* vfork(2) among them */
	VIA__CALL_FLOCK,     /* flock(2) */
	VIA__CALL_FCNTL,     /* F_SETLKW and the like */
	VIA__CALL_FUTEX,     /* futex(2) */
	VIA__CALL_FUTEX_ONE, /* futex_wait(): flags at args[3] */
	VIA__CALL_FUTEX_ANY, /* futex_waitv() */
	VIA__CALL_MSG,	     /* op on the System V queue args[0] */
	VIA__CALL_SEM,	     /* semop(2) */
	VIA__CALL_URING,     /* completions of args[fd] */
	VIA__CALL_PLAIN,     /* op, of nothing that has a name */
	VIA__CALL_RESTART,   /* restart_syscall(2): see via__call_restarted() */
};

/* How a call says until when it waits. */
enum via__until {
	VIA__UNTIL_NEVER,
	VIA__UNTIL_MS,	     /* int, negative: never */
	VIA__UNTIL_TIMESPEC, /* of a pointer; NULL: never */
	VIA__UNTIL_TIMEVAL,
	VIA__UNTIL_REALTIME, /* absolute, of that clock */
	VIA__UNTIL_FUTEX,    /* as the operation at args[1] has it */
	VIA__UNTIL_CLOCK,    /* absolute, of the clock at the next argument */
	VIA__UNTIL_SLEEP,    /* clock_nanosleep(2): clock and flags before */
	VIA__UNTIL_SOCKET,   /* SO_RCVTIMEO or SO_SNDTIMEO of the socket */
	VIA__UNTIL_PERHAPS,
};

struct via__call {
	long nr;
	uint8_t what; /* enum via__waits_for */
	uint8_t op;   /* enum via_op */
	int8_t fd, from;
	uint8_t until; /* enum via__until */
	int8_t time;   /* which argument says it */
};

/* The row of a call, or NULL: nothing is known of it. */
const struct via__call *via__call_of(long nr);

/*
 * Whether a process has the numbers of this machine, from its /proc/PID/auxv: a
 * program for the machine's 32-bit ancestor has others. Not to be told: true.
 */
bool via__call_native(const void *auxv, size_t len);

/*
 * restart_syscall(2) goes on with a call that was interrupted by SIGSTOP; its
 * arguments are still the first one's. Which one it was shows where in the
 * kernel it waits: the row of that call, or NULL.
 */
const struct via__call *via__call_restarted(const char *wchan);

#endif
