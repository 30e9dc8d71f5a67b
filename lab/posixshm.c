/* SPDX-License-Identifier: MIT */
/* POSIX shared memory: shm_overview(7). */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/lab.h"

static void posixshm_01(void)
{
	const char *name = lab_name(0);
	struct stat st, file;
	char path[64];

	int fd = MUST(shm_open, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	snprintf(path, sizeof(path), "/dev/shm%s", name);
	GIVES(0, stat, path, &file);
	MUST(fstat, fd, &st);
	EXPECT(st.st_ino, ==, file.st_ino);
	EXPECT(st.st_size, ==, 0);

	MUST(ftruncate, fd, 3);
	char *p = MUST(mmap, NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);
	CHILD(other) {
		int own = MUST(shm_open, name, O_RDONLY, 0);
		char *view = MUST(mmap, NULL, 3, PROT_READ, MAP_SHARED, own, 0);

		lab_post(&lab_cell[0], 1);
		EXPECT(lab_await(&lab_cell[0], 2), ==, true);
		EXPECT_TEXT(view, 3, "new");
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	GIVES(0, shm_unlink, name);
	FAILS(ENOENT, stat, path, &file);
	FAILS(ENOENT, shm_open, name, O_RDONLY, 0);
	p[0] = 'n';
	p[1] = 'e';
	p[2] = 'w';
	lab_post(&lab_cell[0], 2);
	EXPECT(lab_wait(other), ==, 0);
}

static const struct lab_experiment experiments[] = {
	{"posixshm.01", "a name in /dev/shm, empty at first, and removable",
	 "shm_open(3), shm_overview(7)", posixshm_01},
	{0},
};

const struct lab_section lab_posixshm = {
	.name = "posixshm",
	.title = "POSIX shared memory",
	.experiments = experiments,
};
