/* SPDX-License-Identifier: MIT */
/*
 * From clone(2) to execve(2), in steps.
 *
 * The new process shares its memory with the thread that started it, which
 * stands still meanwhile: it may call what that thread might, and leaves its
 * error where the parent will find it. But it must not change what the C
 * library or a sanitizer keep about the process, for that is the parent's:
 * what they would take note of goes to the kernel directly.
 */
#include "process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"

/* Functions that never return leave their frames behind; a sanitizer would
 * find its marks on what is another stack later. */
#define UNSANITIZED                                                            \
	__attribute__((no_sanitize("address"), no_sanitize("thread")))

/* Where the plain names are calls with 16-bit ids. */
#ifdef SYS_setresuid32
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

#define SIGSET_LEN (_NSIG / 8)

static int reset_signals(struct via__child *c)
{
	/* In every architecture's layout: SIG_DFL, no flags, no mask. */
	static const long by_default[16];
	struct sigaction now;

	for (int sig = 1; sig < _NSIG; sig++) {
		if (c->program->flags & VIA_PROGRAM_KEEP_IGNORED &&
		    sigaction(sig, NULL, &now) == 0 &&
		    now.sa_handler == SIG_IGN)
			continue;
		/* Fails for SIGKILL and SIGSTOP, which need no reset. */
		(void)syscall(SYS_rt_sigaction, sig, by_default, NULL,
			      SIGSET_LEN);
	}
	return 0;
}

static int enter_group(struct via__child *c)
{
	const struct via_program *p = c->program;

	if (p->flags & VIA_PROGRAM_SESSION && setsid() < 0)
		return via__fail_errno(c->error, -errno, "setsid");
	if (p->flags & VIA_PROGRAM_GROUP && setpgid(0, p->group))
		return via__fail_errno(c->error, -errno,
				       "join process group %d", (int)p->group);
	return 0;
}

static int take_terminal(struct via__child *c)
{
	const struct via_program *p = c->program;

	if (!(p->flags & VIA_PROGRAM_FOREGROUND))
		return 0;
	/* The leader's group is a new session's foreground from the start. A
	 * background process is not stopped here: SIGTTOU is blocked. */
	int r = p->flags & VIA_PROGRAM_SESSION
			? ioctl(p->terminal, TIOCSCTTY, 0)
			: tcsetpgrp(p->terminal, getpgrp());

	return r ? via__fail_errno(c->error, -errno,
				   "take the terminal (descriptor %d)",
				   p->terminal)
		 : 0;
}

static int fail_map(struct via__child *c, const struct via_program_fd *fd,
		    int error)
{
	return via__fail_errno(c->error, error, "map descriptor %d to %d",
			       fd->parent, fd->child);
}

/* Duplicate the sources to where no mapping will overwrite them; -1: none. */
static int lift_fds(struct via__child *c, int *lifted)
{
	const struct via_program *p = c->program;
	int above = 3;

	for (uint32_t i = 0; i < p->n_fds; i++)
		if (p->fds[i].child >= above)
			above = p->fds[i].child + 1;
	for (uint32_t i = 0; i < p->n_fds; i++) {
		lifted[i] = p->fds[i].parent;
		if (lifted[i] < 0)
			continue;
		lifted[i] = fcntl(lifted[i], F_DUPFD_CLOEXEC, above);
		/* EINVAL: above is over the limit. */
		if (lifted[i] < 0)
			return fail_map(c, &p->fds[i],
					errno == EINVAL ? -EMFILE : -errno);
	}
	return 0;
}

static int map_fds(struct via__child *c)
{
	const struct via_program *p = c->program;
	int lifted[VIA_PROGRAM_FDS_MAX];
	int r = lift_fds(c, lifted);

	if (r < 0)
		return r;
	/* What is put in place after this stays open over exec. */
	if (!(p->flags & VIA_PROGRAM_KEEP_FDS) &&
	    syscall(SYS_close_range, 3, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */))
		return via__fail_errno(c->error, -errno, "close_range");
	for (uint32_t i = 0; i < p->n_fds; i++)
		if (lifted[i] < 0)
			/* It may be closed already. */
			(void)syscall(SYS_close, p->fds[i].child);
		else if (syscall(SYS_dup3, lifted[i], p->fds[i].child, 0) < 0)
			return fail_map(c, &p->fds[i], -errno);
	return 0;
}

static int set_limits(struct via__child *c)
{
	const struct via_program *p = c->program;

	for (uint32_t i = 0; i < p->n_limits; i++)
		if (setrlimit((__rlimit_resource_t)p->limits[i].resource,
			      &p->limits[i].value))
			return via__fail_errno(c->error, -errno, "setrlimit %d",
					       p->limits[i].resource);
	return 0;
}

/* glibc's own calls would change every thread of the parent as well. */
static int set_user(struct via__child *c)
{
	const struct via_program *p = c->program;

	if (!(p->flags & VIA_PROGRAM_USER))
		return 0;
	if (syscall(SETGROUPS, (size_t)p->n_groups, p->groups))
		return via__fail_errno(c->error, -errno, "setgroups");
	if (syscall(SETRESGID, p->gid, p->gid, p->gid))
		return via__fail_errno(c->error, -errno, "setgid %u", p->gid);
	if (syscall(SETRESUID, p->uid, p->uid, p->uid))
		return via__fail_errno(c->error, -errno, "setuid %u", p->uid);
	return 0;
}

static int enter_dir(struct via__child *c)
{
	const char *dir = c->program->dir;

	return dir && chdir(dir)
		       ? via__fail_errno(c->error, -errno, "chdir %s", dir)
		       : 0;
}

/* After the change of user, which clears it: prctl(2). */
static int die_with_parent(struct via__child *c)
{
	int sig = c->program->parent_death;

	if (!sig)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, sig))
		return via__fail_errno(c->error, -errno, "parent-death signal");
	/* It may have died before. 0: it is in another pid namespace. */
	pid_t parent = getppid();

	if (parent && parent != c->parent)
		(void)kill(getpid(), sig);
	return 0;
}

static const char *path_of(const char *const *env)
{
	for (; *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return "/bin:/usr/bin";
}

/* Returns only if it fails: -errno. */
UNSANITIZED static int exec_file(struct via__child *c, const char *file)
{
	struct stat st;

	(void)execve(file, (char *const *)c->argv, (char *const *)c->env);
	int error = errno;

	/* execve(2) tells neither from the more usual reason. */
	if (error == EACCES && !stat(file, &st) && S_ISDIR(st.st_mode))
		error = EISDIR;
	if (error == ENOENT && !access(file, F_OK))
		error = ELIBACC;
	return -error;
}

UNSANITIZED static int exec_in_path(struct via__child *c, const char *name)
{
	char file[PATH_MAX];
	int result = -ENOENT;

	for (const char *dir = path_of(c->env);; dir++) {
		const char *end = strchrnul(dir, ':');
		int len = (int)(end - dir);
		/* An empty one is the current directory. */
		int n = snprintf(file, sizeof(file), "%.*s%s%s", len, dir,
				 len ? "/" : "", name);
		int r = n < PATH_MAX ? exec_file(c, file) : -ENAMETOOLONG;

		if (r == -EACCES)
			result = r; /* unless there is one further on */
		else if (r != -ENOENT && r != -ENOTDIR && r != -EISDIR &&
			 r != -ENAMETOOLONG)
			return r;
		if (!*end)
			return result;
		dir = end;
	}
}

static int fail_exec(struct via__child *c, int error)
{
	static const struct {
		int error;
		const char *words;
	} rows[] = {
		{-ENOENT, "not found"},
		{-EACCES, "no permission to execute it"},
		{-EISDIR, "it is a directory"},
		{-ENOEXEC, "neither a binary for this machine nor a script "
			   "that begins with #!"},
		{-ELIBACC, "the interpreter it asks for is missing"},
		{-E2BIG, "arguments and environment are too long"},
		{-EAGAIN, "the user has too many processes (RLIMIT_NPROC)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == error)
			return via__fail(c->error, error, "exec %s: %s",
					 c->argv[0], rows[i].words);
	return via__fail_errno(c->error, error, "exec %s", c->argv[0]);
}

UNSANITIZED static int become_program(struct via__child *c)
{
	const char *name = c->argv[0];
	/* The kernel's set begins with signal 1, in bit 0 as ours. */
	long blocked[16] = {0};

	/* No handler is left that could run in the parent's memory. */
	memcpy(blocked, &c->program->blocked, sizeof(c->program->blocked));
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, blocked, NULL,
		      SIGSET_LEN);
	return fail_exec(c, strchr(name, '/') ? exec_file(c, name)
					      : exec_in_path(c, name));
}

static int (*const steps[])(struct via__child *) = {
	reset_signals, enter_group, take_terminal,   map_fds,	     set_limits,
	set_user,      enter_dir,   die_with_parent, become_program,
};

UNSANITIZED int via__child_main(void *arg)
{
	struct via__child *c = arg;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		c->result = steps[i](c);
		if (c->result < 0)
			break;
	}
	/* Sanitizers take _exit() for the end of the parent. */
	for (;;)
		(void)syscall(SYS_exit_group, 127);
}
