/* SPDX-License-Identifier: MIT */
/* Processes and threads, and what one may see of those of others. */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <via/deadline.h>

#include "inspect/collect/look_test.h"

static const char *text(const struct via_snapshot *s, uint32_t t)
{
	return via_snapshot_text(s, t, NULL);
}

/* --- Who they are --- */

static void knows_who_it_is(void **state)
{
	struct via_snapshot *s = look(VIA_WANT_NAMES | VIA_WANT_PATHS |
				      VIA_WANT_SIGNALS);
	const struct via_process *p = process_of(s, getpid());
	char cwd[256], name[256];
	struct stat st;

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(p->flags, VIA_PROCESS_SELF);
	assert_int_equal(p->uid, getuid());
	assert_int_equal(p->euid, geteuid());
	assert_int_equal(p->inner_pid, getpid());
	assert_string_equal(text(s, p->cwd), cwd);
	assert_non_null(strstr(text(s, p->exe), "inspect-tasks-test"));
	snprintf(name, sizeof(name), "%s", text(s, p->command));
	assert_non_null(strstr(name, "inspect-tasks-test"));
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(p->net_ns, st.st_ino);
	assert_int_equal(stat("/proc/self/ns/user", &st), 0);
	assert_int_equal(p->user_ns, st.st_ino);
	assert_true(p->signals.caught != 0); /* cmocka's */
	assert_int_equal(p->hidden, 0);
	assert_int_equal(p->tracer, 0);
	assert_int_equal(s->sight.pid_ns, p->pid_ns);
	via_snapshot_free(s);
}

static void knows_who_traces(void **state)
{
	pid_t child = start_sleeper();

	(void)state;
	if (ptrace(PTRACE_SEIZE, child, 0, 0) < 0) {
		end(child);
		check_skip("needs ptrace");
	}
	struct via_snapshot *s = look(VIA_WANT_FDS);

	assert_int_equal(process_of(s, child)->tracer, getpid());
	via_snapshot_free(s);
	end(child);
}

/* A child in a pid namespace of its own, where it is process 1 and its other
 * thread is another number than here. */
static void *wait_for_ever(void *arg)
{
	int *ready = arg;

	(void)!write(*ready, "", 1);
	pause();
	return NULL;
}

static void numbers_threads_as_they_do(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0,
				     0);

	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, wait_for_ever, &ready[1]);
		pause();
	}
	if (child < 0) {
		close(ready[0]);
		close(ready[1]);
		check_skip("needs pid namespaces");
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	struct via_snapshot *s = look(VIA_WANT_WAITS);
	const struct via_process *p = process_of(s, child);

	assert_int_equal(p->inner_pid, 1);
	assert_int_not_equal(p->pid_ns, s->sight.pid_ns);
	assert_int_equal(p->n_threads, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(s->threads[p->first_thread + i].inner_tid,
				 i + 1);
	assert_int_equal(s->threads[p->first_thread].tid, child);
	via_snapshot_free(s);
	end(child);
	close(ready[0]);
	close(ready[1]);
}

/* --- What they do --- */

static const struct via_thread *thread_of(const struct via_snapshot *s,
					  pid_t pid)
{
	const struct via_process *p = process_of(s, pid);

	assert_int_equal(p->n_threads, 1);
	return &s->threads[p->first_thread];
}

static void knows_the_call_and_since_when(void **state)
{
	struct timespec started, now;
	int p[2];
	int64_t last = -1;

	(void)state;
	assert_int_equal(pipe(p), 0);
	clock_gettime(CLOCK_MONOTONIC, &started);
	pid_t child = fork();

	if (child == 0) {
		char byte;

		prctl(PR_SET_NAME, "reader");
		_exit((int)read(p[0], &byte, 1));
	}
	/* Until it has waited for 60 ms. */
	for (;;) {
		struct via_snapshot *s = look(VIA_WANT_WAITS | VIA_WANT_FDS);
		const struct via_thread *t = thread_of(s, child);
		struct via_thread seen = *t;
		bool reads = t->call.nr == SYS_read &&
			     t->call.args[0] == (uint64_t)p[0];

		if (t->since_ns == VIA_UNKNOWN ||
		    t->call.nr == VIA_SYSCALL_UNKNOWN) {
			via_snapshot_free(s);
			end(child);
			close(p[0]);
			close(p[1]);
			check_skip("needs /proc/PID/sched and syscall");
		}
		if (reads) {
			assert_string_equal(text(s, t->comm), "reader");
			assert_int_equal(t->state, 'S');
			assert_int_not_equal(t->wchan, 0);
			assert_true(t->ran > 0);
			assert_int_equal(t->inner_tid, child);
		}
		via_snapshot_free(s);
		if (reads && seen.since_ns > 60000000) {
			last = seen.since_ns;
			break;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* No longer than it has been there, give or take a few ticks: each
	 * CPU's clock is another one. */
	assert_true(last <= (now.tv_sec - started.tv_sec) * 1000000000 +
				    now.tv_nsec - started.tv_nsec + 30000000);
	end(child);
	close(p[0]);
	close(p[1]);
}

static void zombies_hide_nothing(void **state)
{
	pid_t child = fork();
	siginfo_t info;

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT),
			 0);
	struct via_snapshot *s = look(VIA_WANT_ALL);
	const struct via_process *p = process_of(s, child);

	assert_int_equal(p->task.state, 'Z');
	assert_int_equal(p->hidden, 0);
	assert_int_equal(p->n_holds, 0);
	via_snapshot_free(s);
	waitpid(child, NULL, 0);
}

/* --- Frozen --- */

static bool put(const char *dir, const char *file, const char *what)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, what, strlen(what)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool is_frozen(pid_t pid)
{
	struct via_snapshot *s = look(VIA_WANT_WAITS);
	bool frozen = process_of(s, pid)->flags & VIA_PROCESS_FROZEN;

	via_snapshot_free(s);
	return frozen;
}

/* The kernel takes its time; whether it is so after that. */
static bool becomes(pid_t pid, bool frozen)
{
	int64_t until = via_now() + INT64_C(5000000000);

	while (is_frozen(pid) != frozen)
		if (via_now() > until)
			return false;
	return true;
}

/* file takes freeze to freeze a group, and thaw. Returns whether one could; a
 * process that stays frozen could not be ended. */
static bool freezes(const char *at, const char *file, const char *freeze,
		    const char *thaw)
{
	char dir[256], pid[32];
	pid_t child = start_sleeper();
	bool ok, right = true;

	snprintf(dir, sizeof(dir), "%s/via-test-%d", at, child);
	snprintf(pid, sizeof(pid), "%d", child);
	ok = mkdir(dir, 0700) == 0 && put(dir, "cgroup.procs", pid);
	if (ok) {
		right = !is_frozen(child);
		ok = put(dir, file, freeze);
		right &= !ok || becomes(child, true);
		(void)put(dir, file, thaw);
		right &= !ok || becomes(child, false);
	}
	end(child);
	rmdir(dir);
	assert_true(right);
	return ok;
}

static void knows_the_frozen(void **state)
{
	unsigned int n = 0;

	(void)state;
	n += freezes("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN",
		     "THAWED");
	n += freezes("/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0");
	n += freezes("/sys/fs/cgroup", "cgroup.freeze", "1", "0");
	if (!n)
		check_skip("needs a control group of one's own");
}

/* --- Other users --- */

#define NOBODY 65534

static bool only_ptrace(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {
		{.effective = 1U << CAP_SYS_PTRACE,
		 .permitted = 1U << CAP_SYS_PTRACE},
	};

	return syscall(SYS_capset, &head, caps) == 0;
}

/* Run look_on() as another user; it returns other than 0 if it fails. */
static void as_nobody(pid_t target, int (*look_on)(pid_t target),
		      bool keep_ptrace)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (keep_ptrace)
			prctl(PR_SET_KEEPCAPS, 1);
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 ||
		    (keep_ptrace && !only_ptrace()))
			_exit(255);
		prctl(PR_SET_DUMPABLE, 1);
		_exit(look_on(target));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255)
		check_skip("needs another user");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int target_pipe[2];

static int sees_little(pid_t target)
{
	struct via_look l = {.want = VIA_WANT_ALL};
	struct via_snapshot *s;

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	uint32_t i = via_snapshot_process(s, target);

	SHOULD(i != VIA_NONE);
	const struct via_process *p = &s->processes[i];

	SHOULD(strcmp(p->task.comm, "target") == 0);
	SHOULD(p->task.state == 'S');
	SHOULD(p->uid == 0 && p->inner_pid == target);
	SHOULD(p->hidden & VIA_HIDDEN_FDS);
	SHOULD(p->hidden & VIA_HIDDEN_WAITS);
	SHOULD(p->hidden & VIA_HIDDEN_PATHS);
	SHOULD(p->n_holds == 0);
	SHOULD(p->n_threads == 1);
	SHOULD(p->command != 0);
	SHOULD(s->threads[p->first_thread].call.nr == VIA_SYSCALL_UNKNOWN);
	SHOULD(s->threads[p->first_thread].since_ns != VIA_UNKNOWN);
	SHOULD(s->sight.n_hidden_fds >= 1 && s->sight.uid == NOBODY);

	/* Ourselves we see. */
	p = &s->processes[via_snapshot_process(s, getpid())];
	SHOULD(p->hidden == 0 || p->hidden == VIA_HIDDEN_MAPS);
	SHOULD(p->n_holds > 0);
	for (uint32_t o = 0; o < s->n_objects; o++)
		SHOULD(s->objects[o].seen == VIA_SEEN_UNKNOWN);
	via_snapshot_free(s);
	return 0;
}

/* Without CAP_DAC_READ_SEARCH, of somebody that is not the owner of files of
 * root: fdinfo/ is all there is. */
static int sees_pipes(pid_t target)
{
	struct via_look l = {.want = VIA_WANT_FDS};
	struct via_snapshot *s;

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	const struct via_process *p =
		&s->processes[via_snapshot_process(s, target)];
	uint32_t n = 0;

	SHOULD(p->hidden & VIA_HIDDEN_FDS);
	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++) {
		const struct via_holding *h = &s->holds[i];
		struct stat st;

		if (h->id != target_pipe[0] && h->id != target_pipe[1])
			continue;
		SHOULD(fstat(h->id, &st) == 0);
		SHOULD(s->objects[h->object].kind == VIA_KIND_PIPE);
		SHOULD(s->objects[h->object].dev == st.st_dev);
		SHOULD(s->objects[h->object].ino == st.st_ino);
		SHOULD(h->flags == (h->id == target_pipe[0] ? VIA_HOLD_READ
							    : VIA_HOLD_WRITE));
		n++;
	}
	SHOULD(n == 2);
	via_snapshot_free(s);
	return 0;
}

static pid_t start_target(void)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_NAME, "target");
		pause();
	}
	/* Until it is what it should be. */
	for (bool is = false; !is;) {
		struct via_snapshot *s = look(VIA_WANT_FDS);
		const struct via_task *t = &process_of(s, child)->task;

		is = strcmp(t->comm, "target") == 0 && t->state == 'S';
		via_snapshot_free(s);
	}
	return child;
}

static void sees_little_of_others(void **state)
{
	pid_t target = start_target();

	(void)state;
	if (getuid() != 0) {
		end(target);
		check_skip("needs root, to be somebody else");
	}
	as_nobody(target, sees_little, false);
	end(target);
}

static void sees_what_fdinfo_tells(void **state)
{
	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to be somebody else");
	assert_int_equal(pipe(target_pipe), 0);
	pid_t target = start_target();

	as_nobody(target, sees_pipes, true);
	end(target);
	close(target_pipe[0]);
	close(target_pipe[1]);
}

/* --- Processes that /proc does not show --- */

static int shows_nothing(pid_t target)
{
	struct via_look l = {.want = VIA_WANT_ALL};
	struct via_snapshot *s;

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	uint32_t i = via_snapshot_process(s, target);

	SHOULD(i != VIA_NONE);
	SHOULD(s->processes[i].hidden & VIA_HIDDEN_FDS);
	SHOULD(s->processes[i].hidden & VIA_HIDDEN_WAITS);
	SHOULD(s->sight.n_hidden_fds > 0 && s->sight.n_hidden_waits > 0);
	for (uint32_t o = 0; o < s->n_objects; o++)
		SHOULD(s->objects[o].seen == VIA_SEEN_UNKNOWN);
	via_snapshot_free(s);
	return 0;
}

static int does_not_show(pid_t target)
{
	struct via_look l = {.want = VIA_WANT_ALL};
	struct via_snapshot *s;

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	SHOULD(via_snapshot_process(s, target) == VIA_NONE);
	for (uint32_t o = 0; o < s->n_objects; o++)
		SHOULD(s->objects[o].seen == VIA_SEEN_UNKNOWN);
	via_snapshot_free(s);
	return 0;
}

static void knows_what_is_kept_from_it(void **state)
{
	static const struct {
		const char *options;
		int (*look_on)(pid_t target);
	} rows[] = {{"hidepid=1", shows_nothing}, {"hidepid=2", does_not_show}};

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to be somebody else");
	for (int i = 0; i < 2; i++) {
		pid_t target = start_target();

		if (mount("proc", "/proc", "proc", 0, rows[i].options) < 0) {
			end(target);
			check_skip("needs to mount proc");
		}
		as_nobody(target, rows[i].look_on, false);
		assert_int_equal(umount2("/proc", MNT_DETACH), 0);
		end(target);
	}
}

/* --- Tables --- */

static void *open_apart(void *arg)
{
	int *fds = arg;

	if (unshare(CLONE_FILES) < 0)
		return NULL;
	close(fds[2]);
	fds[2] = dup2(fds[0], 100);
	(void)!write(fds[1], "", 1);
	pause();
	return NULL;
}

/* What a thread alone has, it has; what it has as the others do is told
 * once. */
static void sees_tables_of_threads(void **state)
{
	int fds[3], other[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(other), 0);
	fds[2] = other[0];
	pid_t child = fork();

	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, open_apart, fds);
		pause();
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	struct via_snapshot *s = look(VIA_WANT_FDS);
	uint32_t n = process_of(s, getpid())->n_holds;

	assert_int_equal(process_of(s, child)->n_holds, n + 1);
	assert_int_equal(hold_of(s, child, 100)->object,
			 hold_of(s, child, fds[0])->object);
	(void)hold_of(s, child, other[0]);
	via_snapshot_free(s);
	end(child);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(other[i]);
	}
}

/* The first thread has ended: its descriptors are only the other's. */
static void *outlive(void *arg)
{
	(void)!write(*(int *)arg, "", 1);
	pause();
	return NULL;
}

static void sees_who_outlived_the_first(void **state)
{
	int fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();

	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, outlive, &fds[1]);
		syscall(SYS_exit, 0);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	for (bool ended = false; !ended;) {
		struct via_snapshot *s = look(VIA_WANT_FDS);

		ended = process_of(s, child)->task.state == 'Z';
		if (ended)
			assert_int_equal(hold_of(s, child, fds[1])->flags,
					 VIA_HOLD_WRITE);
		via_snapshot_free(s);
	}
	end(child);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(knows_who_it_is),
	CHECK_TEST(knows_who_traces),
	CHECK_TEST(numbers_threads_as_they_do),
	CHECK_TEST(knows_the_call_and_since_when),
	CHECK_TEST(zombies_hide_nothing),
	CHECK_TEST(knows_the_frozen),
	CHECK_TEST(sees_little_of_others),
	CHECK_TEST(sees_what_fdinfo_tells),
	CHECK_TEST(knows_what_is_kept_from_it),
	CHECK_TEST(sees_tables_of_threads),
	CHECK_TEST(sees_who_outlived_the_first),
};
CHECK_MAIN(tests)
