/* SPDX-License-Identifier: MIT */
/* What the programs in the kernel tell: one record per descriptor, one per
 * descriptor that an epoll set watches, one per Unix socket, per descriptor in a
 * message and client that waits in it, one per set of semaphores that the kernel
 * will give units back to, and one per mapping. */
#ifndef INSPECT_COLLECT_BPF_RECORD_H
#define INSPECT_COLLECT_BPF_RECORD_H

#include <linux/types.h>

#define VIA__BPF_NAME 16

struct via__bpf_file {
	__u32 pid; /* in the reader's namespace; 0: of no process */
	__u32 tid; /* whose table it is in: often that of all threads */
	__s32 fd;
	__u32 watched; /* by an epoll set */
	__u64 file;    /* which open file; no address to be used */
	__u64 table;   /* which table it is in; likewise */
	__u64 ino;
	__u64 size;
	__u32 dev, rdev; /* the kernel's form: 12 bits, 20 bits */
	__u32 nlink;
	__u32 flags; /* O_ */
	__u16 mode;
	__u8 open_for; /* 1: reading, 2: writing */
	__u8 known;    /* the numbers below */
	__u32 id;      /* EVENTFD */
	/* References to the open file: one for each table and descriptor it
	 * has, one for each message or ring that it is in. */
	__s32 refs;
	__u32 files; /* PIPE: how many open files are of it */
	/* PIPE: bytes, and pages of them that fit; EVENTFD: the count. */
	__u64 level, pages;
	/* Of a watch: the epoll set's number; file is what it watches, as the
	 * descriptor before it, flags the events, and level by which
	 * descriptor. */
	__u64 epoll;
	char name[VIA__BPF_NAME]; /* without a file type: "[eventfd]" */
};

/*
 * Of Unix sockets: for each, first who waits in its queue and the open files in
 * messages in it, then itself.
 */
enum via__bpf_unix_kind {
	VIA__BPF_WAITING = 1, /* a head alone */
	VIA__BPF_PASSED,
	VIA__BPF_SOCKET,
};

struct via__bpf_unix {
	__u32 kind;
	/* WAITING: the number of the client. SOCKET: its own; 0, only told if
	 * something is in flight into it: it is not accepted yet. */
	__u32 ino;
};

struct via__bpf_passed {
	struct via__bpf_unix head;
	__u64 file, ino; /* these as in via__bpf_file */
	__u32 dev;
	__s32 refs;
	__u32 files;
	__u16 mode;
	__u8 open_for, unused;
};

#define VIA__BPF_UNKNOWN  0xffffffff
#define VIA__BPF_SUN_PATH 128

struct via__bpf_socket {
	struct via__bpf_unix head;
	__u64 socket;	/* which one; no address to be used */
	__u64 file_ino; /* that it is bound to, or 0 */
	__u32 file_dev;
	__u32 peer; /* the number of its peer, or 0 */
	__u32 uid;
	__u32 receive, send; /* as unix_diag_rqlen */
	__u32 send_max;
	__u32 n_files;		/* how many are on their way into it */
	__u8 type, state, shut; /* as unix_diag says them */
	__u8 name_len;
	char name[VIA__BPF_SUN_PATH]; /* no more of it than there is */
};

#define VIA__BPF_SEMAPHORES 64

/* What a thread's list of SEM_UNDO has of one set. */
struct via__bpf_undo {
	__u32 pid;  /* in the reader's namespace */
	__u32 ns;   /* of IPC: its inode */
	__u64 list; /* which list: often that of all threads */
	__s32 id;
	__u32 unused;
	/* By semaphore, what is added when the last who has the list ends. How
	 * many are in the set is not told: behind those it is anything. */
	__s16 add[VIA__BPF_SEMAPHORES];
};

#define VIA__BPF_PATH 4096

/* A mapping; or that a process was there, whatever it has: without a file.
 * Behind it is the name with its NUL, up to a multiple of 8 bytes. */
struct via__bpf_map {
	__u32 len; /* of the record, which ends behind the name */
	__u32 pid; /* in the reader's namespace */
	__u32 tid; /* who was asked: one of its threads */
	__u32 dev; /* the kernel's form: 12 bits, 20 bits */
	__u64 start, end;
	__u64 page; /* of what is mapped, at start */
	__u64 ino;
	__u32 magic; /* of the file system; 0: of another one than it seems */
	__u16 mode;  /* of the file */
	__u16 flags; /* VIA_HOLD_READ, _WRITE, _EXEC, _SHARED */
};

#endif
