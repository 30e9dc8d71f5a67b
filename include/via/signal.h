/* SPDX-License-Identifier: MIT */
/*
 * Signals: their names, sending one to exactly whom it is meant for, and
 * receiving without a handler, as records from a descriptor.
 *
 * A set of signals is a uint64_t with bit N - 1 for signal N, as the kernel
 * has it in /proc/PID/status. See signal(7).
 */
#ifndef VIA_SIGNAL_H
#define VIA_SIGNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_SIGNAL_MAX 64
/* The set of one signal, 1 to 64. */
#define VIA_SIGNAL_BIT(signal) (UINT64_C(1) << ((signal)-1))

/* Room for any name, and for the names in any set, with the final NUL. */
#define VIA_SIGNAL_NAME_MAX 24
#define VIA_SIGNAL_SET_MAX  512

/* --- Names --- */

/*
 * The number of a signal: "TERM", "SIGTERM", "15", "RTMIN+3", "RTMAX-1",
 * "SIGRTMIN"; upper or lower case, also the other names that signal(7) has
 * ("IO", "CLD", "IOT").
 *
 * Returns 1 to 64, 0 for "0" (which only asks whether sending were possible),
 * -EINVAL. Never blocks or allocates.
 */
VIA_API int via_signal_parse(const char *text);

/*
 * The name of a signal without "SIG", one that via_signal_parse() takes back.
 * Real-time signals are named from the nearer end: "RTMIN+15", "RTMAX-14".
 * Those that the C library keeps to itself (32 and 33), and numbers that are
 * no signal, are the number in digits.
 *
 * Writes to name and returns it.
 */
VIA_API const char *via_signal_name(int signal, char name[VIA_SIGNAL_NAME_MAX]);

/* What a signal does to a process that has said nothing else. */
enum via_signal_action {
	VIA_SIGNAL_TERMINATES = 1,
	VIA_SIGNAL_DUMPS_CORE, /* and terminates */
	VIA_SIGNAL_IS_IGNORED,
	VIA_SIGNAL_STOPS,
	VIA_SIGNAL_CONTINUES,
};

/* The default action of signal 1 to 64. Real-time signals terminate. */
VIA_API enum via_signal_action via_signal_default(int signal);

/*
 * A set from names as via_signal_parse() knows them, separated by spaces or
 * commas. "~" in front means all but these. An empty text is the empty set.
 *
 * Returns 0 and sets *ret, or -EINVAL.
 */
VIA_API int via_signal_set_parse(const char *text, uint64_t *ret);

/*
 * The names in a set, separated by spaces, as via_signal_set_parse() takes
 * them back: of more than half of all signals those that are missing, behind
 * a "~". Writes to text and returns it.
 */
VIA_API const char *via_signal_set_format(uint64_t set,
					  char text[VIA_SIGNAL_SET_MAX]);

/* --- Sending --- */

/*
 * Send a signal to the process with this pid, which must be positive: there is
 * no way to everybody here. 0 as the signal sends none and only asks. A pid is
 * used again once its process has been collected: prefer a pidfd where the
 * receiver is no child of the caller.
 *
 * value: NULL, or an int that arrives with the signal. A real-time signal is
 *        then queued, each one with its own; of other signals one that is
 *        pending already swallows the next.
 *
 * Returns 0, -ESRCH (no such process), -EPERM, -EAGAIN (the receiver's user
 * has RLIMIT_SIGPENDING signals queued; only with a value or a real-time
 * signal), -EINVAL. Async-signal-safe.
 */
VIA_API int via_signal_send(pid_t pid, int signal, const int *value);

/*
 * The same to the process behind a pidfd, which can be no other by mistake.
 * Also -EBADF (no pidfd).
 */
VIA_API int via_signal_send_pidfd(int pidfd, int signal, const int *value);

/*
 * The same to each process of a process group, by the pid of its leader, from
 * 2 on. 0 if it could be sent to one of them at least. -EOPNOTSUPP: carrying a
 * value to a group needs Linux 6.9 and a leader that still exists.
 */
VIA_API int via_signal_send_group(pid_t group, int signal, const int *value);

/* The same to one thread, tid, of process pid. */
VIA_API int via_signal_send_thread(pid_t pid, pid_t tid, int signal,
				   const int *value);

/* --- Receiving --- */

/* One signal that has arrived. */
struct via_signal {
	int signal;
	int code;	  /* SI_USER, SI_QUEUE, CLD_EXITED, ...: sigaction(2) */
	pid_t pid;	  /* of the sender; of the child for SIGCHLD */
	uid_t uid;	  /* its real user */
	int value;	  /* what it carries, 0 if nothing */
	int status;	  /* SIGCHLD: exit status, or signal (by code) */
	uint32_t overrun; /* timers: expirations that were not queued */
	uint32_t reserved[9];
};

/* Receives the signals of a set; opaque. */
struct via_signal_source;

/*
 * Receive these signals from a descriptor from now on (signalfd(2)) instead of
 * being interrupted by them. They become blocked in the calling thread.
 *
 * A process-directed signal goes to any thread that does not block it, so open
 * before starting threads, which inherit what is blocked. Signals that are
 * ignored arrive as well. SIGKILL and SIGSTOP cannot be in the set, nor what
 * the C library keeps to itself; a fault (SIGSEGV and the like) that the
 * thread itself causes still kills.
 *
 * To start a program and not lose the news of its end: open with SIGCHLD, then
 * fork, and the child calls via_signal_restore() before exec.
 *
 * Returns 0 and sets *ret; -EINVAL (the set), -EMFILE, -ENOMEM with a sentence
 * in reterr (may be NULL).
 */
VIA_API int via_signal_open(uint64_t set, struct via_signal_source **ret,
			    struct via_error *reterr);

/*
 * The descriptor to poll for POLLIN: level-triggered, the source's own. It
 * tells each process and thread of its own signals only.
 */
VIA_API int via_signal_fd(const struct via_signal_source *source);

/*
 * Receive one signal, waiting for it until the deadline: those for the thread
 * before those for the process, of each the lowest number first. Signals
 * outside of the set that have a handler do not end the wait. Several threads
 * may read at once.
 *
 * Returns 0 and fills *ret; -EAGAIN, -ETIMEDOUT.
 */
VIA_API int via_signal_read(struct via_signal_source *source,
			    struct via_signal *ret, int64_t deadline);

/*
 * Unblock in the calling thread what opening the source had blocked. For a
 * child between fork() and exec(), since a program starts with the mask that
 * its process has, and most expect none. Async-signal-safe.
 */
VIA_API void via_signal_restore(const struct via_signal_source *source);

/*
 * Close the source and unblock what opening it had blocked: in the thread that
 * opened it. What has arrived and has not been read then does what the process
 * has set for it, which may be to end. source may be NULL.
 */
VIA_API void via_signal_close(struct via_signal_source *source);

#ifdef __cplusplus
}
#endif

#endif
