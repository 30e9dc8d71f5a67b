/* SPDX-License-Identifier: MIT */
/*
 * Whether a situation stands: each task is looked for by its role among all
 * descendants of the factory, and is settled when /proc shows it in the state
 * and system call that it was said to end up in. It is looked at until it is.
 */
#include "tests/inspect/mk/mk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_MS 20000

static bool slurp(char *text, size_t size, const char *format, pid_t pid,
		  pid_t tid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), format, pid, tid);

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* A child or thread of one who is busy has the name of who made it, for as long
 * as it is there. It is found behind that one, and is nobody to be told of. */
static bool comes_and_goes(const struct mk *m, const char *role)
{
	for (int i = 0; i < m->n_places; i++)
		if (m->places[i].gone_on && !strcmp(m->places[i].role, role))
			return mk_task(m, role);
	return false;
}

static void look_at(struct mk *m, pid_t pid, pid_t tid)
{
	char stat[1024], role[MK_ROLE_MAX];

	if (!slurp(stat, sizeof(stat), "/proc/%d/task/%d/stat", pid, tid))
		return;
	if (m->n_tasks == MK_MAX)
		mk_die("too many tasks");

	char *name = strchr(stat, '(') + 1, *end = strrchr(stat, ')');

	(void)snprintf(role, sizeof(role), "%.*s", (int)(end - name), name);
	if (comes_and_goes(m, role))
		return;

	struct mk_task *t = &m->tasks[m->n_tasks++];

	memcpy(t->role, role, sizeof(role));
	t->pid = pid;
	t->tid = tid;
	t->state = end[2];
	if (!slurp(stat, sizeof(stat), "/proc/%d/task/%d/schedstat", pid,
		   tid) ||
	    sscanf(stat, "%*u %*u %llu", &t->ran) != 1)
		t->ran = 0;
}

/* The tasks of a process and of all below it, but for the factory's own. */
static void look_below(struct mk *m, pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);

	DIR *dir = opendir(path);

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		pid_t tid = atoi(e->d_name);
		char children[8192], *at = children;

		if (tid <= 0)
			continue;
		if (pid != m->maker)
			look_at(m, pid, tid);
		(void)slurp(children, sizeof(children),
			    "/proc/%d/task/%d/children", pid, tid);
		for (long child; (child = strtol(at, &at, 10)) > 0;)
			look_below(m, (pid_t)child);
	}
	(void)closedir(dir);
}

const struct mk_task *mk_task(const struct mk *m, const char *role)
{
	for (int i = 0; i < m->n_tasks; i++)
		if (!strcmp(m->tasks[i].role, role))
			return &m->tasks[i];
	return NULL;
}

static char state_of(const struct mk_task *t)
{
	char stat[1024];

	return slurp(stat, sizeof(stat), "/proc/%d/task/%d/stat", t->pid,
		     t->tid)
		       ? strrchr(stat, ')')[2]
		       : 'X';
}

/* Whoever locks a file waits, in D, for those who read /proc/locks: others may
 * be looking at the machine. Only then it waits for the lock. */
static bool is_late(const struct mk_task *t, long call)
{
	return (call == SYS_flock || call == SYS_fcntl) && state_of(t) == 'D';
}

static bool in_call(const struct mk_task *t, const struct mk_place *p)
{
	char text[256];
	long call;
	unsigned long long first;

	if ((t->state != 'S' && t->state != 'D') ||
	    !slurp(text, sizeof(text), "/proc/%d/task/%d/syscall", t->pid,
		   t->tid) ||
	    sscanf(text, "%ld %llx", &call, &first) != 2)
		return false;
	/* A call that was interrupted, by a debugger or by the machine's own
	 * sleep, has another number, and its arguments still. */
	return (call == p->call || call == SYS_restart_syscall) &&
	       (p->fd < 0 || (long long)first == p->fd) && !is_late(t, call);
}

static bool in_place(const struct mk *m, const struct mk_place *p)
{
	const struct mk_task *t = mk_task(m, p->role);

	if (!t)
		return false;
	if (p->gone_on)
		return t->state != 'Z';
	return p->state ? t->state == p->state : in_call(t, p);
}

static bool known(const struct mk *m, const struct mk_task *t)
{
	int n = 0;

	for (int i = 0; i < m->n_places; i++)
		n += !strcmp(m->places[i].role, t->role);
	for (int i = 0; n && i < m->n_tasks; i++)
		if (&m->tasks[i] != t && !strcmp(m->tasks[i].role, t->role))
			return false;
	return n == 1;
}

void mk_stop_all(struct mk *m)
{
	m->n_tasks = 0;
	look_below(m, m->maker);
	for (int i = 0; i < m->n_tasks; i++)
		(void)kill(m->tasks[i].pid, SIGSTOP);
}

/* The role that is not where it should be, or NULL. */
static const char *unsettled(struct mk *m)
{
	m->n_tasks = 0;
	look_below(m, m->maker);
	for (int i = 0; i < m->n_places; i++)
		if (!in_place(m, &m->places[i]))
			return m->places[i].role;
	for (int i = 0; i < m->n_tasks; i++)
		if (!known(m, &m->tasks[i]))
			return m->tasks[i].role;
	return NULL;
}

/* One who ended and was not meant to has said why. */
void mk_check_ends(const struct mk *m)
{
	siginfo_t info = {0};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return;
	for (int i = 0; i < m->n_tasks; i++)
		for (int k = 0; k < m->n_places; k++)
			if (m->tasks[i].pid == info.si_pid &&
			    !strcmp(m->tasks[i].role, m->places[k].role) &&
			    m->places[k].state == 'Z')
				return;
	errno = 0;
	mk_die("%s: process %d has ended: %d", m->kind, info.si_pid,
	       info.si_status);
}

static void say_where(const struct mk *m)
{
	for (int i = 0; i < m->n_tasks; i++) {
		const struct mk_task *t = &m->tasks[i];
		char text[256] = "";

		(void)slurp(text, sizeof(text), "/proc/%d/task/%d/syscall",
			    t->pid, t->tid);
		(void)fprintf(stderr, "via-mk: %s %d/%d is %c in %s\n", t->role,
			      t->pid, t->tid, t->state, text);
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static unsigned long long all_ran(const struct mk *m)
{
	unsigned long long sum = 0;

	for (int i = 0; i < m->n_tasks; i++)
		sum += m->tasks[i].ran;
	return sum;
}

/* Where the kernel has timers of its own (TCP), who sleeps may yet go on. */
void mk_settle(struct mk *m)
{
	int64_t start = now_ms(), since = start, now = start;
	unsigned long long ran = 0;
	const char *who;

	while ((who = unsettled(m)) || now - since < m->calm_ms) {
		mk_check_ends(m);
		now = now_ms();
		if (who || all_ran(m) != ran)
			since = now;
		ran = all_ran(m);
		if (now - start > PATIENCE_MS) {
			say_where(m);
			mk_die("%s: %s does not settle", m->kind,
			       who ? who : "somebody");
		}
		(void)sched_yield();
	}
}
