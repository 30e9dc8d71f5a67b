/* SPDX-License-Identifier: MIT */
/*
 * The inspector (libvia-inspect): which processes there are, what they hold,
 * who talks to whom over what, how full it is, and what each thread waits for;
 * also of programs that have never heard of via.
 *
 * A snapshot is plain data: arrays of records that name each other by index.
 * It is taken from the running system, or loaded from a file that was saved
 * before, and does not change; what is made of it (a diagnosis, a picture)
 * needs nothing else. Everything in it that came from another process (names,
 * command lines, values in memory) is any bytes: never print it raw.
 *
 * What could not be seen says so: a level is VIA_UNKNOWN, a record has its
 * certainty, the snapshot has a count of what was hidden. Taking one disturbs
 * nothing: no FIFO or pipe is opened, no process is stopped.
 */
#ifndef VIA_INSPECT_H
#define VIA_INSPECT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <via/error.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

/* No such record (an index), no such number (a level, a size, a time). */
#define VIA_NONE    UINT32_MAX
#define VIA_UNKNOWN INT64_MIN

/* --- Tasks --- */

#define VIA_COMM_MAX 64 /* the kernel's limit is 15, of kernel threads 63 */

/*
 * A task, as it was when it was looked at: a process (tid == pid) or one of
 * its threads. It is known by its id and when it started, since ids are used
 * again.
 */
struct via_task {
	pid_t pid, tid;
	uint64_t start;		     /* clock ticks after boot */
	char comm[VIA_COMM_MAX + 1]; /* any bytes but NUL */
	char state;		     /* R S D T t Z X I: proc_pid_stat(5) */
	pid_t ppid, pgid, sid;
	uint32_t tty;	       /* device number, 0: none */
	pid_t tty_pgid;	       /* the terminal's foreground group, -1: none */
	uint32_t flags;	       /* the kernel's PF_ bits */
	uint64_t utime, stime; /* clock ticks */
	int32_t nice;	       /* -20 ... 19 */
	uint32_t n_threads;
	uint64_t vsize; /* bytes */
	uint64_t rss;	/* bytes */
	int32_t cpu;	/* where it ran last */
};

/* What a task is in the middle of. */
struct via_syscall {
	/* The number, or: */
	long nr;
	uint64_t args[6]; /* the task's own words: hostile */
};
#define VIA_SYSCALL_NONE    (-1) /* blocked outside of a system call */
#define VIA_SYSCALL_RUNNING (-2) /* on a CPU, or about to be */
#define VIA_SYSCALL_UNKNOWN (-3) /* the kernel does not let us know */

/* What signals mean to a task. Sets have bit N - 1 for signal N. */
struct via_task_signals {
	uint64_t pending; /* for this thread */
	uint64_t shared;  /* pending for the process: any thread may take it */
	uint64_t blocked; /* by this thread */
	uint64_t ignored, caught;   /* by the process */
	uint64_t queued, queue_max; /* of its user: RLIMIT_SIGPENDING */
	uid_t uid;		    /* real, whose queue it is */
};

/* --- Processes and threads --- */

/* Parts of a process that could not be seen. */
enum via_hidden {
	VIA_HIDDEN_FDS = 1,   /* descriptors */
	VIA_HIDDEN_MAPS = 2,  /* mappings */
	VIA_HIDDEN_WAITS = 4, /* system calls of its threads */
	VIA_HIDDEN_PATHS = 8, /* executable, directory */
};

struct via_process {
	struct via_task task; /* of its first thread */
	struct via_task_signals signals;
	uid_t uid, euid;
	uint32_t command; /* text: arguments, split by NUL; 0: none */
	uint32_t exe;	  /* text: path; 0: unknown */
	uint32_t cwd;	  /* text: path; 0: unknown */
	/* Inode numbers of its namespaces, 0: unknown. */
	uint32_t pid_ns, net_ns, mnt_ns, ipc_ns, user_ns;
	pid_t inner_pid; /* its pid in its own pid namespace, 0: unknown */
	pid_t tracer;	 /* who traces it, 0: nobody */
	uint32_t hidden; /* enum via_hidden */
	uint32_t flags;	 /* enum via_process_flag */
	uint32_t first_thread, n_threads;
	uint32_t first_hold, n_holds;
};

enum via_process_flag {
	VIA_PROCESS_FROZEN = 1, /* by its control group */
	VIA_PROCESS_KERNEL = 2, /* a kernel thread */
	VIA_PROCESS_SELF = 4,	/* who took the snapshot */
};

enum via_thread_flag {
	/* Ran, or went, between the first look and the second one. */
	VIA_THREAD_MOVED = 1,
	/* Moved, but no more than it takes to wake up and to sleep on: by the
	 * second look it was on a CPU once or twice and waits in the same
	 * call. A third look may find that it goes on waiting. */
	VIA_THREAD_WOKEN = 2,
};

struct via_thread {
	uint32_t process;
	pid_t tid;
	pid_t inner_tid; /* in its own pid namespace, 0: unknown */
	uint64_t start;	 /* clock ticks after boot */
	uint32_t comm;	 /* text */
	uint32_t wchan;	 /* text: where in the kernel it waits; 0: unknown */
	char state;	 /* proc_pid_stat(5) */
	uint32_t flags;	 /* enum via_thread_flag */
	struct via_syscall call;
	uint64_t ran;	  /* how often it was put on a CPU */
	int64_t since_ns; /* it has not run for so long, or VIA_UNKNOWN */
	uint64_t pending, blocked; /* signals, of this thread */
	uint32_t first_wait, n_waits;
};

/* --- Objects --- */

/*
 * What there is to hold, and what makes two of a kind the same one: dev and
 * ino of fstat(2) where nothing else is said, and sub.
 *
 * name and summary; then the unit of level and capacity ("" without).
 */
#define VIA_KINDS(X)                                                           \
	X(OTHER, "other", "", "what has no kind of its own")                   \
	X(FILE, "file", "", "regular file")                                    \
	X(DIR, "dir", "", "directory")                                         \
	X(CHAR, "char", "", "character device")                                \
	X(BLOCK, "block", "", "block device")                                  \
	X(PIPE, "pipe", "B", "anonymous pipe")                                 \
	X(FIFO, "fifo", "B", "FIFO")                                           \
	X(UNIX, "unix", "B", "Unix socket")                                    \
	X(TCP, "tcp", "B", "TCP socket")                                       \
	X(UDP, "udp", "B", "UDP socket")                                       \
	X(SOCKET, "socket", "B", "socket of another family")                   \
	X(SYSVSHM, "sysvshm", "B", "System V shared memory")                   \
	X(SYSVSEM, "sysvsem", "", "System V semaphores")                       \
	X(SYSVMSG, "sysvmq", "B", "System V message queue")                    \
	X(POSIXSHM, "posixshm", "B", "POSIX shared memory")                    \
	X(POSIXSEM, "posixsem", "", "POSIX named semaphore")                   \
	X(MQ, "mq", "messages", "POSIX message queue")                         \
	X(MEMFD, "memfd", "B", "memfd")                                        \
	X(ANON, "anon", "B", "anonymous shared memory")                        \
	X(EVENTFD, "eventfd", "", "event counter")                             \
	X(EPOLL, "epoll", "", "epoll set")                                     \
	X(TIMERFD, "timerfd", "", "timer")                                     \
	X(SIGNALFD, "signalfd", "", "signals as records")                      \
	X(PIDFD, "pidfd", "", "process as a descriptor")                       \
	X(INOTIFY, "inotify", "", "file notifications")                        \
	X(PTMX, "ptmx", "B", "pseudo-terminal, the master's side")             \
	X(PTY, "pty", "B", "pseudo-terminal, the program's side")              \
	X(TTY, "tty", "B", "terminal")                                         \
	X(URING, "io_uring", "", "io_uring")                                   \
	X(LOCK, "lock", "", "lock on a file")                                  \
	X(FUTEX, "futex", "", "futex")                                         \
	X(CHANNEL, "shm", "B", "via's shared memory")

enum via_kind {
#define VIA_KIND_ENUM(NAME, name, unit, summary) VIA_KIND_##NAME,
	VIA_KINDS(VIA_KIND_ENUM)
#undef VIA_KIND_ENUM
	VIA_N_KINDS
};

/* Whether all who hold an object are in the snapshot. */
enum via_seen {
	VIA_SEEN_UNKNOWN, /* others may hold it */
	VIA_SEEN_LIKELY,  /* all that could be looked at, but see the sight */
	VIA_SEEN_ALL,
};

enum via_object_flag {
	VIA_OBJECT_DELETED = 1,	   /* it has no name any more */
	VIA_OBJECT_LISTENS = 2,	   /* a socket that others connect to */
	VIA_OBJECT_PACKETS = 4,	   /* keeps boundaries: O_DIRECT, datagrams */
	VIA_OBJECT_REMOTE = 8,	   /* its peer is on another machine, or the
				    kernel: nobody here can be named */
	VIA_OBJECT_PRIVATE = 16,   /* FUTEX: of one process only */
	VIA_OBJECT_SHUT_READ = 32, /* shutdown(2): nothing comes any more */
	VIA_OBJECT_SHUT_WRITE = 64,
};

/*
 * Keys: PIPE FIFO FILE ... : dev, ino. Sockets: dev 0, ino that of the socket
 * (unique on the machine). SYSV*: dev the ipc namespace, ino the id.
 * EVENTFD: ino its eventfd-id. PTMX, PTY: dev the devpts mount's, ino the
 * index. TTY: dev 0, ino the device's number. PIDFD: ino the pid. FUTEX: shared: dev, ino of what is mapped, sub the
 * offset; private: ino the pid, sub the address. LOCK: dev, ino of the file,
 * sub a number. EPOLL, TIMERFD ... : the kernel has no id for them: dev the
 * pid, ino the descriptor of the first holder. CHANNEL: dev 0, ino that of the
 * listening control socket; or dev, ino of the memory of who sends, where that
 * is not known: of pairs.
 */
struct via_object {
	uint32_t kind;
	uint32_t flags;
	uint64_t dev, ino, sub;
	/* Text: path, address, key; 0: none. UNIX: @ stands for the NUL that
	 * an abstract address begins with; TCP, UDP: local->remote. */
	uint32_t name;
	uint32_t peer;		 /* object, or VIA_NONE */
	uint32_t seen;		 /* enum via_seen */
	uint32_t detail;	 /* index by kind: see below; or VIA_NONE */
	int64_t level, capacity; /* in the kind's unit, or VIA_UNKNOWN */
	uint32_t first_user, n_users;	  /* in users[] */
	uint32_t first_waiter, n_waiters; /* in waiters[] */
};

/* Detail of UNIX, TCP, UDP, SOCKET. What has no process any more, or is not
 * accepted yet, has the key ino 0, sub a number of its own. */
struct via_socket {
	uint32_t object;
	uint32_t family, type, protocol; /* AF_, SOCK_, IPPROTO_ */
	uint32_t state;			 /* TCP_ESTABLISHED ... of tcp(7) */
	/* Inode number; of a namespace that may not be known another number,
	 * that no other has. */
	uint32_t net_ns;
	uint64_t file_dev, file_ino; /* UNIX: its path's, 0: it has none */
	uint32_t local, remote;	     /* text: address with port, "" unknown */
	uid_t uid;
	/* Bytes to be read (UNIX datagrams: the first one's; UDP: with what
	 * the kernel needs around them), bytes not yet taken by the peer (UNIX:
	 * with what the kernel needs around them); of a listener how many wait
	 * to be accepted, and the backlog: the kernel lets in one more. */
	int64_t receive, send;
	int64_t receive_max, send_max; /* room, for both with that around */
	uint64_t received, sent;       /* TCP: bytes ever */
	uint64_t dropped;	       /* UDP: datagrams without room, ever */
};

/* Detail of SYSV*, POSIX*, MQ, MEMFD. */
struct via_ipc {
	uint32_t object;
	int32_t key, id; /* SYSV* */
	uid_t uid;
	gid_t gid;
	uid_t creator_uid;
	uint32_t mode;
	pid_t creator, last; /* pids: who made it, who used it last; 0 */
	pid_t last_receiver; /* SYSVMSG */
	int64_t size;	     /* bytes; SYSVSEM: how many semaphores */
	int64_t resident;    /* bytes in memory */
	int64_t n_attached;  /* SYSVSHM */
	int64_t n_messages, message_max; /* SYSVMSG, MQ; bytes */
	int64_t made, changed, used;	 /* seconds since 1970, VIA_UNKNOWN */
	uint32_t first_semaphore, n_semaphores; /* SYSVSEM, where it may be
						   read: in semaphores[] */
};

/* One of a SYSVSEM set. */
struct via_semaphore {
	uint32_t object;
	uint32_t value;
	pid_t last;		 /* who changed it last, 0: nobody, unknown */
	uint32_t n_waiting;	 /* for more of it */
	uint32_t n_waiting_zero; /* for it to be 0 */
};

enum via_lock_type {
	VIA_FILE_FLOCK, /* of an open file description */
	VIA_FILE_POSIX, /* of a process: fcntl(F_SETLK) */
	VIA_FILE_OFD,	/* of an open file description: F_OFD_SETLK */
	VIA_FILE_LEASE,
};

/* Detail of LOCK. */
struct via_file_lock {
	uint32_t object;
	uint32_t file; /* object, or VIA_NONE: nobody's that we saw */
	uint32_t type; /* enum via_lock_type */
	uint32_t exclusive;
	uint64_t start, end; /* bytes, both included; end UINT64_MAX: all */
	pid_t pid;	     /* who took it, as the kernel says; -1: OFD */
};

/* How a futex is used, as far as its word and the call tell. */
enum via_futex_use {
	VIA_FUTEX_UNKNOWN, /* condition, semaphore, a language's own */
	VIA_FUTEX_MUTEX,   /* glibc's mutex, normal */
	VIA_FUTEX_ROBUST,
	VIA_FUTEX_PI,
	VIA_FUTEX_JOIN,	  /* pthread_join() */
	VIA_FUTEX_VIA,	  /* a lock of via/sync.h */
	VIA_FUTEX_RWLOCK, /* glibc's pthread_rwlock_t, held by a writer */
};

/* Detail of FUTEX. */
struct via_futex {
	uint32_t object;
	uint32_t use;	 /* enum via_futex_use */
	uint32_t memory; /* object that is mapped there, or VIA_NONE */
	uint32_t value;	 /* of its word */
	uint64_t address;
	pid_t owner; /* tid, in our namespace; 0: nobody, unknown; a thread
			that does not exist any more: it has died with it */
	uint32_t owner_dead;
};

/* Detail of CHANNEL: one lane, of one sender. Those of one channel follow each
 * other, its detail is the first one. */
struct via_lane {
	uint32_t object;
	uint32_t sender, receiver; /* processes, or VIA_NONE */
	uint64_t put, taken;	/* bytes ever, with what is around messages */
	uint64_t ring;		/* bytes that have room */
	uint32_t known;		/* whether put and taken are */
	uint32_t sender_sleeps; /* how often it went to sleep */
	uint32_t receiver_sleeps;
};

/* --- Edges --- */

/* Where a record comes from. */
enum via_source {
	VIA_SOURCE_PROC,   /* a file in /proc */
	VIA_SOURCE_DIAG,   /* NETLINK_SOCK_DIAG */
	VIA_SOURCE_CALL,   /* a system call on a descriptor or an object */
	VIA_SOURCE_MEMORY, /* the process' own memory: it may lie */
	VIA_SOURCE_BPF,
	VIA_N_SOURCES
};

enum via_certainty {
	VIA_EXACT,
	VIA_LIKELY,
	VIA_GUESS,
};

/* How a process has an object. */
enum via_how {
	VIA_HOLDS_FD,	  /* a descriptor */
	VIA_HOLDS_MAP,	  /* a mapping */
	VIA_HOLDS_CWD,	  /* current directory */
	VIA_HOLDS_ROOT,	  /* root directory */
	VIA_HOLDS_EXE,	  /* program */
	VIA_HOLDS_LOCK,	  /* owns a lock, semaphore units, a mutex */
	VIA_HOLDS_SENDER, /* an end of a CHANNEL */
	VIA_HOLDS_RECEIVER,
	VIA_N_HOWS
};

enum via_hold_flag {
	VIA_HOLD_READ = 1,
	VIA_HOLD_WRITE = 2,
	VIA_HOLD_EXEC = 4,
	VIA_HOLD_SHARED = 8,	/* MAP: MAP_SHARED; LOCK: not exclusive */
	VIA_HOLD_NONBLOCK = 16, /* FD, where it was read */
	VIA_HOLD_CLOEXEC = 32,
};

struct via_holding {
	uint32_t process, object;
	uint8_t how; /* enum via_how */
	uint8_t source, certainty;
	uint8_t flags; /* enum via_hold_flag */
	int32_t id;    /* FD: the descriptor; LOCK: the thread, or 0 */
	/* MAP: addresses, end not included; FD: start is the file's offset,
	 * where it was read; LOCK of SYSVSEM: units, of semaphore end. */
	uint64_t start, end;
};

/* What a thread waits for. */
enum via_op {
	VIA_OP_READ,	/* data, or the end of them */
	VIA_OP_WRITE,	/* room */
	VIA_OP_OPEN,	/* FIFO: the other side */
	VIA_OP_ACCEPT,	/* a connection */
	VIA_OP_CONNECT, /* room in a listener's queue, an answer */
	VIA_OP_LOCK,	/* a lock on a file, a mutex, semaphore units */
	VIA_OP_WAKE,	/* FUTEX without an owner: somebody's wake-up */
	VIA_OP_CHILD,	/* the end of a process */
	VIA_OP_JOIN,	/* the end of a thread */
	VIA_OP_SIGNAL,	/* a signal */
	VIA_OP_TIME,	/* a time */
	VIA_OP_EVENT,	/* anything else of an object */
	VIA_OP_ANSWER,	/* a process that stands in for the kernel: FUSE,
			   userfaultfd, seccomp */
	VIA_OP_UNKNOWN,
	VIA_N_OPS
};

/*
 * One thing that would end the wait of a thread; of several any one does, but
 * those with the same group, other than 0, must all come. Waiting for a task,
 * or its answer: process, and thread if it is that one of its threads; the object is then what
 * leads to it: a PIDFD, the FUTEX of a join.
 */
struct via_wait {
	uint32_t thread;		/* who waits */
	uint32_t object;		/* for this, or VIA_NONE */
	uint32_t on_process, on_thread; /* or for this, or VIA_NONE */
	uint8_t op;			/* enum via_op */
	uint8_t source, certainty;
	uint8_t exclusive; /* LOCK: not a shared one */
	int32_t fd;	   /* through this descriptor, or -1 */
	int64_t left_ns;   /* it ends by itself after at most so long from when
			      it began; VIA_UNKNOWN: perhaps; -1: never */
	uint32_t group;
	uint32_t index;	 /* LOCK of SYSVSEM: which semaphore; OPEN: 0 to read,
			    1 to write */
	uint64_t amount; /* and how many units; 0: it waits for zero */
};

/* How two objects belong together. */
enum via_link_kind {
	VIA_LINK_CONNECTING, /* from: a socket in the queue of listener to */
	VIA_LINK_WATCHES,    /* EPOLL from waits for to */
	VIA_LINK_IN_FLIGHT,  /* from is in a message on its way into to */
	VIA_LINK_BACKED,     /* from lies in the memory or file to */
	VIA_N_LINKS
};

struct via_link {
	uint32_t from, to; /* objects */
	uint8_t kind;	   /* enum via_link_kind */
	uint8_t source, certainty;
	uint32_t events; /* WATCHES: EPOLLIN ...; IN_FLIGHT: what it is open
			    for, of enum via_hold_flag */
};

/* --- The snapshot --- */

/* What was looked at, and what was not let. */
struct via_sight {
	int64_t taken;	     /* seconds since 1970 */
	int64_t took_ns;     /* from the first to the last look */
	uint64_t boot_ticks; /* when, in clock ticks after boot */
	uint32_t ticks_per_s;
	uint32_t taken_ticks; /* behind taken, less than a second's */
	uint64_t memory;      /* of the machine, bytes */
	uid_t uid;	      /* who looked */
	uint32_t pid_ns;      /* from which namespace */
	uint32_t init_ns; /* whether that is the machine's own: all processes
			      can be seen */
	uint32_t want;	  /* enum via_want */
	uint32_t source;  /* VIA_SOURCE_PROC or VIA_SOURCE_BPF */
	uint32_t n_processes; /* there were, without kernel threads */
	uint32_t n_hidden_fds, n_hidden_maps, n_hidden_waits; /* of these */
	uint32_t n_gone;    /* vanished while being looked at */
	uint32_t n_dropped; /* records that joined nothing */
	/* Sockets and rings that have descriptors of what is not known: in
	 * messages, registered. */
	uint32_t n_in_flight;
	/* Of VIA_SOURCE_BPF, which programs the kernel has refused: a bit for
	 * each, by the names of via-inspect(5). */
	uint32_t refused;
};

struct via_snapshot {
	struct via_sight sight;
	struct via_process *processes; /* by pid */
	struct via_thread *threads;    /* by process */
	struct via_object *objects;
	struct via_holding *holds; /* by process */
	struct via_wait *waits;	   /* by thread */
	struct via_link *links;	   /* by from */
	struct via_socket *sockets;
	struct via_ipc *ipcs;
	struct via_semaphore *semaphores; /* by object */
	struct via_file_lock *locks;
	struct via_futex *futexes;
	struct via_lane *lanes;
	uint32_t *users;   /* holds, by object */
	uint32_t *waiters; /* waits, by object */
	uint32_t n_processes, n_threads, n_objects, n_holds, n_waits, n_links;
	uint32_t n_sockets, n_ipcs, n_locks, n_futexes, n_lanes;
	uint32_t n_semaphores;
};

/* What to look at. Processes and their first threads are always. */
enum via_want {
	VIA_WANT_FDS = 1,      /* descriptors, and the objects they are of */
	VIA_WANT_PATHS = 2,    /* names of files, programs, directories */
	VIA_WANT_MAPS = 4,     /* shared mappings */
	VIA_WANT_ALL_MAPS = 8, /* mapped files too */
	VIA_WANT_SOCKETS = 16, /* addresses, peers, queues */
	VIA_WANT_IPC = 32,     /* System V, POSIX: also what nobody holds */
	VIA_WANT_LEVELS = 64,  /* how full */
	VIA_WANT_LOCKS = 128,  /* on files */
	VIA_WANT_WAITS = 256,  /* every thread and what it waits for */
	VIA_WANT_SIGNALS = 512,
	VIA_WANT_CHANNELS = 1024, /* via's own: of FDS, MAPS and SOCKETS */
	VIA_WANT_NAMES = 2048,	  /* command lines */
	VIA_WANT_ALL = 4095,
};

enum via_any {
	VIA_ANY_NOT,	  /* the source that is named */
	VIA_ANY_QUICKEST, /* what is quickest */
	VIA_ANY_CLOSEST,  /* what tells most of who could end a wait */
};

struct via_look {
	uint32_t want;	 /* enum via_want */
	uint32_t source; /* VIA_SOURCE_PROC; VIA_SOURCE_BPF: fails without */
	uint32_t source_any; /* enum via_any; else source is ignored */
	uint32_t reserved[5];
};

/*
 * Look at the running system. Blocks for as long as that takes (some
 * milliseconds), never for a process. Where there are many, threads help with
 * all signals blocked; they have ended when it returns. What is not allowed is
 * left out and counted in the sight.
 *
 * Returns 0 and sets *ret, which the caller frees; -ENOMEM; -ENOENT: no /proc;
 * -EOPNOTSUPP: the source that was asked for is not to be had, with a sentence.
 */
VIA_API int via_snapshot_take(const struct via_look *look,
			      struct via_snapshot **ret,
			      struct via_error *reterr);

/*
 * Look again at the threads that wait: who has run or gone since gets
 * VIA_THREAD_MOVED, perhaps VIA_THREAD_WOKEN too. A verdict that such a thread
 * is stuck does not hold.
 * Of a snapshot that was taken, not loaded. 0, -errno.
 */
VIA_API int via_snapshot_look_again(struct via_snapshot *s);

/* Save as JSON, as via-inspect(5) describes it. 0, -ENOMEM, or why writing has
 * failed: -ENOSPC, -EIO... */
VIA_API int via_snapshot_save(const struct via_snapshot *s, FILE *f);

/*
 * Load what was saved. Nothing in the file is trusted: indices are checked.
 * 0 and *ret, or -EPROTO with a sentence, -ENOMEM.
 */
VIA_API int via_snapshot_load(FILE *f, struct via_snapshot **ret,
			      struct via_error *reterr);

/* Give a snapshot back. s may be NULL. */
VIA_API void via_snapshot_free(struct via_snapshot *s);

/* The bytes of a text, with a NUL behind them. ret_len may be NULL. Text 0 is
 * empty. */
VIA_API const char *via_snapshot_text(const struct via_snapshot *s,
				      uint32_t text, size_t *ret_len);

/* A process by its pid: its index, or VIA_NONE. */
VIA_API uint32_t via_snapshot_process(const struct via_snapshot *s, pid_t pid);
/* An object by its key: its index, or VIA_NONE. */
VIA_API uint32_t via_snapshot_object(const struct via_snapshot *s,
				     enum via_kind kind, uint64_t dev,
				     uint64_t ino, uint64_t sub);
/* A thread by its tid: its index, or VIA_NONE. */
VIA_API uint32_t via_snapshot_thread(const struct via_snapshot *s, pid_t tid);
/* The hold of a process' descriptor: its index, or VIA_NONE. */
VIA_API uint32_t via_snapshot_fd(const struct via_snapshot *s, uint32_t process,
				 int fd);

/* The name of a kind, a stable word: "pipe". "" beyond the last one. */
VIA_API const char *via_kind_name(enum via_kind kind);
/* The unit of its level and capacity: "B"; "" if it has none. */
VIA_API const char *via_kind_unit(enum via_kind kind);
/* What it is, in a few words: "anonymous pipe". */
VIA_API const char *via_kind_summary(enum via_kind kind);
/* What a wait is for, a stable word: "read". "" beyond the last one. */
VIA_API const char *via_op_name(enum via_op op);

/* --- Diagnosis --- */

enum via_verdict {
	VIA_VERDICT_RUNNING,  /* on a CPU, waits for one, or in the kernel */
	VIA_VERDICT_IDLE,     /* waits for what comes from outside: a time, a
				 signal, a terminal, another machine */
	VIA_VERDICT_WAITING,  /* for somebody who goes on */
	VIA_VERDICT_STUCK,    /* nobody who could end its wait goes on */
	VIA_VERDICT_DEADLOCK, /* and it is part of the cycle */
	VIA_VERDICT_ORPHANED, /* who could end its wait has died */
	VIA_VERDICT_UNKNOWN,  /* not all could be seen */
	VIA_N_VERDICTS
};

/* Of a thread. */
struct via_verdict_of {
	uint32_t verdict;   /* enum via_verdict */
	uint32_t certainty; /* VIA_EXACT: proven */
	/* The wait that explains it, and who of those who could end it is next
	 * in the chain: a thread. Or VIA_NONE. */
	uint32_t wait, next;
	uint32_t cycle; /* index, or VIA_NONE */
};

/* A cycle: each thread waits for the next, the last for the first. */
struct via_cycle {
	uint32_t certainty;
	uint32_t n;
	uint32_t first; /* in cycle_threads[] */
};

struct via_finding {
	const char *rule;   /* a stable word: "leaked-write-end" */
	uint32_t certainty; /* enum via_certainty */
	uint32_t process, thread, object; /* whom it is about, or VIA_NONE */
	int64_t since_ns;		  /* for so long, or VIA_UNKNOWN */
	char *what;			  /* a sentence: safe to print */
	char *advice;			  /* what to do: safe to print */
};

struct via_diagnosis {
	struct via_verdict_of *verdicts; /* one for each thread */
	struct via_cycle *cycles;
	uint32_t *cycle_threads;
	struct via_finding *findings; /* gravest first */
	uint32_t n_verdicts, n_cycles, n_findings;
};

/*
 * Who waits for whom, and whether that can end. A pure function of the
 * snapshot. Only a snapshot that was looked at again supports a proof: before,
 * DEADLOCK and STUCK are no more than candidates.
 *
 * 0 and *ret, which the caller frees; -ENOMEM.
 */
VIA_API int via_diagnose(const struct via_snapshot *s,
			 struct via_diagnosis **ret);

/* Give a diagnosis back. d may be NULL. */
VIA_API void via_diagnosis_free(struct via_diagnosis *d);

/* The name of a verdict, a stable word: "deadlock". "" beyond the last one. */
VIA_API const char *via_verdict_name(enum via_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif
