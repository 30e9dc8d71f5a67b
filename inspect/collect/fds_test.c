/* SPDX-License-Identifier: MIT */
/* Descriptors of this process, compared with what it knows of them. */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "inspect/collect/look_test.h"

#define NAMED (VIA_WANT_FDS | VIA_WANT_PATHS)

/* What is keyed by its inode. */
static const struct via_object *assert_inode(const struct via_snapshot *s,
					     int fd, enum via_kind kind)
{
	const struct via_object *o = object_of(s, fd);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_string_equal(via_kind_name(o->kind), via_kind_name(kind));
	assert_true(o->dev == st.st_dev);
	assert_true(o->ino == st.st_ino);
	return o;
}

/* --- Files --- */

static void tells_pipes_from_fifos(void **state)
{
	char path[256];
	int p[2];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", getenv("TMPDIR"));
	assert_int_equal(pipe(p), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	int fifo = open(path, O_RDWR), by_path = open(path, O_PATH);
	struct via_snapshot *s = look(NAMED);

	(void)assert_inode(s, p[0], VIA_KIND_PIPE);
	(void)assert_inode(s, p[1], VIA_KIND_PIPE);
	assert_int_equal(open_for_of(s, p[0]), VIA_HOLD_READ);
	assert_int_equal(open_for_of(s, p[1]), VIA_HOLD_WRITE);
	assert_string_equal(name_of(s, assert_inode(s, fifo, VIA_KIND_FIFO)),
			    path);
	assert_int_equal(open_for_of(s, fifo), VIA_HOLD_READ | VIA_HOLD_WRITE);
	/* Neither a reader nor a writer. */
	assert_int_equal(open_for_of(s, by_path), 0);
	assert_int_equal(hold_of(s, getpid(), by_path)->object,
			 hold_of(s, getpid(), fifo)->object);
	via_snapshot_free(s);
	close(p[0]);
	close(p[1]);
	close(fifo);
	close(by_path);
	unlink(path);
}

static void tells_files_apart(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/file (deleted)", getenv("TMPDIR"));
	int file = open(path, O_WRONLY | O_CREAT, 0600);
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	int null = open("/dev/null", O_RDWR);
	int ns = open("/proc/self/ns/net", O_RDONLY);
	struct via_snapshot *s = look(NAMED);
	const struct via_object *o = assert_inode(s, file, VIA_KIND_FILE);

	assert_string_equal(name_of(s, o), path);
	assert_int_equal(o->flags & VIA_OBJECT_DELETED, 0);
	assert_int_equal(open_for_of(s, file), VIA_HOLD_WRITE);
	assert_string_equal(name_of(s, assert_inode(s, dir, VIA_KIND_DIR)),
			    "/");
	(void)assert_inode(s, null, VIA_KIND_CHAR);
	(void)assert_inode(s, ns, VIA_KIND_OTHER);
	via_snapshot_free(s);

	unlink(path);
	s = look(NAMED);
	o = assert_inode(s, file, VIA_KIND_FILE);
	assert_int_equal(o->flags & VIA_OBJECT_DELETED, VIA_OBJECT_DELETED);
	assert_string_equal(name_of(s, o), path);
	via_snapshot_free(s);
	close(file);
	close(dir);
	close(null);
	close(ns);
}

static void tells_kinds_of_memory_apart(void **state)
{
	char shm[64], sem[64];

	(void)state;
	snprintf(shm, sizeof(shm), "/via-test-%d", getpid());
	snprintf(sem, sizeof(sem), "/dev/shm/sem.via-test-%d", getpid());
	int memfd = memfd_create("name", MFD_CLOEXEC);
	int posix = shm_open(shm, O_RDWR | O_CREAT, 0600);

	assert_true(posix >= 0);
	assert_true(sem_open(sem + strlen("/dev/shm/sem."), O_CREAT, 0600, 1) !=
		    SEM_FAILED);
	int semaphore = open(sem, O_RDONLY);
	struct via_snapshot *s = look(NAMED);

	assert_string_equal(name_of(s, assert_inode(s, memfd, VIA_KIND_MEMFD)),
			    "name");
	assert_string_equal(
		name_of(s, assert_inode(s, posix, VIA_KIND_POSIXSHM)) +
			strlen("/dev/shm"),
		shm);
	(void)assert_inode(s, semaphore, VIA_KIND_POSIXSEM);
	via_snapshot_free(s);
	close(memfd);
	close(posix);
	close(semaphore);
	shm_unlink(shm);
	unlink(sem);
}

static void knows_queues_and_sockets(void **state)
{
	char name[64];
	int pair[2];
	struct stat st;

	(void)state;
	snprintf(name, sizeof(name), "/via-test-%d", getpid());
	mqd_t mq = mq_open(name, O_RDONLY | O_CREAT, 0600, NULL);

	assert_true(mq >= 0);
	mq_unlink(name);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct via_snapshot *s = look(NAMED);

	(void)assert_inode(s, (int)mq, VIA_KIND_MQ);
	assert_int_equal(open_for_of(s, (int)mq), VIA_HOLD_READ);
	assert_int_equal(fstat(pair[1], &st), 0);
	assert_true(object_of(s, pair[1])->ino == st.st_ino);
	assert_true(object_of(s, pair[1])->dev == 0);
	assert_int_equal(open_for_of(s, pair[1]),
			 VIA_HOLD_READ | VIA_HOLD_WRITE);
	via_snapshot_free(s);
	close(mq);
	close(pair[0]);
	close(pair[1]);
}

/* In a child: without /sys there is another way for who may mount. */
static bool knows_queues_without_sys(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/via-test-%d", getpid());
	mqd_t mq = mq_open(name, O_RDONLY | O_CREAT, 0600, NULL);

	mq_unlink(name);
	struct via_snapshot *s = look(NAMED);

	return object_of(s, (int)mq)->kind == VIA_KIND_MQ;
}

static void needs_no_sys(void **state)
{
	int status;

	(void)state;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("nothing", "/sys", "tmpfs", 0, NULL) < 0)
			_exit(77);
		/* Where it is mounted, there is nothing to guess. */
		(void)umount2("/dev/mqueue", MNT_DETACH);
		_exit(knows_queues_without_sys() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		check_skip("needs mount namespaces");
	assert_int_equal(status, 0);
}

/* Where it is mounted its device is known; elsewhere it is guessed. */
static void knows_mounted_queues(void **state)
{
	char name[64], dir[256];

	(void)state;
	snprintf(name, sizeof(name), "/via-test-%d", getpid());
	snprintf(dir, sizeof(dir), "%s/mq", getenv("TMPDIR"));
	assert_int_equal(mkdir(dir, 0700), 0);
	if (mount("mqueue", dir, "mqueue", 0, NULL) < 0) {
		rmdir(dir);
		check_skip("needs to mount mqueue");
	}
	mqd_t mq = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);

	assert_true(mq >= 0);
	struct via_snapshot *s = look(NAMED);

	(void)assert_inode(s, (int)mq, VIA_KIND_MQ);
	via_snapshot_free(s);
	mq_unlink(name);
	close(mq);
	assert_int_equal(umount(dir), 0);
	rmdir(dir);
}

static void holds_directories_and_program(void **state)
{
	struct via_snapshot *s = look(NAMED);
	const struct via_process *p =
		&s->processes[via_snapshot_process(s, getpid())];
	unsigned int seen = 0;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++) {
		const struct via_object *o = &s->objects[s->holds[i].object];

		seen |= 1U << s->holds[i].how;
		if (s->holds[i].how == VIA_HOLDS_EXE) {
			assert_true(o->ino == st.st_ino);
			assert_int_equal(o->name, p->exe);
		} else if (s->holds[i].how == VIA_HOLDS_CWD) {
			assert_int_equal(o->name, p->cwd);
		}
	}
	assert_int_equal(seen & ~1U, 1U << VIA_HOLDS_CWD |
					     1U << VIA_HOLDS_ROOT |
					     1U << VIA_HOLDS_EXE);
	via_snapshot_free(s);
}

/* --- What has no file --- */

static void knows_anonymous_kinds(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	const struct {
		int fd;
		enum via_kind kind;
	} made[] = {
		{eventfd(0, EFD_CLOEXEC), VIA_KIND_EVENTFD},
		{epoll_create1(EPOLL_CLOEXEC), VIA_KIND_EPOLL},
		{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		 VIA_KIND_TIMERFD},
		{signalfd(-1, &set, SFD_CLOEXEC), VIA_KIND_SIGNALFD},
		{(int)syscall(SYS_pidfd_open, getpid(), 0), VIA_KIND_PIDFD},
		{inotify_init1(IN_CLOEXEC), VIA_KIND_INOTIFY},
	};
	struct via_snapshot *s = look(VIA_WANT_FDS);

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		assert_true(made[i].fd >= 0);
		assert_string_equal(
			via_kind_name(object_of(s, made[i].fd)->kind),
			via_kind_name(made[i].kind));
		close(made[i].fd);
	}
	via_snapshot_free(s);
}

static void counters_have_numbers(void **state)
{
	int a = eventfd(17, EFD_NONBLOCK), b = eventfd(0, EFD_CLOEXEC);
	int same = dup(a);
	struct via_snapshot *s = look(VIA_WANT_FDS);

	(void)state;
	assert_int_equal(object_of(s, a)->level, 17);
	assert_int_equal(object_of(s, b)->level, 0);
	assert_ptr_equal(object_of(s, a), object_of(s, same));
	assert_ptr_not_equal(object_of(s, a), object_of(s, b));
	assert_int_equal(hold_of(s, getpid(), a)->flags & VIA_HOLD_NONBLOCK,
			 VIA_HOLD_NONBLOCK);
	assert_int_equal(hold_of(s, getpid(), b)->flags & VIA_HOLD_NONBLOCK, 0);
	via_snapshot_free(s);
	close(a);
	close(b);
	close(same);
}

static void open_files_are_shared(void **state)
{
	int a = epoll_create1(0), b = epoll_create1(0), c = dup(b);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	pid_t child = start_sleeper();
	struct via_snapshot *s = look(VIA_WANT_FDS);

	(void)state;
	if (hold_of(s, child, a)->object != hold_of(s, getpid(), a)->object &&
	    syscall(SYS_kcmp, child, getpid(), 0, 0, 0) < 0) {
		end(child);
		check_skip("needs kcmp");
	}
	assert_ptr_not_equal(object_of(s, a), object_of(s, b));
	assert_ptr_equal(object_of(s, b), object_of(s, c));
	for (int fd = a; fd <= timer; fd++)
		assert_int_equal(hold_of(s, child, fd)->object,
				 hold_of(s, getpid(), fd)->object);
	via_snapshot_free(s);
	end(child);
	close(a);
	close(b);
	close(c);
	close(timer);
}

static void pidfds_are_of_a_process(void **state)
{
	pid_t child = start_sleeper();
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct via_snapshot *s = look(VIA_WANT_FDS);

	(void)state;
	assert_true(pidfd >= 0);
	assert_true(object_of(s, pidfd)->ino == (uint64_t)child);
	via_snapshot_free(s);
	end(child);
	close(pidfd);
}

/* --- Epoll --- */

static void watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events};

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e), 0);
}

/* The certainty of the link, or -1: there is none. */
static int link_to(const struct via_snapshot *s, uint32_t from, uint32_t to,
		   uint32_t events)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i].kind == VIA_LINK_WATCHES &&
		    s->links[i].from == from && s->links[i].to == to &&
		    s->links[i].events & events)
			return s->links[i].certainty;
	return -1;
}

static void epoll_sets_watch(void **state)
{
	int epoll = epoll_create1(0), other = epoll_create1(0);
	int event = eventfd(0, 0), p[2], pair[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch(epoll, event, EPOLLIN);
	watch(epoll, p[1], EPOLLOUT);
	watch(epoll, pair[0], EPOLLIN);
	watch(epoll, other, EPOLLIN);
	pid_t child = start_sleeper();
	struct via_snapshot *s = look(VIA_WANT_FDS);
	uint32_t from = hold_of(s, getpid(), epoll)->object;
	const int to[] = {event, p[1], pair[0], other};
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		assert_int_equal(link_to(s, from,
					 hold_of(s, getpid(), to[i])->object,
					 i == 1 ? EPOLLOUT : EPOLLIN),
				 VIA_EXACT);
	/* Once, though two processes have it. */
	for (uint32_t i = 0; i < s->n_links; i++)
		n += s->links[i].from == from;
	assert_int_equal(n, 4);
	via_snapshot_free(s);
	end(child);
	for (int fd = epoll; fd <= pair[1]; fd++)
		close(fd);
}

/* A descriptor that is used again is not what was watched by its number. */
static void epoll_sets_watch_files(void **state)
{
	int epoll = epoll_create1(0), event = eventfd(0, 0), p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	watch(epoll, p[0], EPOLLIN);
	watch(epoll, event, EPOLLIN);
	int kept = dup(p[0]), kept_event = dup(event);

	dup2(p[1], p[0]); /* the same pipe, as it happens */
	int another = eventfd(0, 0);

	dup2(another, event);
	struct via_snapshot *s = look(VIA_WANT_FDS);
	uint32_t from = hold_of(s, getpid(), epoll)->object;

	assert_int_equal(
		link_to(s, from, hold_of(s, getpid(), kept)->object, EPOLLIN),
		VIA_EXACT);
	assert_int_equal(link_to(s, from, hold_of(s, getpid(), another)->object,
				 EPOLLIN),
			 -1);
	via_snapshot_free(s);
	for (int fd = epoll; fd <= another; fd++)
		close(fd);
	(void)kept_event;
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(tells_pipes_from_fifos),
	CHECK_TEST(tells_files_apart),
	CHECK_TEST(tells_kinds_of_memory_apart),
	CHECK_TEST(knows_queues_and_sockets),
	CHECK_TEST(needs_no_sys),
	CHECK_TEST(knows_mounted_queues),
	CHECK_TEST(holds_directories_and_program),
	CHECK_TEST(knows_anonymous_kinds),
	CHECK_TEST(counters_have_numbers),
	CHECK_TEST(open_files_are_shared),
	CHECK_TEST(pidfds_are_of_a_process),
	CHECK_TEST(epoll_sets_watch),
	CHECK_TEST(epoll_sets_watch_files),
};
CHECK_MAIN(tests)
