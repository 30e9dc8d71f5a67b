/* SPDX-License-Identifier: MIT */
/* Waiting for processes, signals and times, and the states of processes. */
#include "tests/inspect/mk/mk.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static void child_pauses(void)
{
	if (mk_fork("child") == 0)
		mk_pause();
}

static void parent_of_sleeper(struct mk *m, long call)
{
	mk_blocks(m, "parent", call, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_idle(m, "child");
	mk_verdict(m, "parent", "waiting", NULL);
}

void make_wait_child(struct mk *m)
{
	CHILD(m, "parent", -1) {
		child_pauses();
		(void)wait(NULL);
	}
	parent_of_sleeper(m, SYS_wait4);
}

void make_waitid_child(struct mk *m)
{
	CHILD(m, "parent", -1) {
		siginfo_t info;

		child_pauses();
		(void)waitid(P_ALL, 0, &info, WEXITED);
	}
	parent_of_sleeper(m, SYS_waitid);
}

void make_waitid_pidfd(struct mk *m)
{
	CHILD(m, "parent", -1) {
		siginfo_t info;
		pid_t pid = mk_fork("child");

		if (pid == 0)
			mk_pause();

		int fd = (int)MUST(syscall(SYS_pidfd_open, pid, 0));

		(void)waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
	}
	parent_of_sleeper(m, SYS_waitid);
}

/* Of two children, one is enough. */
void make_wait_any(struct mk *m)
{
	CHILD(m, "parent", -1) {
		if (mk_fork("child-a") == 0)
			mk_pause();
		if (mk_fork("child-b") == 0)
			mk_pause();
		(void)waitpid(-1, NULL, 0);
	}
	mk_blocks(m, "parent", SYS_wait4, -1);
	mk_waits_on(m, "parent", "child", "child-a");
	mk_waits_on(m, "parent", "child", "child-b");
	mk_idle(m, "child-a");
	mk_idle(m, "child-b");
	mk_verdict(m, "parent", "waiting", NULL);
}

void make_vforks(struct mk *m)
{
	/* It runs in its parent's memory until it is another program: it must
	 * not return from here. */
	CHILD(m, "parent", -1) {
		pid_t pid = vfork();

		if (pid == 0) {
			(void)syscall(SYS_prctl, PR_SET_NAME, "child");
			(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				(void)syscall(SYS_rt_sigsuspend,
					      &(unsigned long){0}, 8);
		}
	}
	mk_blocks(m, "parent", MK_SYS_VFORK, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_idle(m, "child");
	mk_verdict(m, "parent", "waiting", NULL);
}

static void outside(struct mk *m, long call, const char *op)
{
	mk_blocks(m, "sleeper", call, -1);
	mk_waits(m, "sleeper", op, -1, -1);
	mk_verdict(m, "sleeper", "idle", NULL);
}

void make_pauses_for_signal(struct mk *m)
{
	mk_keeper(m, "sleeper", -1);
}

void make_sigwaits(struct mk *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHILD(m, "sleeper", -1) {
		MUST(sigprocmask(SIG_BLOCK, &set, NULL));
		(void)sigwaitinfo(&set, NULL);
	}
	outside(m, SYS_rt_sigtimedwait, "signal");
}

void make_nanosleeps(struct mk *m)
{
	struct timespec hour = {.tv_sec = 3600};

	CHILD(m, "sleeper", -1)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, NULL);
	outside(m, SYS_clock_nanosleep, "time");
}

void make_nanosleep_old(struct mk *m)
{
	struct timespec hour = {.tv_sec = 3600};

	CHILD(m, "sleeper", -1)
		(void)syscall(SYS_nanosleep, &hour, NULL);
	outside(m, SYS_nanosleep, "time");
}

void make_poll_time(struct mk *m)
{
	CHILD(m, "sleeper", -1)
		(void)poll(NULL, 0, 3600 * 1000);
	outside(m, MK_SYS_POLL, "time");
}

void make_select_time(struct mk *m)
{
	struct timeval hour = {.tv_sec = 3600};

	CHILD(m, "sleeper", -1)
		(void)select(0, NULL, NULL, NULL, &hour);
	outside(m, SYS_pselect6, "time");
}

/* --- States --- */

/* Nobody will collect the child while its parent sleeps. */
void make_zombie(struct mk *m)
{
	CHILD(m, "parent", -1) {
		if (mk_fork("child") == 0)
			_exit(3);
		mk_pause();
	}
	mk_idle(m, "parent");
	mk_state(m, "child", 'Z');
	mk_finding(m, "zombie", "child", -1);
}

/* The parent cannot collect: it is itself stuck behind a pipe. */
void make_zombie_of_blocked(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], -1) {
		if (mk_fork("child") == 0)
			_exit(3);
		mk_read(p[0]);
	}
	mk_in(m, "parent", SYS_read, "read", p[0]);
	mk_keeper(m, "writer", p[1]);
	mk_state(m, "child", 'Z');
	mk_verdict(m, "parent", "waiting", NULL);
	mk_finding(m, "zombie", "child", -1);
}

void make_stopped(struct mk *m)
{
	CHILD(m, "stopped", -1)
		MUST(raise(SIGSTOP));
	mk_state(m, "stopped", 'T');
}

/* Nobody who could write goes on. */
void make_stopped_in_chain(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_reader(m, "reader", p[0]);
	CHILD(m, "writer", p[1], -1)
		MUST(raise(SIGSTOP));
	mk_state(m, "writer", 'T');
	mk_verdict(m, "reader", "waiting|stuck", NULL);
	mk_finding(m, "stopped", "writer", -1);
}

void make_traced(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_reader(m, "reader", p[0]);
	CHILD(m, "tracer", p[1], -1) {
		if (mk_fork("traced") == 0) {
			MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
			MUST(raise(SIGSTOP));
		}
		MUST(close(p[1]));
		MUST(waitpid(-1, NULL, WUNTRACED));
		mk_pause();
	}
	m->n_holds--;
	mk_holds(m, "traced", mk_of(m, p[1]), "fd", p[1], "w");
	mk_idle(m, "tracer");
	mk_state(m, "traced", 't');
	mk_verdict(m, "reader", "waiting|stuck", NULL);
	mk_finding(m, "traced", "traced", -1);
}

static bool write_to(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	return f && fputs(text, f) >= 0 && fclose(f) == 0;
}

static void thaw(const struct mk_undo *u)
{
	(void)rmdir(u->path);
}

/* Frozen by a control group of version 2. */
void make_frozen(struct mk *m)
{
	static const char *const roots[] = {"/sys/fs/cgroup",
					    "/sys/fs/cgroup/unified"};
	char dir[96], path[128], pid[16];
	int p[2], made = -1;

	for (int i = 0; i < 2 && made < 0; i++) {
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", roots[i]);
		if (access(path, W_OK) < 0)
			continue;
		(void)snprintf(dir, sizeof(dir), "%s/via-mk-%d", roots[i],
			       m->maker);
		made = mkdir(dir, 0755);
	}
	if (made < 0)
		mk_skip("a control group to make (cgroup 2, root)");
	mk_undo(m, thaw, 0, dir);
	mk_pipe(m, p);
	mk_reader(m, "reader", p[0]);
	mk_keeper(m, "frozen", p[1]);
	/* It has no name before. */
	mk_settle(m);
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	(void)snprintf(pid, sizeof(pid), "%d", mk_task(m, "frozen")->pid);
	if (!write_to(path, pid))
		mk_die("%s", path);
	(void)snprintf(path, sizeof(path), "%s/cgroup.freeze", dir);
	if (!write_to(path, "1"))
		mk_skip("a freezer of control groups");
	/* In the freezer nothing else is to be seen of it. */
	m->waits[m->n_waits - 1].op = "signal|event|unknown";
	m->verdicts[m->n_verdicts - 1].verdict = "idle|stuck|waiting|unknown";
	mk_verdict(m, "reader", "waiting|stuck", NULL);
	mk_finding(m, "frozen", "frozen", -1);
}

/* --- Calls that were interrupted by a stop and go on afterwards --- */

static void interrupt(struct mk *m, const char *role)
{
	pid_t pid = mk_pid(m, role);

	mk_settle(m);
	pid = mk_task(m, role)->pid;
	MUST(kill(pid, SIGSTOP));
	MUST(waitpid(pid, NULL, WUNTRACED));
	MUST(kill(pid, SIGCONT));
	MUST(waitpid(pid, NULL, WCONTINUED));
	m->n_places--;
}

void make_restarted_poll(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);

	struct pollfd fd = {p[0], POLLIN, 0};

	mk_keeper(m, "writer", p[1]);
	CHILD(m, "poller", p[0], -1)
		(void)poll(&fd, 1, 3600 * 1000);
	mk_blocks(m, "poller", MK_SYS_POLL, -1);
	interrupt(m, "poller");
	mk_blocks(m, "poller", SYS_restart_syscall, -1);
	mk_waits(m, "poller", "read", mk_of(m, p[0]), p[0]);
	mk_verdict(m, "poller", "waiting|idle", NULL);
}

void make_restarted_sleep(struct mk *m)
{
	struct timespec hour = {.tv_sec = 3600};

	CHILD(m, "sleeper", -1)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, NULL);
	mk_blocks(m, "sleeper", SYS_clock_nanosleep, -1);
	interrupt(m, "sleeper");
	outside(m, SYS_restart_syscall, "time");
}

/* read(2) is simply called again. */
void make_restarted_read(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_keeper(m, "writer", p[1]);
	CHILD(m, "reader", p[0], -1)
		mk_read(p[0]);
	mk_blocks(m, "reader", SYS_read, p[0]);
	interrupt(m, "reader");
	mk_in(m, "reader", SYS_read, "read", p[0]);
	mk_verdict(m, "reader", "waiting", NULL);
}

void make_restarted_cycle(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);

	struct pollfd of_a = {a[0], POLLIN, 0};

	CHILD(m, "two", b[0], a[1], -1)
		mk_read(b[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	CHILD(m, "one", a[0], b[1], -1)
		(void)poll(&of_a, 1, -1);
	mk_blocks(m, "one", MK_SYS_POLL, -1);
	interrupt(m, "one");
	mk_blocks(m, "one", SYS_restart_syscall, -1);
	mk_waits(m, "one", "read", mk_of(m, a[0]), a[0]);
	mk_cycle(m, "exact", "one", "two", NULL);
}
