/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/engine.h"
#include "bench/run.h"

/* So long without a message means that it hangs. */
#define STALL_MS 10000

static int fail(struct via_error *err, const char *what)
{
	int code = -errno;

	if (err) {
		err->code = code;
		snprintf(err->text, sizeof(err->text), "%.160s: %s", what,
			 strerror(-code));
	}
	return code;
}

/* Where the program with the other libraries is: beside this one, where the
 * build has it, or where it is installed. */
static void find_peers(char *path, size_t size)
{
	static const char *const beside[] = {"", "../bench/peers/"};
	char self[2048];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	char *name = strrchr(self, '/');

	for (size_t i = 0; name && i < sizeof(beside) / sizeof(*beside); i++) {
		snprintf(path, size, "%.*s%svia-bench-peers",
			 (int)(name + 1 - self), self, beside[i]);
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, size, "%s", VIA_LIBEXECDIR "/via-bench-peers");
	if (access(path, X_OK))
		path[0] = '\0';
}

int supervisor_init(struct bench_supervisor *v, struct via_error *err)
{
	const char *tmp = getenv("TMPDIR");
	sigset_t set;

	*v = (struct bench_supervisor){.plan_fd = -1, .signal_fd = -1};
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &v->old_mask);
	v->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	/* Not close-on-exec: it is what the sides inherit. */
	v->plan_fd = memfd_create("via-bench-plan", 0);
	if (v->signal_fd < 0 || v->plan_fd < 0 ||
	    ftruncate(v->plan_fd, sizeof(*v->plan)))
		goto failed;
	v->plan = mmap(NULL, sizeof(*v->plan), PROT_READ | PROT_WRITE,
		       MAP_SHARED, v->plan_fd, 0);
	if (v->plan == MAP_FAILED) {
		v->plan = NULL;
		goto failed;
	}
	snprintf(v->dir, sizeof(v->dir), "%s/via-bench.XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(v->dir)) {
		int r = fail(err, v->dir);

		v->dir[0] = '\0';
		supervisor_fini(v);
		return r;
	}
	find_peers(v->peers, sizeof(v->peers));
	return 0;
failed:;
	int r = fail(err, "the benchmark's own memory");

	supervisor_fini(v);
	return r;
}

/* Some mechanisms keep their names. */
static void empty_dir(const struct bench_supervisor *v)
{
	DIR *dir = opendir(v->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

void supervisor_fini(struct bench_supervisor *v)
{
	if (v->dir[0]) {
		empty_dir(v);
		rmdir(v->dir);
	}
	if (v->plan)
		munmap(v->plan, sizeof(*v->plan));
	if (v->plan_fd >= 0)
		close(v->plan_fd);
	if (v->signal_fd >= 0)
		close(v->signal_fd);
	sigprocmask(SIG_SETMASK, &v->old_mask, NULL);
}

/* The engines of this program are in this program. */
static int start(struct bench_supervisor *v, enum bench_role role, pid_t *ret)
{
	bool own = bench_engine_find(v->plan->engine);
	char argument[32];
	char *const argv[] = {(char *)"via", (char *)"bench",
			      (char *)BENCH_SIDE_OPTION, argument, NULL};
	posix_spawnattr_t attr;

	snprintf(argument, sizeof(argument), "%d:%d", v->plan_fd, (int)role);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &v->old_mask);
	int r = posix_spawn(ret, own ? "/proc/self/exe" : v->peers, NULL, &attr,
			    argv, environ);

	posix_spawnattr_destroy(&attr);
	return r ? bench_fail(v->plan, -r, "%s: %s", own ? "via" : v->peers,
			      strerror(r))
		 : 0;
}

static void kill_all(const pid_t *pids)
{
	for (int i = 0; i < BENCH_ROLES; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
}

/* Collect the sides that have ended; each pid becomes 0. 0 or -EIO. */
static int reap(struct bench_plan *plan, pid_t *pids)
{
	static const char *const names[] = {"sender", "receiver"};
	int r = 0;

	for (int i = 0; i < BENCH_ROLES; i++) {
		int status;

		if (pids[i] <= 0 || waitpid(pids[i], &status, WNOHANG) <= 0)
			continue;
		pids[i] = 0;
		if (WIFSIGNALED(status))
			r = bench_fail(plan, -EIO, "the %s died: %s", names[i],
				       strsignal(WTERMSIG(status)));
		else if (status)
			r = bench_fail(plan, -EIO, "the %s did not start",
				       names[i]);
	}
	return r;
}

/* What is there to do: 0 look at the children, -ETIME, -EINTR. */
static int wait_event(const struct bench_supervisor *v)
{
	struct pollfd p = {.fd = v->signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;

	if (poll(&p, 1, STALL_MS) == 0)
		return -ETIME;
	if (read(v->signal_fd, &info, sizeof(info)) != sizeof(info))
		return -EINTR;
	return info.ssi_signo == SIGCHLD ? 0 : -EINTR;
}

static int watch(struct bench_supervisor *v, pid_t *pids)
{
	struct bench_plan *plan = v->plan;
	uint64_t seen = 0;
	int result = 0;

	while (pids[BENCH_SENDER] > 0 || pids[BENCH_RECEIVER] > 0) {
		int r = wait_event(v);

		if (r == -ETIME) {
			/* Relaxed: see bench_progress(). */
			uint64_t now = __atomic_load_n(&plan->progress,
						       __ATOMIC_RELAXED);

			if (now != seen)
				r = 0;
			else
				bench_fail(plan, r,
					   "it hangs: no message in "
					   "%d seconds",
					   STALL_MS / 1000);
			seen = now;
		} else if (r == 0) {
			r = reap(plan, pids);
		}
		if (r < 0) {
			result = result == -EINTR ? result : r;
			kill_all(pids);
		}
	}
	return result;
}

int supervisor_measure(struct bench_supervisor *v)
{
	struct bench_plan *plan = v->plan;
	const struct bench_engine *engine = bench_engine_find(plan->engine);
	pid_t pids[BENCH_ROLES] = {0};
	int r = 0, made = 0;

	plan->plan_size = sizeof(*plan);
	plan->supervisor = getpid();
	for (; r == 0 && engine && engine->make && made < bench_channels(plan);
	     made++)
		r = engine->make(plan, &plan->channel[made]);
	for (int i = 0; r == 0 && i < BENCH_ROLES; i++)
		r = start(v, (enum bench_role)i, &pids[i]);
	while (made--)
		engine->unmake(&plan->channel[made]);
	if (r < 0)
		kill_all(pids);
	int result = watch(v, pids);

	empty_dir(v);
	return r < 0 ? r : result;
}
