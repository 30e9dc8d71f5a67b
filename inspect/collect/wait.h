/* SPDX-License-Identifier: MIT */
/*
 * Finding out what a blocked thread waits for: what the files wait_*.c share.
 * waits.c goes through the threads and calls the one for its system call,
 * which adds its waits to the snapshot, or none if it cannot tell.
 */
#ifndef INSPECT_COLLECT_WAIT_H
#define INSPECT_COLLECT_WAIT_H

#include <sys/stat.h>

#include "inspect/collect/call.h"
#include "inspect/collect/collector.h"

/* A descriptor of the process that is looked at. */
struct via__fd_of {
	int fd;
	uint32_t hold;
};

/* What another process may have to answer before a thread goes on. */
enum via__answer {
	VIA__ANSWER_NONE,
	VIA__ANSWER_FILE,  /* a file system: FUSE */
	VIA__ANSWER_FAULT, /* memory: userfaultfd */
	VIA__ANSWER_CALL,  /* a system call: seccomp */
};
/* Who does. */
struct via__answerer {
	enum via__answer answer;
	uint32_t process;
	uint64_t of; /* FILE: the device of what it serves */
};

/* The whole pass. */
struct via__waiting {
	struct via__scene *scene;
	uint32_t n_groups;
	/* Of one process at a time, by descriptor. */
	uint32_t fds_of;
	struct via__fd_of *fds;
	uint32_t n_fds, max_fds;
	/* By wait_answer.c, when it is asked. */
	struct via__answerer *answerers;
	uint32_t n_answerers;
	bool answerers_known;
	/* Of those of file systems: one, whether there are others, and whether
	 * it is told of which they are. */
	uint32_t fuse;
	bool fuses_many, fuses_told;
	struct via_wait spare; /* what is beyond VIA__WAITS_MAX */
};

/* A thread's waits, and steps on the way to them through epoll sets; a process
 * makes as many as it likes, and sets in sets multiply. What is cut off counts
 * as unknown. */
#define VIA__WAITS_MAX	       4096
#define VIA__WAIT_STEPS_MAX    65536
#define VIA__PROCESS_WAITS_MAX 65536

/* A blocked thread. */
struct via__blocked {
	struct via__waiting *pass;
	struct via_snapshot *s;
	uint32_t thread, process;
	pid_t pid;    /* -1: it is another's by now */
	int dir;      /* /proc/PID; < 0: gone */
	bool foreign; /* its system calls have other numbers */
	char state;
	char wchan[VIA_COMM_MAX]; /* where in the kernel; "": unknown */
	struct via_syscall call;
	const struct via__call *row;
	int64_t left_ns;       /* as in struct via_wait */
	uint32_t first, steps; /* its waits, what it took to find them */
	bool cut;	       /* there are more */
};

/* A wait of the thread, as the kernel says; or the spare one. */
struct via_wait *via__wait(struct via__blocked *b, enum via_op op,
			   uint32_t object);
/* One for a task. */
struct via_wait *via__wait_for(struct via__blocked *b, enum via_op op,
			       uint32_t process);

/* Its waits from index first on are no more certain than this. */
void via__wait_doubt(struct via__blocked *b, uint32_t first,
		     enum via_certainty certainty);

/* The hold of a descriptor, or VIA_NONE. */
uint32_t via__fd_hold(struct via__blocked *b, int fd);
/* What is held through it, or VIA_NONE. */
uint32_t via__fd_object(struct via__blocked *b, int fd);

/* The argument that the row names, as a descriptor. */
static inline int via__call_fd(const struct via__blocked *b)
{
	return (int)b->call.args[b->row->fd];
}

/* Add the waits for an op on a descriptor, by what it is of. */
void via__wait_on_fd(struct via__blocked *b, int fd, enum via_op op,
		     enum via_source source);
/* The same for an object; fd is what leads there. */
void via__wait_on_object(struct via__blocked *b, uint32_t object, int fd,
			 enum via_op op, enum via_source source);
/* For what an epoll set watches. */
void via__wait_on_epoll(struct via__blocked *b, uint32_t epoll, int fd);

/*
 * The file that a path of the process leads to; relative ones from the
 * directory that it knows as at. Nothing is opened, no file system is asked.
 * 0, or -1: not to be found that way.
 */
int via__wait_find(const struct via__blocked *b, int at, const char *path,
		   struct statx *ret);

/* For how long, as the call says it: left_ns of struct via_wait. */
int64_t via__call_left(const struct via__blocked *b);

/* The same of a call on a socket, which its own timeouts end: socket(7). */
int64_t via__socket_left(const struct via__blocked *b, uint32_t object, int fd,
			 enum via_op op);

/* For the end of any child that it has; none: no wait. */
void via__wait_any_child(struct via__blocked *b);

/* For who answers. */
void via__wait_answer(struct via__blocked *b, enum via__answer answer);

/* --- By enum via__waits_for --- */

void via__wait_fd(struct via__blocked *b);
void via__wait_flow(struct via__blocked *b);
void via__wait_vmsplice(struct via__blocked *b);
void via__wait_send(struct via__blocked *b);
void via__wait_connect(struct via__blocked *b);
void via__wait_open(struct via__blocked *b);
void via__wait_poll(struct via__blocked *b);
void via__wait_select(struct via__blocked *b);
void via__wait_epoll(struct via__blocked *b);
void via__wait_wait4(struct via__blocked *b);
void via__wait_waitid(struct via__blocked *b);
void via__wait_clone(struct via__blocked *b);
void via__wait_flock(struct via__blocked *b);
void via__wait_fcntl(struct via__blocked *b);
void via__wait_futex(struct via__blocked *b);
void via__wait_futex_one(struct via__blocked *b);
void via__wait_futex_any(struct via__blocked *b);
void via__wait_msg(struct via__blocked *b);
void via__wait_sem(struct via__blocked *b);

#endif
