/* SPDX-License-Identifier: MIT */
/* Waiting for a process that stands in for the kernel: a file system (FUSE),
 * memory (userfaultfd), system calls (seccomp). */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fuse.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* linux/userfaultfd.h, since Linux 5.11. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static void waits_for_answer(struct mk *m, const char *role, long call,
			     const char *of)
{
	mk_blocks(m, role, call, -1);
	mk_waits_on(m, role, "answer", of);
	mk_verdict(m, role, "waiting", NULL);
}

/* --- FUSE --- */

static void leave_mount(const struct mk_undo *u)
{
	(void)umount2(u->path, MNT_DETACH);
}

/* Answer the kernel's first request, which is to agree on a version. */
static void answer_init(int fd)
{
	struct {
		struct fuse_in_header header;
		char rest[65536];
	} request;
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} answer = {.header.len = sizeof(answer),
		    .init = {.major = FUSE_KERNEL_VERSION,
			     .minor = FUSE_KERNEL_MINOR_VERSION,
			     .max_write = 4096}};

	MUST(read(fd, &request, sizeof(request)));
	if (request.header.opcode != FUSE_INIT)
		mk_die("the first request is %u", request.header.opcode);
	answer.header.unique = request.header.unique;
	MUST(write(fd, &answer, sizeof(answer)));
}

/* A file system that will answer nothing more; through what, path is where. */
static int file_system(struct mk *m, const char *name, char *path, size_t size)
{
	char options[96];
	int fd = open("/dev/fuse", O_RDWR);

	if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		mk_skip("/dev/fuse, and a mount namespace of its own");
	mk_path(m, name, path, size);
	MUST(mkdir(path, 0700));
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("via-mk", path, "fuse.via-mk", 0, options) < 0)
		mk_skip("to mount a FUSE file system");
	mk_undo(m, leave_mount, 0, path);
	answer_init(fd);
	return fd;
}

/* Something in it that has not been looked up yet. */
static void ask(const char *path)
{
	char name[160];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s/deeper/file", path);
	(void)stat(name, &st);
	mk_die("stat() came back");
}

void make_fuse(struct mk *m)
{
	char path[128];
	int fd = file_system(m, "mounted", path, sizeof(path));

	mk_keeper(m, "daemon", fd);
	CHILD(m, "asker", -1)
		ask(path);
	waits_for_answer(m, "asker", SYS_newfstatat, "daemon");
	mk_finding(m, "fuse", "asker", -1);
}

/* Whether the kernel says of which file system this is. */
static bool is_told(int fd)
{
	char path[64], text[1024] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	int info = open(path, O_RDONLY);

	MUST(info);
	MUST(read(info, text, sizeof(text) - 1));
	MUST(close(info));
	return strstr(text, "fuse_connection:");
}

/* Which of two it is, its path tells. */
void make_fuse_two(struct mk *m)
{
	char path_a[128], path_b[128];
	int a = file_system(m, "a", path_a, sizeof(path_a));
	int b = file_system(m, "b", path_b, sizeof(path_b));

	if (!is_told(a))
		mk_skip("the file system of /dev/fuse in fdinfo (Linux 6.16)");

	mk_keeper(m, "daemon-a", a);
	mk_keeper(m, "daemon-b", b);
	CHILD(m, "asker-a", -1)
		ask(path_a);
	CHILD(m, "asker-b", -1)
		ask(path_b);
	waits_for_answer(m, "asker-a", SYS_newfstatat, "daemon-a");
	waits_for_answer(m, "asker-b", SYS_newfstatat, "daemon-b");
	mk_finding(m, "fuse", "asker-a", -1);
	mk_finding(m, "fuse", "asker-b", -1);
}

/* A file system that uses its own files. */
void make_fuse_self(struct mk *m)
{
	char path[128];
	int fd = file_system(m, "mounted", path, sizeof(path));

	CHILD(m, "daemon", fd, -1)
		ask(path);
	mk_blocks(m, "daemon", SYS_newfstatat, -1);
	mk_waits_on(m, "daemon", "answer", "daemon");
	mk_cycle(m, NULL, "daemon", NULL);
	mk_finding(m, "fuse", "daemon", -1);
}

/* --- userfaultfd --- */

static int fault_descriptor(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);

	if (fd >= 0)
		MUST(ioctl(fd, UFFDIO_API, &api));
	return fd;
}

static void *touch(void *arg)
{
	*(volatile char *)arg = 1;
	mk_die("the page came");
}

/* A thread wants a page that another one is to bring. */
void make_userfault(struct mk *m)
{
	int probe = fault_descriptor();

	if (probe < 0)
		mk_skip("userfaultfd");
	MUST(close(probe));
	CHILD(m, "handler", -1) {
		int fd = fault_descriptor();
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct uffdio_register all = {
			.range = {(uintptr_t)page, 4096},
			.mode = UFFDIO_REGISTER_MODE_MISSING,
		};

		MUST(ioctl(fd, UFFDIO_REGISTER, &all));
		mk_thread("toucher", touch, page);
		mk_pause();
	}
	mk_idle(m, "handler");
	/* Outside of all system calls. */
	waits_for_answer(m, "toucher", -1, "handler");
}

/* --- seccomp --- */

/* A descriptor to be asked whenever this process calls getppid(). */
static int supervised(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The child's number goes up, the parent takes a copy and says so; a release
 * and an acquire each way. */
static void ask_supervisor(volatile int *turn)
{
	int fd = supervised();

	__atomic_store_n(turn, fd < 0 ? -1 : fd, __ATOMIC_RELEASE);
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != 0)
		(void)sched_yield();
	MUST(close(fd));
	(void)syscall(SYS_getppid);
	mk_die("getppid() came back");
}

static void supervise(pid_t child, volatile int *turn)
{
	int fd, pidfd = (int)MUST(syscall(SYS_pidfd_open, child, 0));

	while ((fd = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) == 0)
		(void)sched_yield();
	MUST(fd);
	MUST(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
	MUST(close(pidfd));
	__atomic_store_n(turn, 0, __ATOMIC_RELEASE);
	mk_pause();
}

void make_seccomp(struct mk *m)
{
	unsigned int action = SECCOMP_RET_USER_NOTIF;
	int object;
	volatile int *turn = mk_shared(m, sizeof(*turn), &object);

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		mk_skip("notifications of seccomp (Linux 5.0)");
	CHILD(m, "supervisor", -1) {
		pid_t child = mk_fork("asker");

		if (child == 0)
			ask_supervisor(turn);
		supervise(child, turn);
	}
	mk_idle(m, "supervisor");
	waits_for_answer(m, "asker", SYS_getppid, "supervisor");
}
