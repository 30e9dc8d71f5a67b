/* SPDX-License-Identifier: MIT */
/* System V shared memory: shmget(2), shmop(2), shmctl(2), sysvipc(7). */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

/* Another file whose inode number ends in the same 16 bits: they are given
 * out in order, so there is one after 65535 more. */
static int sysvshm_01_double(int fd)
{
	struct stat st, other;

	fstat(fd, &st);
	for (int tries = 0; tries < 1 << 20; tries++) {
		int found = memfd_create("double", MFD_CLOEXEC);

		fstat(found, &other);
		if ((uint16_t)st.st_ino == (uint16_t)other.st_ino)
			return found;
		close(found);
	}
	return -1;
}

static void sysvshm_01(void)
{
	MUST(open, "file", O_WRONLY | O_CREAT, 0600);
	key_t key = MUST(ftok, "file", 'a');

	GIVES(key, ftok, "file", 'a');
	GIVES(key, ftok, "file", 'a' + 256);
	EXPECT(CALL(ftok, "file", 'b'), !=, key);
	FAILS(ENOENT, ftok, "no file", 'a');

	/* The old inode number is not free before the new file has its own. */
	MUST(open, "new", O_WRONLY | O_CREAT, 0600);
	MUST(rename, "new", "file");
	EXPECT(CALL(ftok, "file", 'a'), !=, key);

	int fd = MUST(memfd_create, "one", MFD_CLOEXEC);
	int other = CALL(sysvshm_01_double, fd);

	MUST(dup2, fd, 10);
	MUST(dup2, other, 11);
	key = MUST(ftok, "/proc/self/fd/10", 'a');
	GIVES(key, ftok, "/proc/self/fd/11", 'a');
}

static void sysvshm_02(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct shmid_ds ds;
	int id = -1;
	key_t key;

	MUST(open, "file", O_WRONLY | O_CREAT, 0600);
	/* The key of a file may be somebody else's segment. */
	for (int project = 1; id < 0 && project < 256; project++) {
		key = MUST(ftok, "file", project);
		id = CALL(shmget, key, 100, IPC_CREAT | IPC_EXCL | 0600);
	}
	EXPECT(id, >=, 0);
	FAILS(EEXIST, shmget, key, 100, IPC_CREAT | IPC_EXCL | 0600);
	GIVES(id, shmget, key, 100, 0);
	GIVES(id, shmget, key, 0, 0);
	FAILS(EINVAL, shmget, key, 101, 0);

	volatile char *p = MUST(shmat, id, NULL, 0);

	EXPECT(p[page - 1], ==, 0);
	p[page - 1] = 'x';
	MUST(shmctl, id, IPC_STAT, &ds);
	EXPECT(ds.shm_segsz, ==, 100);
	MUST(shmctl, id, IPC_RMID, NULL);
	FAILS(ENOENT, shmget, key, 0, 0);
}

static void sysvshm_03(void)
{
	int id = MUST(shmget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	volatile char *p = MUST(shmat, id, NULL, 0);
	struct shmid_ds ds;

	p[0] = 'x';
	MUST(shmdt, (char *)p);
	MUST(shmctl, id, IPC_STAT, &ds);
	EXPECT(ds.shm_nattch, ==, 0);
	CHILD(late) {
		p[0] = 'y';
	}
	EXPECT(lab_wait_signal(late), ==, SIGSEGV);

	p = MUST(shmat, id, NULL, 0);
	EXPECT(p[0], ==, 'x');
	GIVES(0, shmctl, id, IPC_RMID, NULL);
	MUST(shmctl, id, IPC_STAT, &ds);
	EXPECT(ds.shm_perm.mode & SHM_DEST, ==, SHM_DEST);
	p[0] = 'y';
	CHILD(newcomer) {
		char *q = MUST(shmat, id, NULL, 0);

		EXPECT_TEXT(q, 1, "y");
		MUST(shmdt, q);
	}
	EXPECT(lab_wait(newcomer), ==, 0);
	MUST(shmdt, (char *)p);
	FAILS(EINVAL, shmctl, id, IPC_STAT, &ds);
	FAILS(EINVAL, shmat, id, NULL, 0);
}

static void sysvshm_04(void)
{
	struct shmid_ds ds;

	CHILD(maker) {
		int id = MUST(shmget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
		volatile char *p = MUST(shmat, id, NULL, 0);

		p[0] = 'x';
		lab_post(&lab_cell[0], id);
		raise(SIGKILL);
	}
	EXPECT(lab_wait_signal(maker), ==, SIGKILL);

	int id = (int)lab_cell[0];

	GIVES(0, shmctl, id, IPC_STAT, &ds);
	EXPECT(ds.shm_nattch, ==, 0);
	EXPECT(ds.shm_cpid, ==, maker);
	FAILS(ESRCH, kill, ds.shm_cpid, 0);

	char *p = MUST(shmat, id, NULL, SHM_RDONLY);

	EXPECT_TEXT(p, 1, "x");
	MUST(shmctl, id, IPC_RMID, NULL);
}

static void sysvshm_05(void)
{
	int id = MUST(shmget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	volatile char *writable = MUST(shmat, id, NULL, 0);
	volatile char *p = MUST(shmat, id, NULL, SHM_RDONLY);

	writable[0] = 'x';
	EXPECT(p[0], ==, 'x');
	CHILD(writer) {
		p[0] = 'y';
	}
	EXPECT(lab_wait_signal(writer), ==, SIGSEGV);
	EXPECT(p[0], ==, 'x');
	MUST(shmctl, id, IPC_RMID, NULL);
}

static int sysvshm_06_attached(int id)
{
	struct shmid_ds ds;

	MUST(shmctl, id, IPC_STAT, &ds);
	return (int)ds.shm_nattch;
}

static void sysvshm_06(void)
{
	int id = MUST(shmget, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	volatile char *p = MUST(shmat, id, NULL, 0);
	int input[2];

	MUST(pipe, input);
	EXPECT(sysvshm_06_attached(id), ==, 1);
	CHILD(heir) {
		EXPECT(sysvshm_06_attached(id), ==, 2);
		p[0] = 'h';
	}
	EXPECT(lab_wait(heir), ==, 0);
	EXPECT(p[0], ==, 'h');
	EXPECT(sysvshm_06_attached(id), ==, 1);

	CHILD(program) {
		EXPECT(sysvshm_06_attached(id), ==, 2);
		MUST(dup2, input[0], 0);
		CALL(execlp, "cat", "cat", (char *)NULL);
	}
	EXPECT(lab_blocked(program, SYS_read), ==, true);
	EXPECT(sysvshm_06_attached(id), ==, 1);
	lab_kill(program);
	MUST(shmctl, id, IPC_RMID, NULL);
}

/* How many bytes of the segment are in swap: the last column. */
static long sysvshm_07_swapped(int id)
{
	FILE *f = fopen("/proc/sysvipc/shm", "re");
	char line[512];
	long bytes = -1;

	while (f && bytes < 0 && fgets(line, sizeof(line), f)) {
		int key, this_id;

		if (sscanf(line, "%d %d", &key, &this_id) == 2 && this_id == id)
			bytes = strtol(strrchr(line, ' '), NULL, 10);
	}
	if (f)
		fclose(f);
	return bytes;
}

static void sysvshm_07(void)
{
	const size_t size = 1 << 15; /* a default RLIMIT_MEMLOCK allows it */
	int id = MUST(shmget, IPC_PRIVATE, size, IPC_CREAT | 0600);
	char *p = MUST(shmat, id, NULL, 0);
	struct shmid_ds ds;

	memset(p, 'x', size);
	EXPECT(sysvshm_07_swapped(id), ==, 0);
	MUST(madvise, p, size, MADV_PAGEOUT);
	EXPECT(sysvshm_07_swapped(id), >, 0);

	MUST(shmctl, id, SHM_LOCK, NULL);
	MUST(shmctl, id, IPC_STAT, &ds);
	EXPECT(ds.shm_perm.mode & SHM_LOCKED, ==, SHM_LOCKED);
	memset(p, 'y', size);
	EXPECT(sysvshm_07_swapped(id), ==, 0);
	MUST(madvise, p, size, MADV_PAGEOUT);
	EXPECT(sysvshm_07_swapped(id), ==, 0);
	MUST(shmctl, id, IPC_RMID, NULL);
}

static const struct lab_experiment experiments[] = {
	{"sysvshm.01", "ftok makes keys of inode numbers, and not unique ones",
	 "ftok(3)", sysvshm_01, .limit_s = 60},
	{"sysvshm.02", "shmget makes or finds; the size never changes",
	 "shmget(2)", sysvshm_02},
	{"sysvshm.03", "IPC_RMID marks, the last detach destroys",
	 "shmctl(2), shmop(2)", sysvshm_03},
	{"sysvshm.04", "a segment outlives its maker", "shmctl(2), sysvipc(7)",
	 sysvshm_04},
	{"sysvshm.05", "SHM_RDONLY and a store: SIGSEGV", "shmop(2)",
	 sysvshm_05},
	{"sysvshm.06", "fork inherits attachments, exec and exit detach",
	 "shmop(2)", sysvshm_06},
	{"sysvshm.07", "segments are swapped out unless SHM_LOCK",
	 "shmctl(2), madvise(2)", sysvshm_07, LAB_NEEDS(swap)},
	{0},
};

const struct lab_section lab_sysvshm = {
	.name = "sysvshm",
	.title = "System V shared memory",
	.experiments = experiments,
};
