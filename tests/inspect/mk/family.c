/* SPDX-License-Identifier: MIT */
/* Parents that wait for children that wait for them. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void parent_waits(struct mk *m)
{
	mk_blocks(m, "parent", SYS_wait4, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_cycle(m, "exact", "parent", "child", NULL);
}

/* The child reads to the end, which does not come while its parent, which
 * waits for it, has the write end. */
void make_wait_pipe(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		if (mk_fork("child") == 0) {
			MUST(close(p[1]));
			mk_read(p[0]);
		}
		MUST(close(p[0]));
		(void)wait(NULL);
	}
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, p[1]), "fd", p[1], "w");
	mk_holds(m, "child", mk_of(m, p[0]), "fd", p[0], "r");
	mk_in(m, "child", SYS_read, "read", p[0]);
	parent_waits(m);
	mk_finding(m, "wait-before-close", "parent", mk_of(m, p[1]));
}

void make_wait_unix(struct mk *m)
{
	int s[2];

	mk_pair(m, SOCK_STREAM, s);
	CHILD(m, "parent", s[0], s[1], -1) {
		if (mk_fork("child") == 0) {
			MUST(close(s[0]));
			mk_read(s[1]);
		}
		MUST(close(s[1]));
		(void)wait(NULL);
	}
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, s[0]), "fd", s[0], "rw");
	mk_holds(m, "child", mk_of(m, s[1]), "fd", s[1], "rw");
	mk_in(m, "child", SYS_read, "read", s[1]);
	parent_waits(m);
}

void make_wait_flock(struct mk *m)
{
	char path[128];
	int fd = (int)MUST(open(mk_path(m, "file", path, sizeof(path)),
				O_RDWR | O_CREAT, 0600));
	int other = (int)MUST(open(path, O_RDWR));
	int file = mk_object_of(m, "file", fd);
	int lock = mk_object(m, "lock", m->objects[file].dev,
			     m->objects[file].ino, UINT64_MAX);

	mk_end(m, other, file);
	CHILD(m, "parent", fd, other, -1) {
		MUST(flock(fd, LOCK_EX));
		if (mk_fork("child") == 0) {
			MUST(close(fd));
			(void)flock(other, LOCK_EX);
		}
		MUST(close(other));
		(void)wait(NULL);
	}
	m->n_holds = 0;
	mk_holds(m, "parent", file, "fd", fd, "rw");
	mk_holds(m, "parent", lock, "lock", fd, NULL);
	mk_holds(m, "child", file, "fd", other, "rw");
	mk_blocks(m, "child", SYS_flock, other);
	mk_waits(m, "child", "lock", lock, other);
	parent_waits(m);
}

void make_wait_mutex(struct mk *m)
{
	pthread_mutexattr_t attr;
	int memory;
	pthread_mutex_t *mutex = mk_shared(m, sizeof(*mutex), &memory);
	struct mk_place_in_memory at = mk_mapped(mutex);
	int word = mk_object(m, "futex", at.dev, at.ino, at.offset);

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &attr);
	CHILD(m, "parent", -1) {
		pthread_mutex_lock(mutex);
		if (mk_fork("child") == 0)
			pthread_mutex_lock(mutex);
		(void)wait(NULL);
	}
	mk_holds(m, "parent", word, "lock", -1, NULL);
	mk_blocks(m, "child", SYS_futex, -1);
	mk_waits(m, "child", "lock", word, -1);
	parent_waits(m);
}

/* Three generations. */
void make_wait_wait_pipe(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		if (mk_fork("child") == 0) {
			MUST(close(p[1]));
			if (mk_fork("grandchild") == 0)
				mk_read(p[0]);
			MUST(close(p[0]));
			(void)wait(NULL);
		}
		MUST(close(p[0]));
		(void)wait(NULL);
	}
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, p[1]), "fd", p[1], "w");
	mk_holds(m, "grandchild", mk_of(m, p[0]), "fd", p[0], "r");
	mk_in(m, "grandchild", SYS_read, "read", p[0]);
	mk_blocks(m, "parent", SYS_wait4, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_blocks(m, "child", SYS_wait4, -1);
	mk_waits_on(m, "child", "child", "grandchild");
	mk_cycle(m, "exact", "parent", "child", "grandchild", NULL);
}

void make_pidfd_pipe(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		pid_t pid = mk_fork("child");

		if (pid == 0) {
			MUST(close(p[1]));
			mk_read(p[0]);
		}
		MUST(close(p[0]));

		struct pollfd fd = {
			.fd = (int)MUST(syscall(SYS_pidfd_open, pid, 0)),
			.events = POLLIN,
		};

		(void)poll(&fd, 1, -1);
	}
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, p[1]), "fd", p[1], "w");
	mk_holds(m, "child", mk_of(m, p[0]), "fd", p[0], "r");
	mk_in(m, "child", SYS_read, "read", p[0]);
	mk_blocks(m, "parent", MK_SYS_POLL, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_cycle(m, "exact", "parent", "child", NULL);
}

/* The child shares its parent's memory, and its parent waits until it has
 * executed something; it says too much first. */
void make_vfork_pipe(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		pid_t pid = vfork();

		if (pid == 0) {
			static const char page[4096];

			(void)syscall(SYS_prctl, PR_SET_NAME, "child");
			(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
			while (write(p[1], page, sizeof(page)) > 0)
				;
			_exit(1);
		}
	}
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, p[0]), "fd", p[0], "r");
	mk_holds(m, "parent", mk_of(m, p[1]), "fd", p[1], "w");
	mk_holds(m, "child", mk_of(m, p[0]), "fd", p[0], "r");
	mk_holds(m, "child", mk_of(m, p[1]), "fd", p[1], "w");
	mk_in(m, "child", SYS_write, "write", p[1]);
	mk_blocks(m, "parent", MK_SYS_VFORK, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_cycle(m, "exact", "parent", "child", NULL);
}

/* --- Threads of one process: any of them can use its descriptors --- */

static int fds[4];

static void *reads_second(void *unused)
{
	(void)unused;
	mk_read(fds[2]);
}

static void *pauses(void *unused)
{
	(void)unused;
	mk_pause();
}

void make_threads_pipe(struct mk *m)
{
	mk_pipe(m, fds);
	CHILD(m, "main", fds[0], fds[1], -1) {
		mk_thread("other", pauses, NULL);
		mk_read(fds[0]);
	}
	mk_in(m, "main", SYS_read, "read", fds[0]);
	mk_idle(m, "other");
	mk_verdict(m, "main", "waiting", NULL);
}

void make_threads_pipes(struct mk *m)
{
	mk_pipe(m, fds);
	mk_pipe(m, fds + 2);
	CHILD(m, "main", fds[0], fds[1], fds[2], fds[3], -1) {
		mk_thread("other", reads_second, NULL);
		mk_read(fds[0]);
	}
	mk_in(m, "main", SYS_read, "read", fds[0]);
	mk_in(m, "other", SYS_read, "read", fds[2]);
	mk_verdict(m, "main", "deadlock", NULL);
	mk_verdict(m, "other", "deadlock", NULL);
}

void make_join_pipe(struct mk *m)
{
	mk_pipe(m, fds);
	fds[2] = fds[0];
	CHILD(m, "main", fds[0], fds[1], -1) {
		pthread_t thread;

		pthread_create(&thread, NULL, reads_second, NULL);
		pthread_setname_np(thread, "other");
		pthread_join(thread, NULL);
	}
	mk_blocks(m, "main", SYS_futex, -1);
	mk_waits_on(m, "main", "join", "other");
	mk_in(m, "other", SYS_read, "read", fds[0]);
	mk_cycle(m, "exact", "main", "other", NULL);
}
