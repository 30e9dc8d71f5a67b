/* SPDX-License-Identifier: MIT */
/* Locks on files: flock(2), and of fcntl(2) those of processes and of open file
 * descriptions. */
#include "tests/inspect/mk/mk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

static int file(struct mk *m, const char *name)
{
	char path[128];
	int fd = (int)MUST(open(mk_path(m, name, path, sizeof(path)),
				O_RDWR | O_CREAT, 0600));
	int object = mk_object_of(m, "file", fd);

	mk_text(m, object, "%s", path);
	return fd;
}

/* Another description of the same file: a file's locks are between those. */
static int again(struct mk *m, int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	int other = (int)MUST(open(path, O_RDWR));

	mk_end(m, other, mk_of(m, fd));
	return other;
}

static int lock_object(struct mk *m, int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));

	int object = mk_object(m, "lock", st.st_dev, st.st_ino, 0);

	/* Which of the file's locks it is, is the reader's to number. */
	m->objects[object].sub = UINT64_MAX;
	return object;
}

static struct flock whole(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static void set_lock(int fd, int command, short type)
{
	struct flock lock = whole(type);

	MUST(fcntl(fd, command, &lock));
}

/* The holder has it, and the waiter waits for it. */
static void waits_for(struct mk *m, long call, int fd, int lock)
{
	mk_blocks(m, "waiter", call, fd);
	mk_waits(m, "waiter", "lock", lock, fd);
	mk_verdict(m, "waiter", "waiting", NULL);
}

/* A process that has a lock by flock(2). */
static void holder(struct mk *m, const char *role, int fd, int lock, int how)
{
	CHILD(m, role, fd, -1) {
		MUST(flock(fd, how));
		mk_ready(m);
		mk_pause();
	}
	mk_idle(m, role);
	mk_holds(m, role, lock, "lock", fd, NULL);
}

void make_flock_waits(struct mk *m)
{
	int fd = file(m, "file"), other = again(m, fd);
	int lock = lock_object(m, fd);

	mk_gate(m);
	holder(m, "holder", fd, lock, LOCK_EX);
	mk_go(m, 1);
	CHILD(m, "waiter", other, -1)
		(void)flock(other, LOCK_EX);
	waits_for(m, SYS_flock, other, lock);
}

/* Any one of them can unlock it, since it is the description's. */
void make_flock_inherited(struct mk *m)
{
	int fd = file(m, "file"), other = again(m, fd);
	int lock = lock_object(m, fd);

	mk_gate(m);
	CHILD(m, "holder", fd, -1) {
		MUST(flock(fd, LOCK_EX));
		mk_ready(m);
		(void)mk_fork("heir");
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "holder");
	mk_idle(m, "heir");
	mk_holds(m, "heir", mk_of(m, fd), "fd", fd, "rw");
	mk_holds(m, "holder", lock, "lock", fd, NULL);
	mk_holds(m, "heir", lock, "lock", fd, NULL);
	CHILD(m, "waiter", other, -1)
		(void)flock(other, LOCK_EX);
	waits_for(m, SYS_flock, other, lock);
}

/* Two have it shared: both must let go of it. */
void make_flock_shared(struct mk *m)
{
	int a = file(m, "file"), b = again(m, a), other = again(m, a);
	int lock_a = lock_object(m, a), lock_b = lock_object(m, b);

	mk_gate(m);
	holder(m, "reader-a", a, lock_a, LOCK_SH);
	holder(m, "reader-b", b, lock_b, LOCK_SH);
	mk_go(m, 2);
	CHILD(m, "waiter", other, -1)
		(void)flock(other, LOCK_EX);
	mk_blocks(m, "waiter", SYS_flock, other);
	mk_waits(m, "waiter", "lock", lock_a, other)->group = 1;
	mk_waits(m, "waiter", "lock", lock_b, other)->group = 1;
	mk_verdict(m, "waiter", "waiting", NULL);
}

/* One of the two it needs waits for it: a deadlock, though the other lives. */
void make_flock_shared_stuck(struct mk *m)
{
	int a = file(m, "file"), b = again(m, a), other = again(m, a), p[2];
	int lock = lock_object(m, b);

	mk_pipe(m, p);
	mk_gate(m);
	holder(m, "lively", a, lock, LOCK_SH);
	CHILD(m, "reader", b, p[0], -1) {
		MUST(flock(b, LOCK_SH));
		mk_ready(m);
		mk_read(p[0]);
	}
	mk_go(m, 2);
	CHILD(m, "waiter", other, p[1], -1)
		(void)flock(other, LOCK_EX);
	mk_in(m, "reader", SYS_read, "read", p[0]);
	mk_blocks(m, "waiter", SYS_flock, other);
	mk_waits(m, "waiter", "lock", lock, other);
	mk_cycle(m, "exact", "reader", "waiter", NULL);
}

/* The factory takes both, and each child has one: the list of locks has the same
 * line twice. One of them is stuck with its lock, though the other lives. */
void make_flock_twins(struct mk *m)
{
	int a = file(m, "file"), b = again(m, a), other = again(m, a), p[2];
	int lock = lock_object(m, a);

	mk_pipe(m, p);
	MUST(flock(a, LOCK_SH));
	MUST(flock(b, LOCK_SH));
	mk_keeper(m, "lively", a);
	CHILD(m, "reader", b, p[0], -1)
		mk_read(p[0]);
	CHILD(m, "waiter", other, p[1], -1)
		(void)flock(other, LOCK_EX);
	mk_holds(m, "lively", lock, "lock", a, NULL);
	mk_holds(m, "reader", lock, "lock", b, NULL);
	mk_in(m, "reader", SYS_read, "read", p[0]);
	mk_blocks(m, "waiter", SYS_flock, other);
	mk_waits(m, "waiter", "lock", lock, other);
	mk_cycle(m, "exact", "reader", "waiter", NULL);
}

/* The waiter's own is not in its way. */
void make_ofd_twins(struct mk *m)
{
	int own = file(m, "file"), other = again(m, own);
	int lock = lock_object(m, own);

	set_lock(own, F_OFD_SETLK, F_RDLCK);
	set_lock(other, F_OFD_SETLK, F_RDLCK);
	mk_keeper(m, "holder", other);
	CHILD(m, "waiter", own, -1)
		set_lock(own, F_OFD_SETLKW, F_WRLCK);
	mk_holds(m, "waiter", lock, "lock", own, NULL);
	mk_holds(m, "holder", lock, "lock", other, NULL);
	waits_for(m, SYS_fcntl, own, lock);
}

void make_posix_lock(struct mk *m)
{
	int fd = file(m, "file"), lock = lock_object(m, fd);

	mk_gate(m);
	CHILD(m, "holder", fd, -1) {
		set_lock(fd, F_SETLK, F_WRLCK);
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "holder");
	mk_holds(m, "holder", lock, "lock", -1, NULL);
	CHILD(m, "waiter", fd, -1)
		set_lock(fd, F_SETLKW, F_WRLCK);
	waits_for(m, SYS_fcntl, fd, lock);
}

/* Parts of one file, to two processes: only one is in the way. */
void make_posix_lock_range(struct mk *m)
{
	struct flock low = {.l_type = F_WRLCK, .l_len = 10};
	struct flock high = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
	int fd = file(m, "file"), lock = lock_object(m, fd);

	mk_gate(m);
	CHILD(m, "low", fd, -1) {
		MUST(fcntl(fd, F_SETLK, &low));
		mk_ready(m);
		mk_pause();
	}
	CHILD(m, "high", fd, -1) {
		MUST(fcntl(fd, F_SETLK, &high));
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 2);
	mk_idle(m, "low");
	mk_idle(m, "high");
	mk_holds(m, "high", lock, "lock", -1, NULL);
	CHILD(m, "waiter", fd, -1)
		(void)fcntl(fd, F_SETLKW, &high);
	waits_for(m, SYS_fcntl, fd, lock);
}

void make_ofd_lock(struct mk *m)
{
	int fd = file(m, "file"), other = again(m, fd);
	int lock = lock_object(m, fd);

	set_lock(fd, F_OFD_SETLK, F_WRLCK);
	mk_keeper(m, "holder", fd);
	mk_holds(m, "holder", lock, "lock", fd, NULL);
	CHILD(m, "waiter", other, -1)
		set_lock(other, F_OFD_SETLKW, F_WRLCK);
	waits_for(m, SYS_fcntl, other, lock);
}

/* Who took it has ended; a child that knows nothing of it has it still. */
void make_lock_heir(struct mk *m)
{
	int fd = file(m, "file"), other = again(m, fd);
	int lock = lock_object(m, fd);

	CHILD(m, "taker", fd, -1) {
		MUST(flock(fd, LOCK_EX));
		if (mk_heir("heir") == 0)
			mk_pause();
	}
	mk_ended(m, "taker");
	mk_idle(m, "heir");
	mk_holds(m, "heir", mk_of(m, fd), "fd", fd, "rw");
	mk_holds(m, "heir", lock, "lock", fd, NULL);
	CHILD(m, "waiter", other, -1)
		(void)flock(other, LOCK_EX);
	waits_for(m, SYS_flock, other, lock);
	/* Elsewhere the kernel does not say who it was. */
	(mk_in_init_ns() ? mk_finding : mk_remark)(m, "lock-heir", "heir",
						   lock);
}

/* The kernel asks the holder to let it go, and takes it after a while
 * (/proc/sys/fs/lease-break-time), by default in 45 s. */
void make_lease_waits(struct mk *m)
{
	char path[128];
	int made = file(m, "file"), lock = lock_object(m, made);
	int fd = (int)MUST(
		open(mk_path(m, "file", path, sizeof(path)), O_RDONLY));

	mk_end(m, fd, mk_of(m, made));
	MUST(close(made));
	m->ends[made] = -1;
	m->objects[mk_of(m, fd)].fd = fd;
	mk_gate(m);
	CHILD(m, "holder", fd, -1) {
		(void)signal(SIGIO, SIG_IGN);
		if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
			mk_die("F_SETLEASE");
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "holder");
	mk_holds(m, "holder", lock, "lock", fd, NULL);
	CHILD(m, "opener", -1)
		(void)open(path, O_WRONLY);
	mk_blocks(m, "opener", SYS_openat, -1);
	mk_waits(m, "opener", "lock", lock, -1);
	mk_verdict(m, "opener", "waiting", NULL);
}

/* --- Deadlocks --- */

static void flock_ring(struct mk *m, int n)
{
	static const char *const roles[] = {"one", "two", "three"};
	int own[3], wanted[3];

	for (int i = 0; i < n; i++)
		own[i] = file(m, roles[i]);
	for (int i = 0; i < n; i++)
		wanted[i] = again(m, own[(i + 1) % n]);
	mk_gate(m);
	for (int i = 0; i < n; i++) {
		int lock = lock_object(m, wanted[i]), fd = wanted[i];

		CHILD(m, roles[i], own[i], fd, -1) {
			MUST(flock(own[i], LOCK_EX));
			mk_ready(m);
			(void)flock(fd, LOCK_EX);
		}
		mk_blocks(m, roles[i], SYS_flock, fd);
		mk_waits(m, roles[i], "lock", lock, fd);
		mk_holds(m, roles[(i + 1) % n], lock, "lock", own[(i + 1) % n],
			 NULL);
	}
	mk_go(m, (unsigned int)n);
}

void make_flock_cycle(struct mk *m)
{
	flock_ring(m, 2);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_flock_cycle_3(struct mk *m)
{
	flock_ring(m, 3);
	mk_cycle(m, "exact", "one", "two", "three", NULL);
}

/* Against itself, over two descriptions. */
void make_flock_self(struct mk *m)
{
	int fd = file(m, "file"), other = again(m, fd);
	int lock = lock_object(m, fd);

	CHILD(m, "self", fd, other, -1) {
		MUST(flock(fd, LOCK_EX));
		(void)flock(other, LOCK_EX);
	}
	mk_blocks(m, "self", SYS_flock, other);
	mk_waits(m, "self", "lock", lock, other);
	mk_holds(m, "self", lock, "lock", fd, NULL);
	mk_cycle(m, "exact", "self", NULL);
}

void make_ofd_cycle(struct mk *m)
{
	int a = file(m, "a"), b = file(m, "b");
	int want_a = again(m, a), want_b = again(m, b);

	set_lock(a, F_OFD_SETLK, F_WRLCK);
	set_lock(b, F_OFD_SETLK, F_WRLCK);
	CHILD(m, "one", a, want_b, -1)
		set_lock(want_b, F_OFD_SETLKW, F_WRLCK);
	CHILD(m, "two", b, want_a, -1)
		set_lock(want_a, F_OFD_SETLKW, F_WRLCK);
	mk_blocks(m, "one", SYS_fcntl, want_b);
	mk_blocks(m, "two", SYS_fcntl, want_a);
	mk_waits(m, "one", "lock", lock_object(m, b), want_b);
	mk_waits(m, "two", "lock", lock_object(m, a), want_a);
	mk_cycle(m, "exact", "one", "two", NULL);
}

/* The kernel would refuse a cycle of these locks alone (EDEADLK), but sees no
 * other mechanism: here it goes on through flock(). */
void make_posix_flock_cycle(struct mk *m)
{
	int a = file(m, "a"), b = file(m, "b"), other = again(m, b);

	mk_gate(m);
	CHILD(m, "one", a, other, -1) {
		set_lock(a, F_SETLK, F_WRLCK);
		mk_ready(m);
		(void)flock(other, LOCK_EX);
	}
	CHILD(m, "two", a, b, -1) {
		MUST(flock(b, LOCK_EX));
		mk_ready(m);
		set_lock(a, F_SETLKW, F_WRLCK);
	}
	mk_go(m, 2);
	mk_blocks(m, "one", SYS_flock, other);
	mk_blocks(m, "two", SYS_fcntl, a);
	mk_waits(m, "one", "lock", lock_object(m, b), other);
	mk_waits(m, "two", "lock", lock_object(m, a), a);
	mk_cycle(m, "exact", "one", "two", NULL);
}
