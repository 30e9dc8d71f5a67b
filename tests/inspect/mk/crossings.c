/* SPDX-License-Identifier: MIT */
/* Across namespaces, users, programs and generations. */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

void make_pidns_pipe(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD_ALONE(m, "inner", p[0], -1)
		mk_read(p[0]);
	mk_in(m, "inner", SYS_read, "read", p[0]);
	mk_keeper(m, "outer", p[1]);
	mk_verdict(m, "inner", "waiting", NULL);
}

void make_pidns_cycle(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	CHILD_ALONE(m, "inner", a[0], b[1], -1)
		mk_read(a[0]);
	CHILD(m, "outer", b[0], a[1], -1)
		mk_read(b[0]);
	mk_in(m, "inner", SYS_read, "read", a[0]);
	mk_in(m, "outer", SYS_read, "read", b[0]);
	mk_cycle(m, "exact", "inner", "outer", NULL);
}

static pthread_mutex_t *two_mutexes(struct mk *m, int *word)
{
	pthread_mutexattr_t attr;
	int memory;
	pthread_mutex_t *mutex = mk_shared(m, 2 * sizeof(*mutex), &memory);
	struct mk_place_in_memory at = mk_mapped(mutex);

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&mutex[0], &attr);
	pthread_mutex_init(&mutex[1], &attr);
	*word = mk_object(m, "futex", at.dev, at.ino, at.offset);
	return mutex;
}

/* The owner's number in the mutex is 1, from its own namespace: nobody's, or
 * somebody else's, here. Neither dead nor the init of this machine. */
void make_pidns_mutex(struct mk *m)
{
	int word;
	pthread_mutex_t *mu = two_mutexes(m, &word);

	mk_gate(m);
	CHILD_ALONE(m, "owner", -1) {
		pthread_mutex_lock(mu);
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "owner");
	CHILD(m, "waiter", -1)
		pthread_mutex_lock(mu);
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_waits(m, "waiter", "lock|wake", word, -1);
	mk_verdict(m, "waiter", "waiting|unknown", NULL);
}

/* Both in one namespace, where their numbers are 2 and 3. */
void make_pidns_mutexes(struct mk *m)
{
	int word;
	pthread_mutex_t *mu = two_mutexes(m, &word);
	int second = mk_object(m, "futex", m->objects[word].dev,
			       m->objects[word].ino, sizeof(*mu));

	mk_gate(m);
	CHILD_ALONE(m, "init", -1) {
		if (mk_fork("one") == 0) {
			pthread_mutex_lock(&mu[0]);
			mk_ready(m);
			pthread_mutex_lock(&mu[1]);
		}
		if (mk_fork("two") == 0) {
			pthread_mutex_lock(&mu[1]);
			mk_ready(m);
			pthread_mutex_lock(&mu[0]);
		}
		mk_pause();
	}
	mk_go(m, 2);
	mk_idle(m, "init");
	mk_blocks(m, "one", SYS_futex, -1);
	mk_blocks(m, "two", SYS_futex, -1);
	mk_waits(m, "one", "lock", second, -1);
	mk_waits(m, "two", "lock", word, -1);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* --- Network namespaces --- */

static void enter_netns(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(CLONE_NEWNET) < 0)
		mk_skip("a network namespace of its own");

	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	MUST(ioctl(fd, SIOCSIFFLAGS, &lo));
	MUST(close(fd));
}

static int leave_later(void)
{
	return (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
}

static void leave(int back)
{
	MUST(setns(back, CLONE_NEWNET));
	MUST(close(back));
}

void make_netns_tcp_cycle(struct mk *m)
{
	int back = leave_later(), s[2];

	enter_netns();
	mk_tcp(m, AF_INET, s);
	mk_reader(m, "one", s[0]);
	mk_reader(m, "two", s[1]);
	leave(back);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* Its sockets are of a namespace in which nobody lives any more. */
void make_netns_left(struct mk *m)
{
	int back = leave_later(), s[2];

	enter_netns();
	mk_tcp(m, AF_INET, s);
	leave(back);
	mk_reader(m, "one", s[0]);
	mk_keeper(m, "two", s[1]);
	/* Nothing of it can be asked for. */
	m->objects[0].kind = m->objects[1].kind = "tcp|socket";
	m->objects[0].peer = m->objects[1].peer = -1;
	mk_verdict(m, "one", "waiting|unknown", NULL);
}

/* A Unix socket with one end in each. */
void make_netns_unix_cycle(struct mk *m)
{
	int back = leave_later(), s[2];

	mk_pair(m, SOCK_STREAM, s);
	enter_netns();
	mk_reader(m, "inner", s[0]);
	leave(back);
	mk_reader(m, "outer", s[1]);
	mk_cycle(m, "exact", "inner", "outer", NULL);
}

static void leave_dir(const struct mk_undo *u)
{
	(void)umount2(u->path, MNT_DETACH);
}

/* A FIFO and a file that the looker's mounts do not have. */
void make_mntns_mix(struct mk *m)
{
	char path[128];
	int p[2];

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		mk_skip("a mount namespace of its own");
	mk_path(m, "mounted", path, sizeof(path));
	MUST(mkdir(path, 0700));
	MUST(mount("via-mk", path, "tmpfs", 0, NULL));
	mk_undo(m, leave_dir, 0, path);

	char *end = path + strnlen(path, sizeof(path));

	(void)snprintf(end, sizeof(path) - (size_t)(end - path), "/file");

	int a = (int)MUST(open(path, O_RDWR | O_CREAT, 0600));
	int b = (int)MUST(open(path, O_RDWR));
	int file = mk_object_of(m, "file", a);
	int lock = mk_object(m, "lock", m->objects[file].dev,
			     m->objects[file].ino, UINT64_MAX);

	mk_end(m, b, file);
	mk_pipe(m, p);
	mk_gate(m);
	CHILD(m, "one", a, p[0], -1) {
		MUST(flock(a, LOCK_EX));
		mk_ready(m);
		mk_read(p[0]);
	}
	mk_go(m, 1);
	CHILD(m, "two", b, p[1], -1)
		(void)flock(b, LOCK_EX);
	mk_in(m, "one", SYS_read, "read", p[0]);
	mk_blocks(m, "two", SYS_flock, b);
	mk_waits(m, "two", "lock", lock, b);
	mk_holds(m, "one", lock, "lock", a, NULL);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* --- Users --- */

#define NOBODY 65534

static void be_nobody(void)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(NOBODY, NOBODY, NOBODY));
	MUST(setresuid(NOBODY, NOBODY, NOBODY));
}

static void other_uid(struct mk *m, bool cycle)
{
	int a[2], b[2];

	if (geteuid() != 0)
		mk_skip("root, to be two users");
	mk_pipe(m, a);
	mk_pipe(m, b);
	CHILD(m, "nobody", a[0], b[1], -1) {
		be_nobody();
		mk_read(a[0]);
	}
	mk_in(m, "nobody", SYS_read, "read", a[0]);
	CHILD(m, "root", b[0], a[1], -1) {
		if (cycle)
			mk_read(b[0]);
		mk_pause();
	}
	if (cycle) {
		mk_in(m, "root", SYS_read, "read", b[0]);
		mk_cycle(m, "exact", "nobody", "root", NULL);
		return;
	}
	mk_idle(m, "root");
	mk_verdict(m, "nobody", "waiting", NULL);
}

void make_uid_pipe(struct mk *m)
{
	other_uid(m, false);
}

void make_uid_cycle(struct mk *m)
{
	other_uid(m, true);
}

/* --- Programs and generations --- */

/* A program that was started without closing what it does not know. */
void make_exec_holder(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_reader(m, "reader", p[0]);
	CHILD(m, "program", p[1], -1) {
		(void)execl("/proc/self/exe", "via-mk", "--pause", "program",
			    NULL);
		mk_die("execl");
	}
	mk_idle(m, "program");
	mk_verdict(m, "reader", "waiting", NULL);
}

void make_dead_parent(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], -1)
		if (mk_heir("orphan") == 0)
			mk_read(p[0]);
	mk_ended(m, "parent");
	mk_in(m, "orphan", SYS_read, "read", p[0]);
	mk_holds(m, "orphan", mk_of(m, p[0]), "fd", p[0], "r");
	mk_keeper(m, "writer", p[1]);
	mk_verdict(m, "orphan", "waiting", NULL);
}
