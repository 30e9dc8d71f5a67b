/* SPDX-License-Identifier: MIT */
/* Processes, names and what has to be undone at the end. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Who has something to undo. */
static pid_t maker;

void mk_start_making(struct mk *m)
{
	m->maker = maker = getpid();
}

void mk_die(const char *what, ...)
{
	int error = errno;
	va_list args;

	va_start(args, what);
	(void)fputs("via-mk: ", stderr);
	(void)vfprintf(stderr, what, args);
	va_end(args);
	(void)fprintf(stderr, ": %s\n", strerror(error));
	if (getpid() == maker)
		exit(1);
	_exit(1);
}

void mk_skip(const char *what)
{
	(void)fprintf(stderr, "via-mk: skipped: needs %s\n", what);
	exit(77);
}

long mk_must(long result, const char *what)
{
	if (result < 0)
		mk_die("%s", what);
	return result;
}

/* Of the descriptors of the factory, only those. */
static void keep_only(const int *keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < MK_FDS_MAX; fd++) {
		bool kept = fd == 2 || fd == null;

		for (const int *k = keep; *k >= 0; k++)
			kept = kept || *k == fd;
		if (!kept)
			(void)close(fd);
	}
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)close(null);
	(void)close_range(MK_FDS_MAX, ~0U, 0);
}

static const char *flags_of(int fd)
{
	switch (fcntl(fd, F_GETFL) & O_ACCMODE) {
	case O_RDONLY:
		return "r";
	case O_WRONLY:
		return "w";
	default:
		return "rw";
	}
}

static void remember(struct mk *m, const char *role, const int *keep)
{
	for (; *keep >= 0; keep++)
		if (m->ends[*keep] >= 0)
			mk_holds(m, role, m->ends[*keep], "fd", *keep,
				 flags_of(*keep));
}

/* By fork(), after which the C library knows who it is, as after clone3() it
 * would not. */
static pid_t fork_in(bool new_pids)
{
	int own = (int)MUST(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));

	if (new_pids && unshare(CLONE_NEWPID) < 0)
		mk_skip("a pid namespace of its own");

	pid_t pid = (pid_t)MUST(fork());

	if (new_pids && pid > 0)
		MUST(setns(own, CLONE_NEWPID));
	MUST(close(own));
	return pid;
}

static bool start(struct mk *m, const char *role, bool new_pids,
		  const int *keep)
{
	pid_t pid = fork_in(new_pids);

	if (pid > 0) {
		struct mk_task *t = &m->tasks[m->n_tasks++];

		(void)snprintf(t->role, sizeof(t->role), "%s", role);
		t->pid = t->tid = pid;
		remember(m, role, keep);
		return false;
	}
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	keep_only(keep);
	MUST(prctl(PR_SET_NAME, role));
	return true;
}

bool mk_start(struct mk *m, const char *role, const int *keep)
{
	return start(m, role, false, keep);
}

bool mk_start_alone(struct mk *m, const char *role, const int *keep)
{
	return start(m, role, true, keep);
}

void mk_keeper(struct mk *m, const char *role, int fd)
{
	CHILD(m, role, fd, -1)
		mk_pause();
	mk_idle(m, role);
}

void mk_reader(struct mk *m, const char *role, int fd)
{
	CHILD(m, role, fd, -1)
		mk_read(fd);
	mk_in(m, role, SYS_read, "read", fd);
}

void mk_filler(struct mk *m, const char *role, int fd)
{
	CHILD(m, role, fd, -1)
		mk_fill(fd);
	mk_in(m, role, SYS_write, "write", fd);
}

static pid_t fork_named(const char *role)
{
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0)
		MUST(prctl(PR_SET_NAME, role));
	return pid;
}

pid_t mk_fork(const char *role)
{
	pid_t pid = fork_named(role);

	if (pid == 0)
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	return pid;
}

pid_t mk_heir(const char *role)
{
	pid_t pid = fork_named(role);

	while (pid == 0 && getppid() != maker)
		(void)sched_yield();
	if (pid == 0)
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	return pid;
}

struct start {
	char role[MK_ROLE_MAX];
	void *(*run)(void *);
	void *arg;
};

static void *named(void *arg)
{
	struct start *s = arg;

	MUST(prctl(PR_SET_NAME, s->role));
	return s->run(s->arg);
}

void mk_thread(const char *role, void *(*run)(void *), void *arg)
{
	struct start *s = calloc(1, sizeof(*s));
	pthread_t thread;

	if (!s)
		mk_die("calloc");
	(void)snprintf(s->role, sizeof(s->role), "%s", role);
	s->run = run;
	s->arg = arg;
	errno = pthread_create(&thread, NULL, named, s);
	if (errno)
		mk_die("pthread_create");
}

void mk_pause(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (;;)
		(void)sigsuspend(&none);
}

void mk_gate(struct mk *m)
{
	m->gate = mmap(NULL, sizeof(*m->gate), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->gate == MAP_FAILED)
		mk_die("mmap");
}

/* What was done before is seen by who sees the number (release, acquire). */
void mk_ready(struct mk *m)
{
	__atomic_add_fetch(&m->gate->ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&m->gate->go, __ATOMIC_ACQUIRE))
		(void)sched_yield();
	MUST(munmap(m->gate, sizeof(*m->gate)));
}

void mk_go(struct mk *m, unsigned int n)
{
	while (__atomic_load_n(&m->gate->ready, __ATOMIC_ACQUIRE) < n) {
		mk_check_ends(m);
		(void)sched_yield();
	}
	__atomic_store_n(&m->gate->go, 1, __ATOMIC_RELEASE);
	MUST(munmap(m->gate, sizeof(*m->gate)));
}

pid_t mk_pid(struct mk *m, const char *role)
{
	for (int i = 0; i < m->n_tasks; i++)
		if (!strcmp(m->tasks[i].role, role))
			return m->tasks[i].pid;
	mk_die("no %s was started", role);
}

void mk_ended(struct mk *m, const char *role)
{
	pid_t pid = mk_pid(m, role);
	int status;

	MUST(waitpid(pid, &status, 0));
	if (status)
		mk_die("%s ended with %#x", role, (unsigned int)status);
	m->dead[m->n_dead++] = pid;
	for (int i = 0; i < m->n_holds; i++)
		if (!strcmp(m->holds[i].role, role))
			m->holds[i].object = -1;
}

static void remove_path(const struct mk_undo *u)
{
	(void)remove(u->path);
}

const char *mk_path(struct mk *m, const char *name, char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	if (!m->dir[0]) {
		(void)snprintf(m->dir, sizeof(m->dir), "%s/via-mk-XXXXXX",
			       tmp ? tmp : "/tmp");
		if (!mkdtemp(m->dir) || chmod(m->dir, 0711) < 0)
			mk_die("%s", m->dir);
		mk_undo(m, remove_path, 0, m->dir);
	}
	(void)snprintf(path, size, "%s/%s", m->dir, name);
	mk_undo(m, remove_path, 0, path);
	return path;
}

struct mk_undo *mk_undo(struct mk *m, void (*undo)(const struct mk_undo *),
			long id, const char *path)
{
	struct mk_undo *u = &m->undos[m->n_undos++];

	u->undo = undo;
	u->id = id;
	(void)snprintf(u->path, sizeof(u->path), "%s", path);
	return u;
}

/*
 * All are stopped first, or the end of one would let another go on, who would
 * complain. Children's children come to us when their parent ends: the factory
 * is their reaper. Whom it kills it has not collected yet, so the number is
 * still his.
 */
void mk_undo_all(struct mk *m)
{
	mk_stop_all(m);
	for (;;) {
		FILE *f = fopen("/proc/thread-self/children", "re");

		for (pid_t pid; f && fscanf(f, "%d", &pid) == 1;)
			(void)kill(pid, SIGKILL);
		if (f)
			(void)fclose(f);
		if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD)
			break;
	}
	while (m->n_undos > 0) {
		const struct mk_undo *u = &m->undos[--m->n_undos];

		u->undo(u);
	}
}
