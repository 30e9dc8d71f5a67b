/* SPDX-License-Identifier: MIT */
/* Anonymous pipes: pipe(7). */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/pipe.h"

#define PIPEFS_MAGIC 0x50495045 /* include/uapi/linux/magic.h */

/* More than goes into a pipe of one page. */
static char bytes[2 * 65536];

static void pipe_01(void)
{
	int p[2];
	char byte;
	struct stat st;
	struct statfs fs;

	MUST(close, 0);
	MUST(pipe, p);
	EXPECT(p[0], ==, 0);
	EXPECT(p[1], ==, 3);
	FAILS(EBADF, write, p[0], "x", 1);
	FAILS(EBADF, read, p[1], &byte, 1);
	GIVES(1, write, p[1], "x", 1);
	GIVES(1, read, p[0], &byte, 1);

	MUST(fstat, p[0], &st);
	EXPECT(S_ISFIFO(st.st_mode), !=, 0);
	MUST(fstatfs, p[0], &fs);
	EXPECT(fs.f_type, ==, PIPEFS_MAGIC);
	/* Nor can it be given a name: no directory is on that file system. */
	FAILS(EXDEV, linkat, AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "name",
	      AT_SYMLINK_FOLLOW);
}

static void pipe_02(void)
{
	const int n = 2000;
	int p[2], left, once = 0;
	char *times = MUST(mmap, NULL, n, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t readers[2];

	MUST(pipe, p);
	for (int r = 0; r < 2; r++) {
		CHILD(reader) {
			int number, last = -1, ascending = 0;

			for (int i = 0; i < n / 2; i++) {
				if (read(p[0], &number, 4) != 4)
					lab_leave(1);
				ascending += number > last;
				last = number;
				/* Relaxed: looked at when all have ended. */
				__atomic_fetch_add(&times[number], 1,
						   __ATOMIC_RELAXED);
			}
			EXPECT(ascending, ==, n / 2);
		}
		readers[r] = reader;
	}
	for (int number = 0; number < n; number++)
		MUST(write, p[1], &number, 4);
	EXPECT(lab_wait(readers[0]), ==, 0);
	EXPECT(lab_wait(readers[1]), ==, 0);
	for (int number = 0; number < n; number++)
		once += times[number] == 1;
	EXPECT(once, ==, n);
	MUST(ioctl, p[0], FIONREAD, &left);
	EXPECT(left, ==, 0);
}

static void pipe_03(void)
{
	int p[2];
	char byte;

	MUST(pipe, p);
	MUST(write, p[1], "x", 1);
	FAILS(ESPIPE, lseek, p[0], 0, SEEK_SET);
	FAILS(ESPIPE, lseek, p[1], 0, SEEK_CUR);
	FAILS(ESPIPE, pread, p[0], &byte, 1, 0);
	FAILS(ESPIPE, pwrite, p[1], "x", 1, 0);
}

static void pipe_04(void)
{
	int p[2];
	char text[100];

	MUST(pipe, p);
	MUST(write, p[1], "one", 3);
	MUST(write, p[1], "two", 3);
	MUST(write, p[1], "three", 5);
	GIVES(11, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 11, "onetwothree");

	MUST(write, p[1], "onetwothree", 11);
	GIVES(5, read, p[0], text, 5);
	EXPECT_TEXT(text, 5, "onetw");
	GIVES(6, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 6, "othree");
}

static void pipe_05(void)
{
	int p[2];
	char text[100];

	MUST(pipe, p);
	MUST(write, p[1], "hello", 5);
	/* To wait for 100 bytes would be to wait for ever. */
	GIVES(5, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 5, "hello");
}

static void pipe_06(void)
{
	int p[2];
	char byte;

	MUST(pipe, p);
	CHILD(reader) {
		MUST(close, p[1]);
		GIVES(1, read, p[0], &byte, 1);
	}
	EXPECT(lab_blocked(reader, SYS_read), ==, true);
	MUST(write, p[1], "x", 1);
	EXPECT(lab_wait(reader), ==, 0);

	MUST(fcntl, p[0], F_SETFL, O_NONBLOCK);
	FAILS(EAGAIN, read, p[0], &byte, 1);
}

static void pipe_07(void)
{
	int p[2];
	char text[100];

	MUST(pipe, p);
	MUST(write, p[1], "hello", 5);
	MUST(close, p[1]);
	GIVES(3, read, p[0], text, 3);
	GIVES(2, read, p[0], text, sizeof(text));
	GIVES(0, read, p[0], text, sizeof(text));
	GIVES(0, read, p[0], text, sizeof(text));
	MUST(fcntl, p[0], F_SETFL, O_NONBLOCK);
	GIVES(0, read, p[0], text, sizeof(text));
}

static void pipe_08(void)
{
	int p[2];
	char byte;

	MUST(pipe, p);
	CHILD(forgetful) {
		CALL(read, p[0], &byte, 1);
	}
	CHILD(tidy) {
		MUST(close, p[1]);
		GIVES(0, read, p[0], &byte, 1);
	}
	MUST(close, p[1]);
	/* The forgetful one keeps end of file from both. */
	EXPECT(lab_blocked(forgetful, SYS_read), ==, true);
	EXPECT(lab_blocked(tidy, SYS_read), ==, true);
	lab_kill(forgetful);
	EXPECT(lab_wait(tidy), ==, 0);
}

static void pipe_09(void)
{
	int p[2], status;
	sigset_t set;

	MUST(pipe, p);
	MUST(fcntl, p[1], F_SETPIPE_SZ, 1);
	CHILD(writer) {
		MUST(close, p[0]);
		CALL(write, p[1], bytes, sizeof(bytes));
	}
	/* A full pipe is no reason for the signal, a lost reader is. */
	EXPECT(lab_blocked(writer, SYS_write), ==, true);
	MUST(close, p[0]);
	status = lab_wait(writer);
	EXPECT(WIFSIGNALED(status), ==, true);
	EXPECT(WTERMSIG(status), ==, SIGPIPE);

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	FAILS(EPIPE, write, p[1], "x", 1);
	MUST(sigpending, &set);
	EXPECT(sigismember(&set, SIGPIPE), ==, 1);

	signal(SIGPIPE, SIG_IGN);
	MUST(sigprocmask, SIG_UNBLOCK, &set, NULL);
	FAILS(EPIPE, write, p[1], "x", 1);
}
static void pipe_15(void)
{
	int p[2], question[2], answer[2];
	char text[10];

	MUST(pipe, p);
	FAILS(EBADF, write, p[0], "x", 1);
	FAILS(EBADF, read, p[1], text, 1);
	/* One pipe to ask and to be answered: one hears oneself. */
	MUST(write, p[1], "question", 8);
	GIVES(8, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 8, "question");

	MUST(pipe, question);
	MUST(pipe, answer);
	CHILD(other) {
		GIVES(8, read, question[0], text, sizeof(text));
		MUST(write, answer[1], "answer", 6);
	}
	MUST(write, question[1], "question", 8);
	GIVES(6, read, answer[0], text, sizeof(text));
	EXPECT_TEXT(text, 6, "answer");
}

/* The control part of a message that carries one descriptor. */
union passenger {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int socket, int fd)
{
	union passenger passenger = {
		.head = {.cmsg_len = CMSG_LEN(sizeof(fd)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS},
	};
	char byte = 0;
	struct msghdr message = {
		.msg_iov = &(struct iovec){&byte, 1},
		.msg_iovlen = 1,
		.msg_control = &passenger,
		.msg_controllen = sizeof(passenger),
	};

	memcpy(CMSG_DATA(&passenger.head), &fd, sizeof(fd));
	MUST(sendmsg, socket, &message, 0);
}

static int receive_fd(int socket)
{
	union passenger passenger;
	char byte;
	struct msghdr message = {
		.msg_iov = &(struct iovec){&byte, 1},
		.msg_iovlen = 1,
		.msg_control = &passenger,
		.msg_controllen = sizeof(passenger),
	};
	int fd;

	MUST(recvmsg, socket, &message, 0);
	memcpy(&fd, CMSG_DATA(&passenger.head), sizeof(fd));
	return fd;
}

static void pipe_16(void)
{
	int p[2], q[2], s[2];
	char text[10];

	MUST(pipe, p);
	MUST(pipe2, q, O_CLOEXEC);
	MUST(write, p[1], "exec\n", 5);
	CHILD(shell) {
		/* p is 3 and 4, q would be 5 and 6. */
		MUST(execl, "/bin/sh", "sh", "-c",
		     "read x <&3; echo over $x >&4; echo closed >&6", NULL);
	}
	lab_wait(shell);
	GIVES(10, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 9, "over exec");
	MUST(close, q[1]);
	GIVES(0, read, q[0], text, 1);

	MUST(socketpair, AF_UNIX, SOCK_STREAM, 0, s);
	CHILD(stranger) {
		/* Nobody inherits this one. */
		MUST(pipe, p);
		lab_cell[0] = p[1];
		send_fd(s[1], p[1]);
		GIVES(1, read, p[0], text, 1);
		EXPECT_TEXT(text, 1, "s");
		GIVES(1, read, p[0], text, 1);
		EXPECT_TEXT(text, 1, "t");
	}
	int sent = receive_fd(s[0]);
	int pidfd = MUST(pidfd_open, stranger, 0);
	int taken = MUST(pidfd_getfd, pidfd, lab_cell[0], 0);

	MUST(write, sent, "s", 1);
	MUST(write, taken, "t", 1);
	EXPECT(lab_wait(stranger), ==, 0);
}

static void pipe_17(void)
{
	int p[2];
	char text[10];

	MUST(pipe, p);
	MUST(write, p[1], "me", 2);
	GIVES(2, read, p[0], text, sizeof(text));
	EXPECT_TEXT(text, 2, "me");

	size_t capacity = (size_t)MUST(fcntl, p[1], F_SETPIPE_SZ, 1);
	CHILD(alone) {
		GIVES(capacity, write, p[1], bytes, capacity);
		/* Who could read is busy with writing. */
		CALL(write, p[1], "x", 1);
	}
	MUST(close, p[0]);
	MUST(close, p[1]);
	EXPECT(lab_blocked(alone, SYS_write), ==, true);
	lab_kill(alone);
}

static void pipe_18(void)
{
	int p[2], result[2];
	char text[10];

	MUST(pipe, p);
	MUST(pipe, result);
	CHILD(left) {
		MUST(dup2, p[1], 1);
		MUST(close_range, 3, ~0U, 0);
		MUST(execlp, "printf", "printf", "red\\ngreen\\n", NULL);
	}
	CHILD(right) {
		MUST(dup2, p[0], 0);
		MUST(dup2, result[1], 1);
		MUST(close_range, 3, ~0U, 0);
		MUST(execlp, "grep", "grep", "green", NULL);
	}
	MUST(close, result[1]);
	EXPECT(lab_wait(left), ==, 0);
	/* The left one has ended, but one copy of its end is still open. */
	EXPECT(lab_blocked(right, SYS_read), ==, true);
	MUST(close, p[1]);
	EXPECT(lab_wait(right), ==, 0);
	GIVES(6, read, result[0], text, sizeof(text));
	EXPECT_TEXT(text, 5, "green");
	GIVES(0, read, result[0], text, sizeof(text));
}

static void pipe_21(void)
{
	int p[2], q[2], copy;
	struct pollfd poll_fd;

	MUST(pipe, p);
	MUST(pipe, q);
	copy = MUST(dup, p[1]);
	CHILD(reader) {
		MUST(close, p[1]);
		MUST(close, copy);
		poll_fd = (struct pollfd){p[0], POLLIN, 0};
		MUST(poll, &poll_fd, 1, -1);
		EXPECT(poll_fd.revents, ==, POLLHUP);
	}
	MUST(close, p[1]);
	EXPECT(lab_blocked(reader, -1), ==, true);
	MUST(close, copy);
	EXPECT(lab_wait(reader), ==, 0);

	CHILD(writer) {
		MUST(close, q[0]);
		poll_fd = (struct pollfd){q[1], 0, 0};
		MUST(poll, &poll_fd, 1, -1);
		EXPECT(poll_fd.revents, ==, POLLERR);
	}
	EXPECT(lab_blocked(writer, -1), ==, true);
	MUST(close, q[0]);
	EXPECT(lab_wait(writer), ==, 0);
}

static const struct lab_experiment experiments[] = {
	{"pipe.01", "pipe() gives a read end and a write end, without a name",
	 "pipe(2), pipe(7)", pipe_01},
	{"pipe.02", "each byte is read once, in the order of writing",
	 "pipe(7)", pipe_02},
	{"pipe.03", "there is no seeking in a pipe", "lseek(2), pread(2)",
	 pipe_03},
	{"pipe.04", "a pipe keeps no message boundaries", "pipe(7)", pipe_04},
	{"pipe.05", "read takes what is there", "read(2), pipe(7)", pipe_05},
	{"pipe.06", "reading from an empty pipe waits, or gives EAGAIN",
	 "pipe(7), read(2)", pipe_06},
	{"pipe.07", "after the last writer, what is left, then end of file",
	 "pipe(7), read(2)", pipe_07},
	{"pipe.08", "a forgotten write end keeps end of file away", "pipe(7)",
	 pipe_08},
	{"pipe.09", "writing without a reader raises SIGPIPE",
	 "pipe(7), signal(7)", pipe_09},
	{"pipe.10", "writing to a full pipe waits, or gives EAGAIN",
	 "pipe(7), write(2)", pipe_10},
	{"pipe.11", "writes of up to PIPE_BUF bytes are atomic", "pipe(7)",
	 pipe_11},
	{"pipe.12", "a pipe holds 16 pages", "pipe(7), fpathconf(3)", pipe_12},
	{"pipe.13", "each pipe has a capacity of its own, to be set",
	 "fcntl(2), pipe(7)", pipe_13},
	{"pipe.14", "capacity is counted in pages, not in bytes",
	 "pipe(2), pipe(7)", pipe_14},
	{"pipe.15", "a pipe goes one way: two directions, two pipes", "pipe(7)",
	 pipe_15},
	{"pipe.16", "an end goes to relatives by fork, to anybody by passing",
	 "execve(2), unix(7), pidfd_getfd(2)", pipe_16},
	{"pipe.17", "a process can talk to itself, and block itself", "pipe(7)",
	 pipe_17},
	{"pipe.18", "what a shell does for one | two", "dup(2), pipe(7)",
	 pipe_18},
	{"pipe.19", "FIONREAD and poll say what can be done",
	 "pipe(7), poll(2)", pipe_19},
	{"pipe.20", "a pipe copies twice; splice moves pages",
	 "vmsplice(2), splice(2), tee(2)", pipe_20},
	{"pipe.21", "poll tells when the other side has gone", "poll(2)",
	 pipe_21},
	{0},
};

const struct lab_section lab_pipe = {
	.name = "pipe",
	.title = "anonymous pipes",
	.experiments = experiments,
};
