/* SPDX-License-Identifier: MIT */
/*
 * The child shares memory and descriptors, but not the namespaces, which each
 * task has its own of: setns(2) changes those of the child alone. We sleep
 * until it has ended (CLONE_VFORK), so that nothing is touched from two sides.
 */
#include "inspect/collect/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/collect/proc.h"

#define STACK_SIZE 32768

struct visit {
	int ns;
	int (*f)(void *arg);
	void *arg;
	int result;
};

static int visit(void *arg)
{
	struct visit *v = arg;

	v->result = setns(v->ns, 0) < 0 ? -errno : v->f(v->arg);
	return 0;
}

/* With all signals blocked, so that no handler of the caller's runs in it. */
static int run(struct visit *v)
{
	char stack[STACK_SIZE] __attribute__((aligned(16)));
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);

	pid_t pid = clone(visit, stack + sizeof(stack),
			  CLONE_VM | CLONE_FILES | CLONE_VFORK, v);
	int err = pid < 0 ? -errno : 0;

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* Its exit signal is 0: nobody else waits for it. */
	while (!err && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return err ? err : v->result;
}

int via__enter(int dir, const char *ns, int (*f)(void *arg), void *arg)
{
	struct visit v = {
		.ns = openat(dir, ns, O_RDONLY | O_CLOEXEC),
		.f = f,
		.arg = arg,
		.result = -ECHILD,
	};

	if (v.ns < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	int r = run(&v);

	close(v.ns);
	return r;
}

/* --- Which there are --- */

struct seen {
	uint32_t *ns;
	size_t n;
};

static bool have_seen(const struct seen *seen, uint32_t ns)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->ns[i] == ns)
			return true;
	return false;
}

static uint32_t member_of(const struct via_process *p, size_t member)
{
	uint32_t ns;

	memcpy(&ns, (const char *)p + member, sizeof(ns));
	return ns;
}

static uint32_t inode_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 ? (uint32_t)st.st_ino : 0;
}

/*
 * The namespace of another user's process may not be known, but its tables of
 * sockets be read. Each network namespace has files of its own in /proc, whose
 * numbers come from where those of namespaces do, so one of them stands for it.
 */
static uint32_t stand_in(int dir, const char *name)
{
	return strcmp(name, "ns/net") == 0 ? inode_of(dir, "net/unix") : 0;
}

/* Call f for the namespace of a process unless it has been for that already. */
static void visit_once(struct via__scene *scene, struct seen *seen,
		       struct via__space *space, const char *name,
		       int (*f)(struct via__scene *scene,
				const struct via__space *space, void *arg),
		       void *arg)
{
	uint32_t other = stand_in(space->dir, name);

	if (!space->ns && (!other || have_seen(seen, other)))
		return;
	uint32_t known = space->ns;

	if (!known)
		space->ns = other;
	if (f(scene, space, arg) == -ESRCH)
		return;
	if (known)
		seen->ns[seen->n++] = known;
	if (other)
		seen->ns[seen->n++] = other;
}

void via__each_space(struct via__scene *scene, size_t member, const char *name,
		     int (*f)(struct via__scene *scene,
			      const struct via__space *space, void *arg),
		     void *arg)
{
	const struct via_snapshot *s = scene->s;
	struct seen seen = {
		calloc(s->n_processes + (size_t)1, 2 * sizeof(*seen.ns))};
	struct via__space space = {.own = true};

	space.dir = via__proc_open(getpid());
	if (space.dir < 0 || !seen.ns) {
		if (space.dir >= 0)
			close(space.dir);
		free(seen.ns);
		return;
	}
	space.ns = inode_of(space.dir, name);
	visit_once(scene, &seen, &space, name, f, arg);
	close(space.dir);
	space.own = false;
	for (uint32_t i = 0; i < s->n_processes; i++) {
		space.ns = member_of(&s->processes[i], member);
		if (s->processes[i].flags & VIA_PROCESS_KERNEL ||
		    (space.ns && have_seen(&seen, space.ns)))
			continue;
		space.dir = via__proc_open(s->processes[i].task.pid);
		if (space.dir < 0)
			continue;
		visit_once(scene, &seen, &space, name, f, arg);
		close(space.dir);
	}
	free(seen.ns);
}
