/* SPDX-License-Identifier: MIT */
/*
 * What is well and must raise no alarm: pairs that talk as fast as they can, so
 * that at any moment each may be seen to wait for the other, and processes that
 * wait for good reasons.
 */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

static void both_busy(struct mk *m)
{
	mk_busy(m, "one");
	mk_busy(m, "two");
	mk_verdict(m, "one", "running|waiting|idle|unknown", NULL);
	mk_verdict(m, "two", "running|waiting|idle|unknown", NULL);
}

static void over(struct mk *m, int one_in, int one_out, int two_in, int two_out)
{
	CHILD(m, "one", one_in, one_out, -1)
		mk_serve(one_in, one_out);
	CHILD(m, "two", two_in, two_out, -1)
		mk_echo(two_in, two_out);
	both_busy(m);
}

void make_busy_pipe(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	over(m, a[0], b[1], b[0], a[1]);
}

void make_busy_fifo(struct mk *m)
{
	char path[128];
	int f[2], p[2];

	mk_fifo(m, f, path, sizeof(path));
	mk_pipe(m, p);
	over(m, f[0], p[1], p[0], f[1]);
}

static void busy_pair(struct mk *m, int type)
{
	int s[2];

	mk_pair(m, type, s);
	over(m, s[0], s[0], s[1], s[1]);
	m->n_holds = 0;
}

void make_busy_unix(struct mk *m)
{
	busy_pair(m, SOCK_STREAM);
}

void make_busy_dgram(struct mk *m)
{
	busy_pair(m, SOCK_DGRAM);
}

void make_busy_seqpacket(struct mk *m)
{
	busy_pair(m, SOCK_SEQPACKET);
}

void make_busy_tcp(struct mk *m)
{
	int s[2];

	mk_tcp(m, AF_INET, s);
	over(m, s[0], s[0], s[1], s[1]);
	m->n_holds = 0;
}

void make_busy_eventfd(struct mk *m)
{
	int a = (int)MUST(eventfd(0, 0)), b = (int)MUST(eventfd(0, 0));

	over(m, a, b, b, a);
}

static void unlink_mq(const struct mk_undo *u)
{
	(void)mq_unlink(u->path);
}

static int queue(struct mk *m, char which)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[64];

	(void)snprintf(name, sizeof(name), "/via-mk-%d-%c", m->maker, which);

	int fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	if (fd < 0)
		mk_skip("POSIX message queues");
	mk_undo(m, unlink_mq, 0, name);
	return fd;
}

static void mq_talk(int from, int to, bool first)
{
	char text[8];

	while (first || mq_receive(from, text, sizeof(text), NULL) >= 0) {
		MUST(mq_send(to, "hello", 5, 0));
		first = false;
	}
}

void make_busy_mq(struct mk *m)
{
	int a = queue(m, 'a'), b = queue(m, 'b');

	CHILD(m, "one", a, b, -1)
		mq_talk(a, b, true);
	CHILD(m, "two", a, b, -1)
		mq_talk(b, a, false);
	both_busy(m);
}

static void remove_msg(const struct mk_undo *u)
{
	(void)msgctl((int)u->id, IPC_RMID, NULL);
}

static void msg_talk(int id, long from, long to, bool first)
{
	struct {
		long type;
		char text[8];
	} message = {to, "hello"};

	while (first ||
	       msgrcv(id, &message, sizeof(message.text), from, 0) >= 0) {
		message.type = to;
		MUST(msgsnd(id, &message, sizeof(message.text), 0));
		first = false;
	}
}

void make_busy_sysvmq(struct mk *m)
{
	int id = (int)MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));

	mk_undo(m, remove_msg, id, "");
	CHILD(m, "one", -1)
		msg_talk(id, 1, 2, true);
	CHILD(m, "two", -1)
		msg_talk(id, 2, 1, false);
	both_busy(m);
}

static void remove_sem(const struct mk_undo *u)
{
	(void)semctl((int)u->id, 0, IPC_RMID);
}

/* Each gives the other's and takes its own. */
static void sem_talk(int id, unsigned short own)
{
	struct sembuf give = {(unsigned short)!own, 1, 0}, take = {own, -1, 0};

	while (semop(id, &give, 1) == 0 && semop(id, &take, 1) == 0)
		;
}

void make_busy_sysvsem(struct mk *m)
{
	int id = (int)MUST(semget(IPC_PRIVATE, 2, IPC_CREAT | 0600));

	mk_undo(m, remove_sem, id, "");
	CHILD(m, "one", -1)
		sem_talk(id, 0);
	CHILD(m, "two", -1)
		sem_talk(id, 1);
	both_busy(m);
}

struct turns {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_rwlock_t rwlock;
	unsigned int turn;
};

static struct turns *turns(struct mk *m, bool robust)
{
	int memory;
	struct turns *t = mk_shared(m, sizeof(*t), &memory);
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	pthread_rwlockattr_t rwlock;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&t->mutex, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&t->cond, &cond);
	pthread_rwlockattr_init(&rwlock);
	pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED);
	pthread_rwlock_init(&t->rwlock, &rwlock);
	return t;
}

static void take_turns(struct turns *t, unsigned int own)
{
	for (;;) {
		pthread_mutex_lock(&t->mutex);
		while (t->turn != own)
			pthread_cond_wait(&t->cond, &t->mutex);
		t->turn = !own;
		pthread_cond_signal(&t->cond);
		pthread_mutex_unlock(&t->mutex);
	}
}

void make_busy_cond(struct mk *m)
{
	struct turns *t = turns(m, false);

	CHILD(m, "one", -1)
		take_turns(t, 0);
	CHILD(m, "two", -1)
		take_turns(t, 1);
	both_busy(m);
}

static void contend(pthread_mutex_t *mutex)
{
	for (;;) {
		pthread_mutex_lock(mutex);
		pthread_mutex_unlock(mutex);
	}
}

void make_busy_mutex(struct mk *m)
{
	struct turns *t = turns(m, false);

	CHILD(m, "one", -1)
		contend(&t->mutex);
	CHILD(m, "two", -1)
		contend(&t->mutex);
	both_busy(m);
}

void make_busy_robust(struct mk *m)
{
	struct turns *t = turns(m, true);

	CHILD(m, "one", -1)
		contend(&t->mutex);
	CHILD(m, "two", -1)
		contend(&t->mutex);
	both_busy(m);
}

static void read_and_write(pthread_rwlock_t *lock)
{
	for (;;) {
		pthread_rwlock_wrlock(lock);
		pthread_rwlock_unlock(lock);
		pthread_rwlock_rdlock(lock);
		pthread_rwlock_unlock(lock);
	}
}

void make_busy_rwlock(struct mk *m)
{
	struct turns *t = turns(m, false);

	CHILD(m, "one", -1)
		read_and_write(&t->rwlock);
	CHILD(m, "two", -1)
		read_and_write(&t->rwlock);
	both_busy(m);
}

static void flocks(int fd)
{
	while (flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0)
		;
}

void make_busy_flock(struct mk *m)
{
	char path[128];
	int a = (int)MUST(open(mk_path(m, "file", path, sizeof(path)),
			       O_RDWR | O_CREAT, 0600));
	int b = (int)MUST(open(path, O_RDWR));

	CHILD(m, "one", a, -1)
		flocks(a);
	CHILD(m, "two", b, -1)
		flocks(b);
	both_busy(m);
}

/* Two files, always taken in the same order. */
void make_busy_ordered(struct mk *m)
{
	char path_a[128], path_b[128];

	mk_path(m, "a", path_a, sizeof(path_a));
	mk_path(m, "b", path_b, sizeof(path_b));
	for (int i = 0; i < 2; i++)
		CHILD(m, i ? "two" : "one", -1) {
			int a = (int)MUST(open(path_a, O_RDWR | O_CREAT, 0600));
			int b = (int)MUST(open(path_b, O_RDWR | O_CREAT, 0600));

			while (flock(a, LOCK_EX) == 0 &&
			       flock(b, LOCK_EX) == 0 &&
			       flock(b, LOCK_UN) == 0 && flock(a, LOCK_UN) == 0)
				;
		}
	both_busy(m);
}

/* As a shell does, all the time. */
void make_busy_wait(struct mk *m)
{
	CHILD(m, "one", -1)
		for (;;) {
			pid_t pid = (pid_t)MUST(fork());

			if (pid == 0)
				_exit(0);
			MUST(waitpid(pid, NULL, 0));
		}
	mk_busy(m, "one");
	mk_verdict(m, "one", "running|waiting|idle|unknown", NULL);
}

void make_busy_producer(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "producer", p[1], -1)
		mk_fill(p[1]);
	CHILD(m, "consumer", p[0], -1)
		for (char text[512]; read(p[0], text, sizeof(text)) > 0;)
			;
	mk_busy(m, "producer");
	mk_busy(m, "consumer");
	mk_verdict(m, "producer", "running|waiting", NULL);
	mk_verdict(m, "consumer", "running|waiting", NULL);
}

/* --- Those that wait, and may --- */

/* All listeners in one set; no client. */
void make_idle_server(struct mk *m)
{
	int a = mk_unix_listen(m, SOCK_STREAM, "socket", 5);
	int b = mk_tcp_listen(m, AF_INET, 5), set = (int)MUST(epoll_create1(0));
	struct epoll_event event = {.events = EPOLLIN};

	MUST(epoll_ctl(set, EPOLL_CTL_ADD, a, &event));
	MUST(epoll_ctl(set, EPOLL_CTL_ADD, b, &event));
	CHILD(m, "server", a, b, set, -1)
		(void)epoll_wait(set, &event, 1, -1);
	mk_blocks(m, "server", MK_SYS_EPOLL_WAIT, set);
	mk_waits(m, "server", "accept|read", mk_of(m, a), -1);
	mk_waits(m, "server", "accept|read", mk_of(m, b), -1);
	mk_verdict(m, "server", "idle", NULL);
}

/* A ring, were there not one more who can write. */
void make_second_writer(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	CHILD(m, "one", a[0], b[1], -1)
		mk_read(a[0]);
	CHILD(m, "two", b[0], a[1], -1)
		mk_read(b[0]);
	mk_in(m, "one", SYS_read, "read", a[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	mk_keeper(m, "lively", a[1]);
	mk_verdict(m, "one", "waiting", NULL);
	mk_verdict(m, "two", "waiting", NULL);
}

/* A ring, but one of the two gives up after a while. */
void make_timeout_reader(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);

	struct pollfd fd = {a[0], POLLIN, 0};

	CHILD(m, "one", a[0], b[1], -1)
		(void)poll(&fd, 1, 3600 * 1000);
	CHILD(m, "two", b[0], a[1], -1)
		mk_read(b[0]);
	mk_blocks(m, "one", MK_SYS_POLL, -1);
	mk_waits(m, "one", "read", mk_of(m, a[0]), a[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	mk_verdict(m, "one", "waiting|idle", NULL);
	mk_verdict(m, "two", "waiting", NULL);
}

/* A ring over poll(2), but one of the two also listens to somebody else. */
void make_poll_two(struct mk *m)
{
	int a[2], b[2], c[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	mk_pipe(m, c);

	struct pollfd fds[] = {{a[0], POLLIN, 0}, {c[0], POLLIN, 0}};

	CHILD(m, "one", a[0], c[0], b[1], -1)
		(void)poll(fds, 2, -1);
	CHILD(m, "two", b[0], a[1], -1)
		mk_read(b[0]);
	mk_blocks(m, "one", MK_SYS_POLL, -1);
	mk_waits(m, "one", "read", mk_of(m, a[0]), a[0]);
	mk_waits(m, "one", "read", mk_of(m, c[0]), c[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	mk_keeper(m, "lively", c[1]);
	mk_verdict(m, "one", "waiting", NULL);
	mk_verdict(m, "two", "waiting", NULL);
}

/* A timed lock on a mutex, in what would be a ring. */
void make_timeout_lock(struct mk *m)
{
	struct turns *t = turns(m, false);
	struct timespec later;
	int p[2];

	mk_pipe(m, p);
	MUST(clock_gettime(CLOCK_REALTIME, &later));
	later.tv_sec += 3600;
	mk_gate(m);
	CHILD(m, "owner", p[0], -1) {
		pthread_mutex_lock(&t->mutex);
		mk_ready(m);
		mk_read(p[0]);
	}
	mk_go(m, 1);
	CHILD(m, "waiter", p[1], -1)
		(void)pthread_mutex_timedlock(&t->mutex, &later);
	mk_in(m, "owner", SYS_read, "read", p[0]);
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_verdict(m, "owner", "waiting", NULL);
	mk_verdict(m, "waiter", "waiting|idle", NULL);
}

/* A make has no token left; it has the pipe's both ends, as all have, and a job
 * whose end it will be told of by a signal. */
static void make_of(struct mk *m, const char *role, const char *job,
		    const int tokens[2])
{
	CHILD(m, role, tokens[0], tokens[1], -1) {
		sigset_t none;
		fd_set set;

		sigemptyset(&none);
		FD_ZERO(&set);
		FD_SET(tokens[0], &set);
		if (mk_fork(job) == 0) {
			MUST(close(tokens[0]));
			MUST(close(tokens[1]));
			mk_pause();
		}
		(void)pselect(tokens[0] + 1, &set, NULL, NULL, NULL, &none);
	}
	mk_blocks(m, role, SYS_pselect6, -1);
	mk_waits(m, role, "read", mk_of(m, tokens[0]), tokens[0]);
	mk_waits_on(m, role, "child", job);
	mk_idle(m, job);
	mk_verdict(m, role, "waiting", NULL);
}

void make_jobserver(struct mk *m)
{
	int tokens[2];

	mk_pipe(m, tokens);
	make_of(m, "make-a", "job-a", tokens);
	make_of(m, "make-b", "job-b", tokens);
}

/* A ring, but each lets signals in while it waits. */
void make_signal_mask(struct mk *m)
{
	static const char *const roles[] = {"one", "two"};
	int p[2][2];

	mk_pipe(m, p[0]);
	mk_pipe(m, p[1]);
	for (int i = 0; i < 2; i++) {
		struct pollfd fd = {p[i][0], POLLIN, 0};
		sigset_t none;

		sigemptyset(&none);
		CHILD(m, roles[i], p[i][0], p[!i][1], -1)
			(void)ppoll(&fd, 1, NULL, &none);
		mk_blocks(m, roles[i], SYS_ppoll, -1);
		mk_waits(m, roles[i], "read", mk_of(m, p[i][0]), p[i][0]);
		mk_verdict(m, roles[i], "idle", NULL);
	}
}
