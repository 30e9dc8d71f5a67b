/* SPDX-License-Identifier: MIT */
/*
 * Processes: start a program and wait for it.
 *
 * A process is a pidfd: an ordinary descriptor, close-on-exec, that poll()
 * reports readable once the process has ended. It fits any event loop and
 * never means another process, as a pid does that is used again. Close it
 * with close(2); that does not touch the process. via_signal_send_pidfd() in
 * via/signal.h signals it.
 *
 * Starting costs the same however much memory the caller has: the new process
 * runs in the caller's memory until it executes its program (CLONE_VM and
 * CLONE_VFORK, as posix_spawn() does), so nothing is copied.
 *
 * All calls may be used by several threads at once. Needs Linux 5.11.
 */
#ifndef VIA_PROCESS_H
#define VIA_PROCESS_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <via/deadline.h>
#include <via/error.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most descriptors that one via_program maps. */
#define VIA_PROGRAM_FDS_MAX 64

/* A descriptor of the new process. */
struct via_program_fd {
	int child;  /* the number it has there */
	int parent; /* the caller's descriptor it is; -1: none, closed there */
};

/* A resource limit of the new process: see setrlimit(2). */
struct via_program_limit {
	int resource; /* RLIMIT_... */
	struct rlimit value;
};

/* Bits of via_program.flags. */
enum via_program_flag {
	/* A process group of its own, or the group given. */
	VIA_PROGRAM_GROUP = 1u << 0,
	/* A session of its own: no controlling terminal. */
	VIA_PROGRAM_SESSION = 1u << 1,
	/* Its group becomes the foreground one of the given terminal; with
	 * VIA_PROGRAM_SESSION that becomes its controlling terminal first. */
	VIA_PROGRAM_FOREGROUND = 1u << 2,
	/* Runs as the given uid, gid and groups. */
	VIA_PROGRAM_USER = 1u << 3,
	/* What the caller ignores stays ignored, as nohup(1) needs it. */
	VIA_PROGRAM_KEEP_IGNORED = 1u << 4,
	/* Has all descriptors of the caller that are not close-on-exec, besides
	 * those in fds, as what a shell starts has them. */
	VIA_PROGRAM_KEEP_FDS = 1u << 5,
};

/*
 * What to run and in what surroundings. Zero is a good value for everything
 * but argv or shell. The library only reads what it points to, during the
 * call that it is given to.
 *
 * The new process has the caller's descriptors 0, 1 and 2 and those named in
 * fds, and no others. fds are mapped all at once: {3, 4} and {4, 3} exchange
 * the two; of two with the same number the later one holds. It starts with the
 * given signals blocked and none handled or ignored.
 */
struct via_program {
	/* The program and its arguments, ending with NULL. A name without a
	 * slash is looked for in the PATH of env. */
	const char *const *argv;
	/* Or, with argv NULL: a line for /bin/sh -c. */
	const char *shell;
	const char *const *env; /* NAME=VALUE..., NULL; NULL: the caller's */
	const char *dir;	/* working directory, entered as the new user;
				   NULL: the caller's */
	const struct via_program_fd *fds;
	const struct via_program_limit *limits;
	uint32_t n_fds; /* up to VIA_PROGRAM_FDS_MAX */
	uint32_t n_limits;
	uint32_t flags;	  /* VIA_PROGRAM_... */
	int parent_death; /* the signal it gets when the thread that started
			      it ends, however that happens; 0: none */
	pid_t group;	  /* to join; 0: a new one */
	int terminal;	  /* the caller's descriptor of it */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary, n_groups of them */
	uint64_t blocked;    /* signals, of VIA_SIGNAL_BIT(), blocked from the
			     start */
	uint32_t n_groups;
	uint32_t reserved[5]; /* zero */
};

/*
 * Start a program.
 *
 * ret_pid: its pid, may be NULL.
 * reterr:  may be NULL; on failure a sentence that names the step: "chdir
 *          /nowhere: No such file or directory", "exec foo: not found".
 *
 * Returns a pidfd when the program is being executed; whatever happens before
 * that is an error of this call and leaves no child, no zombie and no SIGCHLD.
 * -ENOENT (no such program or directory), -EACCES (no permission to execute or
 * enter), -EISDIR, -ENOEXEC (neither a binary nor a script with a "#!" line),
 * -ELIBACC (the interpreter that it names there is missing), -E2BIG (arguments
 * and environment), -EPERM (user, group, limit), -EBADF (fds), -EMFILE
 * (descriptors), -EAGAIN (process limit), -EINVAL, -ENOMEM, or what the kernel
 * says.
 *
 * Blocks the calling thread until the program is executed. Signals that
 * arrive meanwhile are handled afterwards.
 */
VIA_API int via_spawn(const struct via_program *program, pid_t *ret_pid,
		      struct via_error *reterr);

/* How a process ended. */
enum via_ending {
	VIA_EXITED = 1, /* by itself; status is what it returned */
	VIA_SIGNALLED,	/* status is the signal that killed it */
	VIA_LOST,	/* not known: somebody else has collected it */
};

/* All that is known of a process that has ended. */
struct via_exit {
	enum via_ending how;
	int status;	      /* exit status, signal, or -1 */
	int dumped_core;      /* 1: it left a core dump */
	struct rusage usage;  /* of it and the children it waited for */
	uint64_t reserved[2]; /* zero */
};

/*
 * Wait until a process has ended and collect it.
 *
 * ret:    may be NULL.
 * reterr: may be NULL.
 *
 * Returns 0; -EAGAIN, -ETIMEDOUT (it still runs); -ECHILD: it has ended, but
 * its status is not to be had: the caller ignores SIGCHLD, the process has
 * been collected before, or is no child of the caller. *ret then says
 * VIA_LOST. -EBADF (no pidfd).
 */
VIA_API int via_process_wait(int pidfd, int64_t deadline, struct via_exit *ret,
			     struct via_error *reterr);

/*
 * A pidfd for a process that runs already. Which process that is was decided
 * by the pid: make sure that it is still the right one after this call.
 *
 * Returns a pidfd, -ESRCH (no such process), -EINVAL, -EMFILE, -ENOMEM.
 */
VIA_API int via_process_open(pid_t pid, struct via_error *reterr);

/*
 * The exit status as a shell gives it: 128 + the signal for a process that one
 * has killed, 127 for VIA_LOST.
 */
VIA_API int via_exit_status(const struct via_exit *ended);

#ifdef __cplusplus
}
#endif

#endif
