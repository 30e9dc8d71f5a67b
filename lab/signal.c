/* SPDX-License-Identifier: MIT */
/* Signals: signal(7). Here what they are, how they wait and how they are sent;
 * the other files are named in signals.h. */
#include "lab/signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

bool signal_in(pid_t pid, const char *mask, int sig)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return lab_proc(path, mask, 16) >> (sig - 1) & 1;
}

_Noreturn void signal_rest(void)
{
	for (;;)
		pause();
}

int signal_queue(pid_t pid, int sig, int value)
{
	return sigqueue(pid, sig, (union sigval){.sival_int = value});
}

/* What a handler has got, in order. */
static volatile sig_atomic_t n_got, got[8];

static void note_value(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (n_got < 8)
		got[n_got++] = info->si_value.sival_int;
}

static void note_signal(int sig)
{
	if (n_got < 8)
		got[n_got++] = sig;
}

/* --- What they are --- */

/*
 * Signals 1 to 31 and their default actions, from signal(7); a few numbers are
 * others on Alpha, MIPS and SPARC. Continuing a stopped process is seen with
 * each of the stops; to a running one SIGCONT does nothing.
 */
static const struct {
	const char *name, *action;
} standard[] = {
	{"HUP", "end"},	       {"INT", "end"},	      {"QUIT", "core dump"},
	{"ILL", "core dump"},  {"TRAP", "core dump"}, {"ABRT", "core dump"},
	{"BUS", "core dump"},  {"FPE", "core dump"},  {"KILL", "end"},
	{"USR1", "end"},       {"SEGV", "core dump"}, {"USR2", "end"},
	{"PIPE", "end"},       {"ALRM", "end"},	      {"TERM", "end"},
	{"STKFLT", "end"},     {"CHLD", "nothing"},   {"CONT", "nothing"},
	{"STOP", "stop"},      {"TSTP", "stop"},      {"TTIN", "stop"},
	{"TTOU", "stop"},      {"URG", "nothing"},    {"XCPU", "core dump"},
	{"XFSZ", "core dump"}, {"VTALRM", "end"},     {"PROF", "end"},
	{"WINCH", "nothing"},  {"POLL", "end"},	      {"PWR", "end"},
	{"SYS", "core dump"},
};
#define N_STANDARD 31

/* A process that an ordinary user here has no right to signal. */
static pid_t find_foreign(void)
{
	struct stat st;

	if (geteuid() == 0)
		return getpid();
	if (stat("/proc/1", &st) < 0 || st.st_uid == geteuid())
		SKIP("needs a process of another user");
	return 1;
}

static void signal_01(void)
{
	siginfo_t info;
	pid_t foreign = find_foreign();

	FAILS(EINVAL, kill, getpid(), 65);
	FAILS(EINVAL, sigaction, 0, NULL, NULL);
	EXPECT(SIGRTMIN, ==, 34);
	EXPECT(SIGRTMAX, ==, 64);
	FAILS(EINVAL, sigaction, 33, NULL, NULL); /* glibc's own, and 32 */
	for (int sig = 1; sig <= N_STANDARD; sig++) {
		const char *name = sigabbrev_np(sig);

		EXPECT_TEXT(name, strlen(name), standard[sig - 1].name);
	}

	CHILD(target) {
		signal_rest();
	}
	GIVES(0, kill, target, 0);
	EXPECT(lab_blocked(target, -1), ==, true); /* nothing has come */
	MUST(kill, target, SIGKILL);
	MUST(waitid, P_PID, (id_t)target, &info, WEXITED | WNOWAIT);
	GIVES(0, kill, target, 0); /* a zombie exists */
	lab_wait(target);
	FAILS(ESRCH, kill, target, 0);
	CHILD(stranger) {
		lab_drop();
		FAILS(EPERM, kill, foreign, 0);
	}
	lab_wait(stranger);
}

/* Allow core dumps, without any memory in them; false if that cannot be, or
 * they would not come to lie in the current directory. */
static bool allow_dumps(void)
{
	struct rlimit limit;
	char first = '|';
	int pattern = CALL(open, "/proc/sys/kernel/core_pattern", O_RDONLY);
	int filter = CALL(open, "/proc/self/coredump_filter", O_WRONLY);

	if (CALL(read, pattern, &first, 1) != 1 || strchr("|@/", first) ||
	    CALL(write, filter, "0", 1) != 1)
		return false;
	MUST(getrlimit, RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit, RLIMIT_CORE, &limit);
	return limit.rlim_cur > 1 << 20;
}

/* What becomes of a process that has this signal sent to it. */
static const char *find_action(int sig)
{
	int status = 0;

	CHILD(target) {
		/* A group of its own, with its parent in another one of the
		 * session: an orphaned group is not stopped by a terminal's
		 * signals (setpgid(2)). */
		setpgid(0, 0);
		CALL(raise, sig);
	}
	waitpid(target, &status, WUNTRACED);
	if (WIFSTOPPED(status) && WSTOPSIG(status) == sig) {
		kill(target, SIGCONT);
		return lab_wait(target) == 0 ? "stop" : "?";
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == sig)
		return WCOREDUMP(status) ? "core dump" : "end";
	return status == 0 ? "nothing" : "?";
}

static void signal_02(void)
{
	char seen[32], expected[32];
	bool dumps = allow_dumps();

	for (int sig = 1; sig <= N_STANDARD; sig++) {
		const char *name = standard[sig - 1].name;
		const char *action = standard[sig - 1].action;

		if (!dumps && strcmp(action, "core dump") == 0)
			action = "end";
		snprintf(expected, sizeof(expected), "%s: %s", name, action);
		snprintf(seen, sizeof(seen), "%s: %s", name, find_action(sig));
		EXPECT_TEXT(seen, strlen(seen), expected);
	}
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
		const char *action = find_action(sig);

		EXPECT_TEXT(action, strlen(action), "end");
	}
}

static void signal_03(void)
{
	const int never[] = {SIGKILL, SIGSTOP};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction catch = {.sa_handler = note_signal};
	sigset_t all, now;
	int status;

	sigfillset(&all);
	GIVES(0, sigprocmask, SIG_SETMASK, &all, NULL);
	MUST(sigprocmask, SIG_SETMASK, NULL, &now);
	EXPECT(sigismember(&now, SIGTERM), ==, 1);
	for (int i = 0; i < 2; i++) {
		FAILS(EINVAL, sigaction, never[i], &ignore, NULL);
		FAILS(EINVAL, sigaction, never[i], &catch, NULL);
		EXPECT(sigismember(&now, never[i]), ==, 0);
	}

	CHILD(deaf) {
		signal_rest();
	}
	MUST(kill, deaf, SIGTERM);
	EXPECT(lab_blocked(deaf, -1), ==, true);
	MUST(kill, deaf, SIGSTOP);
	MUST(waitpid, deaf, &status, WUNTRACED);
	EXPECT(WIFSTOPPED(status), ==, true);
	MUST(kill, deaf, SIGKILL);
	status = lab_wait(deaf);
	EXPECT(WIFSIGNALED(status), ==, true);
	EXPECT(WTERMSIG(status), ==, SIGKILL);
}

/* --- How they wait --- */

static void signal_04(void)
{
	struct sigaction act = {.sa_sigaction = note_value,
				.sa_flags = SA_SIGINFO};
	sigset_t both, pending;

	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGRTMIN);
	MUST(sigaction, SIGUSR1, &act, NULL);
	MUST(sigaction, SIGRTMIN, &act, NULL);
	MUST(sigprocmask, SIG_BLOCK, &both, NULL);
	for (int i = 1; i <= 5; i++)
		MUST(signal_queue, getpid(), SIGUSR1, i);
	MUST(sigpending, &pending);
	EXPECT(sigismember(&pending, SIGUSR1), ==, 1);
	EXPECT(n_got, ==, 0);
	MUST(sigprocmask, SIG_UNBLOCK, &both, NULL);
	EXPECT(n_got, ==, 1);
	EXPECT(got[0], ==, 1); /* the later ones are lost */

	n_got = 0;
	MUST(sigprocmask, SIG_BLOCK, &both, NULL);
	for (int i = 1; i <= 5; i++)
		MUST(signal_queue, getpid(), SIGRTMIN, i);
	MUST(sigprocmask, SIG_UNBLOCK, &both, NULL);
	EXPECT(n_got, ==, 5);
	for (int i = 0; i < 5; i++)
		EXPECT(got[i], ==, i + 1);

	MUST(sigprocmask, SIG_BLOCK, &both, NULL);
	MUST(kill, getpid(), SIGUSR1);
	signal(SIGUSR1, SIG_IGN); /* what is pending goes too */
	MUST(sigpending, &pending);
	EXPECT(sigismember(&pending, SIGUSR1), ==, 0);
	signal(SIGUSR1, note_signal);
	MUST(sigprocmask, SIG_UNBLOCK, &both, NULL);
	EXPECT(n_got, ==, 5);
}

/* Signals 1 to 64 of a set, as the kernel writes masks. */
static long long to_mask(const sigset_t *set)
{
	unsigned long long mask = 0;

	for (int sig = 1; sig <= 64; sig++)
		if (sigismember(set, sig) == 1)
			mask |= 1ull << (sig - 1);
	return (long long)mask;
}

static void signal_05(void)
{
	const char *status = "/proc/self/status";
	pid_t self = getpid();
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	MUST(sigprocmask, SIG_SETMASK, &set, NULL);
	MUST(kill, self, SIGUSR1);
	PMUST(pthread_kill, pthread_self(), SIGRTMAX);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, note_signal);

	EXPECT(signal_in(self, "ShdPnd", SIGUSR1), ==, true);
	EXPECT(signal_in(self, "SigPnd", SIGUSR1), ==, false);
	EXPECT(signal_in(self, "SigPnd", SIGRTMAX), ==, true);
	EXPECT(signal_in(self, "ShdPnd", SIGRTMAX), ==, false);
	MUST(sigpending, &pending);
	EXPECT(to_mask(&pending), ==, to_mask(&set));
	EXPECT(to_mask(&pending), ==,
	       lab_proc(status, "SigPnd", 16) | lab_proc(status, "ShdPnd", 16));
	EXPECT(to_mask(&set), ==, lab_proc(status, "SigBlk", 16));
	EXPECT(signal_in(self, "SigIgn", SIGHUP), ==, true);
	EXPECT(signal_in(self, "SigCgt", SIGHUP), ==, false);
	EXPECT(signal_in(self, "SigCgt", SIGTERM), ==, true);
	EXPECT(signal_in(self, "SigIgn", SIGTERM), ==, false);
}

static void signal_06(void)
{
	sigset_t one, two, old;

	sigemptyset(&one);
	sigemptyset(&two);
	sigaddset(&one, SIGUSR1);
	sigaddset(&two, SIGUSR2);
	signal(SIGUSR1, note_signal);
	MUST(sigprocmask, SIG_BLOCK, &one, NULL);
	MUST(sigprocmask, SIG_BLOCK, &two, &old);
	EXPECT(to_mask(&old), ==, to_mask(&one));
	MUST(sigprocmask, SIG_UNBLOCK, &two, &old);
	EXPECT(to_mask(&old), ==, to_mask(&one) | to_mask(&two));
	MUST(sigprocmask, SIG_BLOCK, NULL, &old);
	EXPECT(to_mask(&old), ==, to_mask(&one));

	MUST(kill, getpid(), SIGUSR1);
	EXPECT(n_got, ==, 0);
	/* It unblocks SIGUSR1 too, and the handler has run when it returns. */
	MUST(sigprocmask, SIG_SETMASK, &two, NULL);
	EXPECT(n_got, ==, 1);
	EXPECT(got[0], ==, SIGUSR1);
	MUST(sigprocmask, SIG_BLOCK, NULL, &old);
	EXPECT(to_mask(&old), ==, to_mask(&two));
}

/* --- How they are sent --- */

/* kill(-1), where all means two: in a pid namespace. */
static void kill_all(void)
{
	if (CALL(unshare, CLONE_NEWPID) < 0 &&
	    CALL(unshare, CLONE_NEWUSER | CLONE_NEWPID) < 0)
		SKIP("needs a pid namespace");
	CHILD(first) {
		if (getpid() != 1)
			SKIP("needs a pid namespace");
		CHILD(second) {
			signal_rest();
		}
		CHILD(third) {
			signal_rest();
		}
		GIVES(0, kill, -1, SIGKILL);
		EXPECT(lab_wait(second), ==, SIGKILL);
		EXPECT(lab_wait(third), ==, SIGKILL);
		FAILS(ESRCH, kill, -1, SIGKILL); /* not oneself on Linux */
	}
	EXPECT(lab_wait(first), ==, 0);
}

static void signal_09(void)
{
	pid_t self = getpid(), foreign = find_foreign();
	sigset_t all;

	/* Blocked, so that /proc shows who has got what. */
	sigfillset(&all);
	MUST(sigprocmask, SIG_SETMASK, &all, NULL);
	CHILD(near) {
		signal_rest();
	}
	CHILD(far) {
		signal_rest();
	}
	MUST(setpgid, far, far);

	MUST(kill, near, SIGHUP);
	EXPECT(signal_in(near, "ShdPnd", SIGHUP), ==, true);
	EXPECT(signal_in(far, "ShdPnd", SIGHUP), ==, false);
	MUST(kill, 0, SIGUSR1);
	EXPECT(signal_in(self, "ShdPnd", SIGUSR1), ==, true);
	EXPECT(signal_in(near, "ShdPnd", SIGUSR1), ==, true);
	EXPECT(signal_in(far, "ShdPnd", SIGUSR1), ==, false);
	MUST(kill, -far, SIGUSR2);
	EXPECT(signal_in(far, "ShdPnd", SIGUSR2), ==, true);
	EXPECT(signal_in(near, "ShdPnd", SIGUSR2), ==, false);
	lab_kill(far);
	FAILS(ESRCH, kill, far, SIGUSR2);
	FAILS(ESRCH, kill, -far, SIGUSR2);

	CHILD(all_maker) {
		kill_all();
	}
	lab_wait(all_maker);
	CHILD(stranger) {
		lab_drop();
		FAILS(EPERM, kill, foreign, 0);
	}
	lab_wait(stranger);
}

static void *raise_in_thread(void *arg)
{
	(void)arg;
	MUST(raise, SIGUSR1);
	EXPECT(lab_proc("/proc/thread-self/status", "SigPnd", 16), ==,
	       1 << (SIGUSR1 - 1));
	EXPECT(signal_in(getpid(), "SigPnd", SIGUSR1), ==, false);
	EXPECT(signal_in(getpid(), "ShdPnd", SIGUSR1), ==, false);
	MUST(kill, getpid(), SIGUSR1);
	EXPECT(signal_in(getpid(), "ShdPnd", SIGUSR1), ==, true);
	return NULL;
}

static void note_abort(int sig)
{
	lab_cell[0] = sig;
}

static void signal_10(void)
{
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGABRT);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	PMUST(pthread_create, &thread, NULL, raise_in_thread, NULL);
	PMUST(pthread_join, thread, NULL);

	CHILD(deaf) {
		signal(SIGABRT, SIG_IGN);
		MUST(raise, SIGABRT);
		abort();
	}
	EXPECT(WTERMSIG(lab_wait(deaf)), ==, SIGABRT);
	CHILD(catcher) {
		signal(SIGABRT, note_abort);
		abort();
	}
	EXPECT(WTERMSIG(lab_wait(catcher)), ==, SIGABRT);
	EXPECT(lab_cell[0], ==, SIGABRT);
}

/* --- How they pass on --- */

static void signal_17(void)
{
	int p[2];
	char byte;
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask, SIG_SETMASK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, note_signal);
	MUST(kill, getpid(), SIGUSR1);
	MUST(pipe2, p, O_CLOEXEC);
	CHILD(child) {
		MUST(sigpending, &pending);
		EXPECT(sigismember(&pending, SIGUSR1), ==, 0);
		EXPECT(signal_in(getpid(), "SigBlk", SIGUSR1), ==, true);
		EXPECT(signal_in(getpid(), "SigIgn", SIGHUP), ==, true);
		EXPECT(signal_in(getpid(), "SigCgt", SIGTERM), ==, true);

		MUST(kill, getpid(), SIGUSR1);
		CALL(execlp, "sleep", "sleep", "60", NULL);
	}
	MUST(close, p[1]);
	GIVES(0, read, p[0], &byte, 1); /* the other copy went with exec */
	EXPECT(signal_in(child, "ShdPnd", SIGUSR1), ==, true);
	EXPECT(signal_in(child, "SigBlk", SIGUSR1), ==, true);
	EXPECT(signal_in(child, "SigIgn", SIGHUP), ==, true);
	EXPECT(signal_in(child, "SigCgt", SIGTERM), ==, false);
	MUST(kill, child, SIGTERM);
	EXPECT(WTERMSIG(lab_wait(child)), ==, SIGTERM);
}

static const struct lab_experiment experiments[] = {
	{"signal.01", "signals are numbered 1 to 64, and 0 only asks",
	 "signal(7), kill(2)", signal_01},
	{"signal.02", "each signal has a default action", "signal(7), wait(2)",
	 signal_02},
	{"signal.03", "SIGKILL and SIGSTOP cannot be held off",
	 "signal(7), sigaction(2), sigprocmask(2)", signal_03},
	{"signal.04",
	 "a blocked standard signal waits once, a real-time one "
	 "as often as sent",
	 "signal(7), sigqueue(3)", signal_04},
	{"signal.05", "/proc says what is pending, blocked, ignored, caught",
	 "sigpending(2), proc(5)", signal_05},
	{"signal.06", "sigprocmask delivers before it returns",
	 "sigprocmask(2)", signal_06},
	{"signal.07", "what sigaction promises a handler", "sigaction(2)",
	 signal_07},
	{"signal.08", "signal() is sigaction() with SA_RESTART", "signal(2)",
	 signal_08},
	{"signal.09", "kill reaches one, a group, or all", "kill(2)",
	 signal_09},
	{"signal.10",
	 "raise is for the own thread, and abort cannot be stopped",
	 "raise(3), abort(3)", signal_10},
	{"signal.11", "alarm is one timer per process", "alarm(2)", signal_11},
	{"signal.12", "interval timers count real, user and CPU time",
	 "setitimer(2)", signal_12},
	{"signal.13", "counting is fast, output is not",
	 "write(2), setitimer(2)", signal_13},
	{"signal.14", "SIGCHLD tells of children, and merges",
	 "waitpid(2), sigaction(2), signal(7)", signal_14},
	{"signal.15", "faults are signals to who made them",
	 "signal(7), sigaction(2), seccomp(2)", signal_15},
	{"signal.16", "a terminal's keys signal its foreground group",
	 "termios(3), tcsetpgrp(3)", signal_16},
	{"signal.17", "what fork and exec keep of signals",
	 "signal(7), fork(2), execve(2)", signal_17},
	{"signal.18", "a handler interrupts a slow call", "signal(7)",
	 signal_18},
	{"signal.19", "a handler may call next to nothing",
	 "signal-safety(7), signalfd(2)", signal_19},
	{"signal.20", "a signal is a poke, not a queue",
	 "signal(7), sigqueue(3), eventfd(2)", signal_20},
	{0},
};

const struct lab_section lab_signal = {
	.name = "signal",
	.title = "signals",
	.experiments = experiments,
};
