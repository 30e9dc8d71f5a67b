/* SPDX-License-Identifier: MIT */
/* Waiting for many at once: select(2), poll(2), epoll(7). */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/io.h"
#include "lab/lab.h"

static struct epoll_event event_of(int fd, uint32_t events)
{
	return (struct epoll_event){.events = events, .data.fd = fd};
}

void io_add(int set, int fd, uint32_t events)
{
	struct epoll_event e = event_of(fd, events);

	MUST(epoll_ctl, set, EPOLL_CTL_ADD, fd, &e);
}

/* --- How many --- */

/* Have room for this many descriptors. */
static void need_files(rlim_t n)
{
	struct rlimit files;

	MUST(getrlimit, RLIMIT_NOFILE, &files);
	if (files.rlim_max < n)
		SKIP("needs a hard RLIMIT_NOFILE of %d", (int)n);
	files.rlim_cur = n;
	MUST(setrlimit, RLIMIT_NOFILE, &files);
}

#define LONG_BITS (8 * (int)sizeof(long))

/* An fd_set, and what lies behind it in memory. */
union set {
	fd_set set;
	volatile unsigned long words[2 * FD_SETSIZE / LONG_BITS];
};

/* Bits that FD_ZERO clears. */
static int set_bits(void)
{
	union set s;
	int n = 0;

	memset(&s, 0xff, sizeof(s));
	FD_ZERO(&s.set);
	while (s.words[n] == 0)
		n++;
	return n * LONG_BITS;
}

/* The copies, 1024 and 1025, are the first that select has no bits for. */
static void select_limits(int ready, int idle)
{
	const struct timespec at_once = {0};
	union set in = {0};
	volatile unsigned long *behind = &in.words[FD_SETSIZE / LONG_BITS];

	EXPECT(set_bits(), ==, 1024);
	FD_SET(ready, &in.set);
	FD_SET(idle, &in.set);
	GIVES(1, pselect, idle + 1, &in.set, NULL, NULL, &at_once, NULL);
	EXPECT(FD_ISSET(ready, &in.set), !=, 0);
	EXPECT(FD_ISSET(idle, &in.set), ==, 0);
	/* The kernel knows no 1024: it reads and writes behind the set. */
	FD_ZERO(&in.set);
	*behind = 3;
	GIVES(1, pselect, FD_SETSIZE + 2, &in.set, NULL, NULL, &at_once, NULL);
	EXPECT(*behind, ==, 1);
}

void io_07(void)
{
	const struct rlimit four = {4, 4};
	int p[2], q[2], set = MUST(epoll_create1, 0);
	struct epoll_event got[2];

	MUST(pipe, p);
	MUST(pipe, q);
	MUST(write, p[1], "x", 1);
	need_files(FD_SETSIZE + 2);
	int ready = MUST(fcntl, p[0], F_DUPFD, FD_SETSIZE);
	int idle = MUST(fcntl, q[0], F_DUPFD, FD_SETSIZE);
	struct pollfd polled[5] = {
		{ready, POLLIN, 0}, {idle, POLLIN, 0}, {-1}, {-1}, {-1}};

	EXPECT(ready, ==, 1024);
	EXPECT(idle, ==, 1025);
	select_limits(p[0], q[0]);

	GIVES(1, poll, polled, 5, 0);
	EXPECT(polled[0].revents, ==, POLLIN);
	EXPECT(polled[1].events, ==, POLLIN);

	io_add(set, ready, EPOLLIN);
	io_add(set, idle, EPOLLIN);
	GIVES(1, epoll_wait, set, got, 2, 0);
	EXPECT(got[0].data.fd, ==, ready);
	MUST(write, q[1], "x", 1);
	GIVES(2, epoll_wait, set, got, 2, 0);

	MUST(setrlimit, RLIMIT_NOFILE, &four);
	FAILS(EINVAL, poll, polled, 5, 0);
	GIVES(2, poll, polled, 4, 0);
}

/* --- What waiting costs --- */

/* Less than select knows, with what else is open. */
#define CROWD_MAX 900

struct crowd {
	int n, top, set;
	fd_set in;
	struct pollfd polled[CROWD_MAX];
	struct epoll_event got[CROWD_MAX];
};

static void once_select(void *arg)
{
	struct crowd *c = arg;
	fd_set in = c->in;

	select(c->top + 1, &in, NULL, NULL, NULL);
}

static void once_poll(void *arg)
{
	struct crowd *c = arg;

	poll(c->polled, (nfds_t)c->n, -1);
}

static void once_epoll(void *arg)
{
	struct crowd *c = arg;

	epoll_wait(c->set, c->got, c->n, -1);
}

/* The first n of fds. */
static void gather(struct crowd *c, const int *fds, int n)
{
	c->n = n;
	c->set = MUST(epoll_create1, 0);
	for (int i = 0; i < n; i++) {
		io_add(c->set, fds[i], EPOLLIN);
		c->polled[i] = (struct pollfd){fds[i], POLLIN, 0};
		FD_SET(fds[i], &c->in);
		c->top = fds[i] > c->top ? fds[i] : c->top;
	}
}

void io_08(void)
{
	static struct crowd few, some, many;
	static int fds[CROWD_MAX];
	enum {
		SELECT_8,
		POLL_8,
		EPOLL_8,
		POLL_64,
		EPOLL_64,
		SELECT_900,
		POLL_900,
		EPOLL_900,
		N
	};
	struct lab_work one[N] = {
		[SELECT_8] = {"select, 1 of 8", once_select, &few, 200, 0},
		[POLL_8] = {"poll, 1 of 8", once_poll, &few, 200, 0},
		[EPOLL_8] = {"epoll, 1 of 8", once_epoll, &few, 200, 0},
		[POLL_64] = {"poll, 1 of 64", once_poll, &some, 40, 0},
		[EPOLL_64] = {"epoll, 1 of 64", once_epoll, &some, 200, 0},
		[SELECT_900] = {"select, 1 of 900", once_select, &many, 8, 0},
		[POLL_900] = {"poll, 1 of 900", once_poll, &many, 8, 0},
		[EPOLL_900] = {"epoll, 1 of 900", once_epoll, &many, 200, 0},
	};
	struct lab_work all[] = {
		{"poll, all of 900", once_poll, &many, 8, 0},
		{"epoll, all of 900", once_epoll, &many, 8, 0},
	};

	need_files(CROWD_MAX + 20);
	for (int i = 0; i < CROWD_MAX; i++)
		fds[i] = MUST(eventfd, i == 0, 0);
	gather(&few, fds, 8);
	gather(&some, fds, 64);
	gather(&many, fds, CROWD_MAX);
	lab_measure(one, N, 45);
	EXPECT(one[SELECT_900].ns, >, 8 * one[SELECT_8].ns);
	EXPECT(one[POLL_900].ns, >, 8 * one[POLL_8].ns);
	EXPECT(one[EPOLL_900].ns, <, 3 * one[EPOLL_8].ns);
	EXPECT(one[POLL_900].ns, >, 8 * one[EPOLL_900].ns);

	for (int i = 1; i < CROWD_MAX; i++)
		MUST(eventfd_write, fds[i], 1);
	lab_measure(all, 2, 45);
	/* epoll is not four times as cheap any more; it may be dearer. */
	EXPECT(all[0].ns, <, 4 * all[1].ns);
}

/* --- epoll, level and edge --- */

void io_09(void)
{
	int p[2], level = MUST(epoll_create1, 0), edge = MUST(epoll_create1, 0);
	struct epoll_event e;
	char bytes[8];

	MUST(pipe2, p, O_NONBLOCK);
	io_add(level, p[0], EPOLLIN);
	io_add(edge, p[0], EPOLLIN | EPOLLET);
	MUST(write, p[1], "abcd", 4);
	GIVES(1, epoll_wait, level, &e, 1, 0);
	GIVES(1, epoll_wait, edge, &e, 1, 0);
	GIVES(2, read, p[0], bytes, 2);
	GIVES(1, epoll_wait, level, &e, 1, 0);
	GIVES(0, epoll_wait, edge, &e, 1, 0);

	CHILD(waiting) {
		GIVES(1, epoll_pwait, edge, &e, 1, -1, NULL);
		GIVES(3, read, p[0], bytes, sizeof(bytes));
		EXPECT_TEXT(bytes, 3, "cde");
		FAILS(EAGAIN, read, p[0], bytes, sizeof(bytes));
	}
	EXPECT(lab_blocked(waiting, SYS_epoll_pwait), ==, true);
	MUST(write, p[1], "e", 1);
	EXPECT(lab_wait(waiting), ==, 0);
	GIVES(0, epoll_wait, level, &e, 1, 0);
}

/* Read until nothing is left, as edge-triggered epoll asks for. */
static void drain(int set, int fd)
{
	struct epoll_event e;
	char byte;

	for (;;) {
		MUST(epoll_pwait, set, &e, 1, -1, NULL);
		while (CALL(read, fd, &byte, 1) == 1)
			lab_cell[0]++;
	}
}

void io_10(void)
{
	int p[2], q[2], set = MUST(epoll_create1, 0);

	MUST(pipe, p);
	MUST(pipe, q);
	io_add(set, p[0], EPOLLIN | EPOLLET);
	MUST(write, p[1], "abc", 3);
	CHILD(blocking) {
		drain(set, p[0]);
	}
	EXPECT(lab_blocked(blocking, SYS_read), ==, true);
	EXPECT(lab_cell[0], ==, 3);
	lab_kill(blocking);

	io_add(set, q[0], EPOLLIN | EPOLLET);
	MUST(fcntl, q[0], F_SETFL, O_NONBLOCK);
	MUST(write, q[1], "def", 3);
	CHILD(cured) {
		drain(set, q[0]);
	}
	EXPECT(lab_blocked(cured, SYS_epoll_pwait), ==, true);
	EXPECT(lab_cell[0], ==, 6);
	lab_kill(cured);
}

/* Three processes wait, each with a set of its own: how many wake. */
static long woken_of_three(uint32_t how)
{
	int event = MUST(eventfd, 0, 0);
	pid_t pids[3];

	lab_cell[0] = 0;
	for (int i = 0; i < 3; i++) {
		CHILD(waiter) {
			int set = MUST(epoll_create1, 0);
			struct epoll_event e;

			io_add(set, event, EPOLLIN | how);
			MUST(epoll_pwait, set, &e, 1, -1, NULL);
			/* Relaxed: it is read when all are asleep again. */
			__atomic_fetch_add(&lab_cell[0], 1, __ATOMIC_RELAXED);
			CALL(pause);
		}
		pids[i] = waiter;
	}
	for (int i = 0; i < 3; i++)
		EXPECT(lab_blocked(pids[i], SYS_epoll_pwait), ==, true);
	MUST(eventfd_write, event, 1);
	for (int i = 0; i < 3; i++)
		EXPECT(lab_blocked(pids[i], -1), ==, true);
	for (int i = 0; i < 3; i++)
		lab_kill(pids[i]);
	return lab_cell[0];
}

void io_11(void)
{
	int p[2], set = MUST(epoll_create1, 0);
	struct epoll_event e, again;

	MUST(pipe, p);
	again = event_of(p[0], EPOLLIN | EPOLLONESHOT);
	io_add(set, p[0], EPOLLIN | EPOLLONESHOT);
	MUST(write, p[1], "x", 1);
	GIVES(1, epoll_wait, set, &e, 1, 0);
	GIVES(0, epoll_wait, set, &e, 1, 0);
	MUST(epoll_ctl, set, EPOLL_CTL_MOD, p[0], &again);
	GIVES(1, epoll_wait, set, &e, 1, 0);

	/* What is in the set is the open file, not the number. */
	MUST(epoll_ctl, set, EPOLL_CTL_MOD, p[0], &again);
	int copy = MUST(dup, p[0]);

	MUST(close, p[0]);
	GIVES(1, epoll_wait, set, &e, 1, 0);
	EXPECT(e.data.fd, ==, p[0]);
	FAILS(EBADF, epoll_ctl, set, EPOLL_CTL_DEL, p[0], &e);
	FAILS(ENOENT, epoll_ctl, set, EPOLL_CTL_DEL, copy, &e);

	EXPECT(woken_of_three(0), ==, 3);
	long exclusive = woken_of_three(EPOLLEXCLUSIVE);

	EXPECT(exclusive, >=, 1);
	EXPECT(exclusive, <, 3);
}

void io_12(void)
{
	int set = MUST(epoll_create1, 0);
	int file = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	struct epoll_event e = event_of(file, EPOLLIN);
	struct pollfd polled = {file, POLLIN | POLLOUT, 0};
	struct timeval at_once = {0};
	fd_set in;
	char byte;

	FD_ZERO(&in);
	FD_SET(file, &in);
	GIVES(1, select, file + 1, &in, NULL, NULL, &at_once);
	GIVES(1, poll, &polled, 1, 0);
	EXPECT(polled.revents, ==, POLLIN | POLLOUT);
	/* Ready, even where there is nothing to read. */
	GIVES(0, read, file, &byte, 1);
	FAILS(EPERM, epoll_ctl, set, EPOLL_CTL_ADD, file, &e);
}

void io_13(void)
{
	int p[2], set = MUST(epoll_create1, 0);
	static char bytes[4096];
	struct epoll_event e;
	ssize_t sent = 0, got = 0;

	MUST(pipe2, p, O_NONBLOCK);
	io_add(set, p[1], EPOLLOUT | EPOLLET);
	GIVES(1, epoll_wait, set, &e, 1, 0);
	/* There is room still, but no news. */
	MUST(write, p[1], bytes, 1);
	GIVES(0, epoll_wait, set, &e, 1, 0);
	while (CALL(write, p[1], bytes, sizeof(bytes)) > 0)
		sent++;
	EXPECT(errno, ==, EAGAIN);
	EXPECT(sent, >, 0);
	GIVES(0, epoll_wait, set, &e, 1, 0);

	CHILD(writer) {
		GIVES(1, epoll_pwait, set, &e, 1, -1, NULL);
		GIVES(1, write, p[1], bytes, 1);
	}
	EXPECT(lab_blocked(writer, SYS_epoll_pwait), ==, true);
	while (read(p[0], bytes, sizeof(bytes)) > 0)
		got++;
	EXPECT(got, >=, sent);
	EXPECT(lab_wait(writer), ==, 0);
}
