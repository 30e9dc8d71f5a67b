/* SPDX-License-Identifier: MIT */
/*
 * The factory of situations: real processes that hold, talk and wait, and the
 * truth about them.
 *
 * A situation is a function that makes objects, starts processes that block,
 * and says what it knows. Processes and threads are known by their role, which
 * is also their name in /proc; nothing has to be told to the factory from
 * inside of them. What a role holds follows from the descriptors it keeps.
 *
 * The truth is printed when each role was seen, in /proc, to be where it is
 * meant to be (settle.c). The factory itself holds nothing by then.
 */
#ifndef TESTS_INSPECT_MK_H
#define TESTS_INSPECT_MK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define MK_MAX	    256 /* of each kind of record */
#define MK_ROLE_MAX 16	/* the kernel's limit of a task's name */
#define MK_FDS_MAX  256

/* The truth does not say: a level, a key. */
#define MK_UNKNOWN INT64_MIN

/* Calls that some architectures do not have, and the C library then makes of
 * others. */
#ifdef SYS_poll
#define MK_SYS_POLL SYS_poll
#else
#define MK_SYS_POLL SYS_ppoll
#endif
#ifdef SYS_epoll_wait
#define MK_SYS_EPOLL_WAIT SYS_epoll_wait
#else
#define MK_SYS_EPOLL_WAIT SYS_epoll_pwait
#endif
#ifdef SYS_vfork
#define MK_SYS_VFORK SYS_vfork
#else
#define MK_SYS_VFORK SYS_clone
#endif

struct mk_object {
	const char *kind; /* as via/inspect.h names it */
	char text[160];	  /* as via writes it, or "" */
	uint64_t dev, ino, sub;
	bool any_dev; /* dev is not known */
	int peer;     /* object, or -1 */
	int fd;	      /* the factory's own, to measure by; or -1 */
	int64_t level, capacity;
};

struct mk_hold {
	char role[MK_ROLE_MAX];
	int object, fd;
	const char *how;   /* "fd", "map", "lock" */
	const char *flags; /* "r", "w", "rw" */
};

/* Where a role is meant to be. */
struct mk_place {
	char role[MK_ROLE_MAX];
	char state; /* proc_pid_stat(5), or 0: S or D in this call: */
	long call;
	long fd;      /* its first argument, or -1: any */
	bool gone_on; /* it need only exist */
};

struct mk_wait {
	char role[MK_ROLE_MAX];
	const char *op;	      /* as via_op_name() */
	int object, fd;	      /* or -1 */
	char on[MK_ROLE_MAX]; /* CHILD, JOIN: who */
	int group;
};

struct mk_verdict {
	char role[MK_ROLE_MAX];
	const char *verdict; /* as via_verdict_name(), or several: "a|b" */
	/* "exact": if all processes can be seen; "own": exact, be that as it
	 * may; "likely": that at least; or NULL: no matter. */
	const char *certainty;
};

struct mk_finding {
	bool may; /* or may not be found */
	const char *rule;
	char role[MK_ROLE_MAX]; /* whom it is about, or "" */
	int object;		/* or -1 */
};

struct mk_undo {
	void (*undo)(const struct mk_undo *u);
	long id;
	char path[160];
};

struct mk_gate {
	unsigned int ready, go;
};

/* A task that was found. */
struct mk_task {
	char role[MK_ROLE_MAX];
	pid_t pid, tid;
	char state;
	unsigned long long ran; /* how often it was put on a CPU */
};

struct mk {
	const char *kind;
	char dir[96]; /* for files; made when first asked for */
	pid_t maker;
	int ends[MK_FDS_MAX]; /* object of a descriptor, -1: none */
	struct mk_object objects[MK_MAX];
	struct mk_hold holds[MK_MAX];
	struct mk_place places[MK_MAX];
	struct mk_wait waits[MK_MAX];
	struct mk_verdict verdicts[MK_MAX];
	struct mk_finding findings[MK_MAX];
	struct mk_undo undos[MK_MAX];
	struct mk_task tasks[MK_MAX];
	char cycles[8][8][MK_ROLE_MAX];
	pid_t dead[MK_MAX];
	int n_objects, n_holds, n_places, n_waits, n_verdicts, n_findings;
	int n_undos, n_tasks, n_cycles, n_dead;
	struct mk_gate *gate;
	struct {
		void *start;
		size_t size;
	} maps[8]; /* the factory's own, as its descriptors are */
	int n_maps;
	int calm_ms;	     /* stands when nobody has run for so long */
	bool alarm_expected; /* deadlock or stuck or a finding */
	bool moves;	     /* busy: nothing in it stands still */
};

/* One row of kinds.def. */
struct mk_kind {
	const char *name;
	void (*make)(struct mk *m);
	const char *summary;
	const char *needs; /* beyond a Linux: "" nothing */
};

/* A row's function FUNCTION is make_FUNCTION(). */
#define KIND(name, function, summary, needs) void make_##function(struct mk *m);
#include "tests/inspect/mk/kinds.def"
#undef KIND

/* --- make.c: processes --- */

/* Once, first of all. */
void mk_start_making(struct mk *m);
noreturn __attribute__((format(printf, 1, 2))) void mk_die(const char *what,
							   ...);
/* What is missing on this machine: exit status 77. */
noreturn void mk_skip(const char *what);
/* result, if that is not negative; else the end, with errno. */
long mk_must(long result, const char *what);
#define MUST(call) mk_must((long)(call), #call)

/*
 * Start a process, which keeps of the factory's descriptors those in keep (to
 * -1). True in it.
 */
bool mk_start(struct mk *m, const char *role, const int *keep);
/* The same in a pid namespace of its own. */
bool mk_start_alone(struct mk *m, const char *role, const int *keep);

/* CHILD(m, "reader", fds[0], -1) mk_read(fds[0]); */
#define CHILD(m, role, ...)                                                    \
	for (bool mine = mk_start(m, role, (const int[]){__VA_ARGS__}); mine;  \
	     mine = (_exit(0), false))
#define CHILD_ALONE(m, role, ...)                                              \
	for (bool mine = mk_start_alone(m, role, (const int[]){__VA_ARGS__});  \
	     mine; mine = (_exit(0), false))

/* A process that keeps a descriptor (-1: none) and does nothing: idle. */
void mk_keeper(struct mk *m, const char *role, int fd);
/* A process that reads from a descriptor that has nothing, and waits. */
void mk_reader(struct mk *m, const char *role, int fd);
/* A process that writes to a descriptor until that is full, and waits. */
void mk_filler(struct mk *m, const char *role, int fd);

/* In a child: a process of its own, that is no more the factory's to know. */
pid_t mk_fork(const char *role);
/* The same, one whose parent is about to end: the factory is its next. */
pid_t mk_heir(const char *role);
/* In a child: a thread. */
void mk_thread(const char *role, void *(*run)(void *), void *arg);
/* In a child: do nothing, for good. */
noreturn void mk_pause(void);

/*
 * Lock-step: mk_gate() before the children are started; each, having got its
 * first, says mk_ready() and goes on when the factory says mk_go() to n of
 * them.
 */
void mk_gate(struct mk *m);
void mk_ready(struct mk *m);
void mk_go(struct mk *m, unsigned int n);

/* The pid of a role that was started, from now on. */
pid_t mk_pid(struct mk *m, const char *role);
/* Wait until a role has ended by itself; the truth has its pid as dead. */
void mk_ended(struct mk *m, const char *role);

/* A file name in a directory that goes with the factory. */
const char *mk_path(struct mk *m, const char *name, char *path, size_t size);
/* Run at the end, last first. */
struct mk_undo *mk_undo(struct mk *m, void (*undo)(const struct mk_undo *),
			long id, const char *path);
void mk_undo_all(struct mk *m);

/* --- object.c: objects, and who has them --- */

int mk_object(struct mk *m, const char *kind, uint64_t dev, uint64_t ino,
	      uint64_t sub);
/* The object that a descriptor is of, by fstat(2). */
int mk_object_of(struct mk *m, const char *kind, int fd);
/* A descriptor is an end of an object. */
void mk_end(struct mk *m, int fd, int object);
/* The object of a descriptor. */
int mk_of(const struct mk *m, int fd);
void mk_level(struct mk *m, int object, int64_t level, int64_t capacity);
void mk_peers(struct mk *m, int a, int b);
__attribute__((format(printf, 3, 4))) void mk_text(struct mk *m, int object,
						   const char *format, ...);
/* What is mapped at an address of ours: dev, ino, offset. */
struct mk_place_in_memory {
	uint64_t dev, ino, offset;
};
struct mk_place_in_memory mk_mapped(const void *address);

void mk_pipe(struct mk *m, int fds[2]);
/* The ends of an open FIFO; path is where it lies. */
void mk_fifo(struct mk *m, int fds[2], char *path, size_t size);
/* Connected sockets, without names. */
void mk_pair(struct mk *m, int type, int fds[2]);
/* Connected over loopback, AF_INET or AF_INET6. */
void mk_tcp(struct mk *m, int family, int fds[2]);
int mk_tcp_listen(struct mk *m, int family, int backlog);
/* name begins with '@': abstract, else a file in our directory. */
int mk_unix_listen(struct mk *m, int type, const char *name, int backlog);
/* What is mapped is to be let go of when all stands. */
void mk_mapping(struct mk *m, void *start, size_t size);
/* Memory that is shared with children. */
void *mk_shared(struct mk *m, size_t size, int *ret_object);

/* --- block.c: what children do; none of these returns --- */

noreturn void mk_read(int fd);
noreturn void mk_fill(int fd); /* write until it blocks */
noreturn void mk_recv(int fd);
noreturn void mk_accept(int fd);
/* Read from one, then write to the other, for ever. */
noreturn void mk_echo(int from, int to);
/* The same, but write first. */
noreturn void mk_serve(int from, int to);

/* --- truth.c --- */

/* Where a role ends up: in a system call, with this first argument. */
void mk_blocks(struct mk *m, const char *role, long call, long fd);
/* In a state of proc_pid_stat(5): 'T', 'Z' ... */
void mk_state(struct mk *m, const char *role, char state);
/* Anywhere: it is busy. */
void mk_busy(struct mk *m, const char *role);

struct mk_wait *mk_waits(struct mk *m, const char *role, const char *op,
			 int object, int fd);
/* CHILD, JOIN. */
void mk_waits_on(struct mk *m, const char *role, const char *op,
		 const char *on);
/* mk_blocks() and mk_waits() for the object of fd. */
void mk_in(struct mk *m, const char *role, long call, const char *op, int fd);
/* It is in mk_pause(). */
void mk_idle(struct mk *m, const char *role);
void mk_holds(struct mk *m, const char *role, int object, const char *how,
	      int fd, const char *flags);

void mk_verdict(struct mk *m, const char *role, const char *verdict,
		const char *certainty);
/* Roles, to NULL: each waits for the next, the last for the first. */
void mk_cycle(struct mk *m, const char *certainty, ...);
void mk_finding(struct mk *m, const char *rule, const char *role, int object);
/* The same, but it is no fault not to find it. */
void mk_remark(struct mk *m, const char *rule, const char *role, int object);
/* Whether this is the machine's own pid namespace. */
bool mk_in_init_ns(void);

/* --- settle.c --- */

/* Wait until all roles are where they are meant to be. */
void mk_settle(struct mk *m);
/* The end, if a child has ended that was not meant to. */
void mk_check_ends(const struct mk *m);
/* Stop all who are below us. */
void mk_stop_all(struct mk *m);
const struct mk_task *mk_task(const struct mk *m, const char *role);
/* Levels, of what can be measured through a descriptor of ours. */
void mk_measure(struct mk *m);
/* One line of JSON. */
void mk_print(const struct mk *m);

#endif
