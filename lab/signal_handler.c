/* SPDX-License-Identifier: MIT */
/* Signals: handlers, and what they interrupt. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/signals.h"

/* What the handler saw, and how often it has run: in this process, and in all
 * that have it, as a cell. */
static volatile sig_atomic_t n_runs;
static sigset_t mask_inside;
static siginfo_t info_inside;
#define RUNS (&lab_cell[0])

static void look(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	n_runs++;
	info_inside = *info;
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
	lab_post(RUNS, n_runs);
}

static void count(int sig)
{
	(void)sig;
	lab_post(RUNS, ++n_runs);
}

/* sigaction() of SIGUSR1 with these flags. */
static int catch_with(int flags)
{
	struct sigaction act = {.sa_sigaction = look,
				.sa_flags = SA_SIGINFO | flags};

	sigaddset(&act.sa_mask, SIGUSR2);
	return sigaction(SIGUSR1, &act, NULL);
}

/* A call that sleeps; the read can be woken. */
static int slow_pipe[2];

static long slow_read(void)
{
	char byte;

	return CALL(read, slow_pipe[0], &byte, 1);
}

static long slow_poll(void)
{
	return CALL(poll, NULL, 0, -1);
}

static long slow_sleep(void)
{
	const struct timespec hour = {.tv_sec = 3600};

	return CALL(nanosleep, &hour, NULL);
}

/* What a call gives whose sleep SIGUSR1 has interrupted; if it sleeps again,
 * what it gives when the pipe has a byte. Errors as -errno. */
static long interrupt(long (*slow)(void))
{
	n_runs = 0;
	lab_post(RUNS, 0);
	MUST(pipe, slow_pipe);
	CHILD(sleeper) {
		lab_cell[1] = slow() < 0 ? -errno : 1;
	}
	EXPECT(lab_blocked(sleeper, -1), ==, true);
	MUST(kill, sleeper, SIGUSR1);
	EXPECT(lab_await(RUNS, 1), ==, true);
	MUST(write, slow_pipe[1], "x", 1);
	EXPECT(lab_wait(sleeper), ==, 0);
	return lab_cell[1];
}

void signal_07(void)
{
	struct sigaction now;
	sigset_t after;

	MUST(catch_with, 0);
	MUST(signal_queue, getpid(), SIGUSR1, 42);
	EXPECT(n_runs, ==, 1);
	EXPECT(sigismember(&mask_inside, SIGUSR1), ==, 1);
	EXPECT(sigismember(&mask_inside, SIGUSR2), ==, 1);
	EXPECT(sigismember(&mask_inside, SIGTERM), ==, 0);
	MUST(sigprocmask, SIG_BLOCK, NULL, &after);
	EXPECT(sigismember(&after, SIGUSR1), ==, 0);
	EXPECT(sigismember(&after, SIGUSR2), ==, 0);
	EXPECT(info_inside.si_code, ==, SI_QUEUE);
	EXPECT(info_inside.si_pid, ==, getpid());
	EXPECT(info_inside.si_uid, ==, getuid());
	EXPECT(info_inside.si_value.sival_int, ==, 42);
	MUST(kill, getpid(), SIGUSR1);
	EXPECT(info_inside.si_code, ==, SI_USER);

	MUST(catch_with, SA_NODEFER);
	MUST(kill, getpid(), SIGUSR1);
	EXPECT(sigismember(&mask_inside, SIGUSR1), ==, 0);
	EXPECT(sigismember(&mask_inside, SIGUSR2), ==, 1);

	MUST(catch_with, SA_RESETHAND);
	MUST(kill, getpid(), SIGUSR1);
	EXPECT(n_runs, ==, 4);
	MUST(sigaction, SIGUSR1, NULL, &now);
	EXPECT(now.sa_handler, ==, SIG_DFL);

	MUST(catch_with, 0);
	EXPECT(interrupt(slow_read), ==, -EINTR);
	MUST(catch_with, SA_RESTART);
	EXPECT(interrupt(slow_read), ==, 1);
}

void signal_08(void)
{
	struct sigaction now;

	GIVES(SIG_DFL, signal, SIGUSR1, count);
	MUST(sigaction, SIGUSR1, NULL, &now);
	EXPECT(now.sa_handler, ==, count);
	EXPECT(now.sa_flags & SA_RESTART, ==, SA_RESTART);
	EXPECT(now.sa_flags & (SA_RESETHAND | SA_NODEFER), ==, 0);
	MUST(kill, getpid(), SIGUSR1);
	MUST(kill, getpid(), SIGUSR1);
	EXPECT(n_runs, ==, 2);
	EXPECT(interrupt(slow_read), ==, 1);

	/* System V's, which a strict -std=c17 gets too. */
	CALL(sysv_signal, SIGUSR1, count);
	MUST(sigaction, SIGUSR1, NULL, &now);
	EXPECT(now.sa_flags & SA_RESTART, ==, 0);
	EXPECT(now.sa_flags & (SA_RESETHAND | SA_NODEFER), ==,
	       SA_RESETHAND | SA_NODEFER);
	EXPECT(interrupt(slow_read), ==, -EINTR);
}

void signal_18(void)
{
	MUST(catch_with, 0);
	EXPECT(interrupt(slow_read), ==, -EINTR);
	EXPECT(interrupt(slow_poll), ==, -EINTR);
	EXPECT(interrupt(slow_sleep), ==, -EINTR);

	MUST(catch_with, SA_RESTART);
	EXPECT(interrupt(slow_read), ==, 1);
	/* Some never are restarted: signal(7) lists them. */
	EXPECT(interrupt(slow_poll), ==, -EINTR);
	EXPECT(interrupt(slow_sleep), ==, -EINTR);
}

static void tell_time(int sig)
{
	time_t t = sig;

	localtime(&t);
}

static int to_main;

static void write_byte(int sig)
{
	char byte = (char)sig;
	int error = errno;

	(void)!write(to_main, &byte, 1);
	errno = error;
}

void signal_19(void)
{
	const struct itimerval often = {{0, 500}, {0, 500}};
	struct signalfd_siginfo from_fd;
	char byte;
	int p[2];
	sigset_t set;

	CHILD(careless) {
		time_t t = 0;

		signal(SIGALRM, tell_time);
		MUST(setitimer, ITIMER_REAL, &often, NULL);
		for (;;)
			localtime(&t);
	}
	/* It waits for a lock that it has itself. */
	EXPECT(lab_blocked(careless, SYS_futex), ==, true);
	lab_kill(careless);

	MUST(pipe2, p, O_NONBLOCK | O_CLOEXEC);
	to_main = p[1];
	signal(SIGUSR1, write_byte);
	MUST(kill, getpid(), SIGUSR1);
	GIVES(1, read, p[0], &byte, 1);
	EXPECT(byte, ==, SIGUSR1);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	int fd = MUST(signalfd, -1, &set, SFD_CLOEXEC);

	MUST(kill, getpid(), SIGUSR1);
	MUST(read, fd, &from_fd, sizeof(from_fd));
	EXPECT(from_fd.ssi_signo, ==, SIGUSR1);
	MUST(kill, getpid(), SIGUSR1);
	GIVES(SIGUSR1, sigwaitinfo, &set, NULL);
	MUST(sigprocmask, SIG_UNBLOCK, &set, NULL);
	FAILS(EAGAIN, read, p[0], &byte, 1); /* no handler has run */
}
