/* SPDX-License-Identifier: MIT */
/*
 * What an experiment is made of. An experiment sets up one situation with real
 * system calls, observes, and says what it expected; it runs in a process of
 * its own, with a directory of its own, and may leave its mess to the runner.
 *
 *	static void pipe_09(void)
 *	{
 *		int p[2];
 *
 *		signal(SIGPIPE, SIG_IGN);
 *		MUST(pipe, p);
 *		MUST(close, p[0]);
 *		FAILS(EPIPE, write, p[1], "x", 1);
 *	}
 *
 * Every call made through these macros is kept with its result, for `via lab
 * explain`; so are the expectations, with what was observed. Arguments are
 * evaluated twice: no side effects in them.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- Tables --- */

/* What an experiment may need; the rows are in needs.def. */
enum lab_need {
#define NEED(name, ...) LAB_NEEDS_##name##_BIT,
#include "lab/needs.def"
#undef NEED
	LAB_N_NEEDS,
};
#define LAB_NEEDS(name) (1u << LAB_NEEDS_##name##_BIT)

struct lab_experiment {
	const char *id; /* "pipe.08" */
	const char *title;
	const char *manual; /* "pipe(7), read(2)" */
	void (*run)(void);
	unsigned int needs;   /* LAB_NEEDS(root) | LAB_NEEDS(cpus) */
	unsigned int limit_s; /* 0: LAB_LIMIT_S */
};
#define LAB_LIMIT_S 10

/* Last in each lab/NAME.c: const struct lab_section lab_NAME. */
struct lab_section {
	const char *name;
	const char *title;
	const struct lab_experiment *experiments; /* ends with a NULL id */
};

/* --- Calls --- */

/* Make a call and keep it with its result. Gives the result; errno as after
 * the call. */
#define CALL(function, ...)                                                    \
	LAB__CALL(#function, #__VA_ARGS__, LAB__ERRNO, function, ##__VA_ARGS__)

/* The same for what returns an error number (pthread_*, posix_*). */
#define PCALL(function, ...)                                                   \
	LAB__CALL(#function, #__VA_ARGS__, LAB__NUMBER, function, ##__VA_ARGS__)

/* A call that has to succeed for the rest to make sense; otherwise the
 * experiment ends here and differs. Gives the result. */
#define MUST(function, ...)                                                    \
	LAB__MUST(#function, -1, errno,                                        \
		  LAB__CALL(#function, #__VA_ARGS__, LAB__ERRNO, function,     \
			    ##__VA_ARGS__))
#define PMUST(function, ...)                                                   \
	LAB__MUST(#function, lab_must, (int)lab_must,                          \
		  LAB__CALL(#function, #__VA_ARGS__, LAB__NUMBER, function,    \
			    ##__VA_ARGS__))

/* --- Expectations, in any process or thread of the experiment --- */

/* observed OP expected, both numbers or pointers. The compiler refuses what
 * cannot be otherwise. */
#define EXPECT(observed, op, expected)                                         \
	LAB__EXPECT(#observed, #op, #expected,                                 \
		    LAB__IS_NUMBER(observed) ? LAB__VALUE : LAB__ADDRESS,      \
		    observed, op, expected)

/* A call that gives this; one that fails with this. */
#define GIVES(expected, function, ...)                                         \
	LAB__EXPECT(#function "(" #__VA_ARGS__ ")", "==", #expected,           \
		    LAB__VALUE,                                                \
		    LAB__CALL(#function, #__VA_ARGS__, LAB__ERRNO, function,   \
			      ##__VA_ARGS__),                                  \
		    ==, expected)
#define FAILS(error, function, ...)                                            \
	LAB__EXPECT(#function "(" #__VA_ARGS__ ")", "fails:", #error,          \
		    LAB__ERROR,                                                \
		    lab__error(LAB__LONG(LAB__CALL(#function, #__VA_ARGS__,    \
						   LAB__ERRNO, function,       \
						   ##__VA_ARGS__))),           \
		    ==, error)
/* One that returns this error number, or 0. */
#define PGIVES(expected, function, ...)                                        \
	LAB__EXPECT(#function "(" #__VA_ARGS__ ")", "==", #expected,           \
		    LAB__ERROR,                                                \
		    LAB__CALL(#function, #__VA_ARGS__, LAB__NUMBER, function,  \
			      ##__VA_ARGS__),                                  \
		    ==, expected)

/* The bytes are these. */
#define EXPECT_TEXT(bytes, len, expected)                                      \
	lab__expect_text(#bytes, bytes, (size_t)(len), expected)

/* A measured figure, to be shown: FIGURE("copy / splice", "x", ratio). */
#define FIGURE(name, unit, value) lab__figure(name, unit, value)

/* End the experiment, which cannot be made here: "needs a second terminal". */
#define SKIP(...) lab__skip(__VA_ARGS__)

/* --- Processes --- */

/*
 * A child that runs the block that follows, and exits with 0 at its end:
 *
 *	CHILD(reader) {
 *		...
 *	}
 *	lab_wait(reader);
 *
 * declares pid_t reader. It has all that is open; its calls are kept under its
 * name.
 */
#define CHILD(name)                                                            \
	pid_t name = lab__fork(#name);                                         \
	for (; lab__is_child(name); lab_leave(0))

/* Keep the calls of this thread under a name. */
void lab_be(const char *name);

/* End a child (or any process of the experiment) at once, as _exit(2). */
_Noreturn void lab_leave(int status);

/* Wait for a child: its wait status. */
int lab_wait(pid_t pid);

/* Wait for a child: the signal that ended it, 0 if it ended by itself. */
int lab_wait_signal(pid_t pid);

/* SIGKILL a child and wait for it. */
void lab_kill(pid_t pid);

/*
 * Wait until a process or thread sleeps in this system call (SYS_read, ...)
 * and does not go on; -1: in any. False if it is still running, or gone, after
 * two seconds. On a kernel that does not show the call, whether it sleeps.
 */
bool lab_blocked(pid_t tid, long call);

/* The value of a line "KEY:" of a /proc file such as "/proc/self/status",
 * "/proc/42/status"; base 10 or 16. -1 if it is not there. */
long long lab_proc(const char *path, const char *key, int base);

/* The number that a file of /proc/sys begins with. -1 if it is not there. */
long long lab_number(const char *path);

/* Become an ordinary user for good, if one is root: uid and gid 65534. Ends the
 * experiment as skipped where there is none. */
void lab_drop(void);

/* CPU time of this process so far, in ns. */
int64_t lab_cpu_ns(void);
int64_t lab_now_ns(void); /* CLOCK_MONOTONIC */

/* A name for POSIX objects that nobody else has, n = 0..3: "/via-lab.PID.n".
 * What is left under it goes when the experiment ends. */
const char *lab_name(unsigned int n);

/* --- Sharing --- */

/*
 * What all processes of the experiment see of one another. cell: for what a
 * child found, zero at first; volatile, and atomic operations work on it. The
 * current directory is the experiment's own and empty at first.
 */
extern volatile long *lab_cell;
#define LAB_CELLS 64

/* Wait until a cell has this value, sleeping. False after two seconds. */
bool lab_await(volatile long *cell, long value);
/* Give a cell a value and wake those who await it. */
void lab_post(volatile long *cell, long value);

/* Zeroed memory that later children share. */
void *lab_shared(size_t size);

/* --- Measuring --- */

struct lab_work {
	const char *name; /* figures are shown under it; NULL: not shown */
	void (*once)(void *arg);
	void *arg;
	unsigned int calls; /* of once() in a row, for one measurement */
	double ns;	    /* out: the least that one call has taken */
};

/* Measure works in turn, rounds times, and take the least: what it costs when
 * nobody else wants the processors, also where others do. */
void lab_measure(struct lab_work *works, size_t n, unsigned int rounds);

#include "lab/lab_macros.h"

#endif
