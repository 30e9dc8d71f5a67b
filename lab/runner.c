/* SPDX-License-Identifier: MIT */
/*
 * A keeper process stands between via and each experiment. Orphans of the
 * experiment become the keeper's children (PR_SET_CHILD_SUBREAPER), so it can
 * end all of them, whatever sessions and groups they have made; then it
 * removes files and objects. It does so too when via is killed.
 */
#include "lab/runner.h"

#include <fcntl.h>
#include <ftw.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- In the experiment's own process --- */

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void experiment_main(const struct lab_experiment *e)
{
	struct rlimit core;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	close_range(3, ~0U, 0);
	setsid();
	default_signals();
	/*
	 * No core dumps, unless an experiment asks for them. 0 would do for
	 * files, but core_pattern may name a program, which is started unless
	 * the limit is 1 (do_coredump() in fs/coredump.c, core(5)).
	 */
	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = core.rlim_max ? 1 : 0;
	setrlimit(RLIMIT_CORE, &core);
	umask(022);
	if (chdir(lab_record->directory) < 0)
		lab__stop("chdir", errno);
	lab_cell = lab_record->cells;
	e->run();
	_exit(0);
}

/* --- In the keeper --- */

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_objects(const struct lab_record *r)
{
	char name[32];
	unsigned int n = lab_kept(r->n_calls, LAB_CALLS_MAX);

	/* Best effort: mostly they are gone already. */
	for (unsigned int i = 0; i < n; i++) {
		if (r->calls[i].family == LAB_SYSV_SHM)
			(void)shmctl(r->calls[i].id, IPC_RMID, NULL);
		else if (r->calls[i].family == LAB_SYSV_SEM)
			(void)semctl(r->calls[i].id, 0, IPC_RMID);
		else if (r->calls[i].family == LAB_SYSV_MSG)
			(void)msgctl(r->calls[i].id, IPC_RMID, NULL);
	}
	for (unsigned int i = 0; i < LAB_NAMES; i++) {
		snprintf(name, sizeof(name), LAB_NAME_FORMAT, (int)getpid(), i);
		(void)shm_unlink(name);
		(void)sem_unlink(name);
		(void)mq_unlink(name);
	}
	(void)nftw(r->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* SIGKILL all children, those that become ours meanwhile too. */
static void end_children(void)
{
	char path[64], line[4096];
	pid_t self = getpid();

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", self, self);
	for (;;) {
		FILE *f = fopen(path, "re");
		char *rest = f ? fgets(line, sizeof(line), f) : NULL;

		for (long pid; rest && (pid = strtol(rest, &rest, 10)) > 0;)
			kill((pid_t)pid, SIGKILL);
		if (f)
			fclose(f);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static void note_end(struct lab_record *r, int status)
{
	if (*r->stopped)
		return;
	if (WIFSIGNALED(status))
		snprintf(r->stopped, LAB_TEXT_MAX, "killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ?: "?");
	else if (WEXITSTATUS(status))
		snprintf(r->stopped, LAB_TEXT_MAX, "exited with status %d",
			 WEXITSTATUS(status));
}

/* Wait for the experiment, its limit, or SIGTERM. The signals are blocked. */
static void watch(struct lab_record *r, pid_t pid, unsigned int limit_s)
{
	int64_t limit = lab_now_ns() + limit_s * INT64_C(1000000000);
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	for (;;) {
		pid_t ended = waitpid(-1, &status, WNOHANG);

		if (ended == pid)
			return note_end(r, status);
		if (ended > 0)
			continue;
		int64_t left = limit - lab_now_ns();

		if (left <= 0)
			break;
		struct timespec ts = {.tv_sec = left / 1000000000,
				      .tv_nsec = left % 1000000000};

		if (sigtimedwait(&set, NULL, &ts) == SIGTERM) {
			snprintf(r->stopped, LAB_TEXT_MAX, "stopped");
			return;
		}
	}
	snprintf(r->stopped, LAB_TEXT_MAX, "no end after %u s", limit_s);
}

static _Noreturn void keeper_main(const struct lab_experiment *e,
				  struct lab_record *r)
{
	int64_t start = lab_now_ns();
	const char *tmp = getenv("TMPDIR");

	lab_record = r;
	r->keeper = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(r->directory, sizeof(r->directory), "%s/via-lab-XXXXXX",
		 tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	if (!mkdtemp(r->directory))
		lab__stop(r->directory, errno);
	/* For an experiment that gives its rights up. */
	chmod(r->directory, 0755);

	pid_t pid = fork();

	if (pid == 0)
		experiment_main(e);
	if (pid > 0)
		watch(r, pid, e->limit_s ? e->limit_s : LAB_LIMIT_S);
	else
		snprintf(r->stopped, LAB_TEXT_MAX, "fork: %s", strerror(errno));
	r->seconds = (double)(lab_now_ns() - start) / 1e9;
	end_children();
	remove_objects(r);
	_exit(0);
}

/* --- In via --- */

static pid_t start_keeper(const struct lab_experiment *e, struct lab_record *r)
{
	pid_t parent = getpid();
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		keeper_main(e, r);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static void await_keeper(pid_t pid, int stop_fd)
{
	int pidfd = pidfd_open(pid, 0);
	struct pollfd fds[] = {{pidfd, POLLIN, 0}, {stop_fd, POLLIN, 0}};

	while (pidfd >= 0 && !fds[0].revents) {
		if (poll(fds, 2, -1) > 0 && fds[1].revents) {
			kill(pid, SIGTERM);
			fds[1].fd = -1;
		}
	}
	if (pidfd >= 0)
		close(pidfd);
	lab_wait(pid);
}

struct lab_record *lab_run(const struct lab_experiment *e, bool inverted,
			   int stop_fd)
{
	struct lab_record *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	r->inverted = inverted;
	unsigned int missing = lab_missing(e->needs);

	if (missing) {
		enum lab_need need = (unsigned int)__builtin_ctz(missing);

		snprintf(r->skipped, LAB_TEXT_MAX, "needs %s",
			 lab_need_words(need, false));
		return r;
	}
	pid_t pid = start_keeper(e, r);

	if (pid < 0) {
		lab_record_free(r);
		return NULL;
	}
	await_keeper(pid, stop_fd);
	return r;
}

void lab_record_free(struct lab_record *r)
{
	if (r)
		munmap(r, sizeof(*r));
}
