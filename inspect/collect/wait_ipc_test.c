/* SPDX-License-Identifier: MIT */
/* Waits for locks on files, System V objects, the other side of a FIFO. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "inspect/collect/waits_test.h"

static const struct via_file_lock *lock_of(struct victim *v, uint32_t i)
{
	assert_int_equal(object(v, i)->kind, VIA_KIND_LOCK);
	return &v->s->locks[object(v, i)->detail];
}

/* A file without a name. */
static int a_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	assert_true(fd >= 0);
	return fd;
}

static int again(int fd)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR);
}

/* The one lock that is in the way, of this type, is had by these. */
static void assert_lock(struct victim *v, enum via_lock_type type, int fd,
			pid_t owner)
{
	assert_int_equal(v->t->n_waits, 1);
	assert_int_equal(v->waits[0].op, VIA_OP_LOCK);
	assert_int_equal(v->waits[0].certainty, VIA_EXACT);
	assert_int_equal(v->waits[0].fd, fd);
	assert_int_equal(v->waits[0].exclusive, 1);
	assert_int_equal(lock_of(v, 0)->type, type);
	assert_int_equal(lock_of(v, 0)->file, ours(v, fd));
	assert_true(has_lock(v, v->waits[0].object, owner));
	assert_false(has_lock(v, v->waits[0].object, v->pid));
}

/* --- Files --- */

static void sees_flock(void **state)
{
	int fd = a_file(), other = again(fd);
	struct victim v;

	(void)state;
	flock(fd, LOCK_EX);
	if (blocks(&v)) {
		close(fd);
		exit(flock(other, LOCK_EX));
	}
	look_until(&v, SYS_flock);
	assert_lock(&v, VIA_FILE_FLOCK, other, getpid());
	end(&v);
	close(other);
	close(fd);
}

/* All who share the file have to let go. */
static void sees_shared_locks(void **state)
{
	int fd[3] = {a_file()};
	struct victim v;

	(void)state;
	fd[1] = again(fd[0]);
	fd[2] = again(fd[0]);
	flock(fd[0], LOCK_SH);
	flock(fd[1], LOCK_SH);
	if (blocks(&v))
		exit(flock(fd[2], LOCK_EX));
	look_until(&v, SYS_flock);
	assert_int_equal(v.t->n_waits, 2);
	assert_int_not_equal(v.waits[0].group, 0);
	assert_int_equal(v.waits[0].group, v.waits[1].group);
	assert_int_not_equal(v.waits[0].object, v.waits[1].object);
	assert_int_equal(lock_of(&v, 0)->exclusive, 0);
	end(&v);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

/* Who took it has died, and left it to a child. */
static void sees_an_heir(void **state)
{
	int fd = a_file(), other = again(fd), ready[2];
	struct victim v;
	pid_t heir;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid_t taker = fork();

	if (taker == 0) {
		flock(fd, LOCK_EX);
		heir = fork();
		if (heir == 0) {
			close(other);
			close(ready[1]);
			for (;;)
				pause();
		}
		_exit(write(ready[1], &heir, sizeof(heir)) != sizeof(heir));
	}
	close(fd);
	waitpid(taker, NULL, 0);
	assert_int_equal(read(ready[0], &heir, sizeof(heir)), sizeof(heir));
	if (blocks(&v))
		exit(flock(other, LOCK_EX));
	look_until(&v, SYS_flock);
	assert_lock(&v, VIA_FILE_FLOCK, other, heir);
	/* In a pid namespace the kernel has forgotten who it was. */
	if (lock_of(&v, 0)->pid)
		assert_int_equal(lock_of(&v, 0)->pid, taker);
	end(&v);
	kill(heir, SIGKILL);
	close(other);
	close(ready[0]);
	close(ready[1]);
}

static void set(int fd, int command, short type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_start = start, .l_len = len};

	assert_int_equal(fcntl(fd, command, &l), 0);
}

static void sees_record_locks(void **state)
{
	static const struct {
		int set, own, wait;
		enum via_lock_type type;
	} rows[] = {
		{F_SETLK, F_SETLK, F_SETLKW, VIA_FILE_POSIX},
		{F_OFD_SETLK, F_OFD_SETLK, F_OFD_SETLKW, VIA_FILE_OFD},
		/* Each is in the other's way. */
		{F_OFD_SETLK, F_SETLK, F_SETLKW, VIA_FILE_OFD},
	};
	struct victim v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = a_file(), other = again(fd);

		set(fd, rows[i].set, F_WRLCK, 0, 5);
		set(fd, rows[i].set, F_WRLCK, 10, 10);
		set(fd, rows[i].set, F_WRLCK, 100, 10);
		if (blocks(&v)) {
			close(fd);
			/* Its own lock is not in its way. */
			set(other, rows[i].own, F_RDLCK, 6, 1);
			/* Bytes 5 to 14, as what ends at 15. */
			lseek(other, 15, SEEK_SET);
			struct flock l = {.l_type = F_WRLCK,
					  .l_whence = SEEK_CUR,
					  .l_len = -10};

			exit(fcntl(other, rows[i].wait, &l));
		}
		look_until(&v, SYS_fcntl);
		assert_lock(&v, rows[i].type, other, getpid());
		assert_int_equal(lock_of(&v, 0)->start, 10);
		assert_int_equal(lock_of(&v, 0)->end, 19);
		end(&v);
		close(other);
		close(fd);
	}
}

static void sees_a_lease(void **state)
{
	char path[] = "/tmp/via-test-XXXXXX";
	int fd = mkstemp(path);
	struct victim v;

	(void)state;
	assert_true(fd >= 0);
	/* Who breaks it sends us SIGIO. */
	signal(SIGIO, SIG_IGN);
	close(fd);
	fd = open(path, O_RDONLY);
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0) {
		close(fd);
		unlink(path);
		check_skip("needs leases on files");
	}
	if (blocks(&v))
		exit(open(path, O_WRONLY));
	look_until(&v, SYS_openat);
	assert_int_equal(v.waits[0].op, VIA_OP_LOCK);
	assert_int_equal(lock_of(&v, 0)->type, VIA_FILE_LEASE);
	assert_true(has_lock(&v, v.waits[0].object, getpid()));
	assert_true(v.waits[0].left_ns == VIA_UNKNOWN);
	end(&v);
	unlink(path);
	close(fd);
}

/* --- FIFOs --- */

static void assert_fifo(struct victim *v, const struct stat *st, bool writes)
{
	assert_int_equal(v->t->n_waits, 1);
	assert_int_equal(v->waits[0].op, VIA_OP_OPEN);
	assert_int_equal(v->waits[0].index, writes);
	assert_int_equal(object(v, 0)->kind, VIA_KIND_FIFO);
	assert_int_equal(object(v, 0)->dev, st->st_dev);
	assert_int_equal(object(v, 0)->ino, st->st_ino);
}

static void sees_who_opens_a_fifo(void **state)
{
	char dir[] = "/tmp/via-test-XXXXXX", path[64];
	struct stat st;
	struct victim v;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stat(path, &st), 0);
	if (blocks(&v))
		exit(open(path, O_RDONLY));
	look_until(&v, SYS_openat);
	assert_fifo(&v, &st, false);
	end(&v);
	/* From its own directory, up and down again. */
	if (blocks(&v)) {
		char up[64];

		snprintf(up, sizeof(up), "..%s/fifo", strrchr(dir, '/'));
		exit(chdir(dir) < 0 ? -1 : open(up, O_WRONLY));
	}
	look_until(&v, SYS_openat);
	assert_fifo(&v, &st, true);
	end(&v);
	/* From a descriptor; then with a root of its own. */
	if (blocks(&v))
		exit(openat(open(dir, O_PATH), "fifo", O_RDONLY));
	look_until(&v, SYS_openat);
	assert_fifo(&v, &st, false);
	assert_string_equal(via_snapshot_text(v.s, object(&v, 0)->name, NULL),
			    path);
	end(&v);
	if (getuid() == 0) {
		if (blocks(&v))
			exit(chroot(dir) < 0 ? -1 : open("/fifo", O_WRONLY));
		look_until(&v, SYS_openat);
		assert_fifo(&v, &st, true);
		end(&v);
	}
	unlink(path);
	rmdir(dir);
}

/* --- System V --- */

static void sees_sysv_queues(void **state)
{
	struct {
		long type;
		char text[8192];
	} m = {.type = 1};
	int id = msgget(IPC_PRIVATE, 0600);
	struct victim v;

	(void)state;
	if (id < 0)
		check_skip("needs System V message queues");
	if (blocks(&v))
		exit((int)msgrcv(id, &m, sizeof(m.text), 0, 0));
	look_until(&v, SYS_msgrcv);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].op, VIA_OP_READ);
	assert_int_equal(object(&v, 0)->kind, VIA_KIND_SYSVMSG);
	assert_int_equal(object(&v, 0)->ino, id);
	end(&v);
	while (msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT) == 0)
		;
	if (blocks(&v))
		exit(msgsnd(id, &m, sizeof(m.text), 0));
	look_until(&v, SYS_msgsnd);
	assert_int_equal(v.waits[0].op, VIA_OP_WRITE);
	assert_int_equal(object(&v, 0)->ino, id);
	end(&v);
	msgctl(id, IPC_RMID, NULL);
}

static void sees_sysv_semaphores(void **state)
{
	struct sembuf ops[] = {{.sem_num = 0, .sem_op = 1},
			       {.sem_num = 1, .sem_op = -2},
			       {.sem_num = 2, .sem_op = -1},
			       {.sem_num = 3, .sem_op = 0}};
	struct timespec hour = {.tv_sec = 3600};
	int id = semget(IPC_PRIVATE, 4, 0600);
	struct victim v;

	(void)state;
	if (id < 0)
		check_skip("needs System V semaphores");
	semctl(id, 1, SETVAL, 1);
	semctl(id, 2, SETVAL, 1);
	semctl(id, 3, SETVAL, 1);
	if (blocks(&v))
		exit(semtimedop(id, ops, 4, &hour));
	look_until(&v, SYS_semtimedop);
	/* The second and the last have to change, and both. */
	assert_int_equal(v.t->n_waits, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(v.waits[i].op, VIA_OP_LOCK);
		assert_int_equal(object(&v, i)->kind, VIA_KIND_SYSVSEM);
		assert_int_equal(object(&v, i)->ino, id);
		assert_int_equal(v.waits[i].certainty, VIA_EXACT);
		assert_int_not_equal(v.waits[i].group, 0);
		assert_true(v.waits[i].left_ns == INT64_C(3600000000000));
	}
	assert_int_equal(v.waits[0].group, v.waits[1].group);
	assert_int_equal(v.waits[0].index, 1);
	assert_int_equal(v.waits[0].amount, 2);
	assert_int_equal(v.waits[1].index, 3);
	assert_int_equal(v.waits[1].amount, 0);
	end(&v);
	if (blocks(&v))
		exit((int)syscall(SYS_semop, id, ops + 1, 1));
	look_until(&v, SYS_semop);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].group, 0);
	assert_int_equal(v.waits[0].amount, 2);
	end(&v);
	semctl(id, 0, IPC_RMID);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_flock),	      CHECK_TEST(sees_shared_locks),
	CHECK_TEST(sees_an_heir),     CHECK_TEST(sees_record_locks),
	CHECK_TEST(sees_a_lease),     CHECK_TEST(sees_who_opens_a_fifo),
	CHECK_TEST(sees_sysv_queues), CHECK_TEST(sees_sysv_semaphores),
};
CHECK_MAIN(tests)
