/* SPDX-License-Identifier: MIT */
/* Mapped memory: what mmap(2) takes, and where its pages end. */
#include "lab/mmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/lab.h"

static void mmap_01(void)
{
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	char bytes[3];

	MUST(write, fd, "...", 3);
	char *shared = MUST(mmap, NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);
	char *private = MUST(mmap, NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			     fd, 0);
	CHILD(other) {
		char *p = MUST(mmap, NULL, 3, PROT_READ, MAP_SHARED, fd, 0);

		EXPECT(lab_await(&lab_cell[0], 1), ==, true);
		EXPECT_TEXT(p, 3, "s..");
	}
	private[1] = 'p'; /* The page is copied before the store. */
	shared[0] = 's';
	lab_post(&lab_cell[0], 1);
	EXPECT(lab_wait(other), ==, 0);
	GIVES(3, pread, fd, bytes, 3, 0);
	EXPECT_TEXT(bytes, 3, "s..");
	EXPECT_TEXT(private, 3, ".p.");
}

static void mmap_02(void)
{
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	char bytes[5];

	MUST(write, fd, "hello", 5);
	char *p = MUST(mmap, NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);
	MUST(close, fd);
	FAILS(EBADF, read, fd, bytes, 5);
	EXPECT_TEXT(p, 5, "hello");
	p[0] = 'J';
	fd = MUST(open, "file", O_RDONLY);
	GIVES(5, read, fd, bytes, 5);
	EXPECT_TEXT(bytes, 5, "Jello");
}

static void mmap_03(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	size_t not_zero = 0;
	char bytes[8];
	struct stat st;

	MUST(write, fd, "hello", 5);
	FAILS(EINVAL, mmap, NULL, page, PROT_READ, MAP_SHARED, fd, 1000);
	FAILS(EINVAL, mmap, NULL, 0, PROT_READ, MAP_SHARED, fd, 0);

	char *p = MUST(mmap, NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);
	EXPECT_TEXT(p, 5, "hello");
	for (size_t i = 5; i < page; i++)
		not_zero += p[i] != 0;
	EXPECT(not_zero, ==, 0);
	p[5] = '!';
	MUST(msync, p, page, MS_SYNC);
	GIVES(5, pread, fd, bytes, 8, 0);
	MUST(fstat, fd, &st);
	EXPECT(st.st_size, ==, 5);
}

static void mmap_04(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	volatile char *p = MUST(mmap, NULL, 2 * page, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	CHILD(touches_empty) {
		p[0] = 'x';
	}
	EXPECT(lab_wait_signal(touches_empty), ==, SIGBUS);

	MUST(ftruncate, fd, 1);
	CHILD(stays_in_last_page) {
		p[page - 1] = 'x';
	}
	CHILD(goes_past_it) {
		p[page] = 'x';
	}
	EXPECT(lab_wait_signal(stays_in_last_page), ==, 0);
	EXPECT(lab_wait_signal(goes_past_it), ==, SIGBUS);

	MUST(ftruncate, fd, 2 * page);
	CHILD(touches_extended) {
		p[page] = 'x';
	}
	EXPECT(lab_wait_signal(touches_extended), ==, 0);
	EXPECT(p[page], ==, 'x');
}

static void mmap_05(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);

	MUST(ftruncate, fd, 2 * page);
	/* Find room, so that no other mapping begins where ours ends. */
	void *room = MUST(mmap, NULL, 2 * page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(munmap, room, 2 * page);
	volatile char *p = MUST(mmap, room, 1, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, fd, 0);
	CHILD(goes_to_the_end) {
		p[page - 1] = 'x';
	}
	CHILD(goes_beyond) {
		p[page] = 'x';
	}
	EXPECT(lab_wait_signal(goes_to_the_end), ==, 0);
	EXPECT(lab_wait_signal(goes_beyond), ==, SIGSEGV);
	/* The file has such a byte. */
	GIVES(1, pread, fd, (char *)p, 1, page);
}

static void mmap_06(void)
{
	int both = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	int reader = MUST(open, "file", O_RDONLY);
	int writer = MUST(open, "file", O_WRONLY);
	char byte;

	MUST(write, both, "x", 1);
	FAILS(EACCES, mmap, NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, reader,
	      0);
	FAILS(EACCES, mmap, NULL, 1, PROT_WRITE, MAP_SHARED, writer, 0);
	FAILS(EACCES, mmap, NULL, 1, PROT_READ, MAP_PRIVATE, writer, 0);

	void *shared = MUST(mmap, NULL, 1, PROT_READ, MAP_SHARED, reader, 0);
	FAILS(EACCES, mprotect, shared, 1, PROT_READ | PROT_WRITE);
	shared = CALL(mmap, NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, both,
		      0);
	EXPECT(shared, !=, MAP_FAILED);

	volatile char *private = CALL(mmap, NULL, 1, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE, reader, 0);
	EXPECT(private, !=, MAP_FAILED);
	private[0] = 'y';
	GIVES(1, pread, reader, &byte, 1, 0);
	EXPECT(byte, ==, 'x');
	EXPECT(private[0], ==, 'y');
}

static void mmap_07(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char there;
	char *p = MUST(mmap, NULL, 3 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	FAILS(EINVAL, munmap, p + 1, page);
	GIVES(0, munmap, p + page, page);
	/* mincore(2) says ENOMEM of what is not mapped. */
	GIVES(0, mincore, p, page, &there);
	FAILS(ENOMEM, mincore, p + page, page, &there);
	GIVES(0, mincore, p + 2 * page, page, &there);
	GIVES(0, munmap, p + page, page);
	CHILD(toucher) {
		*(volatile char *)(p + page) = 'x';
	}
	EXPECT(lab_wait_signal(toucher), ==, SIGSEGV);
	GIVES(0, munmap, p, 3 * page);
	FAILS(ENOMEM, mincore, p, page, &there);
}

static void mmap_14(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = CALL(mmap, NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	EXPECT(p, !=, NULL);
	EXPECT((intptr_t)p, ==, -1);
	EXPECT(p, ==, MAP_FAILED);

	/* NULL is an address like any other to who may map it: root. */
	p = CALL(mmap, NULL, page, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p != MAP_FAILED)
		EXPECT(p, ==, NULL);
}

static void mmap_16(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(memfd_create, "memo", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct stat st;

	MUST(ftruncate, fd, page);
	MUST(fstat, fd, &st);
	EXPECT(st.st_nlink, ==, 0);
	volatile char *p = MUST(mmap, NULL, page, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);
	FAILS(EBUSY, fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);

	MUST(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	FAILS(EPERM, ftruncate, fd, 0);
	FAILS(EPERM, ftruncate, fd, 2 * page);

	MUST(fcntl, fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
	FAILS(EPERM, pwrite, fd, "x", 1, 0);
	CHILD(receiver) {
		FAILS(EPERM, mmap, NULL, page, PROT_WRITE, MAP_SHARED, fd, 0);
		char *view = MUST(mmap, NULL, page, PROT_READ, MAP_SHARED, fd,
				  0);

		EXPECT(lab_await(&lab_cell[0], 1), ==, true);
		EXPECT_TEXT(view, 2, "ok");
	}
	p[0] = 'o';
	p[1] = 'k';
	lab_post(&lab_cell[0], 1);
	EXPECT(lab_wait(receiver), ==, 0);

	MUST(munmap, (char *)p, page);
	GIVES(0, fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL);
	FAILS(EPERM, fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE);
}

static void mmap_17(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(memfd_create, "memo", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	MUST(ftruncate, fd, page);
	volatile char *p = MUST(mmap, NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	CHILD(reader) {
		EXPECT(p[0], ==, 0);
		lab_post(&lab_cell[0], 1);
		lab_await(&lab_cell[1], 1);
		lab_leave(p[0]);
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	MUST(ftruncate, fd, 0);
	lab_post(&lab_cell[1], 1);
	EXPECT(lab_wait_signal(reader), ==, SIGBUS);

	MUST(ftruncate, fd, page);
	MUST(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK);
	FAILS(EPERM, ftruncate, fd, 0);
	EXPECT(p[0], ==, 0);
}

static bool mmap_18_put(const char *path, const char *text)
{
	int fd = CALL(open, path, O_WRONLY);
	ssize_t n = CALL(write, fd, text, strlen(text));

	CALL(close, fd);
	return n > 0;
}

/* Become able to mount, where only this process sees it: as root, or as the
 * root of a user namespace where its own ids are the only ones. */
static bool mmap_18_own_mounts(void)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "%u %u 1", geteuid(), geteuid());
	snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
	if (CALL(unshare, CLONE_NEWNS) < 0 &&
	    (CALL(unshare, CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	     !mmap_18_put("/proc/self/setgroups", "deny") ||
	     !mmap_18_put("/proc/self/uid_map", uids) ||
	     !mmap_18_put("/proc/self/gid_map", gids)))
		return false;
	return CALL(mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void mmap_18(void)
{
	const size_t room = 1 << 16, size = 1 << 20;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!mmap_18_own_mounts())
		SKIP("needs CAP_SYS_ADMIN or user namespaces");
	MUST(mkdir, "small", 0700);
	MUST(mount, "tmpfs", "small", "tmpfs", 0, "size=64k");
	int fd = MUST(open, "small/file", O_RDWR | O_CREAT, 0600);
	GIVES(0, ftruncate, fd, size);
	volatile char *p = MUST(mmap, NULL, size, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);
	FAILS(ENOSPC, fallocate, fd, 0, 0, size);

	CHILD(filler) {
		for (size_t at = 0; at < size; at += page) {
			p[at] = 'x';
			lab_cell[0] += (long)page;
		}
	}
	EXPECT(lab_wait_signal(filler), ==, SIGBUS);
	EXPECT(lab_cell[0], ==, room);
}

static const struct lab_experiment experiments[] = {
	{"mmap.01",
	 "shared stores reach the file and all mappers, private none",
	 "mmap(2)", mmap_01},
	{"mmap.02", "a mapping survives close of its descriptor",
	 "mmap(2), close(2)", mmap_02},
	{"mmap.03", "offset by pages, length as you like, but not 0", "mmap(2)",
	 mmap_03},
	{"mmap.04", "past the end of the file: SIGBUS, not an error of mmap",
	 "mmap(2), ftruncate(2)", mmap_04},
	{"mmap.05", "beyond the mapping: SIGSEGV", "mmap(2), signal(7)",
	 mmap_05},
	{"mmap.06", "a shared writable mapping needs O_RDWR",
	 "mmap(2), mprotect(2)", mmap_06},
	{"mmap.07", "munmap takes any pages, mapped or not", "munmap(2)",
	 mmap_07},
	{"mmap.08", "anonymous memory is shared over fork if MAP_SHARED",
	 "mmap(2), null(4)", mmap_08},
	{"mmap.09", "unrelated processes share by the file, not by its name",
	 "mmap(2), inode(7)", mmap_09},
	{"mmap.10", "stores are seen at once, and on the disk later",
	 "msync(2), proc_pid_smaps(5)", mmap_10},
	{"mmap.11", "what is stored outlives the process",
	 "mmap(2), shm_overview(7)", mmap_11},
	{"mmap.12", "two mappers of a page share one physical page",
	 "proc_pid_pagemap(5), proc_pid_smaps(5), getrusage(2)", mmap_12},
	{"mmap.13", "read copies from the page cache, mmap maps it",
	 "mmap(2), mincore(2), posix_fadvise(2)", mmap_13},
	{"mmap.14", "MAP_FAILED is -1, not NULL", "mmap(2)", mmap_14},
	{"mmap.15", "after fork a page is copied when one side writes it",
	 "fork(2), getrusage(2)", mmap_15},
	{"mmap.16",
	 "memfd: memory with a descriptor, without a name, with seals",
	 "memfd_create(2), F_ADD_SEALS(2const)", mmap_16},
	{"mmap.17", "shrinking a file kills who has mapped it",
	 "mmap(2), memfd_create(2)", mmap_17},
	{"mmap.18", "a full tmpfs answers a store with SIGBUS",
	 "tmpfs(5), fallocate(2)", mmap_18},
	{0},
};

const struct lab_section lab_mmap = {
	.name = "mmap",
	.title = "mapped memory",
	.experiments = experiments,
};
