/* SPDX-License-Identifier: MIT */
/* POSIX shared memory, semaphores, queues, and every other way to share
 * memory. */
#include "tests/inspect/mk/mk.h"

#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const char *named(struct mk *m, const char *what, char *name,
			 size_t size)
{
	(void)snprintf(name, size, "/via-mk-%d-%s", m->maker, what);
	return name;
}

static void unlink_shm(const struct mk_undo *u)
{
	(void)shm_unlink(u->path);
}

static void unlink_mq(const struct mk_undo *u)
{
	(void)mq_unlink(u->path);
}

static void unlink_sem(const struct mk_undo *u)
{
	(void)sem_unlink(u->path);
}

/* Two map a descriptor, which they keep or not. */
static void maps(struct mk *m, const char *role, int fd, bool keep)
{
	int object = mk_of(m, fd);

	CHILD(m, role, fd, -1) {
		if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0) == MAP_FAILED)
			mk_die("mmap");
		if (!keep)
			MUST(close(fd));
		mk_pause();
	}
	if (!keep)
		m->n_holds--;
	mk_idle(m, role);
	mk_holds(m, role, object, "map", -1, "rw");
}

static int shm(struct mk *m)
{
	char name[64];

	named(m, "shm", name, sizeof(name));
	mk_undo(m, unlink_shm, 0, name);

	int fd = (int)MUST(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	int object = mk_object_of(m, "posixshm", fd);

	MUST(fcntl(fd, F_SETFD, 0));
	MUST(ftruncate(fd, 8192));
	mk_text(m, object, "%s", name);
	return fd;
}

void make_posixshm(struct mk *m)
{
	int fd = shm(m);

	maps(m, "one", fd, true);
	maps(m, "two", fd, false);
}

void make_posixshm_nobody(struct mk *m)
{
	int fd = shm(m);

	mk_remark(m, "unmapped-shm", "", mk_of(m, fd));
}

void make_memfd(struct mk *m)
{
	int fd = (int)MUST(memfd_create("via-mk", 0));

	MUST(ftruncate(fd, 8192));
	mk_object_of(m, "memfd", fd);
	maps(m, "one", fd, true);
	maps(m, "two", fd, false);
}

void make_anon_shared(struct mk *m)
{
	int memory;

	(void)mk_shared(m, 8192, &memory);
	mk_keeper(m, "one", -1);
	mk_keeper(m, "two", -1);
	mk_holds(m, "one", memory, "map", -1, "rw");
	mk_holds(m, "two", memory, "map", -1, "rw");
}

static int file(struct mk *m, char *path, size_t size)
{
	int fd = (int)MUST(
		open(mk_path(m, "file", path, size), O_RDWR | O_CREAT, 0600));
	int object = mk_object_of(m, "file", fd);

	MUST(ftruncate(fd, 8192));
	mk_text(m, object, "%s", path);
	return fd;
}

void make_file_mapped(struct mk *m)
{
	char path[128];
	int fd = file(m, path, sizeof(path));

	maps(m, "one", fd, true);
	maps(m, "two", fd, false);
}

void make_file_deleted(struct mk *m)
{
	char path[128];
	int fd = file(m, path, sizeof(path));

	maps(m, "one", fd, false);
	mk_keeper(m, "two", fd);
	MUST(unlink(path));
}

/* --- Semaphores --- */

static int open_sem(struct mk *m, sem_t **ret)
{
	char name[64], path[96];
	struct stat st;

	named(m, "sem", name, sizeof(name));
	*ret = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	if (*ret == SEM_FAILED)
		mk_die("sem_open");
	mk_mapping(m, *ret, sizeof(**ret));
	mk_undo(m, unlink_sem, 0, name);
	(void)snprintf(path, sizeof(path), "/dev/shm/sem.%s", name + 1);
	MUST(stat(path, &st));

	int object = mk_object(m, "posixsem", st.st_dev, st.st_ino, 0);

	mk_text(m, object, "%s", name);
	return object;
}

void make_posixsem(struct mk *m)
{
	sem_t *sem;
	int object = open_sem(m, &sem);

	CHILD(m, "waiter", -1)
		(void)sem_wait(sem);
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_holds(m, "waiter", object, "map", -1, "rw");
	mk_keeper(m, "poster", -1);
	mk_holds(m, "poster", object, "map", -1, "rw");
	mk_level(m, object, 0, MK_UNKNOWN);
	mk_verdict(m, "waiter", "unknown|waiting|idle", NULL);
}

/* --- Queues --- */

static int queue(struct mk *m, const char *what)
{
	struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 64};
	char name[64];

	named(m, what, name, sizeof(name));

	int fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	if (fd < 0)
		mk_skip("POSIX message queues");
	mk_undo(m, unlink_mq, 0, name);
	MUST(fcntl(fd, F_SETFD, 0));

	int object = mk_object_of(m, "mq", fd);

	mk_text(m, object, "%s", name);
	return fd;
}

static void fill(int fd)
{
	static const char message[64];

	while (mq_send(fd, message, sizeof(message), 0) == 0)
		;
	mk_die("mq_send");
}

static void receive(int fd)
{
	char message[64];

	(void)mq_receive(fd, message, sizeof(message), NULL);
	mk_die("mq_receive");
}

void make_mq_receives(struct mk *m)
{
	int fd = queue(m, "q");

	CHILD(m, "receiver", fd, -1)
		receive(fd);
	mk_in(m, "receiver", SYS_mq_timedreceive, "read", fd);
	mk_keeper(m, "sender", fd);
	mk_verdict(m, "receiver", "waiting", NULL);
}

void make_mq_full(struct mk *m)
{
	int fd = queue(m, "q");

	CHILD(m, "sender", fd, -1)
		fill(fd);
	mk_in(m, "sender", SYS_mq_timedsend, "write", fd);
	mk_keeper(m, "receiver", fd);
	mk_verdict(m, "sender", "waiting", NULL);
	mk_finding(m, "queue-full", "sender", mk_of(m, fd));
}

void make_mq_both_full(struct mk *m)
{
	int a = queue(m, "a"), b = queue(m, "b");

	CHILD(m, "one", a, b, -1)
		fill(a);
	CHILD(m, "two", a, b, -1)
		fill(b);
	mk_in(m, "one", SYS_mq_timedsend, "write", a);
	mk_in(m, "two", SYS_mq_timedsend, "write", b);
	mk_verdict(m, "one", "deadlock", NULL);
	mk_verdict(m, "two", "deadlock", NULL);
}

void make_mq_both_empty(struct mk *m)
{
	int a = queue(m, "a"), b = queue(m, "b");

	CHILD(m, "one", a, b, -1)
		receive(a);
	CHILD(m, "two", a, b, -1)
		receive(b);
	mk_in(m, "one", SYS_mq_timedreceive, "read", a);
	mk_in(m, "two", SYS_mq_timedreceive, "read", b);
	/* Each could be sent to by the other, if that were not so. */
	mk_verdict(m, "one", "deadlock", NULL);
	mk_verdict(m, "two", "deadlock", NULL);
}

/* Such a queue is nowhere to be seen without its file system. */
void make_mq_orphan(struct mk *m)
{
	struct statfs fs;

	if (statfs("/dev/mqueue", &fs) < 0 || fs.f_type != 0x19800202)
		mk_skip("a file system of queues at /dev/mqueue");

	int fd = queue(m, "q");

	MUST(mq_send(fd, "left", 4, 0));
	mk_remark(m, "orphaned-queue", "", mk_of(m, fd));
}
