/* SPDX-License-Identifier: MIT */
/* POSIX queues, memory and semaphores that are made here, and what a snapshot
 * says of them. */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "inspect/collect/snapshot_test.h"

/* An object by its name alone. */
static uint32_t named(const struct via_snapshot *s, enum via_kind kind,
		      const char *name)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == (uint32_t)kind &&
		    strcmp(via_snapshot_text(s, s->objects[i].name, NULL),
			   name) == 0)
			return i;
	return VIA_NONE;
}

static const struct via_ipc *detail(const struct via_snapshot *s,
				    uint32_t object)
{
	assert_int_not_equal(s->objects[object].detail, VIA_NONE);
	return &s->ipcs[s->objects[object].detail];
}

static const char *fresh(const char *what)
{
	static char name[64];

	snprintf(name, sizeof(name), "/via-%s-%d \033[1m", what, getpid());
	return name;
}

/* --- Queues --- */

#define WANT_QUEUES (VIA_WANT_FDS | VIA_WANT_IPC | VIA_WANT_LEVELS)

static mqd_t make_queue(const char *name)
{
	struct mq_attr attr = {.mq_maxmsg = 5, .mq_msgsize = 64};
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	if (q < 0 && (errno == ENOSYS || errno == EMFILE))
		return q;
	assert_true(q >= 0);
	assert_int_equal(mq_send(q, "12345", 5, 0), 0);
	assert_int_equal(mq_send(q, "1", 1, 0), 0);
	return q;
}

static void check_queue(const struct via_snapshot *s, uint32_t o)
{
	assert_int_not_equal(o, VIA_NONE);
	assert_int_equal(s->objects[o].level, 2);
	assert_int_equal(s->objects[o].capacity, 5);
	assert_int_equal(detail(s, o)->n_messages, 2);
	assert_int_equal(detail(s, o)->message_max, 64);
	assert_int_equal(detail(s, o)->size, 6);
	assert_int_equal(detail(s, o)->mode, 0600);
	assert_int_equal(detail(s, o)->uid, geteuid());
}

/* Its own notification outlives being looked at. */
static void our_own_queue_is_left_alone(void **state)
{
	const char *name = fresh("mq");
	mqd_t q = make_queue(name);
	struct sigevent event = {.sigev_notify = SIGEV_NONE};

	(void)state;
	if (q < 0)
		check_skip("needs POSIX message queues");
	assert_int_equal(mq_notify(q, &event), 0);
	struct via_snapshot *s = snapshot(WANT_QUEUES);

	check_queue(s, object_of(s, VIA_KIND_MQ, q));
	via_snapshot_free(s);
	/* It is there still: one more is refused. */
	assert_int_equal(mq_notify(q, &event), -1);
	assert_int_equal(errno, EBUSY);
	mq_close(q);
	mq_unlink(name);
}

/* Of a queue that only another process has, without a name. */
static void anothers_queue_is_asked_for(void **state)
{
	const char *name = fresh("mq");
	mqd_t q = make_queue(name);
	int hold[2];
	struct stat st;
	char c;

	(void)state;
	if (q < 0)
		check_skip("needs POSIX message queues");
	assert_int_equal(fstat(q, &st), 0);
	assert_int_equal(pipe(hold), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
	}
	mq_unlink(name);
	mq_close(q);
	struct via_snapshot *s = snapshot(WANT_QUEUES);

	check_queue(s, via_snapshot_object(s, VIA_KIND_MQ, st.st_dev, st.st_ino,
					   0));
	via_snapshot_free(s);
	close(hold[0]);
	close(hold[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* --- /dev/shm --- */

static void memory_is_found_without_users(void **state)
{
	const char *name = fresh("shm");
	char path[128];
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 10000), 0);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	snprintf(path, sizeof(path), "/dev/shm%s", name);
	struct via_snapshot *s = snapshot(VIA_WANT_IPC);
	uint32_t o = named(s, VIA_KIND_POSIXSHM, path);

	assert_int_not_equal(o, VIA_NONE);
	assert_int_equal(s->objects[o].n_users, 0);
	assert_int_equal(s->objects[o].level, getpagesize());
	assert_int_equal(s->objects[o].capacity, 10000);
	assert_int_equal(detail(s, o)->mode, 0640);
	via_snapshot_free(s);
	shm_unlink(name);
}

static void semaphores_have_values(void **state)
{
	const char *name = fresh("sem");
	char path[128];
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 42);

	(void)state;
	assert_ptr_not_equal(sem, SEM_FAILED);
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", name + 1);
	struct via_snapshot *s = snapshot(VIA_WANT_IPC | VIA_WANT_MAPS);
	uint32_t o = named(s, VIA_KIND_POSIXSEM, path);

	assert_int_not_equal(o, VIA_NONE);
	assert_int_equal(s->objects[o].level, 42);
	assert_int_equal(s->objects[o].n_users, 1);
	via_snapshot_free(s);
	sem_close(sem);
	sem_unlink(name);
}

/* What is called a semaphore and is none: nothing waits for it. */
static void what_only_looks_like_one_is_none(void **state)
{
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/dev/shm/sem.via-%d", getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	struct via_snapshot *s = snapshot(VIA_WANT_IPC);

	assert_int_equal(named(s, VIA_KIND_POSIXSEM, path), VIA_NONE);
	assert_int_equal(named(s, VIA_KIND_POSIXSHM, path), VIA_NONE);
	via_snapshot_free(s);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	s = snapshot(VIA_WANT_IPC);
	assert_int_equal(named(s, VIA_KIND_POSIXSEM, path), VIA_NONE);
	assert_int_not_equal(named(s, VIA_KIND_POSIXSHM, path), VIA_NONE);
	via_snapshot_free(s);
	/* Of the right size, with a value that none can have. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	char garbage[sizeof(sem_t)];

	memset(garbage, 0xff, sizeof(garbage));
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	s = snapshot(VIA_WANT_IPC);
	uint32_t o = named(s, VIA_KIND_POSIXSEM, path);

	assert_int_not_equal(o, VIA_NONE);
	assert_true(s->objects[o].level == VIA_UNKNOWN);
	via_snapshot_free(s);
	unlink(path);
}

/* In a child: whether memory that lies in a directory of dir, beside files, is
 * one thing for who has it open and who has it mapped, and a file a file. */
static bool tells_beside_files(const char *dir)
{
	struct via_snapshot *s;
	struct stat shm, file;
	int fd = shm_open("/via-beside", O_RDWR | O_CREAT | O_EXCL, 0600);
	int other = open(dir, O_RDWR | O_TMPFILE, 0600);

	if (fd < 0 || other < 0 || ftruncate(fd, 4096) < 0 ||
	    fstat(fd, &shm) < 0 || fstat(other, &file) < 0 ||
	    shm.st_dev != file.st_dev ||
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		return false;
	s = snapshot(VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_IPC);
	uint32_t memory = object_of(s, VIA_KIND_POSIXSHM, fd);

	return s->objects[memory].n_users == 2 &&
	       named(s, VIA_KIND_POSIXSHM, "/dev/shm/via-beside") == memory &&
	       object_of(s, VIA_KIND_FILE, other) != memory;
}

/* As in a bare change of the root directory. */
static void memory_may_lie_beside_files(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char dir[128];
	int status;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/shm", tmp);
	assert_int_equal(mkdir(dir, 0700), 0);
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount(dir, "/dev/shm", NULL, MS_BIND, NULL) < 0)
			_exit(77);
		_exit(tells_beside_files(tmp) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(dir, sizeof(dir), "%s/shm/via-beside", tmp);
	unlink(dir);
	snprintf(dir, sizeof(dir), "%s/shm", tmp);
	rmdir(dir);
	if (WEXITSTATUS(status) == 77)
		check_skip("needs mount namespaces");
	assert_int_equal(status, 0);
}

/* A child with a /dev of its own, and there memory and a queue that nobody has
 * open. */
static bool make_elsewhere(const char *queue, const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("x", "/dev", "tmpfs", 0, NULL) < 0 ||
	    mkdir("/dev/shm", 0755) < 0 || mkdir("/dev/mqueue", 0755) < 0 ||
	    mount("x", "/dev/shm", "tmpfs", 0, NULL) < 0 ||
	    mount("x", "/dev/mqueue", "mqueue", 0, NULL) < 0)
		return false;
	mqd_t q = make_queue(queue);

	return q >= 0 && mq_close(q) == 0 &&
	       close(open(path, O_CREAT | O_RDWR, 0600)) == 0;
}

static void other_namespaces_are_seen(void **state)
{
	static const char path[] = "/dev/shm/via-elsewhere";
	const char *queue = fresh("elsewhere");
	int up[2], down[2];
	char c = 'n';

	(void)state;
	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(down[1]);
		if (make_elsewhere(queue, path))
			c = 'y';
		(void)!write(up[1], &c, 1);
		(void)!read(down[0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	if (c == 'y') {
		struct via_snapshot *s = snapshot(WANT_QUEUES);
		uint32_t q = named(s, VIA_KIND_MQ, queue);

		assert_int_not_equal(named(s, VIA_KIND_POSIXSHM, path),
				     VIA_NONE);
		check_queue(s, q);
		assert_int_equal(s->objects[q].n_users, 0);
		via_snapshot_free(s);
	}
	mq_unlink(queue);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (c != 'y')
		check_skip("needs mount namespaces");
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(our_own_queue_is_left_alone),
	CHECK_TEST(anothers_queue_is_asked_for),
	CHECK_TEST(memory_is_found_without_users),
	CHECK_TEST(semaphores_have_values),
	CHECK_TEST(what_only_looks_like_one_is_none),
	CHECK_TEST(memory_may_lie_beside_files),
	CHECK_TEST(other_namespaces_are_seen),
};
CHECK_MAIN(tests)
