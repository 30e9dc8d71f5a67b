/* SPDX-License-Identifier: MIT */
/* Two sources tell the same of the same processes, record by record. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "inspect/collect/bpf.h"
#include "inspect/collect/look_test.h"

#define WANT (VIA_WANT_FDS | VIA_WANT_PATHS | VIA_WANT_LEVELS)

/* --- One of each --- */

static void watch(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void open_files(const char *dir)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", dir);
	(void)!dup(open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0600));
	(void)open(path, O_RDONLY);
	(void)open(path, O_PATH);
	unlink(path);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	(void)mkfifo(path, 0600);
	(void)open(path, O_RDWR);
	(void)open(path, O_PATH);
	unlink(path);
	(void)open(dir, O_RDONLY | O_DIRECTORY);
	(void)open("/dev/null", O_RDWR);
	(void)open("/proc/self/status", O_RDONLY);
	(void)open("/proc/self/ns/net", O_RDONLY);
	(void)memfd_create("both", 0);
	snprintf(path, sizeof(path), "/via-test-%d", getpid());
	(void)shm_open(path, O_RDWR | O_CREAT, 0600);
	shm_unlink(path);
	(void)mq_open(path, O_RDWR | O_CREAT, 0600, NULL);
	mq_unlink(path);
}

static void open_others(void)
{
	int p[2], epoll = epoll_create1(0), event = eventfd(3, EFD_NONBLOCK);
	int master, slave;
	sigset_t set;

	(void)!pipe(p);
	(void)!write(p[1], "some bytes", 10);
	watch(epoll, p[0]);
	watch(epoll, p[1]);
	watch(epoll, event);
	(void)!pipe2(p, O_DIRECT | O_NONBLOCK);
	(void)!write(p[1], "a", 1);
	(void)!write(p[1], "packet", 6);
	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	watch(epoll, p[0]);
	(void)!dup(epoll);
	watch(epoll_create1(0), epoll);
	(void)socket(AF_INET, SOCK_DGRAM, 0);
	(void)!dup(timerfd_create(CLOCK_MONOTONIC, 0));
	(void)timerfd_create(CLOCK_MONOTONIC, 0);
	sigemptyset(&set);
	(void)signalfd(-1, &set, 0);
	(void)syscall(SYS_pidfd_open, getppid(), 0);
	(void)inotify_init();
	(void)openpty(&master, &slave, NULL, NULL, NULL);
	(void)open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

/* A thread that has descriptors of its own. */
static void *apart(void *arg)
{
	(void)unshare(CLONE_FILES);
	(void)eventfd(77, 0);
	(void)!write(*(int *)arg, "", 1);
	pause();
	return NULL;
}

static pid_t start(const char *dir)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		/* What others write into meanwhile is not compared. */
		for (int fd = 0; fd <= 2; fd++)
			dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
		open_files(dir);
		open_others();
		pthread_create(&thread, NULL, apart, &ready[1]);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* --- Compared --- */

static void same_object(const struct via_snapshot *a, uint32_t in_a,
			const struct via_snapshot *b, uint32_t in_b)
{
	const struct via_object *x = &a->objects[in_a], *y = &b->objects[in_b];

	assert_string_equal(via_kind_name(x->kind), via_kind_name(y->kind));
	assert_true(x->dev == y->dev);
	assert_true(x->ino == y->ino);
	assert_true(x->sub == y->sub);
	assert_int_equal(x->flags, y->flags);
	assert_string_equal(name_of(a, x), name_of(b, y));
	assert_true(x->level == y->level);
	assert_true(x->capacity == y->capacity);
	/* Of what others open too the number changes from look to look. */
	if (x->kind != VIA_KIND_CHAR && x->kind != VIA_KIND_DIR &&
	    x->kind != VIA_KIND_OTHER)
		assert_int_equal(x->n_users, y->n_users);
}

#define OPEN_FOR (VIA_HOLD_READ | VIA_HOLD_WRITE | VIA_HOLD_EXEC)

static void same_holds(const struct via_snapshot *a,
		       const struct via_snapshot *b, pid_t pid)
{
	const struct via_process *x = process_of(a, pid),
				 *y = process_of(b, pid);

	assert_int_equal(x->n_holds, y->n_holds);
	assert_true(x->n_holds > 40);
	for (uint32_t i = 0; i < x->n_holds; i++) {
		const struct via_holding *h = &a->holds[x->first_hold + i],
					 *g = &b->holds[y->first_hold + i];

		assert_int_equal(h->how, g->how);
		assert_int_equal(h->id, g->id);
		assert_int_equal(h->flags & OPEN_FOR, g->flags & OPEN_FOR);
		assert_int_equal(h->certainty, g->certainty);
		same_object(a, h->object, b, g->object);
	}
}

/* Links of the epoll sets that are keyed by their first holder. */
static uint32_t links_of(const struct via_snapshot *s, pid_t pid)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_links; i++)
		n += s->objects[s->links[i].from].dev == (uint64_t)pid;
	return n;
}

static void same_links(const struct via_snapshot *a,
		       const struct via_snapshot *b, pid_t pid)
{
	assert_int_equal(links_of(a, pid), 5);
	assert_int_equal(links_of(b, pid), 5);
	for (uint32_t i = 0; i < a->n_links; i++) {
		const struct via_link *x = &a->links[i];
		const struct via_object *from = &a->objects[x->from],
					*to = &a->objects[x->to];
		uint32_t found = 0;

		if (from->dev != (uint64_t)pid)
			continue;
		uint32_t other_from = via_snapshot_object(
			b, from->kind, from->dev, from->ino, from->sub);
		uint32_t other_to = via_snapshot_object(b, to->kind, to->dev,
							to->ino, to->sub);

		for (uint32_t j = 0; j < b->n_links; j++)
			found += b->links[j].from == other_from &&
				 b->links[j].to == other_to &&
				 b->links[j].events == x->events &&
				 b->links[j].certainty == x->certainty;
		assert_true(found >= 1);
	}
}

static void sources_agree(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	pid_t child = start(getenv("TMPDIR"));
	struct via_snapshot *bpf = look_by(VIA_SOURCE_BPF, WANT, why);

	(void)state;
	if (!bpf) {
		end(child);
		check_skip(why);
	}
	struct via_snapshot *proc = look_by(VIA_SOURCE_PROC, WANT, why);

	assert_int_equal(bpf->sight.source, VIA_SOURCE_BPF);
	assert_int_equal(proc->sight.source, VIA_SOURCE_PROC);
	same_holds(proc, bpf, child);
	same_links(proc, bpf, child);
	via_snapshot_free(bpf);
	via_snapshot_free(proc);
	end(child);
}

/* With no right to, it is refused in a sentence; whatever is quickest is
 * always to be had. */
static void is_never_needed(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		char why[VIA_ERROR_TEXT_MAX] = "";
		struct via_look any = {.want = WANT, .source_any = 1};
		struct via_snapshot *s = NULL;
		bool ok;

		(void)!setuid(65534);
		ok = !look_by(VIA_SOURCE_BPF, WANT, why) &&
		     strncmp(why, "no BPF: ", 8) == 0 &&
		     via_snapshot_take(&any, &s, NULL) == 0 &&
		     s->sight.source == VIA_SOURCE_PROC;
		via_snapshot_free(s);
		_exit(!ok);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int refuse(uint32_t want, struct via__ring *ring)
{
	(void)want;
	(void)ring;
	return -EACCES;
}

/* What one looks at may be missing in this kernel: the others go on. */
static void each_is_refused_alone(void **state)
{
	struct via__bpf b;
	struct via_error error = {0};
	void *records = NULL;
	size_t n;

	(void)state;
	if (via__bpf_open(&b, &error) < 0) {
		via__bpf_fini(&b);
		check_skip(error.text);
	}
	b.want = VIA_WANT_FDS;
	b.load[VIA__PROGRAM_UNDO] = refuse;
	assert_int_equal(via__bpf_tell(&b, VIA__PROGRAM_UNDO,
				       sizeof(struct via__bpf_undo), &records,
				       &n, &error),
			 -EOPNOTSUPP);
	assert_string_equal(error.text, "no BPF: the kernel did not take undo: "
					"access denied");
	via__bpf_read(&b);
	assert_true(b.n_files > 0);
	assert_int_equal(b.refused, 1u << VIA__PROGRAM_UNDO);
	b.load[VIA__PROGRAM_FILES] = refuse;
	assert_int_equal(via__bpf_load(&b, VIA__PROGRAM_FILES, NULL, &error),
			 -EOPNOTSUPP);
	assert_non_null(strstr(error.text, "the kernel did not take files"));
	via__bpf_fini(&b);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(each_is_refused_alone),
	CHECK_TEST(sources_agree),
	CHECK_TEST(is_never_needed),
};
CHECK_MAIN(tests)
