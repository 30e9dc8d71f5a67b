/* SPDX-License-Identifier: MIT */
/* What has a descriptor and is no channel: counters, sets, timers, terminals. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>

/* A number out of a descriptor's fdinfo. */
static uint64_t fdinfo(int fd, const char *key)
{
	char path[64], line[256];
	unsigned long long value;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);

	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), ": %llu", &value) == 1) {
			(void)fclose(f);
			return value;
		}
	mk_skip("an id of eventfds in fdinfo (Linux 5.2)");
}

static int counter(struct mk *m, unsigned int initial)
{
	int fd = (int)MUST(eventfd(initial, 0));
	int object = mk_object(m, "eventfd", 0, fdinfo(fd, "eventfd-id"), 0);

	m->objects[object].any_dev = true;
	mk_end(m, fd, object);
	return fd;
}

static void read_8(int fd)
{
	uint64_t value;

	(void)!read(fd, &value, sizeof(value));
	mk_die("read() of 8 bytes came back");
}

void make_eventfd_read(struct mk *m)
{
	int fd = counter(m, 0);

	CHILD(m, "reader", fd, -1)
		read_8(fd);
	mk_in(m, "reader", SYS_read, "read", fd);
	mk_keeper(m, "writer", fd);
	mk_level(m, mk_of(m, fd), 0, MK_UNKNOWN);
	mk_verdict(m, "reader", "waiting", NULL);
}

void make_eventfd_write(struct mk *m)
{
	uint64_t most = UINT64_MAX - 1;
	int fd = counter(m, 7);

	mk_level(m, mk_of(m, fd), 7, MK_UNKNOWN);
	CHILD(m, "writer", fd, -1)
		(void)!write(fd, &most, sizeof(most));
	mk_in(m, "writer", SYS_write, "write", fd);
	mk_keeper(m, "reader", fd);
	mk_verdict(m, "writer", "waiting", NULL);
}

void make_eventfd_cycle(struct mk *m)
{
	int a = counter(m, 0), b = counter(m, 0);

	CHILD(m, "one", a, b, -1)
		read_8(a);
	CHILD(m, "two", a, b, -1)
		read_8(b);
	mk_in(m, "one", SYS_read, "read", a);
	mk_in(m, "two", SYS_read, "read", b);
	mk_verdict(m, "one", "deadlock", NULL);
	mk_verdict(m, "two", "deadlock", NULL);
}

static int set(struct mk *m)
{
	int fd = (int)MUST(epoll_create1(0));
	int object = mk_object(m, "epoll", 0, 0, 0);

	m->objects[object].any_dev = true;
	/* The kernel has no name for it. */
	m->objects[object].ino = UINT64_MAX;
	mk_end(m, fd, object);
	return fd;
}

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void epoll(int fd)
{
	struct epoll_event event;

	(void)epoll_wait(fd, &event, 1, -1);
	mk_die("epoll_wait() came back");
}

void make_epoll_waits(struct mk *m)
{
	int fd = set(m), p[2];

	mk_pipe(m, p);
	watch(fd, p[0], EPOLLIN);
	CHILD(m, "waiter", fd, p[0], -1)
		epoll(fd);
	mk_blocks(m, "waiter", MK_SYS_EPOLL_WAIT, fd);
	mk_waits(m, "waiter", "read", mk_of(m, p[0]), -1);
	mk_keeper(m, "writer", p[1]);
	mk_verdict(m, "waiter", "waiting", NULL);
}

void make_epoll_in_epoll(struct mk *m)
{
	int outer = set(m), inner = set(m), p[2];

	mk_pipe(m, p);
	watch(inner, p[0], EPOLLIN | EPOLLET);
	watch(outer, inner, EPOLLIN);
	CHILD(m, "waiter", outer, inner, p[0], -1)
		epoll(outer);
	mk_blocks(m, "waiter", MK_SYS_EPOLL_WAIT, outer);
	mk_waits(m, "waiter", "read", mk_of(m, p[0]), -1);
	mk_keeper(m, "writer", p[1]);
	mk_verdict(m, "waiter", "waiting", NULL);
}

void make_epoll_cycle(struct mk *m)
{
	int a = set(m), b = set(m), to_a[2], to_b[2];

	mk_pipe(m, to_a);
	mk_pipe(m, to_b);
	watch(a, to_a[0], EPOLLIN);
	watch(b, to_b[0], EPOLLIN);
	CHILD(m, "one", a, to_a[0], to_b[1], -1)
		epoll(a);
	CHILD(m, "two", b, to_b[0], to_a[1], -1)
		epoll(b);
	mk_blocks(m, "one", MK_SYS_EPOLL_WAIT, a);
	mk_blocks(m, "two", MK_SYS_EPOLL_WAIT, b);
	mk_waits(m, "one", "read", mk_of(m, to_a[0]), -1);
	mk_waits(m, "two", "read", mk_of(m, to_b[0]), -1);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* An object that only its holder can name. */
static void of_its_own(struct mk *m, const char *kind, int fd)
{
	int object = mk_object(m, kind, 0, UINT64_MAX, 0);

	m->objects[object].any_dev = true;
	mk_end(m, fd, object);
}

void make_timerfd_read(struct mk *m)
{
	int fd = (int)MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	struct itimerspec hour = {.it_value.tv_sec = 3600};

	MUST(timerfd_settime(fd, 0, &hour, NULL));
	of_its_own(m, "timerfd", fd);
	CHILD(m, "reader", fd, -1)
		read_8(fd);
	mk_in(m, "reader", SYS_read, "read|time", fd);
	mk_verdict(m, "reader", "idle", NULL);
}

void make_signalfd_read(struct mk *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);

	int fd = (int)MUST(signalfd(-1, &set, 0));
	struct signalfd_siginfo info;

	of_its_own(m, "signalfd", fd);
	CHILD(m, "reader", fd, -1) {
		MUST(sigprocmask(SIG_BLOCK, &set, NULL));
		(void)!read(fd, &info, sizeof(info));
	}
	mk_in(m, "reader", SYS_read, "read|signal", fd);
	mk_verdict(m, "reader", "idle", NULL);
}

void make_pidfd_poll(struct mk *m)
{
	mk_keeper(m, "child", -1);

	int fd = (int)MUST(syscall(SYS_pidfd_open, mk_pid(m, "child"), 0));
	struct pollfd poll_fd = {fd, POLLIN, 0};
	int object = mk_object(m, "pidfd", 0, (uint64_t)mk_pid(m, "child"), 0);

	m->objects[object].any_dev = true;
	mk_end(m, fd, object);
	CHILD(m, "poller", fd, -1)
		(void)poll(&poll_fd, 1, -1);
	mk_blocks(m, "poller", MK_SYS_POLL, -1);
	mk_waits_on(m, "poller", "child", "child");
	mk_verdict(m, "poller", "waiting", NULL);
}

void make_inotify_read(struct mk *m)
{
	int fd = (int)MUST(inotify_init1(0));

	MUST(inotify_add_watch(fd, "/", IN_CREATE));
	of_its_own(m, "inotify", fd);
	CHILD(m, "reader", fd, -1)
		mk_read(fd);
	mk_in(m, "reader", SYS_read, "read|event", fd);
	mk_verdict(m, "reader", "idle", NULL);
}

/* A terminal, raw. */
static void terminal(struct mk *m, int *master, int *slave)
{
	struct termios raw;
	char *name;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0 ||
	    !(name = ptsname(*master)) ||
	    (*slave = open(name, O_RDWR | O_NOCTTY)) < 0)
		mk_skip("pseudo-terminals");
	MUST(tcgetattr(*slave, &raw));
	cfmakeraw(&raw);
	MUST(tcsetattr(*slave, TCSANOW, &raw));

	int index;

	MUST(ioctl(*master, TIOCGPTN, &index));

	int a = mk_object(m, "ptmx", 0, (uint64_t)index, 0);
	int b = mk_object(m, "pty", 0, (uint64_t)index, 0);

	m->objects[a].any_dev = m->objects[b].any_dev = true;
	mk_end(m, *master, a);
	mk_end(m, *slave, b);
	mk_peers(m, a, b);
}

void make_pty_read(struct mk *m)
{
	int master, slave;

	terminal(m, &master, &slave);
	mk_reader(m, "program", slave);
	mk_keeper(m, "emulator", master);
	mk_verdict(m, "program", "waiting", NULL);
}

void make_ptmx_read(struct mk *m)
{
	int master, slave;

	terminal(m, &master, &slave);
	mk_reader(m, "emulator", master);
	mk_keeper(m, "program", slave);
	mk_verdict(m, "emulator", "waiting", NULL);
}

void make_pty_full(struct mk *m)
{
	int master, slave;

	terminal(m, &master, &slave);
	mk_filler(m, "program", slave);
	mk_keeper(m, "emulator", master);
	mk_verdict(m, "program", "waiting", NULL);
}

void make_pty_cycle(struct mk *m)
{
	int master, slave;

	terminal(m, &master, &slave);
	mk_reader(m, "program", slave);
	mk_reader(m, "emulator", master);
	/* The program's side can be opened by its name. */
	mk_verdict(m, "program", "deadlock", NULL);
	mk_verdict(m, "emulator", "deadlock", NULL);
}

void make_uring_waits(struct mk *m)
{
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		mk_skip("io_uring");
	MUST(fcntl(fd, F_SETFD, 0));
	of_its_own(m, "io_uring", fd);
	CHILD(m, "waiter", fd, -1)
		(void)syscall(SYS_io_uring_enter, fd, 0, 1,
			      IORING_ENTER_GETEVENTS, NULL, 0);
	mk_blocks(m, "waiter", SYS_io_uring_enter, fd);
	mk_waits(m, "waiter", "event|read|unknown", mk_of(m, fd), fd);
	mk_verdict(m, "waiter", "unknown|idle|waiting", NULL);
}
