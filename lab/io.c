/* SPDX-License-Identifier: MIT */
/* The five models of input and output, and last the rows of all of io. */
#include "lab/io.h"

#include <aio.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lab/lab.h"

/* --- The five models --- */

static void io_01(void)
{
	int p[2];

	MUST(pipe, p);
	CHILD(reader) {
		int64_t start = lab_now_ns(), cpu = lab_cpu_ns();
		char bytes[8];

		GIVES(5, read, p[0], bytes, sizeof(bytes));
		EXPECT_TEXT(bytes, 5, "hello");
		/* It has waited without using the processor. */
		EXPECT(lab_now_ns() - start, >, 4 * (lab_cpu_ns() - cpu));
	}
	EXPECT(lab_blocked(reader, SYS_read), ==, true);
	MUST(write, p[1], "hello", 5);
	EXPECT(lab_wait(reader), ==, 0);
}

struct waited {
	int64_t late_ns, cpu_ns;
	long tries; /* that failed */
};

/* Read a timer of 40 ms until it gives something, with pauses between. */
static struct waited wait_for_timer(int flags, long pause_ns)
{
	const long after_ns = 40000000;
	const struct itimerspec after = {.it_value.tv_nsec = after_ns};
	const struct timespec pause = {.tv_nsec = pause_ns};
	struct waited w = {0};
	uint64_t expirations;
	int timer = MUST(timerfd_create, CLOCK_MONOTONIC, flags);
	int64_t cpu = lab_cpu_ns(), due = lab_now_ns() + after_ns;

	MUST(timerfd_settime, timer, 0, &after, NULL);
	for (; read(timer, &expirations, sizeof(expirations)) < 0; w.tries++)
		if (pause_ns)
			nanosleep(&pause, NULL);
	w.late_ns = lab_now_ns() - due;
	w.cpu_ns = lab_cpu_ns() - cpu;
	return w;
}

static void io_02(void)
{
	struct waited asleep = wait_for_timer(0, 0), again;

	/* The best of three: others want the processor too. */
	for (int i = 0; i < 2; i++) {
		again = wait_for_timer(0, 0);
		asleep = again.late_ns < asleep.late_ns ? again : asleep;
	}
	struct waited spinning = wait_for_timer(TFD_NONBLOCK, 0);
	struct waited lazy = wait_for_timer(TFD_NONBLOCK, 100000000);
	uint64_t expirations;
	int timer = MUST(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);

	FAILS(EAGAIN, read, timer, &expirations, sizeof(expirations));
	FIGURE("CPU, blocking", "us", (double)asleep.cpu_ns / 1e3);
	FIGURE("CPU, trying all the time", "us", (double)spinning.cpu_ns / 1e3);
	FIGURE("late, blocking", "us", (double)asleep.late_ns / 1e3);
	FIGURE("late, trying every 100 ms", "us", (double)lazy.late_ns / 1e3);
	EXPECT(asleep.tries, ==, 0);
	EXPECT(spinning.tries, >, 100);
	EXPECT(spinning.cpu_ns, >, 4 * asleep.cpu_ns);
	EXPECT(lazy.tries, >, 0);
	EXPECT(lazy.cpu_ns, <, spinning.cpu_ns);
	EXPECT(lazy.late_ns, >, asleep.late_ns);
}

static void io_03(void)
{
	int p[3][2], set = MUST(epoll_create1, 0);
	fd_set in;
	char byte;

	FD_ZERO(&in);
	for (int i = 0; i < 3; i++) {
		MUST(pipe, p[i]);
		io_add(set, p[i][0], EPOLLIN);
		FD_SET(p[i][0], &in);
	}
	struct pollfd polled[] = {{p[0][0], POLLIN, 0},
				  {p[1][0], POLLIN, 0},
				  {p[2][0], POLLIN, 0}};
	CHILD(thread) {
		struct epoll_event e = {0};

		MUST(pselect, p[2][0] + 1, &in, NULL, NULL, NULL, NULL);
		EXPECT(FD_ISSET(p[0][0], &in), !=, 0);
		GIVES(1, read, p[0][0], &byte, 1);
		MUST(ppoll, polled, 3, NULL, NULL);
		EXPECT(polled[1].revents, ==, POLLIN);
		GIVES(1, read, p[1][0], &byte, 1);
		MUST(epoll_pwait, set, &e, 1, -1, NULL);
		EXPECT(e.data.fd, ==, p[2][0]);
		GIVES(1, read, p[2][0], &byte, 1);
	}
	EXPECT(lab_blocked(thread, SYS_pselect6), ==, true);
	MUST(write, p[0][1], "x", 1);
	EXPECT(lab_blocked(thread, SYS_ppoll), ==, true);
	MUST(write, p[1][1], "x", 1);
	EXPECT(lab_blocked(thread, SYS_epoll_pwait), ==, true);
	MUST(write, p[2][1], "x", 1);
	EXPECT(lab_wait(thread), ==, 0);
}

static volatile sig_atomic_t times_told;

static void tell(int sig)
{
	(void)sig;
	times_told++;
}

/* Have a signal sent to this process when there is input. */
static void announce(int fd, int sig)
{
	MUST(fcntl, fd, F_SETOWN, getpid());
	MUST(fcntl, fd, F_SETSIG, sig);
	MUST(fcntl, fd, F_SETFL, O_ASYNC | O_NONBLOCK);
}

static void io_04(void)
{
	int p[2], q[2], queued = SIGRTMIN;
	char byte;
	sigset_t both;
	siginfo_t info = {0};

	MUST(pipe, p);
	MUST(pipe, q);
	MUST(signal, SIGIO, tell);
	announce(p[0], 0);
	announce(q[0], 0);
	MUST(write, p[1], "x", 1);
	EXPECT(times_told, ==, 1);
	GIVES(1, read, p[0], &byte, 1);

	/* SIGIO is one signal, whoever it is for. */
	sigemptyset(&both);
	sigaddset(&both, SIGIO);
	sigaddset(&both, queued);
	MUST(sigprocmask, SIG_BLOCK, &both, NULL);
	MUST(write, p[1], "x", 1);
	MUST(write, q[1], "x", 1);
	GIVES(SIGIO, sigwaitinfo, &both, &info);
	const struct timespec at_once = {0};

	FAILS(EAGAIN, sigtimedwait, &both, &info, &at_once);

	/* A real-time signal queues, and says which. */
	announce(p[0], queued);
	announce(q[0], queued);
	MUST(write, p[1], "x", 1);
	MUST(write, q[1], "x", 1);
	GIVES(queued, sigwaitinfo, &both, &info);
	EXPECT(info.si_fd, ==, p[0]);
	GIVES(queued, sigwaitinfo, &both, &info);
	EXPECT(info.si_fd, ==, q[0]);
	EXPECT(info.si_band & POLLIN, !=, 0);
}

static void io_05(void)
{
	struct io_ring ring;
	int p[2];
	char bytes[5] = {0};

	io_ring_open(&ring);
	MUST(pipe, p);
	/* Nothing there, and yet we are back. */
	EXPECT(io_ring_read(&ring, p[0], bytes, 5, 0), ==, 1);
	EXPECT(io_ring_is_done(&ring), ==, false);
	MUST(write, p[1], "hello", 5);
	EXPECT(io_ring_wait(&ring), ==, 5);
	EXPECT_TEXT(bytes, 5, "hello");

	struct aiocb request = {
		.aio_fildes = p[0],
		.aio_buf = bytes,
		.aio_nbytes = 5,
	};
	const struct aiocb *const list[] = {&request};

	GIVES(0, aio_read, &request);
	PGIVES(EINPROGRESS, aio_error, &request);
	MUST(write, p[1], "world", 5);
	MUST(aio_suspend, list, 1, NULL);
	GIVES(5, aio_return, &request);
	EXPECT_TEXT(bytes, 5, "world");
}

/* --- Who copies --- */

#define MUCH (1 << 20)

static char source[MUCH], *target;

/* Something to read, and no pages yet to put it in. */
static void refill(int fd)
{
	MUST(madvise, target, MUCH, MADV_DONTNEED);
	MUST(write, fd, source, MUCH);
}

/* How often this thread has had to fetch a page: it does so where it copies. */
static long faults(void)
{
	struct rusage used;

	getrusage(RUSAGE_THREAD, &used);
	return used.ru_minflt;
}

/* The four models differ in how they learn that there is something to read. */
static void just_read(int fd)
{
	(void)fd;
}

static void try_it(int fd)
{
	MUST(fcntl, fd, F_SETFL, O_NONBLOCK);
}

static void poll_for_it(int fd)
{
	struct pollfd polled = {fd, POLLIN, 0};

	MUST(poll, &polled, 1, -1);
}

static void await_signal(int fd)
{
	sigset_t io;

	(void)fd;
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	MUST(sigwaitinfo, &io, NULL);
}

/* Told in one of the four ways; then this thread copies. */
static void synchronous(const int p[2], void (*learn)(int fd))
{
	const long pages = MUCH / getpagesize();

	refill(p[1]);
	learn(p[0]);
	long before = faults();

	/* We know, but nothing has come. Looking may fetch a page already. */
	EXPECT(target[MUCH - 1], ==, 0);
	GIVES(MUCH, read, p[0], target, MUCH);
	EXPECT(faults() - before, >=, pages);
}

static void asynchronous(const int p[2], struct io_ring *ring)
{
	const long pages = MUCH / getpagesize();

	refill(p[1]);
	long before = faults();

	/* By a worker, without an attempt of our own first. */
	io_ring_read(ring, p[0], target, MUCH, IOSQE_ASYNC);
	EXPECT(io_ring_wait(ring), ==, MUCH);
	EXPECT(faults() - before, <, pages / 4);
	EXPECT(target[MUCH - 1], ==, 'n');
}

static void io_06(void)
{
	struct io_ring ring;
	int p[2];
	sigset_t io;

	io_ring_open(&ring);
	MUST(pipe, p);
	MUST(fcntl, p[1], F_SETPIPE_SZ, MUCH);
	memset(source, 'n', MUCH);
	target = MUST(mmap, NULL, MUCH, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Fails where there are no huge pages, and is not needed there. */
	CALL(madvise, target, MUCH, MADV_NOHUGEPAGE);

	synchronous(p, just_read);
	synchronous(p, try_it);
	synchronous(p, poll_for_it);
	asynchronous(p, &ring);

	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	MUST(sigprocmask, SIG_BLOCK, &io, NULL);
	announce(p[0], 0);
	synchronous(p, await_signal);
}

static const struct lab_experiment experiments[] = {
	{"io.01", "blocking: one call waits and copies", "read(2)", io_01},
	{"io.02", "non-blocking: trying again costs CPU or delay",
	 "read(2), timerfd_create(2)", io_02},
	{"io.03", "multiplexing: asleep in select, poll or epoll_wait",
	 "select(2), poll(2), epoll(7)", io_03},
	{"io.04", "signal-driven: SIGIO tells, read copies",
	 "fcntl(2), sigwaitinfo(2)", io_04},
	{"io.05", "asynchronous: told when the data is in place",
	 "io_uring(7), aio(7)", io_05},
	{"io.06", "four of the five models copy in the caller's time",
	 "read(2), io_uring(7)", io_06},
	{"io.07", "select has 1024 descriptors; poll and epoll have no limit",
	 "select(2), poll(2), epoll(7)", io_07},
	{"io.08", "what a wait costs grows with all, or with the active",
	 "select(2), poll(2), epoll(7)", io_08},
	{"io.09", "level-triggered repeats itself; edge-triggered does not",
	 "epoll(7)", io_09},
	{"io.10", "edge-triggered and blocking: stuck in the last read",
	 "epoll(7)", io_10},
	{"io.11", "one shot, exclusive, and closed but still in the set",
	 "epoll_ctl(2), epoll(7)", io_11},
	{"io.12", "a regular file is always ready, and epoll refuses it",
	 "poll(2), epoll_ctl(2)", io_12},
	{"io.13", "edge-triggered writing: until EAGAIN, then wait", "epoll(7)",
	 io_13},
	{0},
};

const struct lab_section lab_io = {
	.name = "io",
	.title = "input and output, and waiting for many",
	.experiments = experiments,
};
