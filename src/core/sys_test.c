/* SPDX-License-Identifier: MIT */
#include "core/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <via/deadline.h>

#include "core/clock.h"
#include "tests/check.h"

static volatile sig_atomic_t n_alarms;
static int tenth_alarm_writes_to;

static void on_alarm(int sig)
{
	(void)sig;
	if (++n_alarms == 10 && write(tenth_alarm_writes_to, "x", 1) != 1)
		abort();
}

/* A signal every 200 us, whose handler does not restart system calls. */
static void storm_begin(int fd)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {{0, 200}, {0, 200}};

	n_alarms = 0;
	tenth_alarm_writes_to = fd;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void storm_end(void)
{
	struct itimerval timer = {0};

	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	assert_true(n_alarms > 0);
	signal(SIGALRM, SIG_DFL);
}

static void writes_all(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void fds_are_owned_once(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int taken = via__take_fd(&fd);

	assert_true(taken >= 0);
	assert_int_equal(fd, -1);
	errno = 77;
	via__close(&fd); /* harmless */
	{
		VIA__CLEANUP_FD int scoped = via__take_fd(&taken);

		assert_int_equal(fcntl(scoped, F_GETFD), FD_CLOEXEC);
	}
	assert_int_equal(errno, 77);
}

static void close_keeps_errno(void **state)
{
	(void)state;
	int fd = 1 << 20; /* over any limit: EBADF inside */

	errno = 77;
	via__close(&fd);
	assert_int_equal(errno, 77);
	assert_int_equal(fd, -1);
}

static void read_says_what_happened(void **state)
{
	(void)state;
	int fds[2];
	char a[2], b[8];
	struct iovec iov[2] = {{a, sizeof(a)}, {b, sizeof(b)}};

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(via__read(fds[0], a, sizeof(a)), -EAGAIN);
	assert_int_equal(via__readv(fds[0], iov, 2), -EAGAIN);
	writes_all(fds[1], "hello");
	assert_int_equal(via__readv(fds[0], iov, 2), 5);
	assert_memory_equal(a, "he", 2);
	assert_memory_equal(b, "llo", 3);
	via__close(&fds[1]);
	assert_int_equal(via__read(fds[0], a, sizeof(a)), 0);
	via__close(&fds[0]);
	assert_int_equal(via__read(fds[0], a, sizeof(a)), -EBADF);
}

static void read_in_a_storm(void **state)
{
	(void)state;
	int fds[2];
	char byte;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	storm_begin(fds[1]);
	assert_int_equal(via__read(fds[0], &byte, 1), 1);
	storm_end();
	via__close(&fds[0]);
	via__close(&fds[1]);
}

static void poll_in_a_storm(void **state)
{
	(void)state;
	int fds[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);

	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	int64_t deadline = via__deadline(20 * 1000 * 1000);

	storm_begin(null);
	assert_int_equal(via__poll(&p, 1, deadline), 0);
	storm_end();
	assert_true(via__deadline_passed(deadline));

	storm_begin(fds[1]);
	assert_int_equal(via__poll(&p, 1, VIA_NEVER), 1);
	storm_end();
	assert_int_equal(p.revents, POLLIN);
	via__close(&null);
	via__close(&fds[0]);
	via__close(&fds[1]);
}

static void poll_without_waiting(void **state)
{
	(void)state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);

	struct pollfd p = {.fd = fds[0], .events = POLLIN};

	assert_int_equal(via__poll(&p, 1, VIA_NO_WAIT), 0);
	assert_int_equal(via__poll(&p, 1, 1), 0); /* long past */
	writes_all(fds[1], "x");
	assert_int_equal(via__poll(&p, 1, VIA_NO_WAIT), 1);
	via__close(&fds[0]);
	via__close(&fds[1]);
}

typedef ssize_t (*writev_fn)(int fd, const struct iovec *iov, int n);
static const writev_fn writers[] = {via__writev, via__writev_masked};

static void write_gathers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char he[] = "he", llo[] = "llo", got[8];
		struct iovec iov[2] = {{he, 2}, {llo, 3}};
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(writers[i](fds[1], iov, 2), 5);
		assert_int_equal(via__read(fds[0], got, sizeof(got)), 5);
		assert_memory_equal(got, "hello", 5);
		via__close(&fds[0]);
		via__close(&fds[1]);
	}
}

static void write_moves_the_file_position(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		VIA__CLEANUP_FD int fd = memfd_create("test", MFD_CLOEXEC);
		char abc[] = "abc", got[8];
		struct iovec iov = {abc, 3};

		assert_int_equal(writers[i](fd, &iov, 1), 3);
		assert_int_equal(writers[i](fd, &iov, 1), 3);
		assert_int_equal(pread(fd, got, sizeof(got), 0), 6);
		assert_memory_equal(got, "abcabc", 6);
	}
}

static void write_fails_as_the_kernel_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		VIA__CLEANUP_FD int full = open("/dev/full",
						O_WRONLY | O_CLOEXEC);
		char x[] = "x";
		struct iovec iov = {x, 1};

		assert_int_equal(writers[i](full, &iov, 1), -ENOSPC);
		assert_int_equal(writers[i](full, &iov, -1), -EINVAL);
		assert_int_equal(writers[i](-1, &iov, 1), -EBADF);
	}
}

static void write_to_a_full_pipe(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char page[4096] = {0};
		struct iovec iov = {page, sizeof(page)};
		int fds[2];
		ssize_t r;

		assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		do
			r = writers[i](fds[1], &iov, 1);
		while (r == sizeof(page));
		assert_int_equal(r, -EAGAIN);
		via__close(&fds[0]);
		via__close(&fds[1]);
	}
}

static bool sigpipe_pending(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGPIPE);
}

static void broken_pipe(writev_fn writer)
{
	char x[] = "x";
	struct iovec iov = {x, 1};
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	via__close(&fds[0]);
	assert_int_equal(writer(fds[1], &iov, 1), -EPIPE);
	via__close(&fds[1]);
}

/* SIGPIPE is at its default here: raised, it would end the test. */
static void sigpipe_is_not_raised(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sigset_t mask;

		broken_pipe(writers[i]);
		pthread_sigmask(SIG_BLOCK, NULL, &mask);
		assert_false(sigismember(&mask, SIGPIPE));
		assert_false(sigpipe_pending());
	}
}

static void sigpipe_blocked_before(void **state)
{
	(void)state;
	sigset_t sigpipe, before;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	for (size_t i = 0; i < 2; i++) {
		broken_pipe(writers[i]);
		assert_false(sigpipe_pending());
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void sigpipe_of_others_stays(void **state)
{
	(void)state;
	sigset_t sigpipe, before;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	for (size_t i = 0; i < 2; i++) {
		raise(SIGPIPE);
		broken_pipe(writers[i]);
		assert_true(sigpipe_pending());

		int sig;

		assert_int_equal(sigwait(&sigpipe, &sig), 0);
		assert_false(sigpipe_pending());
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void sockets_without_sigpipe(void **state)
{
	(void)state;
	int fds[2];
	char buf[8];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(via__recv(fds[0], buf, sizeof(buf), MSG_DONTWAIT),
			 -EAGAIN);
	assert_int_equal(via__recvmsg(fds[0], &msg, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(via__send(fds[1], "hello", 5, 0), 5);
	assert_int_equal(via__recv(fds[0], buf, 2, 0), 2);
	assert_int_equal(via__recvmsg(fds[0], &msg, 0), 3);
	assert_memory_equal(buf, "llo", 3);

	via__close(&fds[0]);
	assert_int_equal(via__send(fds[1], "x", 1, 0), -EPIPE);
	assert_int_equal(via__sendmsg(fds[1], &msg, 0), -EPIPE);
	via__close(&fds[1]);
}

static void received_fds_are_cloexec(void **state)
{
	(void)state;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int))}};
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fds[2], got;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	memcpy(CMSG_DATA(&control.header), &fds[0], sizeof(int));
	assert_int_equal(via__sendmsg(fds[1], &msg, 0), 1);
	assert_int_equal(via__recvmsg(fds[0], &msg, 0), 1);
	memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	via__close(&got);
	via__close(&fds[0]);
	via__close(&fds[1]);
}

static void flags_set_and_cleared(void **state)
{
	(void)state;
	VIA__CLEANUP_FD int fd = open("/dev/null", O_RDONLY);

	assert_int_equal(via__set_nonblock(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(via__set_nonblock(fd, 1), 0);
	assert_int_equal(via__set_nonblock(fd, 0), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(via__set_cloexec(fd, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(via__set_cloexec(fd, 0), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(via__set_nonblock(-1, 1), -EBADF);
	assert_int_equal(via__set_cloexec(-1, 1), -EBADF);
}

static void random_is_random(void **state)
{
	(void)state;
	uint64_t a = via__random(), b = via__random();

	assert_true(a != b);
	assert_true(a >> 32 != 0 || b >> 32 != 0);
}

static void cpus_do_not_follow_the_affinity(void **state)
{
	(void)state;
	cpu_set_t all, one;
	unsigned int online = via__cpus();

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_true(online >= (unsigned int)CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(via__cpus(), online);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(fds_are_owned_once),
	CHECK_TEST(close_keeps_errno),
	CHECK_TEST(read_says_what_happened),
	CHECK_TEST(read_in_a_storm),
	CHECK_TEST(poll_in_a_storm),
	CHECK_TEST(poll_without_waiting),
	CHECK_TEST(write_gathers),
	CHECK_TEST(write_moves_the_file_position),
	CHECK_TEST(write_fails_as_the_kernel_says),
	CHECK_TEST(write_to_a_full_pipe),
	CHECK_TEST(sigpipe_is_not_raised),
	CHECK_TEST(sigpipe_blocked_before),
	CHECK_TEST(sigpipe_of_others_stays),
	CHECK_TEST(sockets_without_sigpipe),
	CHECK_TEST(received_fds_are_cloexec),
	CHECK_TEST(flags_set_and_cleared),
	CHECK_TEST(random_is_random),
	CHECK_TEST(cpus_do_not_follow_the_affinity),
};
CHECK_MAIN(tests)
