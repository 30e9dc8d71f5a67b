/* SPDX-License-Identifier: MIT */
/* Each way in which one process can wait for another. */
#include "tests/inspect/mk/ways.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

static void reads(const struct way *w)
{
	mk_read(w->waits);
}

static void fills(const struct way *w)
{
	mk_fill(w->waits);
}

static void fds_of(struct way *w, int waits, int blocks)
{
	w->waits = waits;
	w->blocks = blocks;
}

static void pipe_made(struct mk *m, struct way *w, const char *waiter,
		      const char *blocker)
{
	int p[2];

	(void)blocker;
	mk_pipe(m, p);
	fds_of(w, p[0], p[1]);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static void full_made(struct mk *m, struct way *w, const char *waiter,
		      const char *blocker)
{
	int p[2];

	(void)blocker;
	mk_pipe(m, p);
	fds_of(w, p[1], p[0]);
	mk_in(m, waiter, SYS_write, "write", w->waits);
}

static void fifo_made(struct mk *m, struct way *w, const char *waiter,
		      const char *blocker)
{
	char path[128];
	int f[2];

	(void)blocker;
	mk_fifo(m, f, path, sizeof(path));
	fds_of(w, f[0], f[1]);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static void unix_made(struct mk *m, struct way *w, const char *waiter,
		      const char *blocker)
{
	int s[2];

	(void)blocker;
	mk_pair(m, SOCK_STREAM, s);
	fds_of(w, s[0], s[1]);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static void unixfull_made(struct mk *m, struct way *w, const char *waiter,
			  const char *blocker)
{
	int s[2];

	(void)blocker;
	mk_pair(m, SOCK_STREAM, s);
	fds_of(w, s[0], s[1]);
	mk_in(m, waiter, SYS_write, "write", w->waits);
}

static void seqpacket_made(struct mk *m, struct way *w, const char *waiter,
			   const char *blocker)
{
	int s[2];

	(void)blocker;
	mk_pair(m, SOCK_SEQPACKET, s);
	fds_of(w, s[0], s[1]);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static void tcp_made(struct mk *m, struct way *w, const char *waiter,
		     const char *blocker)
{
	int s[2];

	(void)blocker;
	mk_tcp(m, AF_INET, s);
	fds_of(w, s[0], s[1]);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static void poll_made(struct mk *m, struct way *w, const char *waiter,
		      const char *blocker)
{
	int p[2];

	(void)blocker;
	mk_pipe(m, p);
	fds_of(w, p[0], p[1]);
	mk_blocks(m, waiter, MK_SYS_POLL, -1);
	mk_waits(m, waiter, "read", mk_of(m, p[0]), p[0]);
}

static void polls(const struct way *w)
{
	struct pollfd fd = {w->waits, POLLIN, 0};

	(void)poll(&fd, 1, -1);
}

static void epoll_made(struct mk *m, struct way *w, const char *waiter,
		       const char *blocker)
{
	int s[2];

	(void)blocker;
	mk_pair(m, SOCK_STREAM, s);
	fds_of(w, s[0], s[1]);
	mk_blocks(m, waiter, MK_SYS_EPOLL_WAIT, -1);
	mk_waits(m, waiter, "read", mk_of(m, s[0]), -1);
}

static void epolls(const struct way *w)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = (int)MUST(epoll_create1(0));

	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, w->waits, &event));
	(void)epoll_wait(fd, &event, 1, -1);
}

static int lock_file(struct mk *m, struct way *w, const char *waiter, long call)
{
	char name[16], path[128];
	struct stat st;

	(void)snprintf(name, sizeof(name), "lock%d", m->n_objects);
	mk_path(m, name, path, sizeof(path));
	w->blocks = (int)MUST(open(path, O_RDWR | O_CREAT, 0600));
	w->waits = (int)MUST(open(path, O_RDWR));
	MUST(fstat(w->waits, &st));
	mk_end(m, w->waits, mk_object_of(m, "file", w->blocks));

	int lock = mk_object(m, "lock", st.st_dev, st.st_ino, UINT64_MAX);

	mk_blocks(m, waiter, call, w->waits);
	mk_waits(m, waiter, "lock", lock, w->waits);
	return lock;
}

static void flock_made(struct mk *m, struct way *w, const char *waiter,
		       const char *blocker)
{
	int lock = lock_file(m, w, waiter, SYS_flock);

	mk_holds(m, blocker, lock, "lock", w->blocks, NULL);
}

static void flock_holds(const struct way *w)
{
	MUST(flock(w->blocks, LOCK_EX));
}

static void flocks(const struct way *w)
{
	(void)flock(w->waits, LOCK_EX);
}

static void fcntl_lock(int fd, int command)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	MUST(fcntl(fd, command, &lock));
}

static void ofd_made(struct mk *m, struct way *w, const char *waiter,
		     const char *blocker)
{
	int lock = lock_file(m, w, waiter, SYS_fcntl);

	fcntl_lock(w->blocks, F_OFD_SETLK);
	mk_holds(m, blocker, lock, "lock", w->blocks, NULL);
}

static void ofd_locks(const struct way *w)
{
	fcntl_lock(w->waits, F_OFD_SETLKW);
}

static void posix_made(struct mk *m, struct way *w, const char *waiter,
		       const char *blocker)
{
	mk_holds(m, blocker, lock_file(m, w, waiter, SYS_fcntl), "lock", -1,
		 NULL);
}

static void posix_holds(const struct way *w)
{
	fcntl_lock(w->blocks, F_SETLK);
}

static void posix_locks(const struct way *w)
{
	fcntl_lock(w->waits, F_SETLKW);
}

static void mutex_of_type(struct mk *m, struct way *w, const char *waiter,
			  const char *blocker, int robust, int protocol)
{
	pthread_mutexattr_t attr;
	int memory;

	w->memory = mk_shared(m, sizeof(pthread_mutex_t), &memory);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutex_init(w->memory, &attr);

	struct mk_place_in_memory at = mk_mapped(w->memory);
	int word = mk_object(m, "futex", at.dev, at.ino, at.offset);

	mk_blocks(m, waiter, SYS_futex, -1);
	mk_waits(m, waiter, "lock", word, -1);
	mk_holds(m, blocker, word, "lock", -1, NULL);
}

static void mutex_made(struct mk *m, struct way *w, const char *waiter,
		       const char *blocker)
{
	mutex_of_type(m, w, waiter, blocker, PTHREAD_MUTEX_STALLED,
		      PTHREAD_PRIO_NONE);
}

static void robust_made(struct mk *m, struct way *w, const char *waiter,
			const char *blocker)
{
	mutex_of_type(m, w, waiter, blocker, PTHREAD_MUTEX_ROBUST,
		      PTHREAD_PRIO_NONE);
}

static void pi_made(struct mk *m, struct way *w, const char *waiter,
		    const char *blocker)
{
	mutex_of_type(m, w, waiter, blocker, PTHREAD_MUTEX_STALLED,
		      PTHREAD_PRIO_INHERIT);
}

static void mutex_locks(const struct way *w)
{
	errno = pthread_mutex_lock(w->memory);
	if (errno)
		mk_die("pthread_mutex_lock");
}

static void remove_sem(const struct mk_undo *u)
{
	(void)semctl((int)u->id, 0, IPC_RMID);
}

static void sem_made(struct mk *m, struct way *w, const char *waiter,
		     const char *blocker)
{
	union {
		int val;
	} one = {1};
	struct stat st;

	w->id = (int)MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	mk_undo(m, remove_sem, w->id, "");
	MUST(semctl(w->id, 0, SETVAL, one));
	MUST(stat("/proc/self/ns/ipc", &st));

	int set = mk_object(m, "sysvsem", st.st_ino, (uint64_t)w->id, 0);

	mk_blocks(m, waiter, SYS_semtimedop, w->id);
	mk_waits(m, waiter, "lock", set, -1);
	(void)blocker;
}

static void sem_takes(const struct way *w)
{
	struct sembuf op = {0, -1, SEM_UNDO};

	MUST(semop(w->id, &op, 1));
}

static void unlink_mq(const struct mk_undo *u)
{
	(void)mq_unlink(u->path);
}

static void mq_made(struct mk *m, struct way *w, const char *waiter,
		    const char *blocker)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 64};
	char name[64];

	(void)blocker;
	(void)snprintf(name, sizeof(name), "/via-mk-%d-%d", m->maker,
		       m->n_objects);
	w->blocks = mq_open(name, O_WRONLY | O_CREAT | O_EXCL, 0600, &attr);
	w->waits = mq_open(name, O_RDONLY);
	if (w->blocks < 0 || w->waits < 0)
		mk_skip("POSIX message queues");
	mk_undo(m, unlink_mq, 0, name);

	int object = mk_object_of(m, "mq", w->waits);

	mk_text(m, object, "%s", name);
	mk_end(m, w->blocks, object);
	mk_in(m, waiter, SYS_mq_timedreceive, "read", w->waits);
}

static void mq_waits(const struct way *w)
{
	char text[64];

	(void)mq_receive(w->waits, text, sizeof(text), NULL);
}

static void pty_made(struct mk *m, struct way *w, const char *waiter,
		     const char *blocker)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave = -1;
	char *name;
	struct termios raw;

	(void)blocker;
	if (master >= 0 && !grantpt(master) && !unlockpt(master) &&
	    (name = ptsname(master)))
		slave = open(name, O_RDWR | O_NOCTTY);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		mk_skip("pseudo-terminals");
	cfmakeraw(&raw);
	MUST(tcsetattr(slave, TCSANOW, &raw));

	uint64_t index = strtoull(strrchr(name, '/') + 1, NULL, 10);
	int a = mk_object(m, "pty", 0, index, 0);
	int b = mk_object(m, "ptmx", 0, index, 0);

	m->objects[a].any_dev = m->objects[b].any_dev = true;
	mk_peers(m, a, b);
	mk_end(m, slave, a);
	mk_end(m, master, b);
	fds_of(w, slave, master);
	mk_in(m, waiter, SYS_read, "read", w->waits);
}

static const struct way_kind ways[] = {
	{"pipe", pipe_made, NULL, reads, false},
	{"full", full_made, NULL, fills, false},
	{"fifo", fifo_made, NULL, reads, true},
	{"unix", unix_made, NULL, reads, false},
	{"unixfull", unixfull_made, NULL, fills, false},
	{"seqpacket", seqpacket_made, NULL, reads, false},
	{"tcp", tcp_made, NULL, reads, false},
	{"poll", poll_made, NULL, polls, false},
	{"epoll", epoll_made, NULL, epolls, false},
	{"flock", flock_made, flock_holds, flocks, false},
	{"ofd", ofd_made, NULL, ofd_locks, false},
	{"posix", posix_made, posix_holds, posix_locks, false},
	{"mutex", mutex_made, mutex_locks, mutex_locks, false},
	{"robust", robust_made, mutex_locks, mutex_locks, false},
	{"pi", pi_made, mutex_locks, mutex_locks, false},
	{"sem", sem_made, sem_takes, sem_takes, true},
	{"mq", mq_made, NULL, mq_waits, true},
	{"pty", pty_made, NULL, reads, true},
};

const struct way_kind *mk_way(const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	mk_die("there is no way %s", name);
}
