/* SPDX-License-Identifier: MIT */
/* Signals: where they come from when nobody calls kill(). */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/signals.h"

/* --- Timers --- */

void signal_11(void)
{
	const struct itimerval soon = {.it_value = {.tv_sec = 9}};

	GIVES(0, alarm, 5);
	CHILD(child) {
		GIVES(0, alarm, 1); /* nothing was inherited */
		CALL(execlp, "sleep", "sleep", "60", NULL);
	}
	EXPECT(WTERMSIG(lab_wait(child)), ==, SIGALRM);
	/* A second has passed; more on a busy machine. */
	unsigned int left = CALL(alarm, 4);

	EXPECT(left, <=, 4);
	EXPECT(left, >=, 1);
	left = CALL(alarm, 0);
	EXPECT(left, <=, 4);
	EXPECT(left, >=, 1);
	GIVES(0, alarm, 0);

	MUST(setitimer, ITIMER_REAL, &soon, NULL);
	left = CALL(alarm, 0);
	EXPECT(left, <=, 9); /* the same timer */
	EXPECT(left, >=, 5);
}

static volatile sig_atomic_t n_fired[NSIG];

static void note_timer(int sig)
{
	n_fired[sig]++;
}

static void fire_every(int real_ms, int cpu_ms)
{
	const struct timeval real = {.tv_usec = real_ms * 1000};
	const struct timeval cpu = {.tv_usec = cpu_ms * 1000};

	MUST(setitimer, ITIMER_REAL, &((struct itimerval){real, real}), NULL);
	MUST(setitimer, ITIMER_VIRTUAL, &((struct itimerval){cpu, cpu}), NULL);
	MUST(setitimer, ITIMER_PROF, &((struct itimerval){cpu, cpu}), NULL);
	n_fired[SIGALRM] = n_fired[SIGVTALRM] = n_fired[SIGPROF] = 0;
}

void signal_12(void)
{
	static char block[1 << 20];
	int zero = MUST(open, "/dev/zero", O_RDONLY);

	signal(SIGALRM, note_timer);
	signal(SIGVTALRM, note_timer);
	signal(SIGPROF, note_timer);

	fire_every(5, 50);
	while (n_fired[SIGALRM] < 10)
		pause();
	EXPECT(n_fired[SIGVTALRM], ==, 0);
	EXPECT(n_fired[SIGPROF], ==, 0);

	fire_every(0, 10);
	while (n_fired[SIGVTALRM] < 4)
		; /* in user mode */
	EXPECT(n_fired[SIGPROF], >=, 3);

	fire_every(0, 10);
	while (n_fired[SIGPROF] < 8)
		(void)!read(zero, block,
			    sizeof(block)); /* mostly in the kernel */
	EXPECT(n_fired[SIGVTALRM], <=, 4);
	EXPECT(n_fired[SIGALRM], ==, 0);
}

/* --- Children --- */

void signal_14(void)
{
	const struct sigaction no_zombies = {.sa_handler = SIG_DFL,
					     .sa_flags = SA_NOCLDWAIT};
	const struct timespec now = {0, 0};
	siginfo_t info;
	sigset_t set;
	int n_reaped = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	CHILD(child) {
		raise(SIGSTOP);
		lab_await(&lab_cell[0], 1);
	}
	GIVES(SIGCHLD, sigwaitinfo, &set, &info);
	EXPECT(info.si_code, ==, CLD_STOPPED);
	MUST(kill, child, SIGCONT);
	GIVES(SIGCHLD, sigwaitinfo, &set, &info);
	EXPECT(info.si_code, ==, CLD_CONTINUED);
	lab_post(&lab_cell[0], 1);
	GIVES(SIGCHLD, sigwaitinfo, &set, &info);
	EXPECT(info.si_code, ==, CLD_EXITED);
	EXPECT(info.si_pid, ==, child);

	GIVES(child, waitpid, -1, NULL, WNOHANG);
	for (int i = 0; i < 5; i++) {
		CHILD(brief) {
		}
		MUST(waitid, P_PID, (id_t)brief, &info, WEXITED | WNOWAIT);
	}
	GIVES(SIGCHLD, sigtimedwait, &set, &info, &now);
	FAILS(EAGAIN, sigtimedwait, &set, &info, &now);
	while (CALL(waitpid, -1, NULL, WNOHANG) > 0)
		n_reaped++;
	EXPECT(n_reaped, ==, 5);

	signal(SIGCHLD, SIG_IGN);
	CHILD(ignored) {
	}
	FAILS(ECHILD, waitpid, ignored, NULL, 0);
	MUST(sigaction, SIGCHLD, &no_zombies, NULL);
	CHILD(unwanted) {
	}
	FAILS(ECHILD, waitpid, unwanted, NULL, 0);
}

/* --- Faults --- */

static void note_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	lab_cell[0] = sig;
	lab_cell[1] = info->si_code;
}

/*
 * The signal that ends a process which does this. A handler notes the code
 * first, and when it returns the fault is made again.
 */
static int fault(void (*commit)(void))
{
	const int faults[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGSYS};
	const struct sigaction act = {.sa_sigaction = note_fault,
				      .sa_flags = SA_SIGINFO | SA_RESETHAND};

	CHILD(culprit) {
		for (int i = 0; i < 5; i++)
			sigaction(faults[i], &act, NULL);
		commit();
	}
	int status = lab_wait(culprit);

	return WIFSIGNALED(status) && lab_cell[0] == WTERMSIG(status)
		       ? WTERMSIG(status)
		       : 0;
}

#if defined(__x86_64__) || defined(__i386__)
static void divide_by_zero(void)
{
	int low = 1, high = 0;

	/* In C it would be undefined, and the compiler free to leave it out. */
	__asm__ volatile("idivl %2" : "+a"(low), "+d"(high) : "r"(0));
}
#endif

static void store_nowhere(void)
{
	volatile char *page = MUST(mmap, NULL, 4096, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(munmap, (void *)page, 4096);
	*page = 1;
}

static void store_readonly(void)
{
	volatile char *page = MUST(mmap, NULL, 4096, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*page = 1;
}

static void store_past_end(void)
{
	int fd = MUST(open, "empty", O_RDWR | O_CREAT, 0600);
	volatile char *page = MUST(mmap, NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);

	*page = 1;
}

static void run_garbage(void)
{
#if defined(__aarch64__) || defined(__riscv)
	__asm__ volatile(".word 0"); /* there the builtin is a breakpoint */
#else
	__builtin_trap();
#endif
}

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* si_code, include/uapi/asm-generic/siginfo.h */
#endif

static void call_forbidden(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {4, filter};

	MUST(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	MUST(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	for (int i = 0; i < 2; i++)
		getppid();
}

void signal_15(void)
{
#if defined(__x86_64__) || defined(__i386__)
	EXPECT(fault(divide_by_zero), ==, SIGFPE);
	EXPECT(lab_cell[1], ==, FPE_INTDIV);
#endif
	EXPECT(fault(store_nowhere), ==, SIGSEGV);
	EXPECT(lab_cell[1], ==, SEGV_MAPERR);
	EXPECT(fault(store_readonly), ==, SIGSEGV);
	EXPECT(lab_cell[1], ==, SEGV_ACCERR);
	EXPECT(fault(store_past_end), ==, SIGBUS);
	EXPECT(lab_cell[1], ==, BUS_ADRERR);
	EXPECT(fault(run_garbage), ==, SIGILL);
	EXPECT(fault(call_forbidden), ==, SIGSYS);
	EXPECT(lab_cell[1], ==, SYS_SECCOMP);
}

/* --- Terminals --- */

void signal_16(void)
{
	const int keys[] = {SIGINT, SIGQUIT, SIGTSTP};
	int master = MUST(posix_openpt, O_RDWR | O_NOCTTY);
	sigset_t set;

	MUST(grantpt, master);
	MUST(unlockpt, master);
	sigemptyset(&set);
	for (int i = 0; i < 3; i++)
		sigaddset(&set, keys[i]);
	MUST(sigprocmask, SIG_BLOCK, &set, NULL);
	CHILD(shell) {
		MUST(setsid);
		int tty = MUST(open, ptsname(master), O_RDWR);

		CHILD(front) {
			for (int i = 0; i < 3; i++)
				GIVES(keys[i], sigwaitinfo, &set, NULL);
		}
		CHILD(back) {
			signal_rest();
		}
		MUST(setpgid, front, front);
		MUST(setpgid, back, back);
		MUST(tcsetpgrp, tty, front);
		lab_post(&lab_cell[0], 1);
		EXPECT(lab_wait(front), ==, 0);
		for (int i = 0; i < 3; i++) {
			EXPECT(signal_in(back, "ShdPnd", keys[i]), ==, false);
			EXPECT(signal_in(getpid(), "ShdPnd", keys[i]), ==,
			       false);
		}
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	MUST(write, master, "\003\034\032", 3); /* Ctrl-C, Ctrl-\, Ctrl-Z */
	EXPECT(lab_wait(shell), ==, 0);
}
