/* SPDX-License-Identifier: MIT */
/* Signals: what is measured with them, and what they cost. */
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/signals.h"

/* --- Counting --- */

static volatile sig_atomic_t is_over;

static void note_end(int sig)
{
	(void)sig;
	is_over = 1;
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

struct counted {
	double per_s;
	double in_kernel; /* percent of the time */
};

/* Count for 50 ms of CPU time, and print each number if there is a file. */
static struct counted count(FILE *out)
{
	const struct itimerval time = {.it_value = {.tv_usec = 50000}};
	struct rusage before, after;
	unsigned long n = 0;

	is_over = 0;
	getrusage(RUSAGE_SELF, &before);
	MUST(setitimer, ITIMER_PROF, &time, NULL);
	while (!is_over) {
		n++;
		if (out)
			fprintf(out, "%lu\n", n);
	}
	getrusage(RUSAGE_SELF, &after);
	double user = seconds(after.ru_utime) - seconds(before.ru_utime);
	double system = seconds(after.ru_stime) - seconds(before.ru_stime);

	return (struct counted){(double)n / (user + system),
				100 * system / (user + system)};
}

void signal_13(void)
{
	FILE *out = MUST(fopen, "numbers", "w");

	signal(SIGPROF, note_end);
	struct counted silent = count(NULL), buffered = count(out);

	setvbuf(out, NULL, _IONBF, 0); /* a write() for each, as a terminal */
	struct counted direct = count(out);

	FIGURE("counted, no output", "per second", silent.per_s);
	FIGURE("with printf", "per second", buffered.per_s);
	FIGURE("with printf and write", "per second", direct.per_s);
	FIGURE("time in the kernel then", "%", direct.in_kernel);
	EXPECT(silent.per_s > 10 * buffered.per_s, ==, true);
	EXPECT(buffered.per_s > direct.per_s, ==, true);
	EXPECT(direct.in_kernel > silent.in_kernel, ==, true);
}

/* --- A poke sent and taken: two system calls each, and nobody sleeps --- */

static sigset_t poke;
static int event, p[2];

static void by_signal(void *self)
{
	kill(*(pid_t *)self, SIGUSR1);
	sigwaitinfo(&poke, NULL);
}

static void by_eventfd(void *value)
{
	eventfd_write(event, 1);
	eventfd_read(event, value);
}

static void by_pipe(void *byte)
{
	(void)!write(p[1], byte, 1);
	(void)!read(p[0], byte, 1);
}

static void by_futex(void *word)
{
	++*(int *)word;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void measure_pokes(void)
{
	pid_t self = getpid();
	eventfd_t value;
	int word = 0;
	struct lab_work works[] = {
		{"signal, sent and taken", by_signal, &self, 1000},
		{"eventfd", by_eventfd, &value, 1000},
		{"pipe", by_pipe, &value, 1000},
		{"futex", by_futex, &word, 1000},
	};

	event = MUST(eventfd, 0, 0);
	MUST(pipe, p);
	lab_measure(works, 4, 25);
	EXPECT(works[0].ns > works[1].ns, ==, true);
}

void signal_20(void)
{
	const struct timespec now = {0, 0};
	struct rlimit limit;

	sigemptyset(&poke);
	sigaddset(&poke, SIGUSR1);
	sigaddset(&poke, SIGRTMIN);
	MUST(sigprocmask, SIG_BLOCK, &poke, NULL);
	measure_pokes();

	for (int i = 0; i < 1000; i++)
		MUST(kill, getpid(), SIGUSR1);
	GIVES(SIGUSR1, sigtimedwait, &poke, NULL, &now);
	FAILS(EAGAIN, sigtimedwait, &poke, NULL, &now);
	/* A real-time signal queues, as far as the user's limit goes. */
	MUST(getrlimit, RLIMIT_SIGPENDING, &limit);
	limit.rlim_cur = 0;
	MUST(setrlimit, RLIMIT_SIGPENDING, &limit);
	FAILS(EAGAIN, signal_queue, getpid(), SIGRTMIN, 0);
	GIVES(0, kill, getpid(), SIGUSR1);
}
