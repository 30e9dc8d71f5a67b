/* SPDX-License-Identifier: MIT */
/* Locks on files: flock(2), fcntl(2). */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"

/* flock(): the open file description has it. */
static void flock_01_description(int fd)
{
	int other = MUST(open, "file", O_RDWR);
	int copy = MUST(dup, fd);

	MUST(flock, fd, LOCK_EX);
	FAILS(EWOULDBLOCK, flock, other, LOCK_EX | LOCK_NB);
	CHILD(heir) {
		GIVES(0, flock, fd, LOCK_EX | LOCK_NB);
	}
	EXPECT(lab_wait(heir), ==, 0);
	MUST(close, fd);
	FAILS(EWOULDBLOCK, flock, other, LOCK_EX | LOCK_NB);
	MUST(close, copy);
	GIVES(0, flock, other, LOCK_EX | LOCK_NB);
	MUST(close, other);
}

/* fcntl(): the process has it, or with OFD the description. */
static void flock_01_process(int fd, int set_lock, int then)
{
	struct flock whole = {.l_type = F_WRLCK};

	MUST(fcntl, fd, set_lock, &whole);
	CHILD(stranger) {
		int own = MUST(open, "file", O_RDWR);

		FAILS(EAGAIN, fcntl, own, set_lock, &whole);
	}
	EXPECT(lab_wait(stranger), ==, 0);
	/* As a library might that only looks at the file. */
	int look = MUST(open, "file", O_RDONLY);

	MUST(close, look);
	CHILD(later) {
		int own = MUST(open, "file", O_RDWR);

		GIVES(then, fcntl, own, set_lock, &whole);
	}
	EXPECT(lab_wait(later), ==, 0);
	MUST(close, fd);
}

static void flock_01_deadlock(int fd)
{
	struct flock first = {.l_type = F_WRLCK, .l_len = 1};
	struct flock second = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};

	MUST(fcntl, fd, F_SETLK, &first);
	CHILD(rival) {
		FAILS(EAGAIN, fcntl, fd, F_SETLK, &first);
		MUST(fcntl, fd, F_SETLK, &second);
		MUST(fcntl, fd, F_SETLKW, &first);
	}
	EXPECT(lab_blocked(rival, SYS_fcntl), ==, true);
	FAILS(EDEADLK, fcntl, fd, F_SETLKW, &second);
}

static void flock_01(void)
{
	flock_01_description(MUST(open, "file", O_RDWR | O_CREAT, 0600));
	/* After a close: free for the one, still held for the other. */
	flock_01_process(MUST(open, "file", O_RDWR), F_SETLK, 0);
	flock_01_process(MUST(open, "file", O_RDWR), F_OFD_SETLK, -1);
	flock_01_deadlock(MUST(open, "file", O_RDWR));
}

static const struct lab_experiment experiments[] = {
	{"flock.01", "who has a lock on a file, and when it goes",
	 "flock(2), fcntl(2)", flock_01},
	{0},
};

const struct lab_section lab_flock = {
	.name = "flock",
	.title = "locks on files",
	.experiments = experiments,
};
