/* SPDX-License-Identifier: MIT */
/* Mapped memory: whose pages they are, and what is behind them. */
#include "lab/mmap.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lab/lab.h"

/* --- What the kernel says of a mapping --- */

/* A line of /proc/self/smaps for the mapping that begins here, in kB. */
static long smaps_kb(const volatile void *address, const char *key)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[256], start[32];
	bool here = false;
	long kb = -1;

	if (!f)
		SKIP("needs /proc/PID/smaps");
	snprintf(start, sizeof(start), "%08lx-", (unsigned long)address);
	while (kb < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, start, strlen(start)) == 0)
			here = true;
		else if (here && strncmp(line, key, strlen(key)) == 0)
			kb = strtol(line + strlen(key), NULL, 10);
	}
	fclose(f);
	return kb;
}

/* The number of the physical page; 0 if we may not know it, which is for
 * CAP_SYS_ADMIN since Linux 4.0. */
static long frame(const volatile void *address)
{
	const uint64_t number = (UINT64_C(1) << 55) - 1;
	long index = (long)((uintptr_t)address / (size_t)sysconf(_SC_PAGESIZE));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof(entry), index * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return (long)(entry & number);
}

static struct rusage usage(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u;
}

/* --- Who shares --- */

void mmap_08(void)
{
	int zero = MUST(open, "/dev/zero", O_RDWR);
	volatile char *shared = MUST(mmap, NULL, 1, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile char *private = MUST(mmap, NULL, 1, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *shared_zero = MUST(mmap, NULL, 1, PROT_READ | PROT_WRITE,
					  MAP_SHARED, zero, 0);
	volatile char *private_zero = MUST(
		mmap, NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);

	CHILD(child) {
		*shared = 'a';
		*private = 'b';
		*shared_zero = 'c';
		*private_zero = 'd';
	}
	EXPECT(lab_wait(child), ==, 0);
	EXPECT(*shared, ==, 'a');
	EXPECT(*private, ==, 0);
	EXPECT(*shared_zero, ==, 'c');
	EXPECT(*private_zero, ==, 0);
}

void mmap_09(void)
{
	int fd = MUST(open, "name", O_RDWR | O_CREAT, 0600);
	struct stat st, same;

	MUST(ftruncate, fd, 1);
	MUST(close, fd);
	MUST(link, "name", "second");
	/* All that the two know is a name. */
	CHILD(writer) {
		fd = MUST(open, "name", O_RDWR);
		volatile char *p = MUST(mmap, NULL, 1, PROT_READ | PROT_WRITE,
					MAP_SHARED, fd, 0);

		p[0] = 'w';
		lab_post(&lab_cell[0], 1);
		EXPECT(lab_await(&lab_cell[0], 2), ==, true);
		EXPECT(p[0], ==, 'r');
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	MUST(rename, "name", "third");
	CHILD(reader) {
		fd = MUST(open, "second", O_RDWR);
		volatile char *p = MUST(mmap, NULL, 1, PROT_READ | PROT_WRITE,
					MAP_SHARED, fd, 0);

		EXPECT(p[0], ==, 'w');
		p[0] = 'r';
		lab_post(&lab_cell[0], 2);
	}
	EXPECT(lab_wait(reader), ==, 0);
	EXPECT(lab_wait(writer), ==, 0);
	MUST(stat, "second", &st);
	MUST(stat, "third", &same);
	EXPECT(st.st_dev, ==, same.st_dev);
	EXPECT(st.st_ino, ==, same.st_ino);
}

void mmap_10(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);
	struct statfs fs;
	long dirty = 0;

	MUST(fstatfs, fd, &fs);
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		SKIP("needs a TMPDIR that is on a disk");
	MUST(ftruncate, fd, page);
	volatile char *p = MUST(mmap, NULL, page, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);
	CHILD(other) {
		EXPECT(lab_await(&lab_cell[0], 1), ==, true);
		EXPECT(p[0], ==, 'x');
	}
	p[0] = 'x';
	lab_post(&lab_cell[0], 1);
	EXPECT(lab_wait(other), ==, 0);

	/* Somebody's sync(2) may come before our look, but not each time. */
	for (int tries = 0; tries < 100 && dirty <= 0; tries++) {
		p[0] = 'x';
		MUST(msync, (char *)p, page, MS_ASYNC);
		dirty = smaps_kb(p, "Private_Dirty:");
	}
	EXPECT(dirty, >, 0);
	GIVES(0, msync, (char *)p, page, MS_SYNC);
	EXPECT(smaps_kb(p, "Private_Dirty:"), ==, 0);
	p[0] = 'y';
	GIVES(0, fsync, fd);
	EXPECT(smaps_kb(p, "Private_Dirty:"), ==, 0);
	EXPECT(smaps_kb(p, "Private_Clean:"), ==, (long)page / 1024);
}

void mmap_11(void)
{
	char bytes[4] = "";
	struct statfs fs;

	CHILD(maker) {
		int file = MUST(open, "file", O_RDWR | O_CREAT, 0600);
		int shm = MUST(shm_open, lab_name(0), O_RDWR | O_CREAT, 0600);

		MUST(ftruncate, file, 4);
		MUST(ftruncate, shm, 4);
		memcpy(MUST(mmap, NULL, 4, PROT_WRITE, MAP_SHARED, file, 0),
		       "file", 4);
		memcpy(MUST(mmap, NULL, 4, PROT_WRITE, MAP_SHARED, shm, 0),
		       "shm!", 4);
		raise(SIGKILL);
	}
	EXPECT(lab_wait_signal(maker), ==, SIGKILL);

	int file = MUST(open, "file", O_RDONLY);
	GIVES(4, read, file, bytes, 4);
	EXPECT_TEXT(bytes, 4, "file");

	int shm = MUST(shm_open, lab_name(0), O_RDONLY, 0);
	GIVES(4, read, shm, bytes, 4);
	EXPECT_TEXT(bytes, 4, "shm!");
	/* No reboot here; but tmpfs has no place outside of memory. */
	MUST(fstatfs, shm, &fs);
	EXPECT(fs.f_type, ==, TMPFS_MAGIC);
}

void mmap_12(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);

	MUST(write, fd, "x", 1);
	CHILD(first) {
		volatile char *p = MUST(mmap, NULL, 1, PROT_READ, MAP_SHARED,
					fd, 0);

		EXPECT(p[0], ==, 'x');
		lab_cell[1] = frame(p);
		lab_post(&lab_cell[0], 1);
		pause();
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);

	volatile char *p = MUST(mmap, NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	struct rusage before = usage();
	char byte = p[0];
	struct rusage after = usage();

	EXPECT(byte, ==, 'x');
	/* At least: since the fork, stores of our own fault as well. */
	EXPECT(after.ru_minflt - before.ru_minflt, >=, 1);
	EXPECT(after.ru_majflt - before.ru_majflt, ==, 0);
	EXPECT(smaps_kb(p, "Rss:"), ==, page / 1024);
	EXPECT(smaps_kb(p, "Pss:"), ==, page / 1024 / 2);
	if (frame(p))
		EXPECT(frame(p), ==, lab_cell[1]);
	lab_kill(first);
}

void mmap_15(void)
{
	enum {
		PAGES = 64
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *p = MUST(mmap, NULL, PAGES * page,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Small pages, where large ones are the default too. */
	CALL(madvise, (char *)p, PAGES * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i++)
		p[i * page] = 'p';
	CHILD(child) {
		long shared = frame(p), sum = 0;
		long start = usage().ru_minflt;

		for (size_t i = 0; i < PAGES; i++)
			sum += p[i * page];
		long read = usage().ru_minflt;

		for (size_t i = 0; i < PAGES / 2; i++)
			p[i * page] = 'c';
		long written = usage().ru_minflt;

		EXPECT(sum, ==, PAGES * 'p');
		EXPECT(read - start, <, PAGES / 4);
		EXPECT(written - read, >=, PAGES / 2);
		EXPECT(written - read, <, PAGES);
		if (shared)
			EXPECT(frame(p), !=, shared);
		lab_cell[0] = shared;
		lab_cell[1] = frame(p + (PAGES - 1) * page);
	}
	EXPECT(lab_wait(child), ==, 0);
	EXPECT(p[0], ==, 'p');
	if (frame(p)) {
		EXPECT(frame(p), ==, lab_cell[0]);
		EXPECT(frame(p + (PAGES - 1) * page), ==, lab_cell[1]);
	}
}

/* --- The page cache --- */

#define FILE_SIZE  (4 << 20)
#define CHUNK_SIZE (64 << 10)

/* Look at each byte of a file, by copies. */
static void mmap_13_by_read(void *arg)
{
	static char buf[CHUNK_SIZE];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(*(int *)arg, buf, sizeof(buf), at)) > 0) {
		at += n;
		if (memchr(buf, '!', (size_t)n))
			lab_leave(1);
	}
}

/* And in place. */
static void mmap_13_by_mmap(void *arg)
{
	char *p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, *(int *)arg, 0);

	if (p == MAP_FAILED || memchr(p, '!', FILE_SIZE))
		lab_leave(1);
	munmap(p, FILE_SIZE);
}

/* Out of the page cache, if the file system has another place for it. What
 * this costs is in both cold figures. */
static void evict(int fd)
{
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void read_cold(void *arg)
{
	evict(*(int *)arg);
	mmap_13_by_read(arg);
}

static void mmap_cold(void *arg)
{
	evict(*(int *)arg);
	mmap_13_by_mmap(arg);
}

static int file_of_dots(void)
{
	static char dots[FILE_SIZE];
	int fd = MUST(open, "file", O_RDWR | O_CREAT, 0600);

	memset(dots, '.', sizeof(dots));
	MUST(write, fd, dots, sizeof(dots));
	MUST(fsync, fd);
	return fd;
}

static void mmap_13_compare(int fd, bool on_disk)
{
	struct lab_work cached[] = {
		{"read, cached", mmap_13_by_read, &fd, 1},
		{"mmap, cached", mmap_13_by_mmap, &fd, 1},
	};
	struct lab_work cold[] = {
		{"read, cold", read_cold, &fd, 1},
		{"mmap, cold", mmap_cold, &fd, 1},
	};

	if (on_disk) {
		lab_measure(cold, 2, 3);
		FIGURE("mmap / read, cold", "x", cold[1].ns / cold[0].ns);
	}
	lab_measure(cached, 2, 45);
	double ratio = cached[1].ns / cached[0].ns;

	EXPECT((int)(100 * ratio), >, 10);
	EXPECT((int)(100 * ratio), <, 1000);
	long faults = usage().ru_minflt;

	mmap_13_by_mmap(&fd);
	faults = usage().ru_minflt - faults;
	EXPECT(faults, >, 0);
	FIGURE("faults of a scan by mmap", "", (double)faults);
	FIGURE("mmap / read, cached", "x", ratio);
}

void mmap_13(void)
{
	int fd = file_of_dots();
	unsigned char resident;
	char byte;
	volatile char *p = MUST(mmap, NULL, FILE_SIZE, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);
	char *other = MUST(mmap, NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);

	PCALL(posix_fadvise, fd, 0, 0, POSIX_FADV_DONTNEED);
	MUST(mincore, other, 1, &resident);
	bool on_disk = !(resident & 1);
	struct rusage before = usage();
	byte = p[0];
	struct rusage after = usage();

	/* A mapping has brought it into the page cache, for all. */
	EXPECT(byte, ==, '.');
	EXPECT(after.ru_majflt - before.ru_majflt, ==, on_disk);
	GIVES(0, mincore, other, 1, &resident);
	EXPECT(resident & 1, ==, 1);
	/* And what read and write copy is what is mapped. */
	p[0] = 'm';
	GIVES(1, pread, fd, &byte, 1, 0);
	GIVES(1, pwrite, fd, "w", 1, 0);
	EXPECT(p[0], ==, 'w');
	EXPECT(byte, ==, 'm');

	/* Mapped and dirty pages cannot be evicted. */
	MUST(munmap, (char *)p, FILE_SIZE);
	MUST(munmap, other, FILE_SIZE);
	MUST(fsync, fd);
	mmap_13_compare(fd, on_disk);
}
