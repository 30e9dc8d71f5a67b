/* SPDX-License-Identifier: MIT */
/* POSIX message queues: mq_overview(7). */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

/* A new queue for a few small messages, which does not wait. */
static mqd_t open_queue(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16};

	return MUST(mq_open, lab_name(0),
		    O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
}

/* Take the next message, which has to be this one. */
static void expect_next(mqd_t q, const char *text, unsigned int priority)
{
	char buf[16];
	unsigned int got;
	ssize_t len = MUST(mq_receive, q, buf, sizeof(buf), &got);

	EXPECT_TEXT(buf, len, text);
	EXPECT(got, ==, priority);
}

static void posixmq_01(void)
{
	char buf[17];
	mqd_t q = open_queue();

	MUST(mq_send, q, "plain", 5, 0);
	MUST(mq_send, q, "urgent", 6, 32767);
	MUST(mq_send, q, "plain too", 9, 0);
	MUST(mq_send, q, "middle", 6, 7);
	expect_next(q, "urgent", 32767);
	expect_next(q, "middle", 7);
	expect_next(q, "plain", 0);
	expect_next(q, "plain too", 0);
	FAILS(EINVAL, mq_send, q, "x", 1, 32768);

	FAILS(EMSGSIZE, mq_send, q, "seventeen bytes..", 17, 0);
	MUST(mq_send, q, "x", 1, 0);
	/* The message is small; what counts is what it could have been. */
	FAILS(EMSGSIZE, mq_receive, q, buf, 15, NULL);
	GIVES(1, mq_receive, q, buf, 16, NULL);
}

static void posixmq_02(void)
{
	char buf[16];
	mqd_t q = open_queue();
	struct pollfd pfd = {q, POLLIN | POLLOUT, 0};
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = MUST(epoll_create1, 0);

	GIVES(FD_CLOEXEC, fcntl, q, F_GETFD);
	MUST(poll, &pfd, 1, 0);
	EXPECT(pfd.revents, ==, POLLOUT);
	MUST(epoll_ctl, epoll, EPOLL_CTL_ADD, q, &event);
	CHILD(waiter) {
		GIVES(1, epoll_wait, epoll, &event, 1, -1);
		GIVES(1, mq_receive, q, buf, sizeof(buf), NULL);
	}
	EXPECT(lab_blocked(waiter, -1), ==, true);
	MUST(mq_send, q, "x", 1, 0);
	EXPECT(lab_wait(waiter), ==, 0);
	GIVES(0, epoll_wait, epoll, &event, 1, 0);

	for (int i = 0; i < 4; i++)
		MUST(mq_send, q, "x", 1, 0);
	MUST(poll, &pfd, 1, 0);
	EXPECT(pfd.revents, ==, POLLIN);
	MUST(close, q);
	FAILS(EBADF, mq_send, q, "x", 1, 0);
}

/* Whether a notification has come. The kernel sends it within mq_send(). */
static bool notified(void)
{
	const struct timespec now = {0, 0};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return CALL(sigtimedwait, &set, &info, &now) == SIGUSR1 &&
	       info.si_code == SI_MESGQ;
}

static void posixmq_03(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGUSR1};
	char buf[16];
	sigset_t set;
	mqd_t q = open_queue();

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);

	MUST(mq_notify, q, &event);
	CHILD(other) {
		FAILS(EBUSY, mq_notify, q, &event);
	}
	EXPECT(lab_wait(other), ==, 0);
	MUST(mq_send, q, "1", 1, 0);
	EXPECT(notified(), ==, true);
	MUST(mq_receive, q, buf, sizeof(buf), NULL);
	MUST(mq_send, q, "2", 1, 0);
	EXPECT(notified(), ==, false); /* one shot */

	MUST(mq_notify, q, &event);
	MUST(mq_send, q, "3", 1, 0);
	EXPECT(notified(), ==, false); /* it was not empty */
	MUST(mq_receive, q, buf, sizeof(buf), NULL);
	MUST(mq_receive, q, buf, sizeof(buf), NULL);

	MUST(fcntl, q, F_SETFL, 0);
	CHILD(receiver) {
		GIVES(1, mq_receive, q, buf, sizeof(buf), NULL);
	}
	EXPECT(lab_blocked(receiver, SYS_mq_timedreceive), ==, true);
	MUST(mq_send, q, "4", 1, 0);
	EXPECT(notified(), ==, false); /* the receiver has it */
	EXPECT(lab_wait(receiver), ==, 0);
	MUST(mq_send, q, "5", 1, 0);
	EXPECT(notified(), ==, true);
}

static long read_limit(const char *name)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
	int fd = MUST(open, path, O_RDONLY);

	MUST(read, fd, text, sizeof(text) - 1);
	close(fd);
	return atol(text);
}

/* mq_open() of a new queue; -1 with errno, or 0. */
static int try_queue(long maxmsg, long msgsize)
{
	struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};
	mqd_t q = CALL(mq_open, lab_name(0), O_RDWR | O_CREAT | O_EXCL, 0600,
		       &attr);

	if (q < 0)
		return -1;
	mq_close(q);
	return mq_unlink(lab_name(0));
}

static void posixmq_04(void)
{
	struct rlimit limit;

	lab_drop(); /* CAP_SYS_RESOURCE has limits of its own */
	long msg_max = read_limit("msg_max");
	long msgsize_max = read_limit("msgsize_max");

	GIVES(0, try_queue, msg_max, 1);
	FAILS(EINVAL, try_queue, msg_max + 1, 1);
	GIVES(0, try_queue, 1, msgsize_max);
	FAILS(EINVAL, try_queue, 1, msgsize_max + 1);
	FAILS(EINVAL, try_queue, 0, 1);

	MUST(getrlimit, RLIMIT_MSGQUEUE, &limit);
	limit.rlim_cur = 4096;
	MUST(setrlimit, RLIMIT_MSGQUEUE, &limit);
	FAILS(EMFILE, try_queue, 1, 4096);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit, RLIMIT_MSGQUEUE, &limit);
	GIVES(0, try_queue, 1, 4096);
}

static const struct lab_experiment experiments[] = {
	{"posixmq.01", "the highest priority leaves first", "mq_send(3)",
	 posixmq_01},
	{"posixmq.02", "a queue's descriptor is a file descriptor",
	 "mq_overview(7), poll(2)", posixmq_02},
	{"posixmq.03",
	 "mq_notify tells one process, once, of an empty queue "
	 "that fills",
	 "mq_notify(3)", posixmq_03},
	{"posixmq.04", "sizes and sums of queues have limits",
	 "mq_overview(7), getrlimit(2)", posixmq_04},
	{0},
};

const struct lab_section lab_posixmq = {
	.name = "posixmq",
	.title = "POSIX message queues",
	.experiments = experiments,
};
